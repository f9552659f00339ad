package simulation

import (
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/simulation/world"
)

// calm ends the storm: from here on everybody does what is right.
func (s *sim) calm() {
	s.people.calm, s.people.next = true, time.Now()
	s.weather = weather{}
	s.world.Calm()
	spec := s.world.Commits[s.world.Main].Spec
	spec.Broken, spec.Freezes = "", nil
	s.world.Rule("ann", spec, "as it should be")
	for _, id := range s.world.Paused() {
		s.world.Resume("bob", id)
	}
	for _, a := range world.Artifacts() {
		s.people.newest[a] = s.world.Publish(a, s.version(a), true)
	}
	for _, p := range s.processes {
		p.cutOff = time.Time{}
		if p.book != nil {
			p.book.limit = 0
		}
	}
	s.tell("the storm is over")
}

// mend is what good people do: they release, rebuild, approve and merge.
func (s *sim) mend() {
	for _, p := range s.world.Open() {
		if _, held := p.Label(gitops.LabelHold); held {
			s.world.Unlabel("ann", p.ID, gitops.LabelHold)
		}
		if p.Author.Name != world.Bot {
			_ = s.world.End("carl", p.ID, "never mind") // it is open
			continue
		}
		if s.world.Commits[p.Head].Author != world.Email {
			if _, asked := p.Label(gitops.LabelRebase); !asked {
				s.world.Label("ann", p.ID, gitops.LabelRebase)
			}
			continue
		}
		s.approve(p)
		if c, _ := p.Check(gitops.CheckName); c.State == gitops.CheckSuccess && strings.HasPrefix(p.Lane.Environment, "prod") {
			_, _ = s.world.Merge("ann", p.ID, p.Head, false) // refused is tried again
		}
	}
}

// approve gives the word of both owners, if they have not given it for the head.
func (s *sim) approve(p gitops.Proposal) {
	for _, who := range []string{"ann", "bob", "carl"} {
		i := slices.IndexFunc(p.Reviews, func(r gitops.Review) bool { return r.By.Name == who })
		switch {
		case who == "carl" && i < 0:
		case i >= 0 && p.Reviews[i].State == gitops.Approved && p.Reviews[i].Head == p.Head:
		default:
			s.world.Review(who, p.ID, gitops.Approved)
		}
	}
}
