package simulation

import (
	"context"
	"fmt"

	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/promoter/simulation/world"
	"github.com/waveguide-dev/waveguide/signals"
)

var _ loop.Publisher = ports{}

// statement is what a publication says. The soak is all that the rules of the
// world change of what a version has to prove.
func statement(about loop.Publication) world.Statement {
	return world.Statement{Lane: about.Stop.Lane, Version: about.Version, Rules: "soak " + about.Stop.Gates.Soak.For.String()}
}

// Missing implements [loop.Publisher].
func (p ports) Missing(ctx context.Context, about loop.Publication) ([]string, error) {
	return ask(ctx, p, "missing "+about.Stop.Lane.String(), func(fate) ([]string, error) {
		if p.sim.world.Stated(statement(about)) {
			return nil, nil
		}
		return []string{"summary"}, nil
	})
}

// Publish implements [loop.Publisher]: it looks what is missing by itself.
func (p ports) Publish(ctx context.Context, about loop.Publication) error {
	return p.pass(ctx, "publish "+about.Stop.Lane.String(), func(fate) error {
		w, s := p.sim.world, statement(about)
		switch {
		case w.Stated(s):
		case !w.Has(s.Lane.Artifact, signals.Digest(s.Version.Digest)):
			return fmt.Errorf("%s: %s", world.Absent, s.Version.Digest)
		default:
			w.State(p.name, s)
		}
		return nil
	})
}
