package promoter

import (
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/signals"
)

// ReviewDue is how long after an emergency was declared its review is due.
const ReviewDue = 24 * time.Hour

// Emergency is a name under which people with the right may pass over what the
// table of [gate.Class] says.
type Emergency struct {
	Name string `json:"name"`
	// From are the people and teams who may declare it, among those with the
	// right; everybody with the right, if empty.
	From []string `json:"from,omitempty"`
}

// Declares says whether somebody is among those who may declare it.
func (e Emergency) Declares(a gitops.Actor) bool {
	return len(e.From) == 0 || slices.ContainsFunc(e.From, func(who string) bool { return isOf(a, who) })
}

// isOf says whether somebody is the person "@name" or in the team "@org/team".
func isOf(a gitops.Actor, who string) bool {
	if strings.Contains(who, "/") {
		return slices.ContainsFunc(a.Teams, func(t string) bool { return strings.EqualFold(t, who) })
	}
	return strings.EqualFold(strings.TrimPrefix(who, "@"), a.Name)
}

// Commands says whether somebody is among those whose commands count here:
// every list of the rules that covers the stop must name them.
func (s *Stop) Commands(a gitops.Actor) bool {
	for _, list := range s.Commanders {
		if !slices.ContainsFunc(list, func(who string) bool { return isOf(a, who) }) {
			return false
		}
	}
	return true
}

// Emergency finds one by its name.
func (s *Stop) Emergency(name string) (Emergency, bool) {
	for _, e := range s.Emergencies {
		if e.Name == name {
			return e, true
		}
	}
	return Emergency{}, false
}

// declared is the emergency that counts of a proposal: the newest that the
// rules know. A way back is none.
func (s *Stop) declared(p *gitops.Proposal) *gitops.Given {
	if p == nil || gate.Class(p.Class) == gate.Rollback {
		return nil
	}
	for i := range slices.Backward(p.Orders) {
		o := &p.Orders[i]
		if _, known := s.Emergency(o.Name); known && o.Word == gitops.CommandEmergency {
			return o
		}
	}
	return nil
}

// classOf is the class of the change that a proposal is: what the plan said, or
// the emergency that was declared on it.
func (s *Stop) classOf(p *gitops.Proposal) gate.Class {
	if e := s.declared(p); e != nil {
		return gate.EmergencyClass(e.Name)
	}
	if p.Class == string(gate.Rollback) {
		return gate.Rollback
	}
	return gate.Promotion
}

// caused is a proposal whose causers include those by whose word this version
// may enter: whoever declared the emergency, pinned it or took its rejection
// back.
func (d *decision) caused(at *site, v signals.Version) *gitops.Proposal {
	open := at.known.open()
	if open == nil {
		return nil
	}
	var more []string
	if at.pin != nil && at.pin.Rule == "" && at.pin.version.Digest == v.Digest {
		more = append(more, at.pin.By)
	}
	for i := range at.known.Proposals {
		p := &at.known.Proposals[i]
		for _, o := range p.Orders {
			declared := o.Word == gitops.CommandEmergency && p.ID == open.ID
			retried := o.Word == gitops.CommandRetry && p.Forgiven && d.versions.find(p.To).Digest == v.Digest
			if declared || retried {
				more = append(more, o.By.Name)
			}
		}
	}
	if len(more) == 0 {
		return open
	}
	told := *open
	told.Causers = slices.Concat(open.Causers, more)
	return &told
}
