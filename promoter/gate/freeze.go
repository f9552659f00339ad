package gate

import (
	"slices"
	"time"
)

// Freeze asks whether no dated freeze covers this lane. A freeze is half-open:
// it ends at its `until`.
//
//	kind: Freeze
//	match: {stage: prod}
//	from: 2026-12-20T00:00:00+07:00
//	until: 2027-01-06T00:00:00+07:00
//	allow: [security-fix]
//
// It waits until the freeze is over; emergencies that it allows by name pass,
// once the freeze's own `approvals:` are given.
type Freeze struct {
	Freezes []Frozen `json:"freezes,omitempty"`
}

// Frozen is one freeze that covers the lane.
type Frozen struct {
	Name  string    `json:"name"`
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
	// Allow are the names of the emergencies that may pass, with the approvals
	// beside those that are needed anyway.
	Allow     []string   `json:"allow,omitempty"`
	Approvals []Approver `json:"approvals,omitempty"`
}

// Check implements [Gate].
func (s Freeze) Check(c Case) Verdict {
	v := pass("no freeze covers %s", c.Lane)
	for _, f := range s.Freezes {
		begins := f.From.Add(-GreenFor)
		switch {
		case !f.Until.IsZero() && !c.Now.Before(f.Until):
		case c.Now.Before(begins):
			v.Until = sooner(v.Until, begins.UTC())
		case f.allows(c.Class):
			approval := f.approved(c)
			if approval.Answer != Pass {
				return approval
			}
			v.Until = sooner(v.Until, approval.Until)
		case c.Now.Before(f.From):
			return wait("", f.Until.UTC(), "freeze %s begins at %s, too soon%s", f.Name, stamp(f.From), f.end())
		default:
			return wait("", f.Until.UTC(), "freeze %s is in force since %s%s", f.Name, stamp(f.From), f.end())
		}
	}
	return v
}

// allows says that an emergency of this class may pass.
func (f Frozen) allows(c Class) bool {
	name, ok := c.Emergency()
	return ok && slices.Contains(f.Allow, name)
}

// approved says whether an emergency that may pass has the freeze's approvals.
func (f Frozen) approved(c Case) Verdict {
	if len(f.Approvals) == 0 {
		return pass("no approval is required")
	}
	v := Approval{Required: f.Approvals}.Check(c)
	if v.Answer == Pass {
		return v
	}
	v = wait(v.Owner, v.Until, "freeze %s lets %s pass once it is approved: %s", f.Name, c.Class, v.Reason)
	v.Until = sooner(v.Until, f.Until.UTC())
	return v
}

// end says when the freeze ends; one without an end is in force until the
// rules change.
func (f Frozen) end() string {
	if f.Until.IsZero() {
		return ""
	}
	return "; it ends at " + stamp(f.Until)
}

// Tighten is all freezes of both.
func (s Freeze) Tighten(floor Freeze) Freeze {
	return Freeze{Freezes: slices.Concat(s.Freezes, floor.Freezes)}
}
