package simulation

import (
	"context"
	"slices"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/loop/trail"
	"github.com/waveguide-dev/waveguide/promoter/simulation/world"
)

// Line implements [loop.History].
func (p ports) Line(ctx context.Context, from, to gitops.Commit, most int) (steps []trail.Step, whole bool, err error) {
	err = p.pass(ctx, "line "+from.Short()+" "+to.Short(), func(fate) error {
		steps, whole = nil, false
		for id := to; id != from; {
			c, err := p.commit(id)
			if err != nil {
				return err
			}
			if len(steps) == most || c.Parent == "" {
				steps = nil
				return nil
			}
			was, err := p.commit(c.Parent)
			if err != nil {
				return err
			}
			steps = append(steps, trail.Step{
				Commit: id, Parents: []gitops.Commit{c.Parent}, Name: c.Author, Email: c.Author, At: c.Time, Paths: world.Differ(was, c),
			})
			id = c.Parent
		}
		slices.Reverse(steps)
		whole = true
		return nil
	})
	return steps, whole, err
}

// CloseIssue implements [loop.Reporter].
func (p ports) CloseIssue(ctx context.Context, id string) error {
	return p.pass(ctx, "end "+id, func(fate) error {
		p.sim.world.Resume(p.name, id)
		return nil
	})
}
