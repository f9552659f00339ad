package gitops

import (
	"slices"
	"time"
)

// EventKind is what somebody did to a proposal or an issue.
type EventKind string

// The kinds of events that forges tell.
const (
	Labelled   EventKind = "labelled"
	Unlabelled EventKind = "unlabelled"
	Commented  EventKind = "commented"
	Retitled   EventKind = "retitled"
	// Ended is a closing or, of a proposal, a merge.
	Ended    EventKind = "ended"
	Reopened EventKind = "reopened"
	// Pushed is a change of the branch.
	Pushed EventKind = "pushed"
)

// Event is one thing that somebody did to a proposal or an issue, as the forge
// remembers it.
type Event struct {
	// ID is the forge's own name of the event: the same in every reading, and
	// different from that of every other event of the repository.
	ID   string    `json:"id" yaml:"id"`
	Kind EventKind `json:"kind" yaml:"kind"`
	// By has the permission that the person had when the event was first seen.
	By    Actor     `json:"by" yaml:"by"`
	At    time.Time `json:"at" yaml:"at"`
	Label string    `json:"label,omitempty" yaml:"label,omitempty"`
	// Text is the comment, or the title after a retitling; Was the title before.
	Text string `json:"text,omitempty" yaml:"text,omitempty"`
	Was  string `json:"was,omitempty" yaml:"was,omitempty"`
	// Edited says that a comment reads otherwise than when it was written: its
	// stops count, and nothing else of it does.
	Edited bool `json:"edited,omitempty" yaml:"edited,omitempty"`
}

// Issue is an issue that stops things or once did, with everything that was
// done to it.
type Issue struct {
	ID     string        `json:"id" yaml:"id"`
	URL    string        `json:"url,omitempty" yaml:"url,omitempty"`
	Title  string        `json:"title" yaml:"title"`
	State  ProposalState `json:"state" yaml:"state"`
	Author Actor         `json:"author" yaml:"author"`
	Opened time.Time     `json:"opened,omitzero" yaml:"opened,omitempty"`
	Labels []Label       `json:"labels,omitempty" yaml:"labels,omitempty"`
	Events []Event       `json:"events,omitempty" yaml:"events,omitempty"`
	// Unread says what could not be read; the issue then counts as it stands,
	// and as in force if it was ever a pause.
	Unread string `json:"unread,omitempty" yaml:"unread,omitempty"`
}

// SortEvents puts events into the order in which they happened. Events of one
// instant keep their order, which is the forge's.
func SortEvents(events []Event) []Event {
	slices.SortStableFunc(events, func(a, b Event) int { return a.At.Compare(b.At) })
	return events
}

// LabelsNow are the labels of those names, each with who put it there, when
// and, if it came with a /hold, why.
func LabelsNow(names []string, events []Event) []Label {
	out := make([]Label, 0, len(names))
	for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
		l := Label{Name: name}
		for _, e := range events {
			if e.Label == name && e.Kind == Labelled {
				l.By, l.At, l.Reason = e.By, e.At, e.Text
			}
		}
		out = append(out, l)
	}
	return out
}

// Observe replaces the permission in each event by the one its author had when
// the event was first seen, and returns what is to be remembered: permissions
// by event. What nobody could read yet is not remembered.
func Observe(events []Event, seen map[string]Permission) ([]Event, map[string]Permission) {
	now := map[string]Permission{}
	out := slices.Clone(events)
	for i, e := range out {
		if was, ok := seen[e.ID]; ok {
			out[i].By.Permission = was
		}
		if out[i].By.Permission != PermissionUnknown {
			now[e.ID] = out[i].By.Permission
		}
	}
	return out, now
}

// Request is who is asked to look at a proposal.
type Request struct {
	Reviewers []string `json:"reviewers,omitempty"`
	// Teams are written "@org/team".
	Teams     []string `json:"teams,omitempty"`
	Assignees []string `json:"assignees,omitempty"`
}

// Group is what a merge queue or train is about to put on the protected
// branch: the check has to stand on its head.
type Group struct {
	Head Commit `json:"head"`
	Base Commit `json:"base,omitempty"`
	// Proposals are those it holds, in order.
	Proposals []string `json:"proposals"`
}

// Hint is what a webhook says may have changed. It wakes a reader and decides
// nothing.
type Hint struct {
	// Repository is the path on the forge, "owner/name"; empty when there is
	// nothing to wake.
	Repository string `json:"repository,omitempty"`
	// Delivery is the sender's name of this message, to know it again.
	Delivery string `json:"delivery,omitempty"`
	// Git says that commits changed, Forge that proposals, checks or issues did.
	Git   bool `json:"git,omitempty"`
	Forge bool `json:"forge,omitempty"`
}

// Budget is what a forge still lets us ask.
type Budget struct {
	Limit, Remaining int
	Reset            time.Time
}
