package gitops

// ChangeKind is what a change does to the world.
type ChangeKind string

// The kinds of change.
const (
	// OpenProposal pushes the branch and opens the proposal.
	OpenProposal ChangeKind = "open"
	// UpdateProposal pushes a new head to the living proposal.
	UpdateProposal ChangeKind = "update"
	// CloseProposal closes the proposal with a reason.
	CloseProposal ChangeKind = "close"
	// MergeProposal merges exactly the head that was decided on.
	MergeProposal ChangeKind = "merge"
	// SetCheck sets the bot's check on the head, and the body if it differs.
	SetCheck ChangeKind = "check"
	// DescribeProposal brings title and body up to date where nothing else does.
	DescribeProposal ChangeKind = "describe"
	// RemoveLabel takes a one-shot label away after it was obeyed.
	RemoveLabel ChangeKind = "unlabel"
	// MendStop puts back what somebody took away without the right.
	MendStop ChangeKind = "mend"
	// AnswerPerson says something once below a proposal or an issue.
	AnswerPerson ChangeKind = "answer"
	// FileReport opens an issue that asks people for something, once.
	FileReport ChangeKind = "report"
	// EndIssue closes an issue of ours that has nothing to ask any more.
	EndIssue ChangeKind = "end"
)

// Change is one write to the world with the premise it was decided on. It is
// refused with [ErrMoved] when the premise no longer holds.
type Change struct {
	Kind ChangeKind `json:"kind"`
	Lane Lane       `json:"lane"`
	// Class is the change class: promotion, rollback or emergency/<name>.
	Class string `json:"class,omitempty"`
	// Base is the commit of the protected branch the change was decided on.
	Base Commit `json:"base,omitempty"`
	// Proposal and Head name the proposal and the head that were decided on.
	Proposal string  `json:"proposal,omitempty"`
	Head     Commit  `json:"head,omitempty"`
	From     Version `json:"from,omitzero"`
	To       Version `json:"to,omitzero"`
	// Check is what the bot's check shall say.
	Check Check `json:"check,omitzero"`
	// Label is the label to remove.
	Label string `json:"label,omitempty"`
	Mend  *Mend  `json:"mend,omitempty"`
	Reply *Reply `json:"reply,omitempty"`
	// Report is the issue to open.
	Report *Report `json:"report,omitempty"`
	// Why is one sentence for the ledger and the closing comment.
	Why string `json:"why,omitempty"`
}

// String is the change in one line; it is the golden format of plans.
func (c Change) String() string {
	s := string(c.Kind) + " "
	if c.Lane != (Lane{}) {
		s += c.Lane.String()
	}
	switch c.Kind {
	case OpenProposal, UpdateProposal:
		s += " " + name(c.From) + " -> " + name(c.To)
		if c.Class != "" && c.Class != "promotion" {
			s += " (" + c.Class + ")"
		}
	case SetCheck:
		s += " " + string(c.Check.State) + ": " + c.Check.Text
	case RemoveLabel:
		s += " " + c.Label
	case MendStop:
		s += string(c.Mend.Kind) + " " + c.Mend.Value + " on " + c.Proposal
	case AnswerPerson:
		s += c.Reply.Key + " on " + c.Proposal
	case EndIssue:
		s += c.Report.Key
	case FileReport:
		s += c.Report.Key + ": " + c.Report.Title
	case CloseProposal, MergeProposal, DescribeProposal:
	}
	if c.Why != "" {
		s += ": " + c.Why
	}
	return s
}

// name is the tag, or the digest where there is no tag.
func name(v Version) string {
	switch {
	case v.Tag != "":
		return v.Tag
	case len(v.Digest) > 19:
		return v.Digest[:19]
	case v.Digest != "":
		return v.Digest
	}
	return "nothing"
}
