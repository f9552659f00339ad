package world

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/promoter/loop/trail"
)

// Clone is what one process holds of the remote. It keeps the contract of
// package looptest, and is as strict as the mirror of the real program: what was
// not fetched cannot be read, and what was composed is known to the remote alone
// once it is pushed.
type Clone struct {
	world *World
	by    string
	// base is the head that is on disk, head the one of the last fetch.
	base, head gitops.Commit
	// fetched says that this life has fetched.
	fetched  bool
	branches map[string]gitops.Commit
	held     map[gitops.Commit]bool
	composed map[gitops.Commit]Commit
}

// Clone is an empty clone of the remote for a process.
func (w *World) Clone(by string) *Clone {
	return &Clone{world: w, by: by, branches: map[string]gitops.Commit{}, held: map[gitops.Commit]bool{}, composed: map[gitops.Commit]Commit{}}
}

// Remote is the world that it is a clone of.
func (c *Clone) Remote() *World { return c.world }

// Again is the clone that the next life of the process finds on its disk.
func (c *Clone) Again() *Clone {
	next := c.world.Clone(c.by)
	next.base, next.head = c.base, c.base
	return next
}

// Fetch implements [loop.Repo].
func (c *Clone) Fetch(context.Context) (loop.Update, error) {
	w := c.world
	u := loop.Update{Head: w.Main, Old: c.head}
	c.branches = maps.Clone(w.Branches)
	c.branches[Protected] = w.Main
	switch {
	case c.base == "":
		u.All, c.base = true, w.Main
	case c.head != w.Main:
		u.Changed, u.All = w.Changed(c.head, w.Main), c.fetched && !w.Contains(w.Main, c.head)
	}
	if u.All || !c.fetched {
		u.Old = ""
	}
	if c.head != w.Main {
		clear(c.held) // the real one may keep more, for a while
	}
	c.held[w.Main] = true
	c.head, c.fetched = w.Main, true
	return u, nil
}

// hold gets a commit if it is not held.
func (c *Clone) hold(id gitops.Commit) (*Commit, error) {
	if !c.fetched && c.head == "" {
		return nil, errors.New("nothing was fetched yet")
	}
	have := c.world.Commits[id]
	if have == nil {
		return nil, fmt.Errorf("commit %s is not on the remote", id.Short())
	}
	c.held[id] = true
	return have, nil
}

// Files implements [loop.Repo].
func (c *Clone) Files(_ context.Context, at gitops.Commit, under, text string) (map[string][]byte, error) {
	if !c.held[at] {
		return nil, fmt.Errorf("commit %s is not held", at.Short())
	}
	return c.world.Commits[at].Under(under, text), nil
}

// Delta implements [loop.Repo].
func (c *Clone) Delta(_ context.Context, from, to gitops.Commit) (loop.Delta, error) {
	is, err := c.hold(to)
	if err != nil {
		return loop.Delta{}, err
	}
	if parents := is.Parents(); from == "" && len(parents) != 1 {
		return loop.Delta{}, fmt.Errorf("commit %s has %d parents, not one", to.Short(), len(parents))
	}
	if from == "" {
		from = is.Parent
	}
	was, err := c.hold(from)
	if err != nil {
		return loop.Delta{}, err
	}
	d := loop.Delta{Parent: from, Author: is.Author, Message: is.Message, Files: map[string][2][]byte{}}
	for _, name := range Differ(was, is) {
		var sides [2][]byte
		for i, side := range []*Commit{was, is} {
			if src, ok := side.Files[name]; ok {
				sides[i] = []byte(src)
			}
		}
		d.Files[name] = sides
	}
	return d, nil
}

// Compose implements [loop.Repo].
func (c *Clone) Compose(_ context.Context, d loop.Draft) (gitops.Commit, error) {
	if !c.held[d.Base] {
		return "", fmt.Errorf("base %s is not held: %w", d.Base.Short(), gitops.ErrMoved)
	}
	base, files := c.world.Commits[d.Base], map[string]string{}
	for name, src := range d.Files {
		if err := takes(base.Files, files, name); err != nil {
			return "", fmt.Errorf("compose on %s: %w", d.Base.Short(), err)
		}
		files[name] = string(src)
	}
	message := strings.TrimSpace(d.Message) + "\n"
	made := c.world.Child(d.Base, files, Email, message, d.Time)
	switch {
	case len(Differ(base, &made)) == 0:
		return "", fmt.Errorf("compose on %s: nothing changes", d.Base.Short())
	case message == "\n":
		return "", fmt.Errorf("compose on %s: the commit message is empty", d.Base.Short())
	}
	c.composed[made.ID] = made
	return made.ID, nil
}

// takes says why a tree with these files and those of a draft cannot hold a file
// of that name.
func takes(base, draft map[string]string, name string) error {
	if !fs.ValidPath(name) || name == "." || slices.Contains(strings.Split(name, "/"), ".git") {
		return fmt.Errorf("%q is no path in a repository", name)
	}
	for _, files := range []map[string]string{base, draft} {
		for other := range files {
			if strings.HasPrefix(other, name+"/") || strings.HasPrefix(name, other+"/") {
				return fmt.Errorf("%s cannot be a file beside %s", name, other)
			}
		}
	}
	return nil
}

// Branch implements [loop.Branches].
func (c *Clone) Branch(name string) (gitops.Commit, bool) {
	head, ok := c.branches[name]
	return head, ok
}

// Push implements [loop.Branches].
func (c *Clone) Push(_ context.Context, moves []loop.Move) []error {
	errs := make([]error, len(moves))
	for i, m := range moves {
		if slices.ContainsFunc(moves[:i], func(o loop.Move) bool { return o.Branch == m.Branch }) {
			for k := range errs {
				errs[k] = fmt.Errorf("branch %s is there twice", m.Branch)
			}
			return errs
		}
	}
	for i, m := range moves {
		errs[i] = c.world.Push(c.by, m.Branch, m.Old, m.New, c.composed)
		delete(c.composed, m.New)
		switch {
		case errs[i] != nil:
		case m.New == "":
			delete(c.branches, m.Branch)
		default:
			c.branches[m.Branch] = m.New
		}
	}
	return errs
}

// Line implements [loop.History].
func (c *Clone) Line(_ context.Context, from, to gitops.Commit, most int) (steps []trail.Step, whole bool, err error) {
	for id := to; id != from; {
		if len(steps) == most {
			return nil, false, nil
		}
		s, err := c.step(id)
		if err != nil {
			return nil, false, err
		}
		if s.Before() == "" {
			return nil, false, nil
		}
		steps, id = append(steps, s), s.Before()
	}
	slices.Reverse(steps)
	return steps, true, nil
}

// Tail implements [loop.History].
func (c *Clone) Tail(_ context.Context, head gitops.Commit, most int) (steps []trail.Step, err error) {
	for id := head; len(steps) < most; {
		s, err := c.step(id)
		if err != nil {
			return nil, err
		}
		if s.Before() == "" {
			break
		}
		steps, id = append(steps, s), s.Before()
	}
	slices.Reverse(steps)
	return steps, nil
}

// step is a commit with what it changes; both it and its parent are held then.
func (c *Clone) step(id gitops.Commit) (trail.Step, error) {
	is, err := c.hold(id)
	if err != nil || is.Parent == "" {
		return trail.Step{Commit: id}, err
	}
	was, err := c.hold(is.Parent)
	if err != nil {
		return trail.Step{}, err
	}
	return trail.Step{Commit: id, Parents: is.Parents(), Name: is.Name(), Email: is.Author, At: is.Time, Paths: Differ(was, is)}, nil
}
