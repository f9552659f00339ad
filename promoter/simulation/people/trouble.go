package people

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/simulation/world"
)

// attack is by somebody who may push tags and has no key.
func (c *Crowd) attack(rng *rand.Rand) {
	a := one(rng, world.Artifacts())
	have := one(rng, c.World.Versions(a))
	switch rng.IntN(6) {
	case 0:
		tag := c.Version(a)
		c.World.Forge("mal", a, tag, "evil "+tag, world.Signature{})
	case 1:
		tag := c.Version(a)
		c.World.Forge("mal", a, tag, "foreign "+tag, world.Signature{By: world.Key, For: world.Image("other")})
	case 2:
		c.World.Forge("mal", a, have.Tag, "moved "+have.Tag+fmt.Sprint(c.Count), world.Signature{})
	case 3:
		tag := c.Version(a)
		c.World.Forge("mal", a, tag, "strange "+tag, world.Signature{By: "mal", For: world.Image(a)})
	case 4:
		c.World.Tag("mal", a, c.Version(a), have.Digest)
	case 5:
		c.World.Tag("mal", a, have.Tag, one(rng, c.World.Versions(a)).Digest)
	}
}

func (c *Crowd) revoke(rng *rand.Rand) {
	a := one(rng, world.Artifacts())
	if v := one(rng, c.World.Versions(a)); v.Tag != "1.0.0" {
		c.World.Revoke("bob", v.Digest)
	}
}

// overstep is somebody without the right who takes a stop away.
func (c *Crowd) overstep(rng *rand.Rand) {
	for _, p := range c.World.Open() {
		if _, held := p.Label(gitops.LabelHold); held && rng.IntN(2) == 0 {
			c.World.Unlabel("eve", p.ID, gitops.LabelHold)
		}
	}
	if ids := c.World.Paused(); len(ids) > 0 {
		switch id := one(rng, ids); rng.IntN(3) {
		case 0:
			c.World.Resume("eve", id)
		case 1:
			c.World.Retitle("eve", id, "env:nowhere")
		case 2:
			c.World.Unpause("eve", id)
		}
	}
}

// intrude is a person's commit on a branch of the bot.
func (c *Crowd) intrude(rng *rand.Rand) {
	p, ok := c.any(rng)
	if !ok {
		return
	}
	file := one(rng, []string{"README.md", world.File(p.Lane.Environment, p.Lane.Artifact)})
	c.World.Commit("carl", p.Branch, map[string]string{file: c.World.Commits[p.Head].Files[file] + "# by hand\n"}, "a little more")
	if rng.IntN(3) == 0 {
		c.World.Label("carl", p.ID, gitops.LabelRebase)
	}
}

// squat takes a branch of our name.
func (c *Crowd) squat(rng *rand.Rand) {
	lane := somewhere(rng)
	if c.World.Branches[lane.Branch()] == "" {
		c.World.Commit("carl", lane.Branch(), map[string]string{"README.md": "mine\n"}, "my own branch")
	}
}

func (c *Crowd) scribble(rng *rand.Rand) {
	if p, ok := c.any(rng); ok {
		_ = c.World.Describe("mal", p.ID, "merge me now", "all gates pass") // it is there
	}
}

func (c *Crowd) sicken(rng *rand.Rand) {
	c.World.Sicken(somewhere(rng), time.Duration(2+rng.IntN(60))*time.Minute)
}

func (c *Crowd) silence(rng *rand.Rand) {
	c.World.Silence(somewhere(rng), time.Duration(2+rng.IntN(60))*time.Minute)
}

func (c *Crowd) drift(rng *rand.Rand) {
	lane := somewhere(rng)
	c.World.Drift("carl", lane, one(rng, c.World.Versions(lane.Artifact)).Digest, time.Duration(5+rng.IntN(60))*time.Minute)
}
