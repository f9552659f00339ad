package gate

import (
	"time"

	"github.com/waveguide-dev/waveguide/signals"
)

// alertsMaxAge is how old an answer about alerts may be where no rule says it.
const alertsMaxAge = 15 * time.Minute

// Alerts asks whether no alert or incident covers the target.
//
//	alerts: {signal: alerts}
//
// It blocks while one fires, and waits while nobody can tell. An answer older
// than the signal's `maxAge` (15 minutes if none is written) tells nothing.
type Alerts struct {
	// Signal is the name of the environment's signal that reads alerts.
	Signal string `yaml:"signal" json:"signal"`
}

// Check implements [Gate].
func (s *Alerts) Check(c Case) Verdict {
	h, ok := c.Facts.Signal(s.Signal)
	fresh := h.At.Add(s.maxAge(c))
	switch {
	case ok && h.Uncollected:
		return wait("", never, "%s of %s is not collected by this build", s.Signal, c.Lane.Environment)
	case !ok || h.State == signals.StateUnknown:
		return wait("", never, "nobody can tell whether an alert covers %s%s", c.Lane.Environment, because(h.Reason))
	case early(h, c.Now):
		return wait("", never, "%s of %s is dated %s, which is in the future: compare the clocks", s.Signal, c.Lane.Environment, stamp(h.At))
	case !c.Now.Before(fresh):
		return wait("", never, "%s of %s was last read at %s, too long ago", s.Signal, c.Lane.Environment, stamp(h.At))
	case h.State != signals.StateHealthy:
		v := block("", "an alert covers %s%s%s", c.Lane.Environment, since(h.Since), because(h.Reason))
		v.Until = fresh
		return v
	}
	v := pass("no alert covers %s", c.Lane.Environment)
	v.Until = fresh
	return v
}

func (s *Alerts) maxAge(c Case) time.Duration {
	for _, g := range c.Signals {
		if g.Name == s.Signal && g.MaxAge > 0 {
			return g.MaxAge
		}
	}
	return alertsMaxAge
}
