package people

import (
	"math/rand/v2"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/simulation/world"
)

// pinned draws a version of a lane and a time until which it is to stay there.
func (c *Crowd) pinned(rng *rand.Rand, lane gitops.Lane) world.Pin {
	v := one(rng, c.World.Versions(lane.Artifact))
	p := world.Pin{Lane: world.Lane(lane.Environment, lane.Artifact), Version: v.Tag, Until: time.Now().Add(Minutes(rng, 10, 150)).Truncate(time.Minute)}
	if rng.IntN(4) == 0 {
		p.Version = string(v.Digest)
	}
	return p
}

// pin asks for a pin below a proposal of the bot, ended or not, with the right
// or without: to what is proposed there, or to another version.
func (c *Crowd) pin(rng *rand.Rand) {
	ours := c.World.Ours()
	if len(ours) == 0 {
		return
	}
	on := one(rng, ours[max(0, len(ours)-4):])
	p := c.pinned(rng, on.Lane)
	if v, ok := c.World.Commits[on.Head].Version(on.Lane); ok && rng.IntN(3) == 0 {
		p.Version = v.Tag
	}
	c.World.Comment(one(rng, []string{"ann", "bob", "carl", "eve", "mal"}), on.ID, p.Command())
}

// insist pins what is proposed for production, by one of those who may approve.
func (c *Crowd) insist(rng *rand.Rand) {
	who, until := one(rng, []string{"ann", "bob"}), time.Now().Add(Minutes(rng, 60, 200)).Truncate(time.Minute)
	for _, p := range c.World.Open() {
		if v, ok := c.World.Commits[p.Head].Version(p.Lane); ok && strings.HasPrefix(p.Lane.Environment, "prod") && p.Author.Name == world.Bot {
			c.World.Comment(who, p.ID, world.Pin{Version: v.Tag, Until: until}.Command())
			return
		}
	}
}

// unpin ends a pin that somebody asked for lately, with the right or without.
func (c *Crowd) unpin(rng *rand.Rand) {
	var said []string
	for _, p := range c.World.Ours() {
		for _, e := range p.Events {
			if strings.HasPrefix(e.Text, "/waveguide pin") && time.Since(e.At) < time.Hour {
				said = append(said, p.ID)
			}
		}
	}
	if len(said) > 0 {
		c.World.Comment(one(rng, []string{"ann", "eve", "mal"}), one(rng, said), "/waveguide unpin")
	}
}

// pinByRule pins a lane in the rules, or ends that.
func (c *Crowd) pinByRule(rng *rand.Rand) {
	spec := c.World.Commits[c.World.Main].Spec
	who := one(rng, []string{"ann", "bob"})
	if len(spec.Pins) > 0 && rng.IntN(4) == 0 {
		c.World.Rule(who, spec.Unpinning(one(rng, spec.Pins).Lane), "a pin less")
		return
	}
	lane := somewhere(rng)
	if ours := c.World.Ours(); len(ours) > 0 {
		lane = one(rng, ours[max(0, len(ours)-4):]).Lane
	}
	p := c.pinned(rng, lane)
	p.By, p.Until = who, p.Until.Add(time.Hour)
	c.World.Rule(who, spec.Pinning(p), "a pin")
}
