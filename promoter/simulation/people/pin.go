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
// or without: to what is proposed there, to what is there, or to another version.
func (c *Crowd) pin(rng *rand.Rand) {
	ours := c.World.Ours()
	if len(ours) == 0 {
		return
	}
	on := one(rng, ours[max(0, len(ours)-4):])
	if open, ok := c.any(rng); ok && open.Author.Name == world.Bot && rng.IntN(2) == 0 {
		c.stay(rng, open)
		return
	}
	p := c.pinned(rng, on.Lane)
	if v, ok := c.World.Commits[on.Head].Version(on.Lane); ok && rng.IntN(3) == 0 {
		p.Version = v.Tag
	}
	c.World.Comment(one(rng, []string{"ann", "bob", "carl", "eve", "mal"}), on.ID, p.Command())
}

// stay pins a lane to what is there, by somebody with the right, so that the
// proposal has to wait; which somebody without it may not like.
func (c *Crowd) stay(rng *rand.Rand, p gitops.Proposal) {
	if is, ok := c.World.Commits[c.World.Main].Version(p.Lane); ok {
		until := time.Now().Add(Minutes(rng, 30, 150)).Truncate(time.Minute)
		c.World.Comment(one(rng, []string{"ann", "bob", "carl"}), p.ID, world.Pin{Version: is.Tag, Until: until}.Command())
		if rng.IntN(2) == 0 {
			c.World.Comment("mal", p.ID, "/waveguide unpin")
		}
	}
}

// insist pins what is proposed for production, by one of those who may approve
// and do.
func (c *Crowd) insist(rng *rand.Rand) {
	p, ok := c.asking(rng)
	if !ok {
		return
	}
	who := one(rng, []string{"ann", "bob", "bob"})
	if v, ok := c.World.Commits[p.Head].Version(p.Lane); ok {
		until := time.Now().Add(Minutes(rng, 60, 200)).Truncate(time.Minute)
		c.World.Comment(who, p.ID, world.Pin{Version: v.Tag, Until: until}.Command())
		c.push(who, p)
	}
}

// unpin ends a pin that somebody asked for lately, with the right or without:
// one that a proposal waits for, if there is one.
func (c *Crowd) unpin(rng *rand.Rand) {
	var said []string
	for _, p := range c.World.Open() {
		if says(p, "version: pinned") {
			c.World.Comment(one(rng, []string{"ann", "eve", "mal", "mal"}), p.ID, "/waveguide unpin")
			return
		}
	}
	for _, p := range c.World.Ours() {
		for _, e := range p.Events {
			if strings.HasPrefix(e.Text, "/waveguide pin") && time.Since(e.At) < time.Hour {
				said = append(said, p.ID)
			}
		}
	}
	if len(said) > 0 {
		c.World.Comment(one(rng, []string{"ann", "eve", "mal", "mal"}), one(rng, said), "/waveguide unpin")
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
