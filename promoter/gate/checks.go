package gate

import "github.com/waveguide-dev/waveguide/gitops"

// Checks asks whether the forge's other required checks are green, and whether
// the proposal is still exactly the planned edit. It has no settings.
//
// It blocks when a required check failed or a person changed the branch.
type Checks struct{}

// Check implements [Gate].
func (Checks) Check(c Case) Verdict {
	if c.Proposal == nil {
		return wait("", never, "there is no proposal to check yet")
	}
	switch {
	case c.Proposal.Edited != "":
		return block("whoever pushed", "the branch is not the planned edit: %s; add the label %s to rebuild it", c.Proposal.Edited, gitops.LabelRebase)
	case c.Proposal.Behind:
		return wait("", never, "the edit has to be computed again on the newest commit")
	}
	for _, k := range c.Proposal.Checks {
		if !k.Required || k.Name == gitops.CheckName {
			continue
		}
		switch k.State {
		case gitops.CheckSuccess:
		case gitops.CheckFailure:
			return block("", "the required check %s failed", k.Name)
		case gitops.CheckPending:
			return wait("", never, "the required check %s is pending", k.Name)
		default:
			return wait("", never, "the required check %s says nothing", k.Name)
		}
	}
	return pass("the branch is exactly the planned edit and every other required check is green")
}
