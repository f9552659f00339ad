package gitlab

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/keep"
)

// maxPauses bounds the open issues with the label of pauses; maxClosedPauses,
// the closed ones, newest first.
const (
	maxPausePages   = 10
	maxClosedPauses = 100
)

// seenIssue is an issue as last read closely.
type seenIssue struct {
	Updated, Read time.Time
	Issue         gitops.Issue
}

// Pauses are the pauses in force; none where issues are switched off.
func (c *Client) Pauses(ctx context.Context) ([]gitops.Pause, error) {
	me, err := c.Whoami(ctx)
	if err != nil {
		return nil, err
	}
	issues, err := c.Issues(ctx, nil)
	if errors.Is(err, gitops.ErrDisabled) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	now := c.options.Now()
	pauses, _ := gitops.Pauses(issues, me.Name, now, nil)
	return pauses, nil
}

// Issues are those with the label of pauses, open ones and those closed
// lately, those that were pauses when this client last looked, and those of
// the given ids.
func (c *Client) Issues(ctx context.Context, known []string) ([]gitops.Issue, error) {
	found, err := c.listPauses(ctx)
	if err != nil {
		return nil, err
	}
	have := map[int64]bool{}
	for _, i := range found {
		have[i.IID] = true
	}
	wanted, err := c.standing(known)
	if err != nil {
		return nil, err
	}
	for _, iid := range wanted {
		if have[iid] {
			continue
		}
		i, _, err := c.api.Issues.GetIssue(c.options.Project, iid, gitlab.WithContext(ctx))
		if status(err) == http.StatusNotFound {
			continue // deleted, or moved away
		}
		if err != nil {
			return nil, failed("read issue "+issueID(iid), err)
		}
		found = append(found, i)
	}
	out := make([]gitops.Issue, 0, len(found))
	for _, i := range found {
		one, err := c.issue(ctx, i)
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, nil
}

// standing are the issues asked for and those that were pauses in force.
func (c *Client) standing(known []string) ([]int64, error) {
	var out []int64
	for _, id := range known {
		iid, err := number(id, issueMark)
		if err != nil {
			return nil, err
		}
		out = append(out, iid)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for iid, s := range c.issues {
		if _, in, _ := gitops.Stands(s.Issue, c.me.Name, c.options.Now(), nil); in && !slices.Contains(out, iid) {
			out = append(out, iid)
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

func (c *Client) listPauses(ctx context.Context) ([]*gitlab.Issue, error) {
	label := gitlab.LabelOptions{gitops.LabelPause}
	read := func(state string) func(gitlab.ListOptions) ([]*gitlab.Issue, *gitlab.Response, error) {
		return func(at gitlab.ListOptions) ([]*gitlab.Issue, *gitlab.Response, error) {
			return c.api.Issues.ListProjectIssues(c.options.Project, &gitlab.ListProjectIssuesOptions{
				ListOptions: at, Labels: &label, State: &state, OrderBy: new("updated_at"), Sort: new("desc"),
			}, gitlab.WithContext(ctx))
		}
	}
	open, err := pages(maxPausePages, read("opened"))
	if err != nil {
		return nil, c.unlessDisabled(ctx, err)
	}
	closed, _, err := read("closed")(gitlab.ListOptions{PerPage: maxClosedPauses, Page: 1})
	if err != nil {
		return nil, failed("list closed pause issues", err)
	}
	return append(open, closed...), nil
}

// unlessDisabled says that issues are switched off, if that is why they
// cannot be listed.
func (c *Client) unlessDisabled(ctx context.Context, cause error) error {
	if s := status(cause); s == http.StatusForbidden || s == http.StatusNotFound {
		c.mu.Lock()
		c.settings = nil
		c.mu.Unlock()
		if set, err := c.project(ctx); err == nil && set.IssuesAccessLevel == gitlab.DisabledAccessControl {
			return fmt.Errorf("issues of %s: %w", c.options.Project, gitops.ErrDisabled)
		}
	}
	return failed("list pause issues", cause)
}

// issue reads everything that was done to an issue, if it may have changed.
func (c *Client) issue(ctx context.Context, i *gitlab.Issue) (gitops.Issue, error) {
	c.mu.Lock()
	s := c.issues[i.IID]
	c.mu.Unlock()
	if s == nil {
		s = keep.Recall[seenIssue](ctx, c.memory, issueID(i.IID))
	}
	updated := instant(i.UpdatedAt)
	if s != nil && s.Updated.Equal(updated) && s.Read.Sub(updated) >= settled && !strange(s.Issue.Events) {
		c.put(i.IID, s)
		return s.Issue, nil
	}
	out := gitops.Issue{ID: issueID(i.IID), URL: i.WebURL, Title: i.Title, State: gitops.Open, Opened: instant(i.CreatedAt)}
	if i.State != "opened" {
		out.State = gitops.Closed
	}
	if i.Author != nil {
		out.Author = c.people.actor(ctx, i.Author.ID, i.Author.Username)
	}
	events, edited, err := c.deeds(ctx, i.IID)
	if err != nil {
		return out, err
	}
	if s != nil {
		events = remembered(s.Issue.Events, events, edited)
	}
	out.Events, out.Labels = events, gitops.LabelsNow(i.Labels, events)
	for k := range events {
		if e := events[len(events)-1-k]; e.Kind == gitops.Retitled {
			if e.Text != i.Title {
				out.Unread = "how its title changed is not understood"
			}
			break
		}
	}
	s = &seenIssue{Updated: updated, Read: c.wire.told(), Issue: out}
	c.put(i.IID, s)
	keep.Put(ctx, c.memory, issueID(i.IID), s)
	return out, nil
}

func (c *Client) put(iid int64, s *seenIssue) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.issues[iid] = s
}

// deeds are the events of an issue, oldest first, and when its notes changed.
func (c *Client) deeds(ctx context.Context, iid int64) ([]gitops.Event, map[string]time.Time, error) {
	notes, err := pages(fewPages, func(at gitlab.ListOptions) ([]*gitlab.Note, *gitlab.Response, error) {
		return c.api.Notes.ListIssueNotes(c.options.Project, iid, &gitlab.ListIssueNotesOptions{ListOptions: at, Sort: new("asc"), OrderBy: new("created_at")}, gitlab.WithContext(ctx))
	})
	if err != nil {
		return nil, nil, failed("read the notes of issue "+issueID(iid), err)
	}
	labels, err := pages(fewPages, func(at gitlab.ListOptions) ([]*gitlab.LabelEvent, *gitlab.Response, error) {
		return c.api.ResourceLabelEvents.ListIssueLabelEvents(c.options.Project, iid, &gitlab.ListLabelEventsOptions{ListOptions: at}, gitlab.WithContext(ctx))
	})
	if err != nil {
		return nil, nil, failed("read the label events of issue "+issueID(iid), err)
	}
	states, err := pages(fewPages, func(at gitlab.ListOptions) ([]*gitlab.StateEvent, *gitlab.Response, error) {
		return c.api.ResourceStateEvents.ListIssueStateEvents(c.options.Project, iid, &gitlab.ListStateEventsOptions{ListOptions: at}, gitlab.WithContext(ctx))
	})
	if err != nil {
		return nil, nil, failed("read the state events of issue "+issueID(iid), err)
	}
	events := append(c.said(ctx, notes), c.labelled(ctx, labels)...)
	for _, s := range states {
		e := gitops.Event{ID: "state:" + strconv.FormatInt(s.ID, 10), Kind: gitops.Ended, At: instant(s.CreatedAt)}
		if s.State == gitlab.ReopenedEventType {
			e.Kind = gitops.Reopened
		}
		if s.User != nil {
			e.By = c.people.actor(ctx, s.User.ID, s.User.Username)
		}
		events = append(events, e)
	}
	return gitops.SortEvents(events), edits(notes), nil
}

// OpenIssue opens an issue and returns its id.
func (c *Client) OpenIssue(ctx context.Context, title, body string, labels []string) (string, error) {
	most := limits()
	i, _, err := c.api.Issues.CreateIssue(c.options.Project, &gitlab.CreateIssueOptions{
		Title: new(gitops.CutLine(title, most.Title)), Description: new(gitops.CutBody(body, most.Body)), Labels: labelled(labels),
	}, gitlab.WithContext(ctx))
	if err != nil {
		return "", failed("open an issue", err)
	}
	return issueID(i.IID), nil
}

// CloseIssue closes an issue.
func (c *Client) CloseIssue(ctx context.Context, id string) error {
	return c.changeIssue(ctx, "close", id, &gitlab.UpdateIssueOptions{StateEvent: new("close")})
}

func (c *Client) changeIssue(ctx context.Context, doing, id string, o *gitlab.UpdateIssueOptions) error {
	iid, err := number(id, issueMark)
	if err != nil {
		return err
	}
	_, _, err = c.api.Issues.UpdateIssue(c.options.Project, iid, o, gitlab.WithContext(ctx))
	return failed(doing+" issue "+id, err)
}

// Answer says something below a merge request or an issue, unless our own
// answer to that key is there.
func (c *Client) Answer(ctx context.Context, id, key, text string) error {
	me, err := c.Whoami(ctx)
	if err != nil {
		return err
	}
	issue := strings.HasPrefix(id, issueMark)
	mark := mergeMark
	if issue {
		mark = issueMark
	}
	iid, err := number(id, mark)
	if err != nil {
		return err
	}
	notes, err := pages(fewPages, func(at gitlab.ListOptions) ([]*gitlab.Note, *gitlab.Response, error) {
		if issue {
			return c.api.Notes.ListIssueNotes(c.options.Project, iid, &gitlab.ListIssueNotesOptions{ListOptions: at}, gitlab.WithContext(ctx))
		}
		return c.api.Notes.ListMergeRequestNotes(c.options.Project, iid, &gitlab.ListMergeRequestNotesOptions{ListOptions: at}, gitlab.WithContext(ctx))
	})
	if err != nil {
		return failed("read the notes of "+id, err)
	}
	if slices.ContainsFunc(notes, func(n *gitlab.Note) bool { return n.Author.Username == me.Name && gitops.Answers(n.Body, key) }) {
		return nil
	}
	body := gitops.AnswerText(key, gitops.CutBody(text, 100_000))
	if issue {
		_, _, err = c.api.Notes.CreateIssueNote(c.options.Project, iid, &gitlab.CreateIssueNoteOptions{Body: &body}, gitlab.WithContext(ctx))
	} else {
		_, _, err = c.api.Notes.CreateMergeRequestNote(c.options.Project, iid, &gitlab.CreateMergeRequestNoteOptions{Body: &body}, gitlab.WithContext(ctx))
	}
	return failed("comment on "+id, err)
}

// Mend puts right what somebody changed without the right.
func (c *Client) Mend(ctx context.Context, m gitops.Mend) error {
	switch m.Kind {
	case gitops.PutLabel:
		return c.AddLabel(ctx, m.ID, m.Value)
	case gitops.TakeLabel:
		return c.RemoveLabel(ctx, m.ID, m.Value)
	case gitops.Reopen:
		return c.changeIssue(ctx, "reopen", m.ID, &gitlab.UpdateIssueOptions{StateEvent: new("reopen")})
	case gitops.Retitle:
		return c.changeIssue(ctx, "retitle", m.ID, &gitlab.UpdateIssueOptions{Title: &m.Value})
	}
	return fmt.Errorf("nobody knows how to mend by %q", m.Kind)
}
