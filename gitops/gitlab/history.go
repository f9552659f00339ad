package gitlab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/waveguide-dev/waveguide/gitops"
)

// history reads what people did to a merge request, and what its reviewers
// think of which head.
func (c *Client) history(ctx context.Context, m *gitlab.BasicMergeRequest, s, old *seen) error {
	s.Updated = instant(m.UpdatedAt)
	notes, err := pages(fewPages, func(at gitlab.ListOptions) ([]*gitlab.Note, *gitlab.Response, error) {
		return c.api.Notes.ListMergeRequestNotes(c.options.Project, m.IID, &gitlab.ListMergeRequestNotesOptions{ListOptions: at, Sort: new("asc"), OrderBy: new("created_at")}, gitlab.WithContext(ctx))
	})
	if err != nil {
		return failed("read the notes of merge request "+mergeID(m.IID), err)
	}
	labels, err := pages(fewPages, func(at gitlab.ListOptions) ([]*gitlab.LabelEvent, *gitlab.Response, error) {
		return c.api.ResourceLabelEvents.ListMergeRequestsLabelEvents(c.options.Project, m.IID, &gitlab.ListLabelEventsOptions{ListOptions: at}, gitlab.WithContext(ctx))
	})
	if err != nil {
		return failed("read the label events of merge request "+mergeID(m.IID), err)
	}
	s.Read = c.wire.told()
	if old != nil && old.SHA == m.SHA && len(old.Versions) > 0 {
		s.Versions = old.Versions
	} else if s.Versions, err = c.versions(ctx, m.IID); err != nil {
		return failed("read the versions of merge request "+mergeID(m.IID), err)
	}
	s.Events = append(c.said(ctx, notes), c.labelled(ctx, labels)...)
	s.Events = gitops.SortEvents(append(s.Events, pushes(s.Versions)...))
	if old != nil {
		s.Events = remembered(old.Events, s.Events, edits(notes))
	}
	s.Words, err = c.reviews(ctx, m, notes, s.Versions)
	return err
}

func (c *Client) versions(ctx context.Context, iid int64) ([]*gitlab.MergeRequestDiffVersion, error) {
	list, err := pages(fewPages, func(at gitlab.ListOptions) ([]*gitlab.MergeRequestDiffVersion, *gitlab.Response, error) {
		return c.api.MergeRequests.GetMergeRequestDiffVersions(c.options.Project, iid, &gitlab.GetMergeRequestDiffVersionsOptions{ListOptions: at}, gitlab.WithContext(ctx))
	})
	slices.SortFunc(list, func(a, b *gitlab.MergeRequestDiffVersion) int { return cmp.Compare(b.ID, a.ID) })
	return list, err // newest first
}

// said are the events that notes tell: comments, and changes of the title.
func (c *Client) said(ctx context.Context, notes []*gitlab.Note) []gitops.Event {
	var out []gitops.Event
	for _, n := range notes {
		e := gitops.Event{ID: noteID(n), Kind: gitops.Commented, At: instant(n.CreatedAt), Text: n.Body}
		if n.System {
			was, is, ok := titles(n.Body)
			if !ok {
				continue
			}
			e.Kind, e.Text, e.Was = gitops.Retitled, is, was
		}
		e.By = c.people.actor(ctx, n.Author.ID, n.Author.Username)
		out = append(out, e)
	}
	return out
}

// edits is when each note last changed.
func edits(notes []*gitlab.Note) map[string]time.Time {
	out := map[string]time.Time{}
	for _, n := range notes {
		out[noteID(n)] = instant(n.UpdatedAt)
	}
	return out
}

func noteID(n *gitlab.Note) string { return "note:" + strconv.FormatInt(n.ID, 10) }

// titles reads both titles from the note that GitLab writes about a change.
// It marks what differs with {- -} and {+ +}.
func titles(note string) (was, is string, ok bool) {
	rest, found := strings.CutPrefix(note, "changed title from **")
	was, is, two := strings.Cut(rest, "** to **")
	is, end := strings.CutSuffix(is, "**")
	if !found || !two || !end {
		return "", "", false
	}
	return strings.NewReplacer("{-", "", "-}", "").Replace(was), strings.NewReplacer("{+", "", "+}", "").Replace(is), true
}

// labelled are the changes of labels. Of a label that was deleted meanwhile
// GitLab does not tell the name.
func (c *Client) labelled(ctx context.Context, list []*gitlab.LabelEvent) []gitops.Event {
	var out []gitops.Event
	for _, l := range list {
		e := gitops.Event{ID: "label:" + strconv.FormatInt(l.ID, 10), Kind: gitops.Labelled, At: instant(l.CreatedAt), Label: l.Label.Name}
		if l.Action == "remove" {
			e.Kind = gitops.Unlabelled
		}
		if e.Label != "" {
			e.By = c.people.actor(ctx, l.User.ID, l.User.Username)
			out = append(out, e)
		}
	}
	return out
}

// pushes are the changes of the branch after the opening. GitLab does not say
// here who pushed.
func pushes(versions []*gitlab.MergeRequestDiffVersion) []gitops.Event {
	var out []gitops.Event
	for _, v := range versions[:max(0, len(versions)-1)] {
		out = append(out, gitops.Event{ID: "version:" + strconv.FormatInt(v.ID, 10), Kind: gitops.Pushed, At: instant(v.CreatedAt), Text: v.HeadCommitSHA})
	}
	return out
}

// remembered keeps what a comment said when it was first read: who deletes or
// rewrites a comment does not undo what it did. What an edit says counts from
// the edit on.
func remembered(old, now []gitops.Event, edited map[string]time.Time) []gitops.Event {
	var out []gitops.Event
	first := map[string]gitops.Event{}
	for _, e := range old {
		if e.Kind == gitops.Commented && len(gitops.ParseCommands(e.Text)) > 0 {
			first[e.ID] = e
		}
	}
	for _, e := range now {
		if f, ok := first[e.ID]; ok && f.Text != e.Text {
			out = append(out, f)
			e.At = edited[e.ID]
			e.ID += "/edited"
		}
		delete(first, e.ID)
		out = append(out, e)
	}
	for _, f := range first {
		if !slices.ContainsFunc(out, func(e gitops.Event) bool { return e.ID == f.ID }) {
			out = append(out, f)
		}
	}
	return gitops.SortEvents(out)
}

// hesitation is how long after a push an approval may still mean what was
// there before it: then nobody knows which head it was given on.
const hesitation = 10 * time.Second

// headAt is the head that stood there at an instant, or nothing if it had not
// stood there for a while. Versions are newest first.
func headAt(versions []*gitlab.MergeRequestDiffVersion, at time.Time, least time.Duration) gitops.Commit {
	for i, v := range versions {
		made := instant(v.CreatedAt)
		if made.After(at) {
			continue
		}
		if i < len(versions)-1 && at.Sub(made) < least {
			return ""
		}
		return gitops.Commit(v.HeadCommitSHA)
	}
	return ""
}

const (
	noteApproved  = "approved this merge request"
	noteRequested = "requested changes"
)

// spoken is when reviewers last said something, by the first word of what
// GitLab notes about it and by name.
type spoken map[[2]string]time.Time

func listen(notes []*gitlab.Note) spoken {
	out := spoken{}
	for _, n := range notes {
		if text := strings.TrimSpace(n.Body); n.System && (text == noteApproved || strings.HasPrefix(text, noteRequested)) {
			out[[2]string{strings.Fields(text)[0], n.Author.Username}] = instant(n.CreatedAt)
		}
	}
	return out
}

// reviews are the approvals that stand and the wishes for changes. GitLab is
// asked about approvals only where a note tells of one.
func (c *Client) reviews(ctx context.Context, m *gitlab.BasicMergeRequest, notes []*gitlab.Note, versions []*gitlab.MergeRequestDiffVersion) ([]word, error) {
	when := listen(notes)
	var out []word
	for said := range when {
		if said[0] == "approved" {
			approvals, err := c.approvals(ctx, m.IID, when, versions)
			if err != nil {
				return nil, err
			}
			out = approvals
			break
		}
	}
	if len(m.Reviewers) == 0 {
		return out, nil
	}
	wishes, err := c.wishes(ctx, m, when, versions)
	return append(out, wishes...), err
}

func (c *Client) approvals(ctx context.Context, iid int64, when spoken, versions []*gitlab.MergeRequestDiffVersion) ([]word, error) {
	list, _, err := c.api.MergeRequestApprovals.GetConfiguration(c.options.Project, iid, gitlab.WithContext(ctx))
	if err != nil {
		return nil, failed("read the approvals of merge request "+mergeID(iid), err)
	}
	var out []word
	for _, a := range list.ApprovedBy {
		if a.User == nil {
			continue
		}
		at := instant(a.ApprovedAt)
		if at.IsZero() { // an older GitLab
			at = when[[2]string{"approved", a.User.Username}]
		}
		out = append(out, word{a.User.ID, a.User.Username, gitops.Approved, headAt(versions, at, hesitation), at})
	}
	return out, nil
}

func (c *Client) wishes(ctx context.Context, m *gitlab.BasicMergeRequest, when spoken, versions []*gitlab.MergeRequestDiffVersion) ([]word, error) {
	list, _, err := c.api.MergeRequests.GetMergeRequestReviewers(c.options.Project, m.IID, gitlab.WithContext(ctx))
	if err != nil {
		return nil, failed("read the reviewers of merge request "+mergeID(m.IID), err)
	}
	var out []word
	for _, v := range list {
		if v.State != "requested_changes" || v.User == nil {
			continue
		}
		at, ok := when[[2]string{"requested", v.User.Username}]
		if !ok {
			at = instant(m.UpdatedAt)
		}
		out = append(out, word{v.User.ID, v.User.Username, gitops.ChangesRequested, headAt(versions, at, 0), at})
	}
	return out, nil
}

// statuses reads the newest commit statuses of a head, ours first.
func (c *Client) statuses(ctx context.Context, sha string, s *seen) error {
	if sha == "" {
		return errors.New("GitLab has not prepared the branch yet")
	}
	list, err := pages(fewPages, func(at gitlab.ListOptions) ([]*gitlab.CommitStatus, *gitlab.Response, error) {
		return c.api.Commits.GetCommitStatuses(c.options.Project, sha, &gitlab.GetCommitStatusesOptions{ListOptions: at}, gitlab.WithContext(ctx))
	})
	if err != nil {
		return failed("read the statuses of "+gitops.Commit(sha).Short(), err)
	}
	set, err := c.project(ctx)
	if err != nil {
		return err
	}
	me, err := c.Whoami(ctx)
	if err != nil {
		return err
	}
	s.Checks, s.Checked = checks(list, me.Name, set.OnlyAllowMergeIfPipelineSucceeds), c.wire.told()
	return nil
}

// checks keeps the newest status of each name and author, ours first. Ours is
// left out where somebody's jobs run in a newer pipeline, which is the one that
// counts: then it has to be set again.
func checks(list []*gitlab.CommitStatus, me string, required bool) []gitops.Check {
	slices.SortFunc(list, func(a, b *gitlab.CommitStatus) int { return cmp.Compare(b.ID, a.ID) })
	var out []gitops.Check
	met, newest := map[string]bool{}, int64(0)
	for _, v := range list {
		if v.Author.Username != me {
			newest = max(newest, v.PipelineID)
		}
	}
	for _, v := range list {
		key := fmt.Sprintf("%s\x00%s", v.Name, v.Author.Username)
		if met[key] || v.Author.Username == me && v.PipelineID < newest {
			continue
		}
		met[key] = true
		k := gitops.Check{
			Name: v.Name, State: gitops.CheckPending, Text: v.Description, Target: v.TargetURL, By: v.Author.Username,
			Required: required && !v.AllowFailure,
		}
		switch v.Status {
		case "success":
			k.State = gitops.CheckSuccess
		case "failed", "canceled":
			k.State = gitops.CheckFailure
		}
		out = append(out, k)
	}
	slices.SortStableFunc(out, func(a, b gitops.Check) int {
		return cmp.Or(ours(b, me)-ours(a, me), cmp.Compare(a.Name, b.Name), cmp.Compare(a.By, b.By))
	})
	return out
}

func ours(k gitops.Check, me string) int {
	if k.Name == gitops.CheckName && k.By == me {
		return 1
	}
	return 0
}
