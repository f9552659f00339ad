package world_test

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/simulation/world"
)

// git runs git in a directory and returns what it prints.
func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// walk has people change a world at random.
func walk(w *world.World, rng *rand.Rand) {
	names := []string{"a", "a.b", "a-b", "d/a", "d.x", "d/e/f", "d-/x", "README.md", world.File("dev", "shop")}
	for n := range 200 {
		branch := []string{"", "", "theirs", "waveguide/dev/shop"}[rng.IntN(4)]
		switch rng.IntN(8) {
		case 0:
			w.Rewind("ann")
		case 1:
			w.Delete("ann", branch)
		case 2:
			w.Squash = !w.Squash
			if p, err := w.Create("ann", gitops.Proposal{Branch: "theirs", Title: "t"}, nil); err == nil {
				_, _ = w.Merge("bob", p.ID, p.Head, true) // it may conflict
			}
		default:
			text := fmt.Sprintf("%d\n", rng.IntN(50))
			if rng.IntN(5) == 0 {
				text = world.Gone
			}
			w.Commit("carl", branch, map[string]string{names[rng.IntN(len(names))]: text}, fmt.Sprint("commit ", n))
		}
	}
}

// TestObjectsAreGits writes what the model holds into a repository and has Git
// itself read it.
func TestObjectsAreGits(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("git"); err != nil {
		if os.Getenv("WAVEGUIDE_REQUIRE_SERVERS") == "1" {
			t.Fatalf("git is required: %v", err)
		}
		t.Skipf("git is needed: %v", err)
	}
	w := world.New(1, world.Spec{Soak: map[string]time.Duration{}})
	walk(w, rand.New(rand.NewPCG(1, 2)))
	dir := t.TempDir()
	git(t, dir, "init", "--quiet", "--bare", "--initial-branch="+world.Protected)
	for o := range w.Objects() {
		var b bytes.Buffer
		z := zlib.NewWriter(&b)
		fmt.Fprintf(z, "%s %d\x00%s", o.Kind, len(o.Data), o.Data)
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "objects", o.ID[:2], o.ID[2:])
		_ = os.Mkdir(filepath.Dir(path), 0o700) // it may be there
		if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	refs := map[string]gitops.Commit{world.Protected: w.Main}
	maps.Copy(refs, w.Branches)
	for name, c := range refs {
		git(t, dir, "update-ref", "refs/heads/"+name, string(c))
	}
	if out := git(t, dir, "fsck", "--strict", "--full", "--no-dangling"); strings.Contains(out, "error") || strings.Contains(out, "warning") {
		t.Errorf("git fsck says %s", out)
	}
	var line []string
	for c := w.Commits[w.Main]; c != nil; c = w.Commits[c.Parent] {
		line = append(line, string(c.ID)+" "+c.Author+" "+fmt.Sprint(c.Time.Unix()))
	}
	if got := strings.Split(git(t, dir, "log", "--first-parent", "--format=%H %ae %at", world.Protected), "\n"); !slices.Equal(got, line) {
		t.Errorf("git log says\n%q, the model\n%q", got, line)
	}
	compareWithGit(t, w, dir)
}

// compareWithGit holds what changed between commits, and where branches left,
// against what Git says.
func compareWithGit(t *testing.T, w *world.World, dir string) {
	t.Helper()
	n := 0
	for id, c := range w.Commits {
		if c.Parent == "" || n == 40 {
			continue
		}
		n++
		want := w.Changed(c.Parent, id)
		if got := strings.Fields(git(t, dir, "diff-tree", "-r", "--no-renames", "--name-only", string(c.Parent), string(id))); !slices.Equal(got, want) {
			t.Errorf("of %s git says %q changed, the model %q", id, got, want)
		}
		for name, src := range c.Under("d", "") {
			if got := git(t, dir, "cat-file", "blob", string(id)+":"+name); got != strings.TrimSpace(string(src)) {
				t.Errorf("%s of %s is %q for git, %q for the model", name, id, got, src)
			}
		}
		if got := git(t, dir, "ls-tree", "-r", "--name-only", string(id)); len(strings.Fields(got)) != len(c.Files) {
			t.Errorf("the tree of %s is %q for git, the model has %d files", id, got, len(c.Files))
		}
	}
}
