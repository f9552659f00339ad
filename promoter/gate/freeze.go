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
// It waits until the freeze is over; emergencies that it allows by name pass.
type Freeze struct {
	Freezes []Frozen `json:"freezes,omitempty"`
}

// Frozen is one freeze that covers the lane.
type Frozen struct {
	Name  string    `json:"name"`
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
	// Allow are the names of the emergencies that may pass.
	Allow []string `json:"allow,omitempty"`
}

// Check implements [Gate].
func (s Freeze) Check(c Case) Verdict {
	v := pass("no freeze covers %s", c.Lane)
	for _, f := range s.Freezes {
		if name, ok := c.Class.Emergency(); ok && slices.Contains(f.Allow, name) {
			continue
		}
		begins := f.From.Add(-GreenFor)
		switch {
		case !f.Until.IsZero() && !c.Now.Before(f.Until):
		case c.Now.Before(begins):
			if v.Until.IsZero() || begins.Before(v.Until) {
				v.Until = begins.UTC()
			}
		case c.Now.Before(f.From):
			return wait("", f.Until.UTC(), "freeze %s begins at %s, too soon%s", f.Name, stamp(f.From), f.end())
		default:
			return wait("", f.Until.UTC(), "freeze %s is in force since %s%s", f.Name, stamp(f.From), f.end())
		}
	}
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
