package mirror_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/mirror"
)

// same compares the whole tree of the mirror with git's, contents included.
func same(t *testing.T, u *upstream, m *mirror.Mirror) {
	t.Helper()
	got := map[string]string{}
	err := m.Walk(context.Background(), m.Head(), "", func(e mirror.Entry) error {
		data, err := m.ReadBlob(e.Blob)
		got[e.Path] = string(data)
		return err
	})
	if err != nil {
		t.Fatalf("Walk: %v", err)
	}
	want := map[string]string{}
	for path := range strings.SplitSeq(u.git("ls-tree", "-r", "--name-only", "main"), "\n") {
		want[path] = u.git("show", "main:"+path)
		got[path] = strings.TrimSpace(got[path])
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("tree at %s (-git +mirror):\n%s", m.Head(), d)
	}
}

// snapshots lists every file of the mirror's directory.
func onDisk(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		out = append(out, fmt.Sprint(path, " ", info.Size(), " ", info.ModTime().UnixNano()))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func small() map[string]string {
	return map[string]string{"a/b/one": service("1"), "a/b/two": service("2"), "a/c/three": service("3"), "top": "t\n"}
}

func TestLifeOfABranch(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, small())
	o := options(t, u.url)
	m := open(t, o)
	fetch(t, m)
	first := m.Head()
	before := onDisk(t, o.Dir)
	step := func(name string, forced bool, changed ...string) {
		t.Helper()
		up := fetch(t, m)
		if up.New != u.head() || up.Forced != forced || up.All || !slices.Equal(up.Changed, changed) {
			t.Errorf("%s: %+v, want forced %v, changed %q", name, up, forced, changed)
		}
		same(t, u, m)
	}
	u.edit(map[string]string{"a/b/one": service("4")})
	step("one commit", false, "a/b/one")
	u.edit(map[string]string{"a/b/one": service("5"), "a/b/two": service("5")})
	u.edit(map[string]string{"a/c/three": service("6")})
	u.edit(map[string]string{"a/b/two": service("2")})
	step("three commits", false, "a/b/one", "a/c/three")
	u.edit(map[string]string{"a/b/one": service("4")})
	step("back to a digest of before, pruned since", false, "a/b/one")

	c := compose(t, m, map[string]string{"top": "ours\n"})
	u.edit(map[string]string{"a/b/two": service("7")})
	u.edit(map[string]string{"a/b/two": service("8")})
	fetch(t, m)
	if err := push1(t, m, mirror.RefUpdate{Branch: "waveguide/x", Composed: &c}); err != nil {
		t.Fatal(err)
	}
	merged := u.git("-c", "user.name=A", "-c", "user.email=a@b", "commit-tree", "-p", "main", "-p", "waveguide/x", "-m", "merge",
		gitTree(u, map[string]string{"a/b/one": service("4"), "a/b/two": service("8"), "a/c/three": service("6"), "top": "ours\n"}))
	u.git("update-ref", "refs/heads/main", merged)
	step("a merge of a branch from before", false, "top")

	u.git("update-ref", "refs/heads/main", string(first))
	step("forced back to the snapshot", true, "a/b/one", "a/b/two", "a/c/three", "top")
	u.commit("main", string(first), map[string]string{"a/b/one": service("9")})
	step("forward again", false, "a/b/one")
	u.commit("main", "", map[string]string{"other": "history\n"})
	u.git("reflog", "expire", "--expire=now", "--all")
	u.git("branch", "-D", "waveguide/x")
	u.git("gc", "--prune=now", "--quiet")
	step("rewritten and pruned", true, "a/b/one", "a/b/two", "a/c/three", "other", "top")
	u.edit(map[string]string{"other": "more\n"})
	step("one more", false, "other")
	if d := cmp.Diff(before, onDisk(t, o.Dir)); d != "" {
		t.Errorf("the mirror wrote to disk:\n%s", d)
	}

	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	m = open(t, o)
	if m.Head() != first {
		t.Errorf("Head after a restart = %s, want the snapshot %s", m.Head(), first)
	}
	step("restart", false, "a/b/one", "a/b/two", "a/c/three", "other", "top")
	u.edit(map[string]string{"other": "even more\n"})
	step("and on", false, "other")
}

// gitTree writes a tree with git.
func gitTree(u *upstream, files map[string]string) string {
	u.t.Helper()
	u.commit("scratch", "", files)
	tree := u.git("rev-parse", "scratch^{tree}")
	u.git("branch", "-D", "scratch")
	return tree
}

func TestLimitsLeadToANewSnapshot(t *testing.T) {
	t.Parallel()
	for name, limits := range map[string]mirror.Limits{
		"pack too large": {Pack: 100}, "unpacked too large": {Unpacked: 10}, "overlay too large": {Overlay: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := newUpstream(t, small())
			o := options(t, u.url)
			o.Limits = limits
			m := open(t, o)
			fetch(t, m)
			for i := range 4 {
				u.edit(map[string]string{"top": fmt.Sprintf("%d\n", i)})
				up := fetch(t, m)
				if up.All || up.Forced || !slices.Equal(up.Changed, []string{"top"}) {
					t.Errorf("Fetch = %+v, want top changed", up)
				}
				same(t, u, m)
			}
			m2 := open(t, o)
			if m2.Head() == m.Head() == (name == "overlay too large") && limits.Overlay == 0 {
				t.Errorf("the snapshot on disk is of %s, want %s", m2.Head(), m.Head())
			}
			left, err := os.ReadDir(o.Dir)
			if err != nil || len(left) != 1 {
				t.Errorf("the directory holds %v, %v; want one snapshot", left, err)
			}
		})
	}
}

func TestDamagedSnapshotIsReplaced(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, tree())
	o := options(t, u.url)
	m := open(t, o)
	fetch(t, m)
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	packs, err := filepath.Glob(filepath.Join(o.Dir, "snapshot", "objects", "pack", "*.pack"))
	if err != nil || len(packs) != 1 {
		t.Fatalf("packs: %v, %v", packs, err)
	}
	if err := os.Chmod(packs[0], 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(packs[0], 300); err != nil {
		t.Fatal(err)
	}
	m = open(t, o)
	for range 2 { // the damage shows at the latest when something is read
		fetch(t, m)
		_ = m.Walk(context.Background(), m.Head(), "", func(e mirror.Entry) error { _, err := m.ReadBlob(e.Blob); return err })
	}
	fetch(t, m)
	same(t, u, m)
}

func TestAnotherRemoteIsNotMistaken(t *testing.T) {
	t.Parallel()
	a, b := newUpstream(t, tree()), newUpstream(t, small())
	o := options(t, a.url)
	m := open(t, o)
	fetch(t, m)
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	o.URL = b.url
	m = open(t, o)
	if m.Head() != "" {
		t.Errorf("Head = %s, want nothing", m.Head())
	}
	fetch(t, m)
	same(t, b, m)
}

func TestRemoteTrouble(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, tree())
	m := opened(t, u)
	head := m.Head()
	u.edit(map[string]string{"README.md": "later\n"})
	cases := map[string]struct {
		handle http.HandlerFunc
		denied bool
	}{
		"unavailable":  {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "sorry", http.StatusServiceUnavailable) }, false},
		"forbidden":    {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) }, true},
		"not found":    {http.NotFound, false},
		"a web page":   {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>sign in</html>") }, false},
		"nothing":      {func(http.ResponseWriter, *http.Request) {}, false},
		"hangs up":     {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, false},
		"no such host": {nil, false},
	}
	for name, c := range cases {
		if c.handle == nil {
			o := options(t, "http://127.0.0.1:1/repo.git")
			if _, err := open(t, o).Fetch(context.Background()); err == nil {
				t.Errorf("%s: no error", name)
			}
			continue
		}
		u.intercept(func(http.Handler) http.Handler { return c.handle })
		if _, err := m.Fetch(context.Background()); err == nil || errors.Is(err, gitops.ErrDenied) != c.denied {
			t.Errorf("%s: %v", name, err)
		}
		comp := compose(t, m, map[string]string{"README.md": "x\n"})
		if _, err := m.Push(context.Background(), []mirror.RefUpdate{{Branch: "b", Composed: &comp}}); err == nil || errors.Is(err, gitops.ErrDenied) != c.denied {
			t.Errorf("%s: Push: %v", name, err)
		}
		if m.Head() != head {
			t.Errorf("%s: the head moved", name)
		}
	}
	u.intercept(nil)
	fetch(t, m)
	same(t, u, m)
}

func TestOddRemotes(t *testing.T) {
	t.Parallel()
	needGit(t)
	dir := t.TempDir()
	git(t, dir, "init", "--quiet", "--bare", "--initial-branch=main", "empty.git")
	git(t, dir, "init", "--quiet", "--bare", "--object-format=sha256", "--initial-branch=main", "sha256.git")
	gitInput(t, filepath.Join(dir, "sha256.git"), "commit refs/heads/main\ncommitter A <a@b> 1 +0000\ndata 0\n\nM 644 inline f\ndata 1\nx\n", "fast-import", "--quiet")
	for name, want := range map[string]string{"empty.git": "push a first commit", "sha256.git": "SHA-256", "missing.git": "check the URL"} {
		_, err := open(t, options(t, filepath.Join(dir, name))).Fetch(context.Background())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
	u := newUpstream(t, tree())
	o := options(t, u.url)
	o.Branch = "nothing"
	if _, err := open(t, o).Fetch(context.Background()); err == nil || !strings.Contains(err.Error(), "no branch nothing") {
		t.Errorf("a missing branch: %v", err)
	}
}

func TestFetchThatKeepsFailingEndsInASnapshot(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, small())
	m := opened(t, u)
	u.edit(map[string]string{"top": "later\n"})
	u.intercept(func(next http.Handler) http.Handler {
		return answers{next, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			body, _ := io.ReadAll(r.Body)
			if bytes.Contains(body, []byte("have ")) {
				http.Error(w, "cannot", http.StatusInternalServerError)
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			next.ServeHTTP(w, r)
		}}
	})
	for i := range 2 {
		if _, err := m.Fetch(context.Background()); err == nil {
			t.Fatalf("Fetch %d did not fail", i)
		}
	}
	if up := fetch(t, m); !slices.Equal(up.Changed, []string{"top"}) {
		t.Errorf("Fetch = %+v", up)
	}
	same(t, u, m)
}

func TestCommitThatNobodyHas(t *testing.T) {
	t.Parallel()
	m := opened(t, newUpstream(t, small()))
	_, err := m.Commit(context.Background(), gitops.Commit(strings.Repeat("1", 40)))
	if !errors.Is(err, mirror.ErrUnknownCommit) {
		t.Errorf("Commit = %v, want ErrUnknownCommit", err)
	}
}

func TestLocalPath(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, tree())
	m := open(t, options(t, u.dir))
	fetch(t, m)
	u.edit(map[string]string{"README.md": "later\n"})
	if up := fetch(t, m); !slices.Equal(up.Changed, []string{"README.md"}) {
		t.Errorf("Fetch = %+v", up)
	}
	if line, err := m.Line(t.Context(), m.Head(), 1000); err != nil || len(line) != 2 {
		t.Errorf("the line has %d commits, want 2, %v", len(line), err)
	}
	c := compose(t, m, map[string]string{"environments/dev/svc-01/release.yaml": service("f")})
	if err := push1(t, m, mirror.RefUpdate{Branch: "b", Composed: &c}); err != nil {
		t.Fatal(err)
	}
	u.git("fsck", "--strict")
}

// TestLine holds that the history of the branch is read back with one request
// as far as asked, with every file as it was, by a mirror that holds one commit.
func TestLine(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, small())
	var want []gitops.Commit
	for i := range 30 {
		want = append([]gitops.Commit{u.edit(map[string]string{"deep/er/file.yaml": fmt.Sprint("version ", i), fmt.Sprintf("other-%d", i%3): fmt.Sprint(i)})}, want...)
	}
	m := opened(t, u)
	before := u.requests.Load()
	line, err := m.Line(t.Context(), m.Head(), 20)
	if err != nil || len(line) != 20 || u.requests.Load() != before+2 {
		t.Fatalf("%d commits with %d requests, %v", len(line), u.requests.Load()-before, err)
	}
	for i, c := range line {
		src, _, err := m.Read(c.ID, "deep/er/file.yaml")
		if c.ID != want[i] || err != nil || string(src) != fmt.Sprint("version ", 29-i) {
			t.Errorf("commit %d is %s, want %s, and holds %q, %v", i, c.ID, want[i], src, err)
		}
	}
	if diff, err := m.Diff(line[1].ID, line[0].ID); err != nil || len(diff) != 2 {
		t.Errorf("the newest commit changes %v, %v", diff, err)
	}
	all, err := m.Line(t.Context(), m.Head(), 1000)
	if err != nil || len(all) != 31 || len(all[30].Parents) != 0 {
		t.Errorf("all of it are %d commits, %v", len(all), err)
	}
}

// TestLineThatIsTooLarge holds that as much of a history is read as fits.
func TestLineThatIsTooLarge(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, small())
	for i := range 200 {
		noise := sha256.Sum256(fmt.Append(nil, i))
		u.edit(map[string]string{"noise": strings.Repeat(fmt.Sprintf("%x", noise), 200)})
	}
	o := options(t, u.url)
	o.Limits.Unpacked = 1 << 20
	m := open(t, o)
	fetch(t, m)
	line, err := m.Line(t.Context(), m.Head(), 160)
	if err != nil || len(line) != 40 {
		t.Errorf("%d commits, %v", len(line), err)
	}
	o.Dir, o.Limits.Unpacked = t.TempDir(), 100<<10
	m = open(t, o)
	fetch(t, m)
	if line, err := m.Line(t.Context(), m.Head(), 160); err == nil {
		t.Errorf("%d commits of a history that does not fit", len(line))
	}
}
