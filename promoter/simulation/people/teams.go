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

func (c *Crowd) release(rng *rand.Rand) {
	a := one(rng, world.Artifacts())
	tag := c.Version(a)
	c.Newest[a] = c.World.Publish(one(rng, []string{"ann", "fay"}), a, tag, rng.IntN(4) > 0)
}

func (c *Crowd) untag(rng *rand.Rand) {
	a := one(rng, world.Artifacts())
	all := c.World.Versions(a)
	if v := one(rng, all); v.Tag != "1.0.0" && len(all) > 1 {
		c.World.Untag("carl", a, v.Tag)
	}
}

// erase deletes a digest that nobody should use any more, or so carl thinks.
func (c *Crowd) erase(rng *rand.Rand) {
	a := one(rng, world.Artifacts())
	all := c.World.Versions(a)
	v := one(rng, all)
	if slices.ContainsFunc(all, func(o world.Version) bool { return o.Digest != v.Digest }) && v.Digest != world.DigestOf(a, "1.0.0") {
		c.World.Erase("carl", a, v.Digest)
	}
}

// any is one of the open proposals.
func (c *Crowd) any(rng *rand.Rand) (gitops.Proposal, bool) {
	open := c.World.Open()
	if len(open) == 0 {
		return gitops.Proposal{}, false
	}
	return one(rng, open), true
}

func (c *Crowd) review(rng *rand.Rand) {
	said := gitops.Approved
	if rng.IntN(8) == 0 {
		said = gitops.ChangesRequested
	}
	who := one(rng, []string{"ann", "ann", "bob", "dee", "carl", "mal"})
	for _, p := range c.World.Open() {
		// Production is where a review is asked for.
		if strings.HasPrefix(p.Lane.Environment, "prod") && rng.IntN(2) == 0 || rng.IntN(8) == 0 {
			c.World.Review(who, p.ID, said)
		}
	}
}

// haste is an owner who approves whatever is open in production, long before
// the rest of it is ready.
func (c *Crowd) haste(rng *rand.Rand) {
	who := one(rng, []string{"ann", "bob"})
	for _, p := range c.World.Open() {
		if strings.HasPrefix(p.Lane.Environment, "prod") {
			c.World.Review(who, p.ID, gitops.Approved)
		}
	}
}

func (c *Crowd) hold(rng *rand.Rand) {
	if p, ok := c.any(rng); ok {
		c.World.Label(one(rng, []string{"ann", "eve", "carl"}), p.ID, gitops.LabelHold)
	}
}

func (c *Crowd) unhold(rng *rand.Rand) {
	for _, p := range c.World.Open() {
		if _, held := p.Label(gitops.LabelHold); held && rng.IntN(2) == 0 {
			c.World.Unlabel("ann", p.ID, gitops.LabelHold)
		}
	}
}

func (c *Crowd) pause(rng *rand.Rand) {
	lane := somewhere(rng)
	until := time.Now().Add(time.Duration(10+rng.IntN(120)) * time.Minute).UTC().Format("2006-01-02T15:04Z")
	titles := []string{"env:" + lane.Environment, "artifact:" + lane.Artifact, "env:prod-*", "wave:web/prod", "scope:all", "something with a word:unknown", "env:" + lane.Environment + " until:" + until}
	c.World.Pause(one(rng, []string{"ann", "eve", "bob"}), one(rng, titles))
}

func (c *Crowd) resume(rng *rand.Rand) {
	if ids := c.World.Paused(); len(ids) > 0 {
		c.World.Resume("bob", one(rng, ids))
	}
}

// settle closes an issue that the bot opened, by somebody who may or may not.
func (c *Crowd) settle(rng *rand.Rand) {
	if ids := c.World.Reported(); len(ids) > 0 {
		c.World.Resume(one(rng, []string{"ann", "bob", "eve"}), one(rng, ids))
	}
}

// say is a word below a proposal that somebody may or may not mean.
func (c *Crowd) say(rng *rand.Rand) {
	if p, ok := c.any(rng); ok {
		words := []string{"/hold the line", "/unhold", "/waveguide retry", "/waveguide rebase", "nice", "/waveguide what"}
		c.World.Comment(one(rng, []string{"ann", "bob", "eve", "mal"}), p.ID, one(rng, words))
	}
}

// propose is a person's own change: of a version, or of nothing of ours.
func (c *Crowd) propose(rng *rand.Rand) {
	lane := somewhere(rng)
	v := one(rng, c.World.Versions(lane.Artifact))
	files := map[string]string{"README.md": fmt.Sprintf("words %d\n", c.Count)}
	if rng.IntN(2) == 0 {
		files = map[string]string{world.File(lane.Environment, lane.Artifact): world.Content(lane.Artifact, v.Tag, v.Digest)}
	}
	c.World.Propose("carl", fmt.Sprintf("carl-%d", c.Count), files, "what carl wants")
}

func (c *Crowd) closing(rng *rand.Rand) {
	if p, ok := c.any(rng); ok {
		_ = c.World.End(one(rng, []string{"ann", "bob"}), p.ID, "not this one") // a person's closing works
	}
}

func (c *Crowd) reopen(rng *rand.Rand) {
	for n := c.Count; n > 0; n-- {
		if rng.IntN(2) == 0 && c.World.Reopen("ann", fmt.Sprint(n)) {
			return
		}
	}
}

// byHand is a person who merges: what is green, or as an admin whatever it is.
func (c *Crowd) byHand(rng *rand.Rand) {
	p, ok := c.any(rng)
	if !ok {
		return
	}
	admin := rng.IntN(6) == 0
	who := "ann"
	if admin {
		who = "bob"
	}
	_, _ = c.World.Merge(who, p.ID, p.Head, admin) // refused is refused
}

// direct changes the version of a lane past any proposal: forward or back.
func (c *Crowd) direct(rng *rand.Rand) {
	lane := somewhere(rng)
	v := one(rng, c.World.Versions(lane.Artifact))
	c.World.Commit(one(rng, []string{"ann", "bob"}), "", map[string]string{
		world.File(lane.Environment, lane.Artifact): world.Content(lane.Artifact, v.Tag, v.Digest),
	}, lane.String()+" to "+v.Tag+" by hand")
}

// unrelated is a commit that changes no version, sometimes beside one.
func (c *Crowd) unrelated(rng *rand.Rand) {
	lane := somewhere(rng)
	file := one(rng, []string{"README.md", world.File(lane.Environment, lane.Artifact)})
	c.World.Commit("carl", "", map[string]string{file: c.World.Commits[c.World.Main].Files[file] + fmt.Sprintf("# note %d\n", c.Count)}, "a comment")
}

// rules are changed by their owners, not always to something that can be read.
func (c *Crowd) rules(rng *rand.Rand) {
	spec := c.World.Commits[c.World.Main].Spec
	switch rng.IntN(9) {
	case 0, 1:
		from := time.Now().Add(time.Duration(rng.IntN(40)) * time.Minute).Truncate(time.Minute)
		f := world.Freeze{Stage: one(rng, []string{"prod", "staging", "dev"}), From: from, Until: from.Add(time.Duration(20+rng.IntN(120)) * time.Minute), Allow: rng.IntN(2) == 0}
		spec.Freezes = append(slices.Clip(spec.Freezes), f)
	case 2:
		soak := map[string]time.Duration{}
		for wave, d := range spec.Soak {
			soak[wave] = d + time.Duration(5)*time.Minute
		}
		spec.Soak = soak
	case 3:
		spec.Approvals = rng.IntN(3)
	case 4:
		spec.Auto = !spec.Auto
	case 5:
		spec.Broken = one(rng, []string{"promotion", "environment", "environment", "freeze", "freeze"})
	case 6:
		spec.Windowed = !spec.Windowed
	case 7:
		spec.MaxInFlight = rng.IntN(3)
	case 8:
		spec.Reviewer = one(rng, []string{"", "carl"})
	}
	c.World.Rule(one(rng, []string{"ann", "bob"}), spec, "new rules")
}

// repair mends rules that are broken.
func (c *Crowd) repair(rng *rand.Rand) {
	if spec := c.World.Commits[c.World.Main].Spec; spec.Broken != "" {
		spec.Broken = ""
		c.World.Rule(one(rng, []string{"ann", "bob"}), spec, "readable rules")
	}
}

func (c *Crowd) rewind(*rand.Rand) { c.World.Rewind("bob") }
