package looptest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/promoter/loop/trail"
)

// read is the files of a commit by name.
func read(t *testing.T, g Git, c gitops.Commit, under, text string) map[string]string {
	t.Helper()
	got, err := g.Repo.Files(t.Context(), c, under, text)
	if err != nil {
		t.Fatalf("files under %q: %v", under, err)
	}
	files := map[string]string{}
	for name, src := range got {
		files[name] = string(src)
	}
	return files
}

func files(t *testing.T, g Git) {
	t.Helper()
	g.Commit(t, Protected, map[string]string{"env/devil/shop.yaml": "image: registry.example.com/acme/shop\n"}, "beside it")
	head := fetch(t, g).Head
	for _, tt := range []struct {
		under, text string
		want        []string
	}{
		{"env/dev", "", []string{"env/dev/shop.yaml"}},
		{"env/dev/", "", []string{"env/dev/shop.yaml"}},
		{"env/dev/shop.yaml", "", []string{"env/dev/shop.yaml"}},
		{"env/dev.txt", "acme/shop", []string{"env/dev.txt"}}, // whoever names one file gets it
		{"env/prod", "", []string{"env/prod/deep/other.yaml", "env/prod/shop.yaml"}},
		{"env/prod", "acme/shop", []string{"env/prod/shop.yaml"}},
		{"env", "acme/shop", []string{"env/dev/shop.yaml", "env/devil/shop.yaml", "env/prod/shop.yaml"}},
		{"env", "acme/cart", nil},
	} {
		got := read(t, g, head, tt.under, tt.text)
		if names := slices.Sorted(maps.Keys(got)); !slices.Equal(names, tt.want) {
			t.Errorf("files under %q with %q: %q, want %q", tt.under, tt.text, names, tt.want)
		}
	}
	if got := read(t, g, head, "env/dev", ""); got["env/dev/shop.yaml"] != "image: registry.example.com/acme/shop # dev\n" {
		t.Errorf("the file holds %q", got)
	}
	all := read(t, g, head, "", "")
	for _, name := range []string{"README.md", "env/dev.txt", "env/prod/deep/other.yaml"} {
		if _, ok := all[name]; !ok {
			t.Errorf("the whole tree has no %s: %q", name, slices.Sorted(maps.Keys(all)))
		}
	}
}

func noFolder(t *testing.T, g Git) {
	t.Helper()
	head := fetch(t, g).Head
	for _, under := range []string{"nowhere", "env/de", "env/dev/shop.yaml/deeper", "README"} {
		if got := read(t, g, head, under, ""); len(got) > 0 {
			t.Errorf("files under %s: %q, want none", under, got)
		}
	}
}

func notFetched(t *testing.T, g Git) {
	t.Helper()
	if _, err := g.Repo.Files(t.Context(), nowhere, "", ""); err == nil {
		t.Error("before the first fetch there are files")
	}
	head := fetch(t, g).Head
	if got, err := g.Repo.Files(t.Context(), nowhere, "env", ""); err == nil {
		t.Errorf("a commit that is nowhere has the files %q", got)
	}
	if d, err := g.Repo.Delta(t.Context(), "", nowhere); err == nil {
		t.Errorf("a commit that is nowhere changes %+v", d)
	}
	if d, err := g.Repo.Delta(t.Context(), nowhere, head); err == nil {
		t.Errorf("against a commit that is nowhere, %+v changed", d)
	}
	if _, err := g.Repo.Compose(t.Context(), draft(nowhere, "a", "1\n")); !errors.Is(err, gitops.ErrMoved) {
		t.Errorf("to compose on a commit that is nowhere says %v, want that it moved", err)
	}
	pushed := g.Commit(t, "theirs", map[string]string{"env/dev/shop.yaml": "theirs\n"}, "not fetched yet")
	if got, err := g.Repo.Files(t.Context(), pushed, "env", ""); err == nil {
		t.Errorf("a commit that was not fetched has the files %q", got)
	}
	if _, err := g.Repo.Compose(t.Context(), draft(pushed, "a", "1\n")); !errors.Is(err, gitops.ErrMoved) {
		t.Errorf("to compose on a commit that was not fetched says %v, want that it moved", err)
	}
	if _, err := g.Repo.Delta(t.Context(), "", pushed); err != nil {
		t.Fatalf("a delta does not fetch what it needs: %v", err)
	}
	if got := read(t, g, pushed, "env/dev", ""); got["env/dev/shop.yaml"] != "theirs\n" {
		t.Errorf("after it was compared the commit has the files %q", got)
	}
	if old := read(t, g, head, "env/dev", ""); len(old) != 1 {
		t.Errorf("and the head has %q", old)
	}
}

// side is a delta as text; Gone is absent.
func side(d loop.Delta) map[string][2]string {
	all := map[string][2]string{}
	for name, sides := range d.Files {
		var s [2]string
		for i, src := range sides {
			if s[i] = string(src); src == nil {
				s[i] = Gone
			}
		}
		all[name] = s
	}
	return all
}

func compare(t *testing.T, g Git, from, to gitops.Commit, want map[string][2]string) loop.Delta {
	t.Helper()
	d, err := g.Repo.Delta(t.Context(), from, to)
	if err != nil {
		t.Fatalf("delta: %v", err)
	}
	if diff := cmp.Diff(want, side(d)); diff != "" {
		t.Errorf("delta (-want +got):\n%s", diff)
	}
	return d
}

func delta(t *testing.T, g Git) {
	t.Helper()
	parent := fetch(t, g).Head
	c := g.Commit(t, Protected, map[string]string{"README.md": "other\n", "env/dev/shop.yaml": Gone, "env/dev/new.yaml": "", "env/prod/deep/other.yaml": "no newline at the end"}, "one")
	want := map[string][2]string{
		"README.md": {"what runs where\n", "other\n"}, "env/dev/shop.yaml": {"image: registry.example.com/acme/shop # dev\n", Gone},
		"env/dev/new.yaml": {Gone, ""}, "env/prod/deep/other.yaml": {"nothing: here\n", "no newline at the end"},
	}
	if d := compare(t, g, "", c, want); d.Parent != parent {
		t.Errorf("the parent is %s, want %s", d.Parent, parent)
	}
}

func words(t *testing.T, g Git) {
	t.Helper()
	fetch(t, g)
	for i, message := range []string{"one line\nthat goes on\n\n  and more: ü \n\n\nTrailer: x\n", "no newline\n\nat the end", "\n\nblank lines first\n\n\n"} {
		c := g.Commit(t, Protected, map[string]string{"README.md": string(rune('a'+i)) + "\n"}, message)
		d, err := g.Repo.Delta(t.Context(), "", c)
		if err != nil || d.Message != message || d.Author != g.Person {
			t.Errorf("the delta is of %q with %q, want %q with %q; %v", d.Author, d.Message, g.Person, message, err)
		}
	}
}

func wideDelta(t *testing.T, g Git) {
	t.Helper()
	first := fetch(t, g).Head
	g.Commit(t, Protected, map[string]string{"README.md": "second\n", "a": "1\n"}, "two")
	last := g.Commit(t, Protected, map[string]string{"README.md": "third\n", "a": Gone, "b": "1\n"}, "three")
	fetch(t, g)
	d := compare(t, g, first, last, map[string][2]string{"README.md": {"what runs where\n", "third\n"}, "b": {Gone, "1\n"}})
	if d.Parent != first || d.Message != "three\n" {
		t.Errorf("the delta is from %s with %q, want from %s with the message of the last", d.Parent, d.Message, first)
	}
	compare(t, g, last, first, map[string][2]string{"README.md": {"third\n", "what runs where\n"}, "b": {"1\n", Gone}})
	compare(t, g, last, last, map[string][2]string{})
}

func merges(t *testing.T, g Git) {
	t.Helper()
	old := fetch(t, g).Head
	theirs := g.Commit(t, "theirs", map[string]string{"README.md": "theirs\n"}, "on a branch")
	ours := g.Commit(t, Protected, map[string]string{"b": "1\n"}, "meanwhile")
	merged := g.Merge(t, "theirs")
	if u := fetch(t, g); u.Head != merged || u.Old != old || u.All || !slices.Equal(u.Changed, []string{"README.md", "b"}) {
		t.Errorf("after a merge a fetch says %+v, want %s to %s", u, old, merged)
	}
	if d, err := g.Repo.Delta(t.Context(), "", merged); err == nil {
		t.Errorf("a merge was compared with %s", d.Parent)
	}
	compare(t, g, ours, merged, map[string][2]string{"README.md": {"what runs where\n", "theirs\n"}})
	steps, whole, err := g.History.Line(t.Context(), old, merged, 10)
	if err != nil || !whole || len(steps) != 2 {
		t.Fatalf("the line is %+v, whole %t, %v; want two steps", steps, whole, err)
	}
	if s := steps[1]; s.Commit != merged || !slices.Equal(s.Parents, []gitops.Commit{ours, theirs}) || !slices.Equal(s.Paths, []string{"README.md"}) {
		t.Errorf("the step of the merge is %+v, want both parents, the first one first, and what differs from that", s)
	}
}

func line(t *testing.T, g Git) {
	t.Helper()
	from := fetch(t, g).Head
	one := g.Commit(t, Protected, map[string]string{"a.b": "1\n", "a/b": "1\n", "a-b": "1\n"}, "one")
	two := g.Commit(t, Protected, map[string]string{"README.md": "2\n", "a.b": Gone}, "two")
	fetch(t, g)
	steps, whole, err := g.History.Line(t.Context(), from, two, 2)
	if err != nil || !whole || len(steps) != 2 {
		t.Fatalf("the line is %+v, whole %t, %v; want two steps", steps, whole, err)
	}
	for i, want := range []struct {
		commit, parent gitops.Commit
		paths          []string
	}{{one, from, []string{"a-b", "a.b", "a/b"}}, {two, one, []string{"README.md", "a.b"}}} {
		s := steps[i]
		if s.Commit != want.commit || !slices.Equal(s.Parents, []gitops.Commit{want.parent}) || !slices.Equal(s.Paths, want.paths) || s.Email != g.Person {
			t.Errorf("step %d is %+v, want %+v by %s", i, s, want, g.Person)
		}
		if s.Name == "" || s.Name == s.Email || s.At.IsZero() || !s.At.Equal(s.At.Truncate(time.Second)) || s.At.Location() != time.UTC {
			t.Errorf("step %d is by %q at %s, want a name and whole seconds of UTC", i, s.Name, s.At)
		}
	}
	steps, whole, err = g.History.Line(t.Context(), two, two, 2)
	if err != nil || !whole || len(steps) > 0 {
		t.Errorf("from a commit to itself the line is %+v, whole %t, %v; want no step", steps, whole, err)
	}
}

func tail(t *testing.T, g Git) {
	t.Helper()
	for i := range 3 {
		g.Commit(t, Protected, map[string]string{"a": fmt.Sprintln(i + 1)}, "next")
	}
	head := fetch(t, g).Head
	for most := 2; most <= 3; most++ {
		steps, err := g.History.Tail(t.Context(), head, most)
		if err != nil || len(steps) != most {
			t.Fatalf("the tail of %d steps is %+v, %v", most, steps, err)
		}
		if _, err := g.Repo.Files(t.Context(), steps[0].Before(), "README.md", ""); err != nil {
			t.Errorf("before the tail of %d steps: %v", most, err)
		}
		follows(t, g, steps)
	}
	if steps, err := g.History.Tail(t.Context(), nowhere, 2); err == nil {
		t.Errorf("the tail of a commit that is none is %+v", steps)
	}
}

// follows holds that the steps are the newest of three that write their number.
func follows(t *testing.T, g Git, steps []trail.Step) {
	t.Helper()
	for i, s := range steps {
		if !slices.Equal(s.Paths, []string{"a"}) || s.Email != g.Person || i > 0 && s.Before() != steps[i-1].Commit {
			t.Errorf("step %d of %d is %+v", i, len(steps), s)
		}
		if got, want := read(t, g, s.Commit, "a", "")["a"], fmt.Sprintln(3-len(steps)+i+1); got != want {
			t.Errorf("at step %d of %d the file is %q, want %q", i, len(steps), got, want)
		}
	}
}

func noLine(t *testing.T, g Git) {
	t.Helper()
	from := fetch(t, g).Head
	g.Commit(t, Protected, map[string]string{"a": "1\n"}, "one")
	aside := g.Commit(t, "theirs", map[string]string{"a": "2\n"}, "beside the branch")
	g.Commit(t, Protected, map[string]string{"a": "3\n"}, "two")
	head := g.Commit(t, Protected, map[string]string{"a": "4\n"}, "three")
	fetch(t, g)
	for name, tt := range map[string]struct {
		from, to gitops.Commit
		most     int
	}{
		"more steps than asked for":  {from, head, 2},
		"from a commit beside it":    {aside, head, 100},
		"backwards":                  {head, from, 100},
		"from a commit that is none": {nowhere, head, 100},
	} {
		steps, whole, err := g.History.Line(t.Context(), tt.from, tt.to, tt.most)
		if err != nil || whole || len(steps) > 0 {
			t.Errorf("%s: the line is %+v, whole %t, %v; want none", name, steps, whole, err)
		}
	}
	if steps, whole, err := g.History.Line(t.Context(), from, nowhere, 100); err == nil {
		t.Errorf("to a commit that is none the line is %+v, whole %t", steps, whole)
	}
	if _, whole, err := g.History.Line(t.Context(), from, head, 3); err != nil || !whole {
		t.Errorf("with as many steps as asked for the line is whole %t, %v", whole, err)
	}
}
