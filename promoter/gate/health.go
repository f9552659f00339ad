package gate

import (
	"time"

	"github.com/waveguide-dev/waveguide/signals"
)

// Health asks whether every signal that the target environment names holds
// now. No data waits, old data waits.
//
//	health:
//	  - {name: smoke, signal: probe, url: "https://app.example.com/healthz"}
//
// It blocks when a signal is unhealthy, and when another environment of the
// same wave turned unhealthy on the candidate (`onFailure: stopWave`).
type Health struct{}

// Check implements [Gate].
func (Health) Check(c Case) Verdict {
	if len(c.Failing) > 0 {
		return block("", "%s turned unhealthy on %s, so the wave stops", c.Failing[0], c.Candidate)
	}
	if len(c.Signals) == 0 {
		return pass("no signal is named for %s", c.Lane.Environment)
	}
	var until time.Time
	for _, s := range c.Signals {
		h, ok := c.Facts.Signal(s.Name)
		fresh := h.At.Add(s.MaxAge)
		switch {
		case ok && h.Uncollected:
			return wait("", never, "%s of %s is not collected by this build", s.Name, c.Lane.Environment)
		case ok && h.State == signals.StateUnhealthy && c.Now.Before(fresh):
			return block("", "%s of %s is unhealthy since %s%s", s.Name, c.Lane.Environment, stamp(h.Since), because(h.Reason))
		case s.NoDataHealthy && (!ok || h.State == signals.StateUnknown):
			continue
		case !ok || h.State == signals.StateUnknown:
			return wait("", never, "%s of %s has no data%s", s.Name, c.Lane.Environment, because(h.Reason))
		case !c.Now.Before(fresh):
			return wait("", never, "%s of %s was last read at %s, too long ago", s.Name, c.Lane.Environment, stamp(h.At))
		case h.State == signals.StateProgressing:
			return wait("", never, "%s of %s is progressing since %s%s", s.Name, c.Lane.Environment, stamp(h.Since), because(h.Reason))
		}
		if until.IsZero() || fresh.Before(until) {
			until = fresh
		}
	}
	v := pass("all signals of %s are healthy", c.Lane.Environment)
	v.Until = until
	return v
}
