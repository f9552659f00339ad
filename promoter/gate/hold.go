package gate

import "github.com/waveguide-dev/waveguide/gitops"

// Hold asks whether nobody has put a hold on the proposal. It has no settings.
//
//	label waveguide/hold, or do-not-merge/hold
//
// It blocks while the label is there; labels that cannot be read count as a
// hold.
type Hold struct{}

// Check implements [Gate].
func (Hold) Check(c Case) Verdict {
	if c.Proposal == nil {
		return pass("there is no proposal to hold yet")
	}
	if c.Proposal.Unread != "" {
		return wait("", never, "the proposal could not be read, which counts as a hold: %s", c.Proposal.Unread)
	}
	for _, name := range []string{gitops.LabelHold, gitops.LabelHoldProw} {
		if l, ok := c.Proposal.Label(name); ok {
			return block(orElse(l.By.Name, "whoever held"), "held by %s%s%s; remove the label %s to go on",
				orElse(l.By.Name, "somebody"), since(l.At), because(l.Reason), name)
		}
	}
	return pass("nobody holds it")
}
