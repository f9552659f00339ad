package edit_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/waveguide-dev/waveguide/gitops/edit"
)

// values44 is a Helm values file of 44 lines that names app on lines 2 to 4.
func values44() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "image:\n  repository: %s\n  tag: 1.4.2   # shown to people\n  digest: %s\n", app, oldDigest)
	for i := range 10 {
		fmt.Fprintf(&b, "part%d: # what it is\n  enabled: true\n  resources: {cpu: 100m, memory: 128Mi}\n  text: \"some text\"\n", i)
	}
	return []byte(b.String())
}

// manifest5000 is one file of about 5,000 lines and 120 KB with one place in the middle.
func manifest5000() []byte {
	var b strings.Builder
	for i := range 625 {
		image := fmt.Sprintf("registry.example.com/shop/other-%d:1.0", i)
		if i == 312 {
			image = app + ":1.4.2@" + oldDigest
		}
		fmt.Fprintf(&b, "---\nkind: Deployment # x\nmetadata:\n  name: web-%d\n  labels: {app: web, tier: \"x\"}\nspec:\n  replicas: 3\n  image: %s\n", i, image)
	}
	return []byte(b.String())
}

func benchmarkPromote(b *testing.B, src []byte, edits int) {
	b.Helper()
	b.ReportAllocs()
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		got, err := edit.Promote("f.yaml", src, edit.Request{Repository: app, To: edit.Version{Tag: "1.5.0", Digest: newDigest}})
		if err != nil || len(got.Edits) != edits {
			b.Fatalf("Promote: %d edits, %v", len(got.Edits), err)
		}
	}
}

func BenchmarkPromote44Lines(b *testing.B) { benchmarkPromote(b, values44(), 2) }

func BenchmarkPromote5000Lines(b *testing.B) { benchmarkPromote(b, manifest5000(), 1) }

// BenchmarkFind120000Files searches bytes first and parses only the files that mention app: 72 of 120,000. A fifth of
// the others hold a near miss.
func BenchmarkFind120000Files(b *testing.B) {
	files := make([][]byte, 120_000)
	for i := range files {
		image := fmt.Sprintf("registry.example.com/team-%d/service-%d:1.0", i%50, i)
		switch {
		case i%1667 == 0:
			image = app + "@" + oldDigest
		case i%5 == 0:
			image += " # not shop/app-v2"
		}
		files[i] = fmt.Appendf(nil, "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: service-%d\n%sspec:\n  image: %s\n", i, strings.Repeat("  # padding to the usual length\n", 12), image)
	}
	needle := edit.Needle(app)
	b.ReportAllocs()
	for b.Loop() {
		hits := 0
		for _, src := range files {
			if !edit.Mentions(src, needle) {
				continue
			}
			f, err := edit.Open("f.yaml", src)
			if err != nil {
				b.Fatal(err)
			}
			found, _ := f.Find(app)
			hits += len(found)
		}
		if hits != 72 {
			b.Fatalf("%d hits, want 72", hits)
		}
	}
}
