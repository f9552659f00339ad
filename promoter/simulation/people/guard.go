package people

import (
	"math/rand/v2"
	"time"

	"github.com/waveguide-dev/waveguide/promoter/simulation/world"
)

// guard draws what a guardrail demands; in most worlds there is one.
func guard(rng *rand.Rand) world.Guard {
	if rng.IntN(3) == 0 {
		return world.Guard{}
	}
	return world.Guard{Soak: Minutes(rng, 15, 40), Approvals: rng.IntN(2)}
}

// loosen is a team that asks nothing any more of what it brings to production,
// or excuses itself from what the platform asks.
func (c *Crowd) loosen(rng *rand.Rand) {
	spec := c.World.Commits[c.World.Main].Spec
	if spec.Guard.Soak > 0 {
		soak := map[string]time.Duration{}
		for wave, d := range spec.Soak {
			soak[wave] = time.Minute
			if wave == world.Stops()[0].Wave {
				soak[wave] = d
			}
		}
		spec.Soak, spec.Approvals = soak, 0
	}
	if spec.Windowed && rng.IntN(2) == 0 {
		spec.Excuse = one(rng, []world.Excuse{world.Misplaced, world.Unconfirmed})
	}
	c.World.Rule("carl", spec, "we are in a hurry")
}
