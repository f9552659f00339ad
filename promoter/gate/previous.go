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
	vs := make([]Verdict, 0, len(c.Upstream))
	for _, u := range c.Upstream {
		vs = append(vs, u.check(c))
	}
	v := worst(vs)
	if v.Answer == Pass {
		return vs[len(vs)-1]
	}
	return v
}

// check asks one environment of an earlier wave.
func (u Upstream) check(c Case) Verdict {
	switch {
	case u.Presence == gitops.Absent && u.Optional:
		return pass("the rules allow %s to be absent in %s", c.Lane.Artifact, u.Environment)
	case u.Presence == gitops.Absent:
		return block(c.Promotion, "%s is not in %s, which is in an earlier wave: add it there, or allow it with absentIn", c.Lane.Artifact, u.Environment)
	case u.Earned.IsZero():
		return wait("", never, "%s has not earned %s (wave %s) yet%s", c.Candidate, u.Environment, u.Wave, because(u.Reason))
	}
	return pass("%s earned %s at %s", c.Candidate, u.Environment, stamp(u.Earned))
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + reason
}
