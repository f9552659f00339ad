package local

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
)

// LabelEvent is one putting on or taking off of a label.
type LabelEvent struct {
	Name   string       `json:"name"`
	Added  bool         `json:"added"`
	By     gitops.Actor `json:"by"`
	At     time.Time    `json:"at"`
	Reason string       `json:"reason,omitempty"`
}

// Comment is what a person or the bot wrote below a proposal or an issue.
type Comment struct {
	By   gitops.Actor `json:"by"`
	At   time.Time    `json:"at"`
	Text string       `json:"text"`
}

// thread is a proposal or an issue.
type thread struct {
	ID, Branch, Title, Body string
	Issue                   bool
	Author, EndedBy         gitops.Actor
	State                   gitops.ProposalState
	Labels                  []gitops.Label
	Events                  []LabelEvent
	Reviews                 []gitops.Review
	Comments                []Comment
	// Happened is what the API tells of all of it, oldest first.
	Happened      []gitops.Event
	Requested     []string
	Opened, Ended time.Time
	// Head is the newest commit that was recorded: at the opening and the end.
	Head, MergedAs gitops.Commit
	// Merging is a merge that was begun; after a crash the branch tells
	// whether it was done.
	Merging   gitops.Commit
	MergingBy gitops.Actor
	endSeq    int64
}

// standing says that an issue counts: it is open, or somebody closed it who
// has no right to end a stop.
func (t *thread) standing() bool {
	return t.State == gitops.Open || !t.EndedBy.Permission.Releases()
}

// paused says that the issue has or had the label of pauses.
func (t *thread) paused() bool {
	return slices.ContainsFunc(t.Events, func(e LabelEvent) bool { return e.Name == gitops.LabelPause })
}

// happen keeps what the API tells of an event.
func (t *thread) happen(e event) {
	h := gitops.Event{ID: strconv.FormatInt(e.Seq, 10), By: e.By, At: e.At}
	switch e.Kind {
	case labelled:
		h.Kind, h.Label, h.Text = gitops.Labelled, e.Label, e.Text
	case unlabelled:
		h.Kind, h.Label = gitops.Unlabelled, e.Label
	case commented:
		h.Kind, h.Text = gitops.Commented, gitops.CutBody(e.Text, maxTold)
	case edited:
		if e.Title == t.Title {
			return
		}
		h.Kind, h.Was, h.Text = gitops.Retitled, t.Title, e.Title
	case ended:
		h.Kind = gitops.Ended
	case reopened:
		h.Kind = gitops.Reopened
	case openProposal, openIssue, reviewed, checked, merging, requested:
		return
	}
	t.Happened = append(t.Happened, h)
}

// maxTold is how much of a comment the API tells.
const maxTold = 4 << 10

func (t *thread) label(name string) bool {
	return slices.ContainsFunc(t.Labels, func(l gitops.Label) bool { return l.Name == name })
}

// state is what the journal says; apply is the only way to change it.
type state struct {
	seq     int64
	next    int
	threads map[string]*thread
	order   []*thread
	checks  map[gitops.Commit]map[string]gitops.Check
}

func newState() state {
	return state{threads: map[string]*thread{}, checks: map[gitops.Commit]map[string]gitops.Check{}}
}

func (s *state) apply(e event) {
	s.seq = e.Seq
	switch e.Kind {
	case openProposal, openIssue:
		s.next++
		t := &thread{
			ID: e.ID, Issue: e.Kind == openIssue, Branch: e.Branch, Title: e.Title, Body: e.Body,
			Author: e.By, State: gitops.Open, Opened: e.At, Head: e.Head,
		}
		s.threads[e.ID] = t
		s.order = append(s.order, t)
		return
	case checked:
		if s.checks[e.Commit] == nil {
			s.checks[e.Commit] = map[string]gitops.Check{}
		}
		s.checks[e.Commit][e.Check.Name] = *e.Check
		return
	case edited, labelled, unlabelled, reviewed, commented, merging, ended, reopened, requested:
	}
	if t := s.threads[e.ID]; t != nil {
		t.apply(e)
	}
}

func (t *thread) apply(e event) {
	t.happen(e)
	switch e.Kind {
	case edited:
		t.Title, t.Body = e.Title, e.Body
	case labelled:
		t.Labels = append(t.Labels, gitops.Label{Name: e.Label, By: e.By, At: e.At, Reason: e.Text})
		t.Events = append(t.Events, LabelEvent{Name: e.Label, Added: true, By: e.By, At: e.At, Reason: e.Text})
	case unlabelled:
		t.Labels = slices.DeleteFunc(t.Labels, func(l gitops.Label) bool { return l.Name == e.Label })
		t.Events = append(t.Events, LabelEvent{Name: e.Label, By: e.By, At: e.At, Reason: e.Text})
	case reviewed:
		t.Reviews = slices.DeleteFunc(t.Reviews, func(r gitops.Review) bool { return r.By.Name == e.By.Name })
		t.Reviews = append(t.Reviews, gitops.Review{By: e.By, State: gitops.ReviewState(e.State), Head: e.Head, At: e.At})
	case commented:
		t.Comments = append(t.Comments, Comment{By: e.By, At: e.At, Text: e.Text})
	case merging:
		t.Merging, t.MergingBy, t.Head = e.Commit, e.By, e.Head
	case ended:
		t.State, t.EndedBy, t.Ended = gitops.ProposalState(e.State), e.By, e.At
		t.Head, t.MergedAs, t.Merging = e.Head, e.Commit, ""
	case reopened:
		t.State, t.EndedBy, t.Ended, t.endSeq = gitops.Open, gitops.Actor{}, time.Time{}, 0
	case requested:
		t.Requested = slices.Compact(slices.Sorted(slices.Values(append(t.Requested, e.Who...))))
	case openProposal, openIssue, checked:
	}
	if t.State != gitops.Open {
		t.endSeq = e.Seq // told once more when somebody says something afterwards
	}
}

// openOn is the open proposal of a branch, or nil.
func (s *state) openOn(branch string) *thread {
	for _, t := range s.order {
		if !t.Issue && t.State == gitops.Open && t.Branch == branch {
			return t
		}
	}
	return nil
}

func (s *state) checksOf(c gitops.Commit) []gitops.Check {
	return slices.SortedFunc(maps.Values(s.checks[c]), func(a, b gitops.Check) int { return cmp.Compare(a.Name, b.Name) })
}

func (s *state) nextID() string { return strconv.Itoa(s.next + 1) }

// after are the threads younger than that number; numbers have no gaps.
func (s *state) after(n int64) []*thread {
	if n >= int64(len(s.order)) {
		return nil
	}
	return s.order[n:]
}
