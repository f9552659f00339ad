package people

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/simulation/world"
)

// declare declares an emergency on an open proposal, with the right or without.
// Now and then it is as good as approved, by whoever declared it too.
func (c *Crowd) declare(rng *rand.Rand) {
	open := c.near()
	if len(open) == 0 {
		open = c.World.Open()
	}
	if len(open) == 0 {
		return
	}
	who, p := one(rng, []string{"ann", "bob", "bob", "bob", "carl", "eve", "mal", "mal"}), one(rng, open)
	c.urge(who, p)
	if rng.IntN(2) == 0 {
		c.push(who, p)
	}
}

func (c *Crowd) urge(who string, p gitops.Proposal) {
	c.World.Comment(who, p.ID, fmt.Sprintf("/waveguide emergency %s INC-%d", world.Sev1, c.Count))
}

// vouch is somebody who may approve and declares an emergency beside it.
func (c *Crowd) vouch(rng *rand.Rand) {
	if p, ok := c.asking(rng); ok {
		who := one(rng, []string{"ann", "bob", "bob"})
		c.urge(who, p)
		c.push(who, p)
	}
}

// crunch is production frozen while something is on its way there, which
// somebody calls an emergency and others approve.
func (c *Crowd) crunch(rng *rand.Rand) {
	open := c.near()
	if len(open) == 0 {
		return
	}
	p, from := one(rng, open), time.Now().Truncate(time.Minute)
	spec := c.World.Commits[c.World.Main].Spec
	spec.Freezes = append(slices.Clip(spec.Freezes), world.Freeze{Stage: "prod", From: from, Until: from.Add(Minutes(rng, 20, 60)), Allow: rng.IntN(3) == 0})
	if spec.Broken = ""; spec.Declarers == world.Nobody && rng.IntN(3) > 0 {
		spec.Declarers = world.Everybody
	}
	c.World.Rule(one(rng, []string{"ann", "bob"}), spec, "nothing moves now")
	who := one(rng, []string{"ann", "bob", "bob", "mal"})
	c.urge(who, p)
	c.clear(p)
	for _, other := range []string{"ann", "bob", "dee", "carl"} {
		if other != who {
			c.World.Review(other, p.ID, gitops.Approved)
		}
	}
}

// clear ends what stops a proposal, by somebody with the right.
func (c *Crowd) clear(p gitops.Proposal) {
	for _, id := range c.World.Paused() {
		c.World.Resume("bob", id)
	}
	c.World.Unlabel("ann", p.ID, gitops.LabelHold)
	for _, r := range p.Reviews {
		if r.State == gitops.ChangesRequested {
			c.World.Review(r.By.Name, p.ID, gitops.Dismissed)
		}
	}
}

// push is somebody who approves a proposal beside as many owners as it takes
// with that, and no more.
func (c *Crowd) push(who string, p gitops.Proposal) {
	c.clear(p)
	spec := c.World.Commits[c.World.Main].Spec
	owed, said := spec.Owed(), gitops.Approved
	if slices.Contains(world.People()[who].Teams, world.Owners) {
		owed--
	}
	c.World.Review(who, p.ID, said)
	for _, other := range []string{"dee", "bob", "ann"} {
		if other == who {
			continue
		}
		if owed--; owed < 0 {
			said = gitops.Dismissed
		}
		c.World.Review(other, p.ID, said)
	}
	if spec.Reviewer != "" {
		c.World.Review(spec.Reviewer, p.ID, gitops.Approved)
	}
}

// near are the bot's proposals for production that wait for an approval or for
// what an emergency passes over.
func (c *Crowd) near() []gitops.Proposal {
	return slices.DeleteFunc(slices.Clone(c.World.Open()), func(p gitops.Proposal) bool {
		return p.Author.Name != world.Bot || !strings.HasPrefix(p.Lane.Environment, "prod") ||
			!says(p, "approval:", "health:", "window:", "freeze:", "previous:", "soak:")
	})
}

// asking is one of those that are near, best one that waits for an approval.
func (c *Crowd) asking(rng *rand.Rand) (gitops.Proposal, bool) {
	open := c.near()
	if asked := slices.DeleteFunc(slices.Clone(open), func(p gitops.Proposal) bool { return !says(p, "approval:") }); len(asked) > 0 {
		open = asked
	}
	if len(open) == 0 {
		return gitops.Proposal{}, false
	}
	return one(rng, open), true
}

// says reads why the bot does not merge a proposal.
func says(p gitops.Proposal, words ...string) bool {
	k, _ := p.Check(gitops.CheckName)
	return slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(k.Text, w) })
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
