package gitea

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
)

const (
	// maxDue bounds how many pull requests one look reads closely, those that
	// wait longest first. The rest is as it was, for as long as patience lasts;
	// then, and if it was never read, it is unread until a later look.
	maxDue   = 60
	patience = 3 * time.Minute
)

// choose looks for open pull requests of which something has to be read, and
// says which of them have to wait for a later look.
func (c *Client) choose(ctx context.Context, open []pull) map[int64]bool {
	now := c.clock()
	heads := map[string]bool{}
	for _, p := range open {
		heads[p.Head.SHA] = true
		c.head(ctx, p.Head.SHA)
		c.recallThread(ctx, p.Number)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.staleHeads(heads, now)
	c.staleThreads(now)
	var due []pull
	for _, p := range open {
		if c.due(p, now) {
			due = append(due, p)
		}
	}
	slices.SortStableFunc(due, func(a, b pull) int { return c.readAt(a).Compare(c.readAt(b)) })
	late := map[int64]bool{}
	for _, p := range due[min(len(due), maxDue):] {
		late[p.Number] = true
	}
	return late
}

// due says that something of a pull request has to be read. The caller holds
// the lock.
func (c *Client) due(p pull, now time.Time) bool {
	if s := c.heads[p.Head.SHA]; s == nil || s.doubted {
		return true
	}
	if t := c.threads[p.Number]; t != nil {
		return !t.stands(p.UpdatedAt)
	}
	return !untouched(p) || now.Sub(p.UpdatedAt) <= settled
}

// readAt is when a pull request was last read whole; never, if a part of it
// was not. The caller holds the lock.
func (c *Client) readAt(p pull) time.Time {
	s, t := c.heads[p.Head.SHA], c.threads[p.Number]
	if s == nil || s.Read.IsZero() || t == nil && !untouched(p) {
		return time.Time{}
	}
	if t != nil && t.Read.Before(s.Read) {
		return t.Read
	}
	return s.Read
}

// untouched says that nobody did anything to a pull request since it was opened.
func untouched(p pull) bool {
	return p.CreatedAt.Equal(p.UpdatedAt) && p.Comments == 0 && p.ReviewComments == 0
}

// asItWas is a pull request that this look does not read, from what was read
// lately; its labels are as they are now.
func (c *Client) asItWas(ctx context.Context, p pull, out *gitops.Proposal) error {
	c.mu.Lock()
	at, s, t := c.readAt(p), c.heads[p.Head.SHA], c.threads[p.Number]
	c.mu.Unlock()
	if at.IsZero() || c.clock().Sub(at) > patience {
		out.Unread = fmt.Sprintf("more than %d pull requests changed; this one is read in the next looks", maxDue)
		return nil
	}
	if t == nil {
		t = &thread{}
	}
	out.Checks = slices.Clone(s.Checks)
	return c.tell(ctx, p, t, out)
}

// fill adds what the list does not tell.
func (c *Client) fill(ctx context.Context, p pull, out *gitops.Proposal) error {
	t, err := c.thread(ctx, about{p.Number, p.UpdatedAt, p.Comments, true}, untouched(p))
	if err != nil {
		return err
	}
	if err := c.tell(ctx, p, t, out); err != nil {
		return err
	}
	if out.State == gitops.Open {
		out.Checks, err = c.checks(ctx, p.Head.SHA)
		return err
	}
	for _, e := range t.Events {
		if e.Kind == gitops.Ended {
			out.EndedBy = e.By
		}
	}
	if out.EndedBy.Permission == gitops.PermissionUnknown && p.MergedBy.name() != "" {
		out.EndedBy, err = c.actor(ctx, p.MergedBy)
	}
	return err
}

// tell says what people did to a pull request.
func (c *Client) tell(ctx context.Context, p pull, t *thread, out *gitops.Proposal) (err error) {
	out.Events, out.Reviews = slices.Clone(t.Events), slices.Clone(t.Reviews)
	if out.Author, err = c.actor(ctx, p.User); err != nil {
		return err
	}
	out.Labels = gitops.LabelsNow(names(p.Labels), t.Events)
	for i, l := range out.Labels {
		if l.At.IsZero() { // put there with the opening
			out.Labels[i].By, out.Labels[i].At = out.Author, p.CreatedAt
		}
	}
	out.Causers = causers(t.Events, out.Author.Name)
	return nil
}

// forget drops the threads of pull requests that are no longer open.
func (c *Client) forget(open []pull) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.threads) < maxCached {
		return
	}
	still := map[int64]bool{}
	for _, p := range open {
		still[p.Number] = true
	}
	for n := range c.threads {
		if !still[n] && !c.paused[n] {
			delete(c.threads, n)
		}
	}
}

func names(labels []label) []string {
	out := make([]string, 0, len(labels))
	for _, l := range labels {
		out = append(out, l.Name)
	}
	return out
}

// causers are who opened the proposal and who pushed to it.
func causers(events []gitops.Event, author string) []string {
	out := []string{author}
	for _, e := range events {
		if e.Kind == gitops.Pushed && e.By.Name != "" && !slices.Contains(out, e.By.Name) {
			out = append(out, e.By.Name)
		}
	}
	return out
}

// reviews are the standing ones, each with the head it was given on.
func (c *Client) reviews(ctx context.Context, n int64) ([]gitops.Review, error) {
	var out []gitops.Review
	var failed error
	err := pages(ctx, c, c.inRepo("/pulls/%d/reviews", n), false, func(some []review) bool {
		for _, r := range some {
			state, ok := map[string]gitops.ReviewState{"APPROVED": gitops.Approved, "REQUEST_CHANGES": gitops.ChangesRequested}[r.State]
			if !ok {
				continue
			}
			if r.Dismissed {
				state = gitops.Dismissed
			}
			by, err := c.actor(ctx, r.User)
			if err == nil {
				by, err = c.member(ctx, by)
			}
			if err != nil {
				failed = err
				return false
			}
			out = append(out, gitops.Review{By: by, State: state, Head: gitops.Commit(r.CommitID), At: r.SubmittedAt})
		}
		return true
	})
	if err == nil {
		err = failed
	}
	return out, err
}
