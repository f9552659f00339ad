package simulation

import (
	"time"

	"github.com/waveguide-dev/waveguide/promoter/simulation/world"
)

// calm ends the storm: from here on everybody does what is right.
func (s *sim) calm() {
	s.calmed, s.next = true, time.Now()
	s.weather = weather{}
	s.world.Calm()
	spec := s.world.Commits[s.world.Main].Spec
	spec.Broken, spec.Excuse, spec.Freezes, spec.Pins = "", "", nil, nil
	s.world.Rule("ann", spec, "as it should be")
	for _, id := range s.world.Paused() {
		s.world.Resume("bob", id)
	}
	for _, a := range world.Artifacts() {
		s.crowd.Newest[a] = s.world.Publish("fay", a, s.crowd.Version(a), true)
	}
	for _, p := range s.processes {
		p.cutOff = time.Time{}
		p.set(-p.offset())
		if p.book != nil {
			p.book.limit = 0
		}
	}
	s.tell("the storm is over")
}
