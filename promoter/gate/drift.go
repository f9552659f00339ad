package gate

import (
	"slices"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/signals"
)

// Drift asks whether the target runs what Git desires there, so that a
// promotion starts from a known place. It has no settings; an environment that
// cannot tell what runs says `running: desired`.
//
// It waits while the target runs something else, nobody can tell, or two
// signals contradict each other.
type Drift struct{}

// Check implements [Gate].
func (Drift) Check(c Case) Verdict {
	if c.Current.Presence == gitops.Mixed {
		return pass("the places of %s disagree; the proposal sets all of them", c.Lane.Environment)
	}
	running, ok := c.Facts.Running()
	desired := signals.Digest(c.Current.Version.Digest)
	if desired == "" && c.Running.Tag == c.Current.Version.Tag {
		desired = c.Running.Digest
	}
	told := slices.ContainsFunc(c.Facts.Health, func(h signals.Health) bool { return h.Digest != "" })
	switch {
	case !ok && told:
		return wait("", never, "the signals of %s disagree about what runs there", c.Lane.Environment)
	case !ok && c.TrustDesired:
		return pass("%s takes what Git desires for what runs", c.Lane.Environment)
	case !ok:
		return wait("", never, "nobody can tell what runs in %s", c.Lane.Environment)
	case desired == "":
		return wait("", never, "nobody knows which digest Git means in %s by %s", c.Lane.Environment, orElse(c.Current.Version.Tag, "no version at all"))
	case running != desired:
		return wait("", never, "%s runs %s, but Git names %s", c.Lane.Environment, running.Short(), desired.Short())
	}
	return pass("%s runs what Git names", c.Lane.Environment)
}
