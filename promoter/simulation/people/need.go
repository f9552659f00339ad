package people

import (
	"fmt"
	"math/rand/v2"

	"github.com/waveguide-dev/waveguide/promoter/simulation/world"
)

// need draws what shop requires of cart: of versions that there are, or of the
// next one.
func need(rng *rand.Rand, minor int) world.Need {
	switch rng.IntN(6) {
	case 0:
		return world.AnyVersion
	case 1:
		return world.Need(fmt.Sprintf("<1.%d.0", minor+2+rng.IntN(2)))
	}
	return world.Need(fmt.Sprintf(">=1.%d.0", max(0, minor-rng.IntN(3)+1)))
}

// require changes what shop requires of cart, or takes it away.
func (c *Crowd) require(rng *rand.Rand) {
	spec := c.World.Commits[c.World.Main].Spec
	next := need(rng, c.minor["cart"])
	if spec.Need != "" && rng.IntN(3) == 0 {
		next = ""
	}
	spec.Need = next
	c.World.Rule(one(rng, []string{"ann", "bob"}), spec, "what shop requires")
}
