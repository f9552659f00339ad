package gate

import (
	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/signals"
)

// Drift asks whether the target runs what Git desires there, so that a
// promotion starts from a known place. It has no settings; an environment that
// cannot tell what runs says `running: desired`.
//
// It waits while the target runs something else or nobody can tell.
type Drift struct{}

// Check implements [Gate].
func (Drift) Check(c Case) Verdict {
	if c.Current.Presence == gitops.Mixed {
		return pass("the places of %s disagree; the proposal sets all of them", c.Lane.Environment)
	}
	running, ok := c.Facts.Running()
	switch {
	case !ok && c.TrustDesired:
		return pass("%s takes what Git desires for what runs", c.Lane.Environment)
	case !ok:
		return wait("", never, "nobody can tell what runs in %s", c.Lane.Environment)
	case running != signals.Digest(c.Current.Version.Digest):
		return wait("", never, "%s runs %s, but Git names %s", c.Lane.Environment, running.Short(), signals.Digest(c.Current.Version.Digest).Short())
	}
	return pass("%s runs what Git names", c.Lane.Environment)
}
