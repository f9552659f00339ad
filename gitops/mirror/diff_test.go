package mirror_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"pgregory.net/rapid"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/mirror"
)

// files draws a tree whose names collide in every way that Git's order knows.
func files() *rapid.Generator[map[string]string] {
	name := rapid.SampledFrom([]string{"a", "a.b", "a-b", "a0", "b", "B", "ä"})
	path := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(name, 1, 3).Draw(t, "parts"), "/")
	})
	return rapid.Custom(func(t *rapid.T) map[string]string {
		out := map[string]string{"keep": "keep\n"}
		for _, p := range rapid.SliceOfN(path, 0, 12).Draw(t, "paths") {
			clash := false
			for q := range out {
				clash = clash || q == p || strings.HasPrefix(q, p+"/") || strings.HasPrefix(p, q+"/")
			}
			if !clash {
				out[p] = rapid.SampledFrom([]string{"1\n", "2\n", "symlink:keep", "submodule:" + strings.Repeat("1", 40)}).Draw(t, "content")
			}
		}
		return out
	})
}

func TestDiffAgreesWithGoGit(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, small())
	m := opened(t, u)
	repo, err := gogit.PlainOpen(u.dir)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		var ids []gitops.Commit
		for i := range 2 {
			id := u.commit(fmt.Sprintf("r%d-%d", n, i), "", files().Draw(rt, "tree"))
			if _, err := m.Commit(context.Background(), id); err != nil {
				rt.Fatal(err)
			}
			ids = append(ids, id)
		}
		changes, err := m.Diff(ids[0], ids[1])
		if err != nil {
			rt.Fatal(err)
		}
		var got []string
		for _, c := range changes {
			got = append(got, fmt.Sprintf("%s %s %s", c.Path, c.Old, c.New))
		}
		want := goGitDiff(rt, repo, ids)
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			rt.Fatalf("Diff = %q, go-git says %q", got, want)
		}
	})
}

func goGitDiff(t *rapid.T, repo *gogit.Repository, ids []gitops.Commit) []string {
	var trees []*object.Tree
	for _, id := range ids {
		c, err := repo.CommitObject(plumbing.NewHash(string(id)))
		if err != nil {
			t.Fatal(err)
		}
		tree, err := c.Tree()
		if err != nil {
			t.Fatal(err)
		}
		trees = append(trees, tree)
	}
	changes, err := object.DiffTree(trees[0], trees[1])
	if err != nil {
		t.Fatal(err)
	}
	side := map[string][2]plumbing.Hash{}
	for _, c := range changes {
		if c.From.Name != "" {
			h := side[c.From.Name]
			h[0] = c.From.TreeEntry.Hash
			side[c.From.Name] = h
		}
		if c.To.Name != "" {
			h := side[c.To.Name]
			h[1] = c.To.TreeEntry.Hash
			side[c.To.Name] = h
		}
	}
	var out []string
	for path, h := range side {
		out = append(out, fmt.Sprintf("%s %s %s", path, h[0], h[1]))
	}
	return out
}

func TestReadersAndComposersDuringFetch(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, tree())
	o := options(t, u.url)
	o.Limits.Overlay = 2000 // snapshots are swapped too
	m := open(t, o)
	fetch(t, m)
	done := make(chan struct{})
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				head := m.Head()
				path := fmt.Sprintf("environments/prod/svc-%02d/release.yaml", (g+i)%20)
				_, _, err := m.Read(head, path)
				if err == nil {
					_, err = m.Compose(mirror.Draft{Base: head, Files: map[string][]byte{path: []byte(fmt.Sprint(g, i))}, Message: "m", Time: at()})
				}
				if err != nil && m.Head() == head { // a reader that was overtaken looks again
					t.Errorf("at %s: %v", head, err)
					return
				}
			}
		})
	}
	for i := range 6 {
		u.edit(map[string]string{fmt.Sprintf("environments/prod/svc-%02d/release.yaml", i): fmt.Sprint(i)})
		fetch(t, m)
	}
	close(done)
	wg.Wait()
}
