package gate

import "github.com/waveguide-dev/waveguide/signals"

// Alerts asks whether no alert or incident covers the target.
//
//	alerts: {signal: alerts}
//
// It blocks while one fires, and waits while nobody can tell.
type Alerts struct {
	// Signal is the name of the environment's signal that reads alerts.
	Signal string `yaml:"signal" json:"signal"`
}

// Check implements [Gate].
func (s *Alerts) Check(c Case) Verdict {
	h, ok := c.Facts.Signal(s.Signal)
	switch {
	case !ok || h.State == signals.StateUnknown:
		return wait("", never, "nobody can tell whether an alert covers %s%s", c.Lane.Environment, because(h.Reason))
	case h.State != signals.StateHealthy:
		return block("", "an alert covers %s since %s%s", c.Lane.Environment, stamp(h.Since), because(h.Reason))
	}
	return pass("no alert covers %s", c.Lane.Environment)
}
