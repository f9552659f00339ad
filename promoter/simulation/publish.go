package simulation

import (
	"context"

	"github.com/waveguide-dev/waveguide/promoter/loop"
)

var _ loop.Publisher = ports{}

// Missing implements [loop.Publisher].
func (p ports) Missing(ctx context.Context, about loop.Publication) ([]string, error) {
	return ask(ctx, p, "missing "+about.Stop.Lane.String(), func(fate) ([]string, error) {
		if p.sim.world.Stated(about.Stop.Lane, about.Version.Digest) {
			return nil, nil
		}
		return []string{"summary"}, nil
	})
}

// Publish implements [loop.Publisher].
func (p ports) Publish(ctx context.Context, about loop.Publication) error {
	return p.pass(ctx, "publish "+about.Stop.Lane.String(), func(fate) error {
		p.sim.world.State(p.name, about.Stop.Lane, about.Version.Digest, about.Version.Tag)
		return nil
	})
}
