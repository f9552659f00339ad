package simulation

import (
	"context"
	"fmt"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/promoter/loop/trail"
)

var (
	_ loop.Repo     = ports{}
	_ loop.Branches = ports{}
	_ loop.History  = ports{}
)

// Fetch implements [loop.Repo].
func (p ports) Fetch(ctx context.Context) (loop.Update, error) {
	return ask(ctx, p, "fetch", func(fate) (loop.Update, error) {
		u, err := p.clone.Fetch(ctx)
		p.witness.Git(u.Head)
		return u, err
	})
}

// Files implements [loop.Repo].
func (p ports) Files(ctx context.Context, at gitops.Commit, under, text string) (map[string][]byte, error) {
	return ask(ctx, p, "files "+under, func(fate) (map[string][]byte, error) { return p.clone.Files(ctx, at, under, text) })
}

// Delta implements [loop.Repo].
func (p ports) Delta(ctx context.Context, from, to gitops.Commit) (loop.Delta, error) {
	return ask(ctx, p, "delta "+from.Short()+" "+to.Short(), func(fate) (loop.Delta, error) {
		d, err := p.clone.Delta(ctx, from, to)
		if err == nil {
			p.witness.Delta(to)
		}
		return d, err
	})
}

// Compose implements [loop.Repo].
func (p ports) Compose(ctx context.Context, d loop.Draft) (gitops.Commit, error) {
	return ask(ctx, p, "compose", func(fate) (gitops.Commit, error) { return p.clone.Compose(ctx, d) })
}

// Branch implements [loop.Branches].
func (p ports) Branch(name string) (gitops.Commit, bool) { return p.clone.Branch(name) }

// Push implements [loop.Branches].
func (p ports) Push(ctx context.Context, moves []loop.Move) []error {
	errs := make([]error, len(moves))
	err := p.pass(ctx, fmt.Sprintf("push %s of %d", moves[0].Branch, len(moves)), func(fate) error {
		errs = p.clone.Push(ctx, moves)
		return nil
	})
	for i := range errs {
		if err != nil {
			errs[i] = err
		}
	}
	return errs
}

// Line implements [loop.History].
func (p ports) Line(ctx context.Context, from, to gitops.Commit, most int) (steps []trail.Step, whole bool, err error) {
	err = p.pass(ctx, "line "+from.Short()+" "+to.Short(), func(fate) (err error) {
		steps, whole, err = p.clone.Line(ctx, from, to, most)
		for _, s := range steps {
			p.witness.Line(s.Commit)
		}
		return err
	})
	if err != nil {
		return nil, false, err
	}
	return steps, whole, nil
}

// Tail implements [loop.History].
func (p ports) Tail(ctx context.Context, head gitops.Commit, most int) ([]trail.Step, error) {
	return ask(ctx, p, "tail "+head.Short(), func(fate) ([]trail.Step, error) { return p.clone.Tail(ctx, head, most) })
}
