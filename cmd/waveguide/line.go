package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/waveguide-dev/waveguide/gitops"
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
		s := trail.Step{Commit: id, Parents: c.Parents, Name: c.Author.Name, Email: c.Author.Email, At: c.Author.At}
		if _, err := r.Commit(ctx, s.Before()); err != nil {
			return nil, false, err
		}
		changes, err := r.Diff(s.Before(), id)
		if err != nil {
			return nil, false, fmt.Errorf("read commit %s: %w", id.Short(), err)
		}
		for _, ch := range changes {
			s.Paths = append(s.Paths, ch.Path)
		}
		steps, id = append(steps, s), s.Before()
	}
	slices.Reverse(steps)
	return steps, true, nil
}

// authors is the forge where it knows who wrote a source; nil where it does not.
func authors(f forge) loop.Authors {
	a, _ := f.(loop.Authors)
	return a
}
