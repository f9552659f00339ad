package gitlab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"
	"golang.org/x/sync/errgroup"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/keep"
)

const (
	// settled is how long after its last update a merge request may change
	// without saying so: GitLab moves updated_at for a comment or an approval
	// at most once in a minute.
	settled = 90 * time.Second
	// maxDue bounds how many merge requests one look reads closely, those that
	// wait longest first. The rest is as it was, for as long as patience lasts;
	// then, and if it was never read, it is unread until a later look.
	maxDue   = 60
	patience = 3 * time.Minute
	// checksAge is how long finished checks are believed in a list.
	checksAge = 5 * time.Minute
	together  = 8
)

// seen is one merge request as last read closely.
type seen struct {
	SHA     string
	Updated time.Time
	// Read and Checked are when, by GitLab's clock.
	Read, Checked time.Time
	Versions      []*gitlab.MergeRequestDiffVersion
	Events        []gitops.Event
	Words         []word
	Checks        []gitops.Check
	Unread        string
}

// word is what a reviewer said. Who that is, is asked whenever it counts.
type word struct {
	User  int64
	Name  string
	State gitops.ReviewState
	Head  gitops.Commit
	At    time.Time
}

// Proposals are all open merge requests against the protected branch, and
// those of ours that ended since the cursor.
func (c *Client) Proposals(ctx context.Context, since string) (list []gitops.Proposal, next string, err error) {
	me, err := c.Whoami(ctx)
	if err != nil {
		return nil, "", err
	}
	open, err := pages(maxPages, func(at gitlab.ListOptions) ([]*gitlab.BasicMergeRequest, *gitlab.Response, error) {
		return c.api.MergeRequests.ListProjectMergeRequests(c.options.Project, &gitlab.ListProjectMergeRequestsOptions{
			ListOptions: at, State: new("opened"), TargetBranch: &c.options.Branch, OrderBy: new("created_at"), Sort: new("asc"),
		}, gitlab.WithContext(ctx))
	})
	if err != nil {
		return nil, "", failed("list merge requests", err)
	}
	before := c.openIDs()
	known, err := c.study(ctx, open)
	if err != nil {
		return nil, "", err
	}
	ended, next, err := c.ended(ctx, me.Name, since)
	if err != nil {
		return nil, "", err
	}
	told := map[string]bool{} // what ended meanwhile is told as that, once
	for _, p := range ended {
		told[p.ID] = true
	}
	for _, m := range open {
		if id := mergeID(m.IID); !told[id] {
			told[id] = true
			list = append(list, c.proposal(ctx, m, known[m.IID]))
		}
	}
	for _, id := range before {
		if told[id] {
			continue
		}
		// It ended, or slipped from one page to another while they were read.
		p, err := c.Proposal(ctx, id)
		if err != nil {
			return nil, "", err
		}
		if p.State == gitops.Open {
			list = append(list, p)
		}
	}
	return append(list, ended...), next, nil
}

// openIDs are the merge requests that were open in the look before.
func (c *Client) openIDs() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []string
	for _, iid := range slices.Sorted(maps.Keys(c.open)) {
		out = append(out, mergeID(iid))
	}
	return out
}

// Proposal is one merge request read anew.
func (c *Client) Proposal(ctx context.Context, id string) (gitops.Proposal, error) {
	iid, err := number(id, mergeMark)
	if err != nil {
		return gitops.Proposal{}, err
	}
	m, _, err := c.api.MergeRequests.GetMergeRequest(c.options.Project, iid, nil, gitlab.WithContext(ctx))
	if err != nil {
		return gitops.Proposal{}, failed("read merge request "+id, err)
	}
	s := &seen{SHA: m.SHA}
	c.mu.Lock()
	old := c.open[iid]
	c.mu.Unlock()
	if old == nil {
		old = keep.Recall[seen](ctx, c.memory, mergeID(iid))
	}
	if err := errors.Join(c.history(ctx, &m.BasicMergeRequest, s, old), c.statuses(ctx, m.SHA, s)); err != nil {
		return gitops.Proposal{}, err
	}
	if m.State == "opened" {
		c.mu.Lock()
		c.open[iid] = s
		c.mu.Unlock()
		keep.Put(ctx, c.memory, mergeID(iid), s)
	}
	for _, w := range s.Words {
		c.people.forget(w.User)
	}
	return c.proposal(ctx, &m.BasicMergeRequest, s), nil
}

// due says what of a merge request has to be read again.
func (c *Client) due(m *gitlab.BasicMergeRequest, s *seen, now time.Time) (history, checks bool) {
	if s == nil || s.Unread != "" || s.SHA != m.SHA {
		return true, true
	}
	history = !s.Updated.Equal(instant(m.UpdatedAt)) || s.Read.Sub(s.Updated) < settled || strange(s.Events)
	unfinished := len(s.Checks) == 0 || slices.ContainsFunc(s.Checks, func(k gitops.Check) bool { return k.State == gitops.CheckPending })
	return history, unfinished || now.Sub(s.Checked) > checksAge
}

// strange says that somebody could not be looked up when the events were read.
func strange(events []gitops.Event) bool {
	return slices.ContainsFunc(events, func(e gitops.Event) bool { return e.By.Name != "" && e.By.Permission == gitops.PermissionUnknown })
}

// study brings what is known of open merge requests up to date, what was
// never or longest ago read first. What does not fit into one look is unread.
func (c *Client) study(ctx context.Context, open []*gitlab.BasicMergeRequest) (map[int64]*seen, error) {
	now := c.wire.told()
	c.mu.Lock()
	known := map[int64]*seen{}
	for _, m := range open {
		known[m.IID] = c.open[m.IID]
	}
	c.mu.Unlock()
	for _, m := range open {
		if known[m.IID] == nil {
			known[m.IID] = keep.Recall[seen](ctx, c.memory, mergeID(m.IID))
		}
	}
	when := func(m *gitlab.BasicMergeRequest) time.Time {
		if s := known[m.IID]; s != nil && s.SHA == m.SHA {
			return s.Read
		}
		return time.Time{}
	}
	order := slices.SortedStableFunc(slices.Values(open), func(a, b *gitlab.BasicMergeRequest) int { return when(a).Compare(when(b)) })
	results := make([]*seen, len(order))
	group, inside := errgroup.WithContext(ctx)
	group.SetLimit(together)
	left := maxDue
	for i, m := range order {
		old := known[m.IID]
		history, checks := c.due(m, old, now)
		switch results[i] = old; {
		case !history && (!checks || left == 0):
		case left == 0 && old != nil && old.SHA == m.SHA && now.Sub(old.Read) < patience:
		case left == 0:
			results[i] = &seen{Unread: fmt.Sprintf("more than %d merge requests changed; this one is read in the next looks", maxDue)}
		default:
			left--
			group.Go(func() (err error) {
				results[i], err = c.again(inside, m, old, history)
				return err
			})
		}
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	fresh := map[int64]*seen{}
	for i, m := range order {
		fresh[m.IID] = results[i]
	}
	c.mu.Lock()
	c.open = fresh
	c.mu.Unlock()
	return fresh, nil
}

// again reads one merge request closely. What fails for it alone leaves it
// unread; what fails for all is an error.
func (c *Client) again(ctx context.Context, m *gitlab.BasicMergeRequest, old *seen, history bool) (*seen, error) {
	s := &seen{SHA: m.SHA}
	if old != nil && !history {
		*s = *old
	}
	var err error
	if history {
		err = c.history(ctx, m, s, old)
	}
	err = errors.Join(err, c.statuses(ctx, m.SHA, s))
	_, limited := errors.AsType[*gitops.LimitError](err)
	if limited || errors.Is(err, gitops.ErrDenied) || ctx.Err() != nil {
		return nil, err
	}
	if err != nil {
		s.Unread = gitops.CutLine(err.Error(), 300)
		return s, nil
	}
	keep.Put(ctx, c.memory, mergeID(m.IID), s)
	return s, nil
}

// proposal puts together what the list says and what was read closely.
func (c *Client) proposal(ctx context.Context, m *gitlab.BasicMergeRequest, s *seen) gitops.Proposal {
	p := c.shell(ctx, m)
	if s == nil {
		return p
	}
	p.Events, p.Checks, p.Unread = s.Events, c.told(m.SHA, s.Checks), s.Unread
	for _, w := range s.Words {
		by, err := c.people.reviewer(ctx, w.User, w.Name)
		if err != nil && p.Unread == "" {
			p.Unread = gitops.CutLine(err.Error(), 300)
		}
		p.Reviews = append(p.Reviews, gitops.Review{By: by, State: w.State, Head: w.Head, At: w.At})
	}
	p.Labels = gitops.LabelsNow(m.Labels, s.Events)
	for _, v := range s.Versions {
		if v.HeadCommitSHA == m.SHA {
			p.Base = gitops.Commit(v.BaseCommitSHA)
			break
		}
	}
	return p
}

// shell is a merge request as lists tell it.
func (c *Client) shell(ctx context.Context, m *gitlab.BasicMergeRequest) gitops.Proposal {
	p := gitops.Proposal{
		ID: mergeID(m.IID), URL: m.WebURL, Lane: gitops.Lane{Repository: c.options.Name}, State: gitops.Open, Branch: m.SourceBranch,
		Title: m.Title, Body: m.Description, Head: gitops.Commit(m.SHA), Opened: instant(m.CreatedAt), Queued: m.MergeWhenPipelineSucceeds,
		Labels: gitops.LabelsNow(m.Labels, nil),
	}
	// A branch of a fork is never ours, whatever it is called.
	if lane, ok := gitops.LaneOf(m.SourceBranch); ok && m.SourceProjectID == m.TargetProjectID {
		lane.Repository = c.options.Name
		p.Lane = lane
	}
	if m.Author != nil {
		p.Author = c.people.actor(ctx, m.Author.ID, m.Author.Username)
	}
	for _, r := range m.Reviewers {
		p.Requested = append(p.Requested, r.Username)
	}
	by, at := m.ClosedBy, m.ClosedAt
	switch m.State {
	case "merged":
		p.State, by, at = gitops.Merged, m.MergeUser, m.MergedAt
		p.MergedAs = gitops.Commit(cmp.Or(m.MergeCommitSHA, m.SquashCommitSHA, m.SHA))
	case "closed":
		p.State = gitops.Closed
	case "opened", "locked": // locked while it is being merged
		return p
	}
	p.Ended = instant(at)
	if by != nil {
		p.EndedBy = c.people.actor(ctx, by.ID, by.Username)
	}
	return p
}

func instant(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}
