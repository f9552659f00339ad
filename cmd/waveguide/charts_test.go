package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waveguide-dev/waveguide/gitops/mirror"
	"github.com/waveguide-dev/waveguide/signals/signalstest"
)

// TestSourcesOfCharts holds that the sources of charts are found anywhere in a
// repository, and that a commit which changes them is noticed.
func TestSourcesOfCharts(t *testing.T) {
	t.Parallel()
	signalstest.Program(t, "git", "apt-get install git")
	dir := t.TempDir()
	git := func(args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir, "-c", "user.name=a", "-c", "user.email=a@example.com"}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	source := func(file, name, url string) {
		t.Helper()
		path := filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		text := "kind: HelmRepository\nmetadata: {name: " + name + "}\nspec: {url: '" + url + "'}\n"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	git("init", "-q", "-b", "main")
	source("infrastructure/a.yaml", "a", "oci://registry.example.com/a")
	source("clusters/b.yaml", "b", "https://b.example.com")
	source("README.md", "none", "https://none.example.com")
	git("add", ".")
	git("commit", "-q", "-m", "first")
	m, err := mirror.Open(t.Context(), mirror.Options{Dir: filepath.Join(t.TempDir(), "m"), URL: dir, Branch: "main", Identity: mirror.Identity{Name: "a", Email: "a@example.com"}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Close() }()
	c := &charts{Mirror: m}
	look := func(want map[string]string) {
		t.Helper()
		if _, err := m.Fetch(t.Context()); err != nil {
			t.Fatal(err)
		}
		got, err := c.Sources(t.Context(), m.Head())
		if d := cmp.Diff(want, got); err != nil || d != "" {
			t.Errorf("Sources: %v (-want +got):\n%s", err, d)
		}
	}
	look(map[string]string{"HelmRepository/a": "oci://registry.example.com/a", "HelmRepository/b": "https://b.example.com"})
	source("infrastructure/a.yaml", "a", "oci://mirror.example.com/a")
	source("more/b.yaml", "b", "https://other.example.com")
	source("more/c.yaml", "c", "https://c.example.com")
	git("add", ".")
	git("commit", "-q", "-m", "second")
	look(map[string]string{"HelmRepository/a": "oci://mirror.example.com/a", "HelmRepository/b": "", "HelmRepository/c": "https://c.example.com"})
	git("rm", "-q", "more/b.yaml", "more/c.yaml")
	git("commit", "-q", "-m", "third")
	look(map[string]string{"HelmRepository/a": "oci://mirror.example.com/a", "HelmRepository/b": "https://b.example.com"})
}
