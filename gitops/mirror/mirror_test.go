package mirror_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/mirror"
)

func service(digest string) string {
	return "apiVersion: v1\nkind: Service\nimage: registry.example.com/team/app@sha256:" + strings.Repeat(digest, 64/len(digest)) + "\n"
}

func tree() map[string]string {
	files := map[string]string{"README.md": "hello\n", "apps/run.sh": "#!/bin/sh\n"}
	for _, env := range []string{"dev", "staging", "prod"} {
		for i := range 20 {
			files[fmt.Sprintf("environments/%s/svc-%02d/release.yaml", env, i)] = service("a") + fmt.Sprintf("# %s %d\n", env, i)
		}
	}
	return files
}

func TestSnapshotThenOneCommit(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, tree())
	m := open(t, options(t, u.url))
	up := fetch(t, m)
	if want := (mirror.Update{New: u.head(), All: true}); cmp.Diff(want, up) != "" {
		t.Fatalf("first Fetch = %+v, want %+v", up, want)
	}
	old := m.Head()
	path := "environments/prod/svc-03/release.yaml"
	now := u.edit(map[string]string{path: service("b"), "new/file": "x\n", "README.md": ""})
	up = fetch(t, m)
	want := mirror.Update{Old: old, New: now, Changed: []string{"README.md", path, "new/file"}}
	if d := cmp.Diff(want, up); d != "" {
		t.Fatalf("Fetch after one commit (-want +got):\n%s", d)
	}
	got, mode, err := m.Read(now, path)
	if err != nil || string(got) != service("b") || mode != mirror.Regular {
		t.Errorf("Read = %q, %v, %v", got, mode, err)
	}
	if _, _, err := m.Read(now, "README.md"); !errors.Is(err, mirror.ErrNotFound) {
		t.Errorf("Read of a removed file: %v, want ErrNotFound", err)
	}
	if got, _, err := m.Read(old, "README.md"); err != nil || string(got) != "hello\n" {
		t.Errorf("Read at the previous head = %q, %v", got, err)
	}
}

func TestIdleFetchIsOneRequest(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, tree())
	m := opened(t, u)
	before := u.requests.Load()
	up := fetch(t, m)
	if n := u.requests.Load() - before; n != 1 {
		t.Errorf("an idle Fetch made %d requests, want 1", n)
	}
	if up.Old != up.New || up.Changed != nil || up.All {
		t.Errorf("idle Fetch = %+v", up)
	}
}

func TestWalkAgreesWithGit(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, tree())
	m := opened(t, u)
	for _, under := range []string{"", "environments/prod", "apps"} {
		var got []string
		err := m.Walk(context.Background(), m.Head(), under, func(e mirror.Entry) error {
			got = append(got, fmt.Sprintf("%s blob %s\t%s", e.Mode, e.Blob, e.Path))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		args := []string{"ls-tree", "-r", "main"}
		if under != "" {
			args = append(args, under)
		}
		if d := cmp.Diff(strings.Split(u.git(args...), "\n"), got); d != "" {
			t.Errorf("Walk(%q) (-git +got):\n%s", under, d)
		}
	}
}

func TestComposedCommitIsGitsOwn(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, tree())
	m := opened(t, u)
	files := map[string]string{
		"environments/prod/svc-03/release.yaml": service("c"),
		"environments/prod/svc-04/release.yaml": service("c"),
		"environments/prod.yaml":                "between prod and prod/\n",
		"a/new/directory/file":                  "x\n",
		"zz":                                    "last\n",
	}
	c := compose(t, m, files)
	if again := compose(t, m, files); again.ID != c.ID {
		t.Errorf("the same draft made %s and %s", c.ID, again.ID)
	}
	if err := push1(t, m, mirror.RefUpdate{Branch: "waveguide/x", Composed: &c}); err != nil {
		t.Fatal(err)
	}
	u.git("fsck", "--strict", "--full")

	// The same with git's plumbing in a temporary index.
	index := "GIT_INDEX_FILE=" + t.TempDir() + "/index"
	env := func(stdin string, args ...string) string {
		return gitInputEnv(t, u.dir, stdin, []string{
			index, "GIT_AUTHOR_NAME=Waveguide", "GIT_AUTHOR_EMAIL=bot@example.com", "GIT_COMMITTER_NAME=Waveguide", "GIT_COMMITTER_EMAIL=bot@example.com",
			fmt.Sprintf("GIT_AUTHOR_DATE=%d +0000", at().Unix()), fmt.Sprintf("GIT_COMMITTER_DATE=%d +0000", at().Unix()),
		}, args...)
	}
	env("", "read-tree", "main")
	for path, data := range files {
		blob := env(data, "hash-object", "-w", "--stdin")
		env("", "update-index", "--add", "--cacheinfo", "100644,"+blob+","+path)
	}
	want := env("promote app\n\nFrom dev to prod.\n", "commit-tree", env("", "write-tree"), "-p", "main")
	if string(c.ID) != want {
		t.Errorf("composed %s, git makes %s", c.ID, want)
	}
	if b, ok := m.Branch("waveguide/x"); !ok || b != c.ID {
		t.Errorf("Branch after Push = %s, %v", b, ok)
	}
}

func TestComposeRefuses(t *testing.T) {
	t.Parallel()
	files := tree()
	files["link"] = "symlink:README.md"
	files["linkdir"] = "symlink:environments"
	files["sub"] = "submodule:" + strings.Repeat("1", 40)
	files["big.bin"] = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"
	u := newUpstream(t, files)
	m := opened(t, u)
	cases := map[string]struct {
		path, data string
		want       error
	}{
		"a symlink":                 {"link", "x", mirror.ErrSymlink},
		"below a symlink":           {"linkdir/prod", "x", mirror.ErrSymlink},
		"a submodule":               {"sub", "x", mirror.ErrSubmodule},
		"below a submodule":         {"sub/file", "x", mirror.ErrSubmodule},
		"a directory":               {"environments", "x", mirror.ErrDirectory},
		"below a file":              {"README.md/x", "x", mirror.ErrNotDirectory},
		"a pointer to a large file": {"big.bin", "x", mirror.ErrLFS},
		"the same bytes":            {"README.md", "hello\n", mirror.ErrUnchanged},
		"an escape":                 {"../x", "x", nil},
		"an escape in the middle":   {"apps/../../x", "x", nil},
		"absolute":                  {"/etc/passwd", "x", nil},
		"git's own directory":       {"apps/.GIT/config", "x", nil},
		"git's short name":          {"GIT~1/config", "x", nil},
		"an empty name":             {"apps//x", "x", nil},
		"a control character":       {"apps/x\ny", "x", nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := m.Compose(mirror.Draft{Base: m.Head(), Files: map[string][]byte{c.path: []byte(c.data)}, Message: "m", Time: at()})
			if err == nil || (c.want != nil && !errors.Is(err, c.want)) {
				t.Errorf("Compose(%q): %v, want %v", c.path, err, c.want)
			}
			if err != nil && strings.ContainsAny(err.Error(), "\n\x1b") {
				t.Errorf("the error holds control characters: %q", err)
			}
		})
	}
	for path, want := range map[string]error{"link": mirror.ErrSymlink, "sub": mirror.ErrSubmodule, "environments": mirror.ErrDirectory, "big.bin": mirror.ErrLFS} {
		if _, _, err := m.Read(m.Head(), path); !errors.Is(err, want) {
			t.Errorf("Read(%s): %v, want %v", path, err, want)
		}
	}
}

func TestIdentityCannotForgeHeaders(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, tree())
	m := opened(t, u)
	c, err := m.Compose(mirror.Draft{
		Base: m.Head(), Files: map[string][]byte{"README.md": []byte("y\n")}, Message: "m", Time: at(),
		Author: mirror.Identity{Name: "Eve <eve@x>\nparent 123", Email: "eve@x>\ncommitter z"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := push1(t, m, mirror.RefUpdate{Branch: "p", Composed: &c}); err != nil {
		t.Fatal(err)
	}
	u.git("fsck", "--strict")
	if got := u.git("log", "-1", "--format=%an|%ae|%P", "p"); got != "Eve eve@xparent 123|eve@xcommitter z|"+string(m.Head()) {
		t.Errorf("author and parents = %q", got)
	}
}

func TestBranches(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, tree())
	for _, b := range []string{"waveguide/b", "waveguide/a", "other"} {
		u.git("branch", b, "main")
	}
	m := opened(t, u)
	var got []string
	for name, c := range m.Branches("waveguide/") {
		if c != u.head() {
			t.Errorf("branch %s is at %s", name, c)
		}
		got = append(got, name)
	}
	if want := []string{"waveguide/a", "waveguide/b"}; !slices.Equal(got, want) {
		t.Errorf("Branches = %v, want %v", got, want)
	}
	if _, ok := m.Branch("nothing"); ok {
		t.Error("Branch(nothing) exists")
	}
}

func TestPushedCommitOfAnother(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, tree())
	m := opened(t, u)
	theirs := u.commit("waveguide/a", "refs/heads/main^0", map[string]string{"README.md": "theirs\n"})
	if _, err := m.Diff(m.Head(), theirs); !errors.Is(err, mirror.ErrUnknownCommit) {
		t.Errorf("Diff with a commit that is not held: %v", err)
	}
	c, err := m.Commit(context.Background(), theirs)
	if err != nil {
		t.Fatal(err)
	}
	if c.Author.Name != "Ann" || c.Message != "edit\n" || !slices.Equal(c.Parents, []gitops.Commit{m.Head()}) {
		t.Errorf("Commit = %+v", c)
	}
	diff, err := m.Diff(m.Head(), theirs)
	if err != nil || len(diff) != 1 || diff[0].Path != "README.md" {
		t.Fatalf("Diff = %+v, %v", diff, err)
	}
	if data, err := m.ReadBlob(diff[0].New); err != nil || string(data) != "theirs\n" {
		t.Errorf("ReadBlob = %q, %v", data, err)
	}
	before := u.requests.Load()
	if _, err := m.Commit(context.Background(), theirs); err != nil || u.requests.Load() != before {
		t.Errorf("a held commit cost %d requests, %v", u.requests.Load()-before, err)
	}
}
