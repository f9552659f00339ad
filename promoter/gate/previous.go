package gate

import "github.com/waveguide-dev/waveguide/gitops"

// Previous asks whether the candidate has earned every environment of every
// earlier wave. It has no settings.
//
// It blocks when an earlier environment does not have the artifact at all,
// unless the rules say `absentIn:` for it.
type Previous struct{}

// Check implements [Gate].
func (Previous) Check(c Case) Verdict {
	if len(c.Upstream) == 0 {
		return pass("%s is in the first wave", c.Lane.Environment)
	}
	var last Upstream
	for _, u := range c.Upstream {
		switch {
		case u.Presence == gitops.Absent && u.Optional:
			continue
		case u.Presence == gitops.Absent:
			return block(c.Promotion, "%s is not in %s, which is in an earlier wave: add it there, or allow it with absentIn", c.Lane.Artifact, u.Environment)
		case u.Earned.IsZero():
			return wait("", never, "%s has not earned %s (wave %s) yet%s", c.Candidate, u.Environment, u.Wave, because(u.Reason))
		}
		last = u
	}
	if last.Environment == "" {
		return pass("the rules allow %s to be absent in every earlier environment", c.Lane.Artifact)
	}
	return pass("%s earned %s at %s", c.Candidate, last.Environment, stamp(last.Earned))
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + reason
}
