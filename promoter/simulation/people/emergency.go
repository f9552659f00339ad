package people

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/simulation/world"
)

// declare declares an emergency on an open proposal, with the right or without.
func (c *Crowd) declare(rng *rand.Rand) {
	open := c.World.Open()
	if hard := slices.DeleteFunc(slices.Clone(open), func(p gitops.Proposal) bool { return !strings.HasPrefix(p.Lane.Environment, "prod") }); len(hard) > 0 {
		open = hard
	}
	if len(open) > 0 {
		c.World.Comment(one(rng, []string{"ann", "ann", "bob", "bob", "carl", "eve", "mal"}), one(rng, open).ID, fmt.Sprintf("/waveguide emergency %s INC-%d", world.Sev1, c.Count))
	}
}

// declarers changes who may declare an emergency.
func (c *Crowd) declarers(rng *rand.Rand) {
	spec := c.World.Commits[c.World.Main].Spec
	spec.Declarers = one(rng, []world.Declarers{world.Nobody, world.Everybody, world.OnlyOwners})
	c.World.Rule(one(rng, []string{"ann", "bob"}), spec, "emergencies")
}

// urgent says that somebody declared an emergency on a proposal: while it is
// open no newer version takes its place.
func urgent(p gitops.Proposal) bool {
	return slices.ContainsFunc(p.Events, func(e gitops.Event) bool { return strings.HasPrefix(e.Text, "/waveguide emergency") })
}
