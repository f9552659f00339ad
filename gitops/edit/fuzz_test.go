package edit_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/waveguide-dev/waveguide/gitops/edit"
)

// FuzzSet writes any value to any place of any file. What is not refused must read back, change one scalar and nothing
// else of what a reader sees, and be the same when done again.
func FuzzSet(f *testing.F) {
	seeds(f, func(src []byte) {
		f.Add(src, uint(len(src)/30), "1.20")
	}, ".yaml", ".yml")
	f.Add([]byte("a: &x !t\nb: *x\n"), uint(0), "on")
	f.Add([]byte("a: ! # x\n? b\n"), uint(0), ": #")
	f.Add([]byte("{a, b: , c: 'x''y'}"), uint(1), "\u2028\x07\"")
	f.Add([]byte("a: |+2\n    x\n\n"), uint(0), "y")
	f.Add([]byte("a: !t \"on\"\n"), uint(0), "on")
	f.Add([]byte("a: |\n  b: c # d\n  e: [f]\n"), uint(2), "g")
	f.Add([]byte("x"), uint(0), "...")
	f.Fuzz(func(t *testing.T, src []byte, pick uint, value string) {
		if before, after, _ := writeAny(t, "f.yaml", src[:min(len(src), long)], pick, value); after != nil {
			changed(t, before, after)
		}
	})
}

func mustRefuse(t *testing.T, err error) {
	t.Helper()
	if _, ok := errors.AsType[*edit.Refusal](err); !ok {
		t.Fatalf("%v is no refusal", err)
	}
}

// changed compares the nodes before and after, as a plain reader sees them: one scalar, and the blocks of text around it.
func changed(t *testing.T, before, after *edit.File) {
	t.Helper()
	a, b := flat(before), flat(after)
	if len(a) != len(b) {
		t.Fatalf("%d nodes became %d\n%q", len(a), len(b), after.Tree.Text)
	}
	n := 0
	for i := range a {
		if a[i] != b[i] {
			n++
		}
	}
	if n > 1 {
		t.Fatalf("%d scalars changed by one edit\n%q", n, after.Tree.Text)
	}
}

// seen is what a reader sees of one node.
type seen struct {
	kind               yaml.Kind
	anchor, tag, value string
}

func flat(f *edit.File) (out []seen) {
	var walk func(n *yaml.Node)
	walk = func(n *yaml.Node) {
		out = append(out, seen{n.Kind, n.Anchor, n.ShortTag(), n.Value})
		for _, c := range n.Content {
			walk(c)
		}
	}
	for _, d := range f.Tree.Docs {
		walk(d)
	}
	return out
}

// FuzzPath reads any text as a path. It leads to one scalar of the file or is refused.
func FuzzPath(f *testing.F) {
	for _, seed := range []string{
		"spec.containers[name=app].image", "$.a[0]", "/a/0/b~1c", `a["b.c"][d='e,f]',g.h="x\"y"]`, "a | b.c", `a\.b`, "[kind=A].b", "a..b", "a[*]", "a[", "é[x=",
	} {
		f.Add(seed)
	}
	src := "a: [{b: one, c: two}]\nspec: {containers: [{name: app, image: three}]}\ne: |\n  f: four\n\"\": five\n"
	file, err := edit.Open("f.yaml", []byte(src))
	if err != nil {
		f.Fatal(err)
	}
	values := []string{"one", "two", "app", "three", "f: four\n", "four", "five"}
	f.Fuzz(func(t *testing.T, path string) {
		target, err := file.At(path, 0)
		if err != nil {
			mustRefuse(t, err)
			return
		}
		if !slices.Contains(values, target.Value) {
			t.Fatalf("At(%q) reads %q", path, target.Value)
		}
	})
}

// FuzzPromote runs the whole way on any file.
func FuzzPromote(f *testing.F) {
	files, err := filepath.Glob("testdata/corpus/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		src, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src, true)
		f.Add(src, false)
	}
	f.Fuzz(func(t *testing.T, src []byte, add bool) {
		r := edit.Request{Repository: app, To: edit.Version{Tag: "1.20", Digest: newDigest}}
		if add {
			r.Pin = edit.AddDigest
		}
		got, err := edit.Promote("f.yaml", src, r)
		if err != nil {
			mustRefuse(t, err)
			return
		}
		again, err := edit.Promote("f.yaml", got.Bytes, r)
		if err != nil || len(again.Edits) > 0 || !bytes.Equal(again.Bytes, got.Bytes) {
			t.Fatalf("second Promote: %v, %v\n%q\n%q", again.Edits, err, got.Bytes, again.Bytes)
		}
	})
}
