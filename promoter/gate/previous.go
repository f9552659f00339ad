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
	// The gravest answer speaks: the first block, else the first wait; where
	// all pass, the latest wave.
	says := 0
	for i := range c.Upstream {
		a, b := c.Upstream[i].answer(), c.Upstream[says].answer()
		if a == Pass && b == Pass || a == Wait && b == Pass || a == Block && b != Block {
			says = i
		}
	}
	return c.Upstream[says].check(c)
}

// answer is what one environment of an earlier wave says.
func (u *Upstream) answer() Answer {
	switch {
	case u.Presence == gitops.Absent && u.Optional:
		return Pass
	case u.Presence == gitops.Absent:
		return Block
	case u.Earned.IsZero():
		return Wait
	}
	return Pass
}

// check says it in words.
func (u *Upstream) check(c Case) Verdict {
	switch u.answer() {
	case Block:
		return block(c.Promotion, "%s is not in %s, which is in an earlier wave: add it there, or allow it with absentIn", c.Lane.Artifact, u.Environment)
	case Wait:
		return wait("", never, "%s has not earned %s (wave %s) yet%s", c.Candidate, u.Environment, u.Wave, because(u.Reason))
	case Pass:
	}
	if u.Presence == gitops.Absent {
		return pass("the rules allow %s to be absent in %s", c.Lane.Artifact, u.Environment)
	}
	return pass("%s earned %s at %s", c.Candidate, u.Environment, stamp(u.Earned))
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + reason
}
