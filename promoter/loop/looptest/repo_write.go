package looptest

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/loop"
)

func composeTwice(t *testing.T, g Git) {
	t.Helper()
	base := fetch(t, g).Head
	twin := g.Twin(t)
	fetch(t, twin)
	first := compose(t, g, base, "env/dev/shop.yaml", "other\n")
	for name, by := range map[string]Git{"again": g, "by another process": twin} {
		if again := compose(t, by, base, "env/dev/shop.yaml", "other\n"); again != first {
			t.Errorf("composed %s it is %s, want %s", name, again, first)
		}
	}
	for name, change := range map[string]func(*loop.Draft){
		"file":    func(d *loop.Draft) { d.Files["env/dev/shop.yaml"] = []byte("third\n") },
		"message": func(d *loop.Draft) { d.Message = "other" },
		"second":  func(d *loop.Draft) { d.Time = d.Time.Add(1e9) },
	} {
		d := draft(base, "env/dev/shop.yaml", "other\n")
		change(&d)
		if c, err := g.Repo.Compose(t.Context(), d); err != nil || c == first {
			t.Errorf("with another %s it is %s, %v", name, c, err)
		}
	}
	d := draft(base, "env/dev/shop.yaml", "other\n")
	d.Time = d.Time.Add(999e6) // Git keeps seconds
	if c, err := g.Repo.Compose(t.Context(), d); err != nil || c != first {
		t.Errorf("a part of a second later it is %s, %v; want %s", c, err, first)
	}
}

func composeExactly(t *testing.T, g Git) {
	t.Helper()
	base := fetch(t, g).Head
	d := draft(base, "env/dev/shop.yaml", "other\n")
	d.Files["env/prod-us/shop.yaml"] = []byte("new")
	d.Message = "\n\n title\n\nbody  \n\n\n"
	c, err := g.Repo.Compose(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	if err := push(t, g, "waveguide/x", "", c); err != nil {
		t.Fatal(err)
	}
	twin := g.Twin(t)
	fetch(t, twin)
	want := map[string][2]string{"env/dev/shop.yaml": {"image: registry.example.com/acme/shop # dev\n", "other\n"}, "env/prod-us/shop.yaml": {Gone, "new"}}
	for _, by := range []Git{g, twin} {
		got := compare(t, by, "", c, want)
		if got.Parent != base || got.Author != g.Bot || got.Message != "title\n\nbody\n" {
			t.Errorf("it is on %s by %s with %q, want on %s by %s with the message without blanks around it", got.Parent, got.Author, got.Message, base, g.Bot)
		}
	}
	is, was := read(t, g, c, "", ""), read(t, g, base, "", "")
	was["env/dev/shop.yaml"], was["env/prod-us/shop.yaml"] = "other\n", "new"
	if diff := cmp.Diff(was, is); diff != "" {
		t.Errorf("the whole tree (-want +got):\n%s", diff)
	}
}

func composeUnseen(t *testing.T, g Git) {
	t.Helper()
	base := fetch(t, g).Head
	c := compose(t, g, base, "a", "1\n")
	twin := g.Twin(t)
	fetch(t, twin)
	for name, by := range map[string]Git{"the one that composed it": g, "another process": twin} {
		if _, err := by.Repo.Delta(t.Context(), "", c); err == nil {
			t.Errorf("%s compares a commit that was not pushed", name)
		}
		if _, err := by.Repo.Files(t.Context(), c, "", ""); err == nil {
			t.Errorf("%s reads a commit that was not pushed", name)
		}
	}
	if u := fetch(t, g); u.Head != base || u.Old != base {
		t.Errorf("after composing a fetch says %+v", u)
	}
	if _, ok := g.Branches.Branch("waveguide/x"); ok {
		t.Error("there is a branch before the push")
	}
}

func composeRefused(t *testing.T, g Git) {
	t.Helper()
	base := fetch(t, g).Head
	for name, d := range map[string]loop.Draft{
		"no file":                       {Base: base, Message: "m", Time: at()},
		"the bytes that are there":      draft(base, "README.md", "what runs where\n"),
		"no message":                    {Base: base, Files: map[string][]byte{"a": nil}, Message: " \n", Time: at()},
		"a path out of the repository":  draft(base, "../a", "1\n"),
		"a path from the root":          draft(base, "/a", "1\n"),
		"a path with nothing in it":     draft(base, "env//a", "1\n"),
		"Git's own folder":              draft(base, ".git/config", "1\n"),
		"a file where a folder is":      draft(base, "env/dev", "1\n"),
		"a folder where a file is":      draft(base, "README.md/a", "1\n"),
		"a file that is a folder as it": {Base: base, Files: map[string][]byte{"n": []byte("1"), "n/m": []byte("1")}, Message: "m", Time: at()},
	} {
		if c, err := g.Repo.Compose(t.Context(), d); err == nil {
			t.Errorf("a draft with %s made commit %s", name, c)
		}
	}
}

func pushMoves(t *testing.T, g Git) {
	t.Helper()
	base, twin := fetch(t, g).Head, g.Twin(t)
	one := compose(t, g, base, "a", "1\n")
	if err := push(t, g, "waveguide/x", "", one); err != nil {
		t.Fatalf("create: %v", err)
	}
	stands(t, twin, "waveguide/x", one)
	two := compose(t, g, base, "a", "2\n") // it does not follow from the first
	if err := push(t, g, "waveguide/x", one, two); err != nil {
		t.Fatalf("replace: %v", err)
	}
	stands(t, twin, "waveguide/x", two)
	if err := push(t, g, "waveguide/x", two, base); err != nil {
		t.Fatalf("move to what is there: %v", err)
	}
	stands(t, twin, "waveguide/x", base)
	if err := push(t, g, "waveguide/x", base, ""); err != nil {
		t.Fatalf("delete: %v", err)
	}
	stands(t, twin, "waveguide/x", "")
	if u := fetch(t, g); u.Head != base || u.Old != base {
		t.Errorf("the protected branch moved: %+v", u)
	}
}

func pushMoved(t *testing.T, g Git) {
	t.Helper()
	base, twin := fetch(t, g).Head, g.Twin(t)
	theirs := g.Commit(t, "waveguide/x", map[string]string{"a": "theirs\n"}, "theirs")
	for name, m := range map[string]loop.Move{
		"to create what exists":        {Branch: "waveguide/x", New: compose(t, g, base, "a", "1\n")},
		"to replace what moved":        {Branch: "waveguide/x", Old: base, New: compose(t, g, base, "a", "2\n")},
		"to delete what moved":         {Branch: "waveguide/x", Old: base},
		"to replace what is not there": {Branch: "waveguide/y", Old: base, New: compose(t, g, base, "a", "3\n")},
		"to replace what is elsewhere": {Branch: "waveguide/x", Old: nowhere, New: base},
	} {
		if err := push(t, g, m.Branch, m.Old, m.New); !errors.Is(err, gitops.ErrMoved) {
			t.Errorf("%s says %v, want that it moved", name, err)
		}
		stands(t, twin, "waveguide/x", theirs)
		stands(t, twin, "waveguide/y", "")
	}
	if have, ok := g.Branches.Branch("waveguide/x"); ok {
		t.Errorf("a push that was refused shows the branch at %s before the next fetch", have)
	}
}

func pushAlone(t *testing.T, g Git) {
	t.Helper()
	base, twin := fetch(t, g).Head, g.Twin(t)
	theirs := g.Commit(t, "waveguide/b", map[string]string{"a": "theirs\n"}, "theirs")
	a, b, c := compose(t, g, base, "a", "1\n"), compose(t, g, base, "a", "2\n"), compose(t, g, base, "a", "3\n")
	errs := g.Branches.Push(t.Context(), []loop.Move{{Branch: "waveguide/a", New: a}, {Branch: "waveguide/b", New: b}, {Branch: "waveguide/c", New: c}})
	if len(errs) != 3 || errs[0] != nil || !errors.Is(errs[1], gitops.ErrMoved) || errs[2] != nil {
		t.Errorf("the answers are %v, want that only the second one moved", errs)
	}
	for branch, want := range map[string]gitops.Commit{"waveguide/a": a, "waveguide/b": theirs, "waveguide/c": c} {
		stands(t, twin, branch, want)
	}
	d := compose(t, g, base, "a", "4\n")
	errs = g.Branches.Push(t.Context(), []loop.Move{{Branch: "waveguide/d", New: d}, {Branch: "waveguide/d", Old: d}})
	if len(errs) != 2 || errs[0] == nil || errs[1] == nil {
		t.Errorf("a branch moved twice in one push: %v, want errors", errs)
	}
	stands(t, twin, "waveguide/d", "")
	if errs := g.Branches.Push(t.Context(), nil); len(errs) > 0 {
		t.Errorf("a push of nothing says %v", errs)
	}
}

func pushTwice(t *testing.T, g Git) {
	t.Helper()
	base := fetch(t, g).Head
	c := compose(t, g, base, "a", "1\n")
	twin := g.Twin(t)
	fetch(t, twin)
	if again := compose(t, twin, base, "a", "1\n"); again != c {
		t.Fatalf("another process composed %s, want %s", again, c)
	}
	for name, by := range map[string]Git{"ours": g, "the same": g, "another process's": twin} {
		if err := push(t, by, "waveguide/x", "", c); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if have, _ := by.Branches.Branch("waveguide/x"); have != c {
			t.Errorf("after its own push %s branch is at %q, want %s", name, have, c)
		}
	}
	stands(t, twin, "waveguide/x", c)
	for range 2 {
		if err := push(t, g, "waveguide/x", c, ""); err != nil {
			t.Errorf("delete: %v", err)
		}
	}
	stands(t, twin, "waveguide/x", "")
}

func pushNothing(t *testing.T, g Git) {
	t.Helper()
	base, twin := fetch(t, g).Head, g.Twin(t)
	if err := push(t, g, "waveguide/x", "", nowhere); err == nil || errors.Is(err, gitops.ErrMoved) {
		t.Errorf("a push of a commit that is nowhere says %v, want an error of its own", err)
	}
	// A process that begins anew does not have what the one before composed.
	c := compose(t, g, base, "a", "1\n")
	next := g.Again(t)
	fetch(t, next)
	if err := push(t, next, "waveguide/x", "", c); err == nil {
		t.Error("another run pushed what it did not compose")
	}
	stands(t, twin, "waveguide/x", "")
	// What was in a push that failed is composed again.
	theirs := g.Commit(t, "waveguide/y", map[string]string{"a": "theirs\n"}, "theirs")
	if c := compose(t, next, base, "a", "1\n"); push(t, next, "waveguide/y", "", c) == nil || push(t, next, "waveguide/y", theirs, c) == nil {
		t.Error("what was in a push that failed was pushed without being composed again")
	}
	stands(t, twin, "waveguide/y", theirs)
	if c := compose(t, next, base, "a", "1\n"); push(t, next, "waveguide/y", theirs, c) != nil {
		t.Error("composed again it is not pushed either")
	}
}

func branches(t *testing.T, g Git) {
	t.Helper()
	base := fetch(t, g).Head
	sees := func(branch string, want gitops.Commit) {
		t.Helper()
		if have, ok := g.Branches.Branch(branch); have != want || ok != (want != "") {
			t.Errorf("branch %s is at %q, %t; want %q", branch, have, ok, want)
		}
	}
	sees(Protected, base)
	sees("waveguide/x", "")
	theirs := g.Commit(t, "waveguide/x", map[string]string{"a": "theirs\n"}, "theirs")
	sees("waveguide/x", "")
	fetch(t, g)
	sees("waveguide/x", theirs)
	ours := compose(t, g, base, "a", "1\n")
	sees("waveguide/x", theirs)
	if err := push(t, g, "waveguide/x", theirs, ours); err != nil {
		t.Fatal(err)
	}
	sees("waveguide/x", ours)
	more := g.Commit(t, "waveguide/x", map[string]string{"a": "more\n"}, "on top")
	sees("waveguide/x", ours)
	if _, err := g.Repo.Delta(t.Context(), "", more); err != nil {
		t.Fatal(err)
	}
	sees("waveguide/x", ours)
	fetch(t, g)
	sees("waveguide/x", more)
	g.Delete(t, "waveguide/x")
	sees("waveguide/x", more)
	fetch(t, g)
	sees("waveguide/x", "")
	head := g.Commit(t, Protected, map[string]string{"a": "1\n"}, "one")
	sees(Protected, base)
	fetch(t, g)
	sees(Protected, head)
}
