package gitops

import "time"

// Permission is what a forge lets a person do in the repository.
type Permission string

// Permissions, weakest first; the zero value is unknown and permits nothing.
const (
	PermissionUnknown Permission = ""
	PermissionRead    Permission = "read"
	PermissionTriage  Permission = "triage"
	PermissionWrite   Permission = "write"
	PermissionAdmin   Permission = "admin"
)

// Releases says whether the permission is enough to end somebody's stop.
func (p Permission) Releases() bool { return p == PermissionWrite || p == PermissionAdmin }

// Actor is a person or a program on a forge, as first observed.
type Actor struct {
	Name       string     `json:"name" yaml:"name"`
	Permission Permission `json:"permission,omitempty" yaml:"permission,omitempty"`
	// Teams are the forge's teams the actor is in, as "@org/team".
	Teams []string `json:"teams,omitempty" yaml:"teams,omitempty"`
	Bot   bool     `json:"bot,omitempty" yaml:"bot,omitempty"`
}

// ProposalState is where a proposal's life stands.
type ProposalState string

// The states of a proposal.
const (
	Open   ProposalState = "open"
	Merged ProposalState = "merged"
	Closed ProposalState = "closed"
)

// Label is a label on a proposal or an issue, with the event that put it there.
type Label struct {
	Name string    `json:"name" yaml:"name"`
	By   Actor     `json:"by,omitzero" yaml:"by,omitempty"`
	At   time.Time `json:"at,omitzero" yaml:"at,omitempty"`
	// Reason is what the person wrote beside it, if anything.
	Reason string `json:"reason,omitempty" yaml:"reason,omitempty"`
}

// ReviewState is what a reviewer said.
type ReviewState string

// The states of a review.
const (
	Approved         ReviewState = "approved"
	ChangesRequested ReviewState = "changes-requested"
	Dismissed        ReviewState = "dismissed"
)

// Review is one person's standing word about one head of a proposal.
type Review struct {
	By    Actor       `json:"by" yaml:"by"`
	State ReviewState `json:"state" yaml:"state"`
	Head  Commit      `json:"head" yaml:"head"`
	At    time.Time   `json:"at" yaml:"at"`
}

// CheckState is the state of a commit status or check run.
type CheckState string

// The states of a check. They are never neutral or skipped.
const (
	CheckPending CheckState = "pending"
	CheckSuccess CheckState = "success"
	CheckFailure CheckState = "failure"
)

// CheckName is the name of the bot's own check.
const CheckName = "waveguide"

// Check is a commit status on a proposal's head.
type Check struct {
	Name     string     `json:"name" yaml:"name"`
	State    CheckState `json:"state" yaml:"state"`
	Text     string     `json:"text,omitempty" yaml:"text,omitempty"`
	Required bool       `json:"required,omitempty" yaml:"required,omitempty"`
	// Target is the page behind the check.
	Target string `json:"target,omitempty" yaml:"target,omitempty"`
	// By is who set it, as the forge names that account or app; our own name
	// is that of Whoami. It is not written.
	By string `json:"by,omitempty" yaml:"by,omitempty"`
}

// Proposal is a merge or pull request. One of the bot is one artifact, one
// environment, one digest; one of a person has no lane.
type Proposal struct {
	ID     string        `json:"id" yaml:"id"`
	URL    string        `json:"url,omitempty" yaml:"url,omitempty"`
	Lane   Lane          `json:"lane" yaml:"lane"`
	State  ProposalState `json:"state" yaml:"state"`
	Branch string        `json:"branch" yaml:"branch"`
	Title  string        `json:"title,omitempty" yaml:"title,omitempty"`
	Body   string        `json:"body,omitempty" yaml:"body,omitempty"`
	Author Actor         `json:"author,omitzero" yaml:"author,omitempty"`

	// Head is the branch's newest commit; Base is the commit of the protected
	// branch that it was made on.
	Head Commit `json:"head" yaml:"head"`
	Base Commit `json:"base,omitempty" yaml:"base,omitempty"`
	// From and To are read from the files at Base and Head, never from the
	// title or body.
	From  Version `json:"from,omitzero" yaml:"from,omitempty"`
	To    Version `json:"to,omitzero" yaml:"to,omitempty"`
	Class string  `json:"class,omitempty" yaml:"class,omitempty"`
	// Edited says how the branch differs from the plan's edit; empty if it is
	// exactly that.
	Edited string `json:"edited,omitempty" yaml:"edited,omitempty"`
	// Behind says that the edit has to be computed again on the newest base.
	Behind bool `json:"behind,omitempty" yaml:"behind,omitempty"`

	Labels  []Label  `json:"labels,omitempty" yaml:"labels,omitempty"`
	Reviews []Review `json:"reviews,omitempty" yaml:"reviews,omitempty"`
	Checks  []Check  `json:"checks,omitempty" yaml:"checks,omitempty"`
	// Events are what people and programs did to it, oldest first.
	Events []Event `json:"events,omitempty" yaml:"events,omitempty"`
	// Requested are the people and, as "@org/team", the teams asked for a review.
	Requested []string `json:"requested,omitempty" yaml:"requested,omitempty"`
	// Queued says that it waits in the merge queue or train.
	Queued bool `json:"queued,omitempty" yaml:"queued,omitempty"`
	// Unread says what of labels, reviews or checks could not be read; while
	// it is not empty the proposal counts as held.
	Unread string `json:"unread,omitempty" yaml:"unread,omitempty"`
	// Orders are the emergencies and retries that people with the right asked for
	// in its comments, oldest first.
	Orders []Given `json:"orders,omitempty" yaml:"orders,omitempty"`
	// Causers are the people who may not approve: authors of source commits,
	// of commits on the branch, and whoever gave a command.
	Causers []string `json:"causers,omitempty" yaml:"causers,omitempty"`
	// CausersUnread says which of them nobody knows yet; while it is not empty no
	// approval that is required counts.
	CausersUnread string `json:"causersUnread,omitempty" yaml:"causersUnread,omitempty"`

	Opened   time.Time `json:"opened,omitzero" yaml:"opened,omitempty"`
	Ended    time.Time `json:"ended,omitzero" yaml:"ended,omitempty"`
	EndedBy  Actor     `json:"endedBy,omitzero" yaml:"endedBy,omitempty"`
	MergedAs Commit    `json:"mergedAs,omitempty" yaml:"mergedAs,omitempty"`
	// Forgiven says that a person with the right asked to forget the closing.
	Forgiven bool `json:"forgiven,omitempty" yaml:"forgiven,omitempty"`
}

// Check is the newest status with that name.
func (p Proposal) Check(name string) (Check, bool) {
	for _, c := range p.Checks {
		if c.Name == name {
			return c, true
		}
	}
	return Check{}, false
}

// Label is the label with that name.
func (p Proposal) Label(name string) (Label, bool) {
	for _, l := range p.Labels {
		if l.Name == name {
			return l, true
		}
	}
	return Label{}, false
}
