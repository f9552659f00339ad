package node

import (
	"slices"
	"strconv"
	"strings"

	"github.com/waveguide-dev/waveguide/gitops"
)

// BotEnding is what REST, and we, put behind the names of apps.
const BotEnding = "[bot]"

// Name is how REST names the account.
func (a *Account) Name() string {
	switch {
	case a == nil:
		return "ghost"
	case a.CombinedSlug != "":
		return "@" + a.CombinedSlug
	case a.Typename == "Bot" && !strings.HasSuffix(a.Login, BotEnding):
		return a.Login + BotEnding
	}
	return a.Login
}

func (a *Account) actor() gitops.Actor { return gitops.Actor{Name: a.Name()} }

// Names are those of a list.
func Names(l List[Named]) []string {
	var out []string
	for _, n := range l.Nodes {
		out = append(out, n.Name)
	}
	return out
}

// Proposal is what the pull request says of itself; labels need its events,
// and reviews and checks all their pages.
func (n Pull) Proposal(items []Item) gitops.Proposal {
	p := gitops.Proposal{
		ID: strconv.Itoa(n.Number), URL: n.URL, Title: n.Title, Body: n.Body, Branch: n.HeadRefName, State: gitops.Open,
		Head: gitops.Commit(n.HeadRefOID), Opened: n.CreatedAt, Queued: n.IsInMergeQueue, Author: n.Author.actor(), Events: Events(items),
	}
	if n.IsCrossRepository {
		p.Branch = "fork:" + n.HeadRefName
	}
	p.Lane, _ = gitops.LaneOf(p.Branch)
	if len(n.Oldest.Nodes) > 0 && len(n.Oldest.Nodes[0].Commit.Parents.Nodes) > 0 {
		p.Base = gitops.Commit(n.Oldest.Nodes[0].Commit.Parents.Nodes[0].OID)
	}
	p.Labels = gitops.LabelsNow(Names(n.Labels), p.Events)
	for _, q := range n.ReviewRequests.Nodes {
		if q.RequestedReviewer != nil {
			p.Requested = append(p.Requested, q.RequestedReviewer.Name())
		}
	}
	if n.State != "OPEN" {
		n.end(&p)
	}
	return p
}

func (n Pull) end(p *gitops.Proposal) {
	p.State, p.Ended = gitops.Closed, n.ClosedAt
	for _, e := range p.Events {
		if e.Kind == gitops.Ended {
			p.EndedBy = e.By
		}
	}
	if n.State == "MERGED" {
		p.State, p.EndedBy = gitops.Merged, n.MergedBy.actor()
		if n.MergeCommit != nil {
			p.MergedAs = gitops.Commit(n.MergeCommit.OID)
		}
	}
}

// Issue is the issue with what happened to it.
func (n Issue) Issue(items []Item) gitops.Issue {
	i := gitops.Issue{
		ID: strconv.Itoa(n.Number), URL: n.URL, Title: n.Title, State: gitops.Open, Opened: n.CreatedAt, Author: n.Author.actor(), Events: Events(items),
	}
	if n.State != "OPEN" {
		i.State = gitops.Closed
	}
	i.Labels = gitops.LabelsNow(Names(n.Labels), i.Events)
	return i
}

// Pauses says that the issue has or had the label of pauses.
func (n Issue) Pauses() bool {
	return slices.Contains(Names(n.Labels), gitops.LabelPause) ||
		slices.ContainsFunc(n.TimelineItems.Nodes, func(i Item) bool { return i.Label.Name == gitops.LabelPause })
}

// Events are the items that the vocabulary knows, oldest first.
func Events(items []Item) []gitops.Event {
	var out []gitops.Event
	for _, i := range items {
		e := gitops.Event{ID: i.ID, By: i.Actor.actor(), At: i.CreatedAt, Label: i.Label.Name}
		switch i.Typename {
		case "LabeledEvent":
			e.Kind = gitops.Labelled
		case "UnlabeledEvent":
			e.Kind = gitops.Unlabelled
		case "ClosedEvent":
			e.Kind = gitops.Ended
		case "ReopenedEvent":
			e.Kind = gitops.Reopened
		case "RenamedTitleEvent":
			e.Kind, e.Text, e.Was = gitops.Retitled, i.CurrentTitle, i.PreviousTitle
		case "IssueComment":
			e.Kind, e.By, e.Text = gitops.Commented, i.Author.actor(), i.Body
		case "HeadRefForcePushedEvent":
			e.Kind = gitops.Pushed
		default:
			continue
		}
		out = append(out, e)
	}
	return gitops.SortEvents(out)
}

// Standing is what each reviewer said last. A comment takes nothing back.
func Standing(all []Review) []gitops.Review {
	standing := map[string]int{}
	var out []gitops.Review
	for _, n := range all {
		state, ok := map[string]gitops.ReviewState{
			"APPROVED": gitops.Approved, "CHANGES_REQUESTED": gitops.ChangesRequested, "DISMISSED": gitops.Dismissed,
		}[n.State]
		if !ok {
			continue
		}
		v := gitops.Review{By: n.Author.actor(), State: state, At: n.SubmittedAt}
		if n.Commit != nil {
			v.Head = gitops.Commit(n.Commit.OID)
		}
		if i, had := standing[v.By.Name]; had {
			out[i] = v
			continue
		}
		standing[v.By.Name] = len(out)
		out = append(out, v)
	}
	return out
}

// Check reads a context. Checks of others may be neutral or skipped, which
// counts as success here as it does on GitHub; ours never is.
func (n Context) Check() gitops.Check {
	if n.Typename == "StatusContext" {
		state := gitops.CheckPending
		switch n.State {
		case "SUCCESS":
			state = gitops.CheckSuccess
		case "FAILURE", "ERROR":
			state = gitops.CheckFailure
		}
		return gitops.Check{Name: n.Context, State: state, Text: n.Description, Target: n.TargetURL, By: n.Creator.Name()}
	}
	c := gitops.Check{Name: n.Name, State: gitops.CheckFailure, Text: n.Title, Target: n.DetailsURL}
	if app := n.CheckSuite.App; app != nil {
		c.By = app.Slug + BotEnding
	}
	switch {
	case n.Status != "COMPLETED":
		c.State = gitops.CheckPending
	case n.Conclusion == "SUCCESS", c.Name != gitops.CheckName && (n.Conclusion == "NEUTRAL" || n.Conclusion == "SKIPPED"):
		c.State = gitops.CheckSuccess
	}
	return c
}
