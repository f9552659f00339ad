package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/mirror"
	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/promoter/loop/trail"
)

var _ loop.History = (*repo)(nil)

// Line follows the first parents back from a head. What the mirror does not
// hold is fetched commit by commit, so most bounds the requests too.
func (r *repo) Line(ctx context.Context, from, to gitops.Commit, most int) ([]trail.Step, bool, error) {
	var steps []trail.Step
	for id := to; id != from; {
		if len(steps) == most {
			return nil, false, nil
		}
		c, err := r.Commit(ctx, id)
		if err != nil {
			return nil, false, err
		}
		if len(c.Parents) == 0 {
			return nil, false, nil
		}
		if _, err := r.Commit(ctx, c.Parents[0]); err != nil {
			return nil, false, err
		}
		s, err := r.step(c)
		if err != nil {
			return nil, false, err
		}
		steps, id = append(steps, s), s.Before()
	}
	slices.Reverse(steps)
	return steps, true, nil
}

// Tail fetches the line with one request and compares each commit with the one
// before it, of which all but the oldest are held.
func (r *repo) Tail(ctx context.Context, head gitops.Commit, most int) ([]trail.Step, error) {
	line, err := r.Mirror.Line(ctx, head, most+1)
	if err != nil {
		return nil, err
	}
	var steps []trail.Step
	for i := len(line) - 2; i >= 0 && ctx.Err() == nil; i-- {
		s, err := r.step(line[i])
		if err != nil {
			return nil, err
		}
		steps = append(steps, s)
	}
	return steps, ctx.Err()
}

// step is a commit with the paths that it changes. It and its parent are held.
func (r *repo) step(c mirror.Commit) (trail.Step, error) {
	s := trail.Step{Commit: c.ID, Parents: c.Parents, Name: c.Author.Name, Email: c.Author.Email, At: c.Author.At}
	changes, err := r.Diff(s.Before(), c.ID)
	if err != nil {
		return s, fmt.Errorf("read commit %s: %w", c.ID.Short(), err)
	}
	for _, ch := range changes {
		s.Paths = append(s.Paths, ch.Path)
	}
	return s, nil
}

// authors is the forge where it knows who wrote a source; nil where it does not.
func authors(f forge) loop.Authors {
	a, _ := f.(loop.Authors)
	return a
}
