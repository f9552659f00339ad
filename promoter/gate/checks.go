package gate

import (
	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/signals"
)

// Checks asks whether the forge's other required checks are green, and whether
// the proposal is still exactly the planned edit. It has no settings.
//
// It blocks when a required check failed or a person changed the branch, and
// waits while the branch names another version than the candidate.
type Checks struct{}

// Check implements [Gate].
func (Checks) Check(c Case) Verdict {
	if c.Proposal == nil {
		return wait("", never, "there is no proposal to check yet")
	}
	switch {
	case c.Proposal.Edited != "":
		return block("whoever pushed", "the branch is not the planned edit: %s; add the label %s to rebuild it", c.Proposal.Edited, gitops.LabelRebase)
	case c.Proposal.To != (gitops.Version{}) && !carries(c.Proposal.To, c.Candidate):
		return wait("", never, "the branch names %s, not %s", orElse(c.Proposal.To.Tag, signals.Digest(c.Proposal.To.Digest).Short()), c.Candidate)
	case c.Proposal.Behind:
		return wait("", never, "the edit has to be computed again on the newest commit")
	}
	vs := []Verdict{pass("the branch is exactly the planned edit and every other required check is green")}
	for _, k := range c.Proposal.Checks {
		if !k.Required || k.Name == gitops.CheckName {
			continue
		}
		switch k.State {
		case gitops.CheckSuccess:
		case gitops.CheckFailure:
			vs = append(vs, block("", "the required check %s failed", k.Name))
		case gitops.CheckPending:
			vs = append(vs, wait("", never, "the required check %s is pending", k.Name))
		default:
			vs = append(vs, wait("", never, "the required check %s says nothing", k.Name))
		}
	}
	return worst(vs)
}

// carries says whether what a branch names is the version: by its digest, or
// by its tag where the files name no digest.
func carries(to gitops.Version, v signals.Version) bool {
	if to.Digest != "" {
		return signals.Digest(to.Digest) == v.Digest
	}
	return to.Tag == v.Tag
}
