package people

import (
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/simulation/world"
)

// Mend is what good people do: they put on record, release, rebuild, approve
// and merge.
func (c *Crowd) Mend() {
	for _, id := range c.World.Reported() {
		c.World.Resume("ann", id)
	}
	for _, p := range c.World.Open() {
		c.help(p)
	}
}

// help is what good people do about one proposal.
func (c *Crowd) help(p gitops.Proposal) {
	if _, held := p.Label(gitops.LabelHold); held {
		c.World.Unlabel("ann", p.ID, gitops.LabelHold)
	}
	v, named := c.World.Commits[p.Head].Version(p.Lane)
	switch {
	case p.Author.Name != world.Bot:
		_ = c.World.End("carl", p.ID, "never mind") // it is open
		return
	case c.World.Commits[p.Head].Author != world.Email:
		if _, asked := p.Label(gitops.LabelRebase); !asked {
			c.World.Label("ann", p.ID, gitops.LabelRebase)
		}
		return
	case urgent(p) && named && v.Digest != string(c.Newest[p.Lane.Artifact]):
		_ = c.World.End("ann", p.ID, "over") // it is open
		return
	}
	c.approve(p)
	if k, _ := p.Check(gitops.CheckName); k.State == gitops.CheckSuccess && strings.HasPrefix(p.Lane.Environment, "prod") {
		_, _ = c.World.Merge("ann", p.ID, p.Head, false) // refused is tried again
	}
}

// renewal is when a word is given again, before it does not count any more.
func renewal(s world.Spec) time.Duration { return min(40*time.Minute, s.TTL/2) }

// approve gives the word of all owners, if they have not given it for the head.
func (c *Crowd) approve(p gitops.Proposal) {
	spec := c.World.Commits[c.World.Main].Spec
	for _, who := range []string{"ann", "bob", "dee", "carl"} {
		i := slices.IndexFunc(p.Reviews, func(r gitops.Review) bool { return r.By.Name == who })
		switch {
		case who == "carl" && i < 0 && spec.Reviewer != who:
		case i >= 0 && p.Reviews[i].State == gitops.Approved && p.Reviews[i].Head == p.Head && time.Since(p.Reviews[i].At) < renewal(spec):
		default:
			c.World.Review(who, p.ID, gitops.Approved)
		}
	}
}
