package simulation

import (
	"context"
	"time"

	"github.com/waveguide-dev/waveguide/promoter/simulation/law"
	"github.com/waveguide-dev/waveguide/promoter/simulation/world"
)

// Ports are how a process touches the world.
type Ports = ports

// NewPorts are those of a process to all but Git, on a world in which nobody
// waits for a turn and nothing goes wrong.
func NewPorts(w *world.World) Ports {
	laws := law.New(w, w.Commits[w.Main].Spec)
	return ports{&life{
		sim: &sim{world: w, laws: laws}, name: world.Bot, clock: time.Now, witness: law.NewSeen(laws, world.Bot, law.NewClocks()),
		turn: func(ctx context.Context, _, _ string) (fate, error) { return fate{}, ctx.Err() },
	}}
}
