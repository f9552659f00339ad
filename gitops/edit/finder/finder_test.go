package finder_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waveguide-dev/waveguide/gitops/edit"
	"github.com/waveguide-dev/waveguide/gitops/edit/finder"
)

const (
	app    = "registry.example.com/shop/app"
	chart  = "registry.example.com/charts/app"
	digest = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

	release = "kind: HelmRelease\nspec: {chart: {spec: {chart: app, version: 1.2.3, sourceRef: {kind: HelmRepository, name: acme}}}}\n"
	source  = "kind: HelmRepository\nmetadata: {name: acme}\nspec: {url: 'oci://registry.example.com/charts'}\n"
)

// tree is what a repository may hold, in an order that is not that of the names.
func tree() [][2]string {
	return [][2]string{
		{"z/kustomization.yaml", "images:\n- {name: " + app + ", newTag: 1.2.3}\n"},
		{"README.md", "Run\n`docker run " + app + "` or\n\n" + app + ":1\n"},
		{"a/app.yaml", "image: " + app + ":1.2.3@" + digest + "\n# was " + app + "\n---\nname: web\nimage: " + app + "-web:1\n"},
		{"a/copy.yaml", "image: " + app + ":1.2.3@" + digest + "\n# was " + app + "\n---\nname: web\nimage: " + app + "-web:1\n"},
		{"a/broken.yaml", "image: " + app + ":1\n\tx: [\n"},
		{"a/ranged.yaml", "dependencies:\n- {name: app, repository: 'oci://registry.example.com/shop', version: ^1.2.0}\n"},
		{"b/other.yaml", "image: " + app + "-v2:1\n"},
		{"c/release.yaml", release},
		{"d/source.yaml", source},
		{"e/marked.yaml", "v: 1.2.3 # waveguide: payments\n"},
		{"f/image.bin", "\x00" + app + ":1\n"},
	}
}

func search(t *testing.T, r edit.Request, files [][2]string) *finder.Finder {
	t.Helper()
	f := finder.New(r)
	for _, file := range files {
		if !f.Wants([]byte(file[1])) {
			continue
		}
		if err := f.Add(file[0], fmt.Sprint(len(file[1])), []byte(file[1])); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

// told is what the finder found, a line for each.
func told(f *finder.Finder) (out []string) {
	for _, found := range f.Found() {
		for _, h := range found.Hits {
			s := fmt.Sprintf("%s:%d %s %s", found.File, h.Line, h.Path, edit.Version{Tag: h.Tag, Digest: h.Digest})
			if h.Refused() != nil {
				s += " refused"
			}
			out = append(out, s)
		}
		for _, m := range found.Mentions {
			out = append(out, fmt.Sprintf("%s:%d ? %s", found.File, m.Line, m.Text))
		}
		if found.Problem != nil {
			out = append(out, found.File+" !")
		}
	}
	return out
}

func TestFound(t *testing.T) {
	t.Parallel()
	want := []string{
		"README.md:2 ? `docker run " + app + "` or",
		"README.md:4 ? " + app + ":1",
		"a/app.yaml:1 image 1.2.3@" + digest,
		"a/app.yaml:2 ? # was " + app,
		"a/broken.yaml:1 ? image: " + app + ":1",
		"a/broken.yaml !",
		"a/copy.yaml:1 image 1.2.3@" + digest,
		"a/copy.yaml:2 ? # was " + app,
		"a/ranged.yaml:2 dependencies[name=app].version ^1.2.0 refused",
		"z/kustomization.yaml:2 images[name=" + app + "].newTag 1.2.3",
	}
	if d := cmp.Diff(want, told(search(t, edit.Request{Repository: app}, tree()))); d != "" {
		t.Errorf("of %s (-want +got):\n%s", app, d)
	}
	want = []string{"e/marked.yaml:1 v 1.2.3"}
	if d := cmp.Diff(want, told(search(t, edit.Request{Artifact: "payments"}, tree()))); d != "" {
		t.Errorf("of the marker (-want +got):\n%s", d)
	}
}

// TestEveryPlaceIsAddressed holds the promise that an edit takes the path of every place.
func TestEveryPlaceIsAddressed(t *testing.T) {
	t.Parallel()
	src := map[string]string{}
	for _, file := range tree() {
		src[file[0]] = file[1]
	}
	for _, found := range search(t, edit.Request{Repository: app}, tree()).Found() {
		for _, h := range found.Hits {
			f, err := edit.Open(found.File, []byte(src[found.File]))
			if err != nil {
				t.Fatal(err)
			}
			if at, err := f.At(h.Path, h.Document); err != nil || at.Line != h.Line || !strings.Contains(at.Value, h.Tag) {
				t.Errorf("%s: At(%s) = line %d, %q, %v", found.File, h.Path, at.Line, at.Value, err)
			}
		}
	}
}

func TestAChartIsKnownByItsSource(t *testing.T) {
	t.Parallel()
	if d := cmp.Diff([]string{"c/release.yaml:2 spec.chart.spec.version 1.2.3"}, told(search(t, edit.Request{Repository: chart}, tree()))); d != "" {
		t.Errorf("with its source (-want +got):\n%s", d)
	}
	for _, found := range search(t, edit.Request{Repository: "charts.example.net/web/app"}, tree()).Found() {
		t.Errorf("a chart of another source is found: %+v", found)
	}
	doubt := []string{"c/release.yaml:2 spec.chart.spec.version 1.2.3 refused"}
	if d := cmp.Diff(doubt, told(search(t, edit.Request{Repository: chart}, [][2]string{{"c/release.yaml", release}}))); d != "" {
		t.Errorf("without its source (-want +got):\n%s", d)
	}
	both := append(tree(), [2]string{"e/source.yaml", strings.Replace(source, "oci://registry", "https://mirror", 1)})
	if d := cmp.Diff(doubt, told(search(t, edit.Request{Repository: chart}, both))); d != "" {
		t.Errorf("with two sources of one name (-want +got):\n%s", d)
	}
}

func TestArtifacts(t *testing.T) {
	t.Parallel()
	var got []string
	for _, n := range search(t, edit.Request{}, tree()).Artifacts() {
		for _, a := range n.Names {
			got = append(got, fmt.Sprintf("%s:%d %s %s", n.File, a.Line, a.Repository, a.Tag))
		}
		if n.Problem != nil {
			got = append(got, n.File+" !")
		}
	}
	want := []string{
		"a/app.yaml:1 " + app + " 1.2.3",
		"a/app.yaml:5 " + app + "-web 1",
		"a/broken.yaml !",
		"a/copy.yaml:1 " + app + " 1.2.3",
		"a/copy.yaml:5 " + app + "-web 1",
		"a/ranged.yaml:2 " + app + " ^1.2.0",
		"b/other.yaml:1 " + app + "-v2 1",
		"c/release.yaml:2 " + chart + " 1.2.3",
		"z/kustomization.yaml:2 " + app + " 1.2.3",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestWhatNobodyCouldRead(t *testing.T) {
	t.Parallel()
	f := finder.New(edit.Request{Repository: app})
	f.Fail("large.yaml", errors.New("is too large"))
	if d := cmp.Diff([]string{"large.yaml !"}, told(f)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
