package gitea

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
)

// thread is everything that was done to one pull request or issue, as of when
// it was last seen to change.
type thread struct {
	updated time.Time
	read    time.Time
	events  []gitops.Event
	reviews []gitops.Review
}

// statuses are those of one commit.
type statuses struct {
	read   time.Time
	checks []gitops.Check
}

const (
	// settled is how long after a change it is sure that no other change of
	// the same second is still to come: Gitea's times have no fractions.
	settled = 3 * time.Second
	// threadLife is how long a thread is believed that seems unchanged.
	threadLife = 10 * time.Minute
	// refreshed is how many statuses, and how many such threads, are read again
	// with one look: nothing tells that a status changed.
	refreshed = 10
	// maxText is how much of a comment is kept.
	maxText = 16 << 10
)

// choose marks what is to be read again: what is unfinished and then what is
// oldest, a few with each look, so that nothing is believed for ever and
// nothing is read all at once.
func (c *Client) choose(heads map[string]bool) {
	now := c.clock()
	c.mu.Lock()
	defer c.mu.Unlock()
	var old []string
	for sha := range c.heads {
		if !heads[sha] {
			delete(c.heads, sha)
		} else {
			old = append(old, sha)
		}
	}
	slices.SortFunc(old, func(a, b string) int {
		x, y := c.heads[a], c.heads[b]
		return cmp.Or(cmp.Compare(x.finished(), y.finished()), x.read.Compare(y.read), cmp.Compare(a, b))
	})
	for _, sha := range old[:min(len(old), refreshed)] {
		delete(c.heads, sha)
	}
	var stale []int64
	for n, t := range c.threads {
		if now.Sub(t.read) > threadLife {
			stale = append(stale, n)
		}
	}
	slices.SortFunc(stale, func(a, b int64) int { return c.threads[a].read.Compare(c.threads[b].read) })
	for _, n := range stale[:min(len(stale), refreshed)] {
		c.doubt(n)
	}
}

// finished is 1 if everything of others that is demanded has an end.
func (s *statuses) finished() int {
	for _, k := range s.checks {
		if k.State == gitops.CheckPending && k.Name != gitops.CheckName {
			return 0
		}
	}
	return 1
}

// doubt makes a thread be read again; what was known of it stays, for the
// permissions that people had. The caller holds the lock.
func (c *Client) doubt(n int64) {
	if t := c.threads[n]; t != nil {
		again := *t
		again.updated = time.Time{}
		c.threads[n] = &again
	}
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

// fill adds what the list does not tell.
func (c *Client) fill(ctx context.Context, p pull, out *gitops.Proposal) error {
	untouched := p.CreatedAt.Equal(p.UpdatedAt) && p.Comments == 0 && p.ReviewComments == 0
	t, err := c.thread(ctx, about{p.Number, p.UpdatedAt, p.Comments, true}, untouched)
	if err != nil {
		return err
	}
	out.Events, out.Reviews = slices.Clone(t.events), slices.Clone(t.reviews)
	if out.Author, err = c.actor(ctx, p.User); err != nil {
		return err
	}
	out.Labels = gitops.LabelsNow(names(p.Labels), t.events)
	for i, l := range out.Labels {
		if l.At.IsZero() { // put there with the opening
			out.Labels[i].By, out.Labels[i].At = out.Author, p.CreatedAt
		}
	}
	out.Causers = causers(t.events, out.Author.Name)
	if out.State == gitops.Open {
		out.Checks, err = c.checks(ctx, p.Head.SHA)
		return err
	}
	for _, e := range t.events {
		if e.Kind == gitops.Ended {
			out.EndedBy = e.By
		}
	}
	if out.EndedBy.Permission == gitops.PermissionUnknown && p.MergedBy.name() != "" {
		out.EndedBy, err = c.actor(ctx, p.MergedBy)
	}
	return err
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

// about is a pull request or an issue as a list tells of it.
type about struct {
	number  int64
	updated time.Time
	// comments counts those on lines of code too.
	comments int
	pull     bool
}

// thread is what was done to a pull request or an issue: as remembered while
// the server says that nothing changed, otherwise read now. Of one that is
// untouched nothing needs to be read.
func (c *Client) thread(ctx context.Context, a about, untouched bool) (*thread, error) {
	now := c.clock()
	c.mu.Lock()
	have := c.threads[a.number]
	c.mu.Unlock()
	if have != nil && have.updated.Equal(a.updated) && have.read.Sub(a.updated) > settled {
		return have, nil
	}
	if untouched && have == nil && now.Sub(a.updated) > settled {
		return &thread{}, nil
	}
	t := &thread{updated: a.updated, read: now}
	var err error
	if t.events, err = c.events(ctx, a, have); err != nil {
		return nil, fmt.Errorf("read what was done to %d: %w", a.number, err)
	}
	if a.pull {
		if t.reviews, err = c.reviews(ctx, a.number); err != nil {
			return nil, fmt.Errorf("read the reviews of %d: %w", a.number, err)
		}
	}
	c.mu.Lock()
	c.threads[a.number] = t
	c.mu.Unlock()
	return t, nil
}

// events reads the timeline and the comments. What was seen once is never
// forgotten, whoever deletes it, and keeps the permission its author had then.
func (c *Client) events(ctx context.Context, a about, before *thread) ([]gitops.Event, error) {
	all, err := c.timeline(ctx, a)
	if err != nil {
		return nil, err
	}
	var out, old []gitops.Event
	if before != nil {
		old = before.events
	}
	known := map[string]gitops.Actor{}
	for _, e := range old {
		known[e.ID] = e.By
	}
	seen := map[string]bool{}
	for _, h := range all {
		e, ok := read(h)
		if !ok || seen[e.ID] {
			continue
		}
		seen[e.ID] = true
		if by, was := known[e.ID]; was && by.Permission != gitops.PermissionUnknown {
			e.By = by
		} else if e.By, err = c.actor(ctx, h.User); err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	for _, e := range old {
		if !seen[e.ID] {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(x, y gitops.Event) int {
		return cmp.Or(x.At.Compare(y.At), cmp.Compare(len(x.ID), len(y.ID)), cmp.Compare(x.ID, y.ID))
	})
	return out, nil
}

// timeline is everything that was done. The server leaves comments on lines of
// code out after it cut the pages, so that an empty page may be followed by
// others: as many as those comments fill. What people say is read whole from
// the list of comments as well.
func (c *Client) timeline(ctx context.Context, a about) ([]happening, error) {
	most, err := c.pageLimit(ctx)
	if err != nil {
		return nil, err
	}
	var all []happening
	page := 0
	err = pages(ctx, c, c.inRepo("/issues/%d/timeline", a.number), true, func(some []happening) bool {
		all = append(all, some...)
		page++
		return len(some) > 0 || page*most < len(all)+a.comments
	})
	if err != nil || a.comments == 0 {
		return all, err
	}
	var said []comment
	if err := c.call(ctx, http.MethodGet, c.inRepo("/issues/%d/comments", a.number), nil, &said); err != nil {
		return nil, err
	}
	for _, s := range said {
		all = append(all, happening{ID: s.ID, Type: "comment", User: s.User, Body: s.Body, CreatedAt: s.CreatedAt})
	}
	return all, nil
}

// pageLimit is how long the server lets pages be.
func (c *Client) pageLimit(ctx context.Context) (int, error) {
	c.mu.Lock()
	have := c.pages
	c.mu.Unlock()
	if have > 0 {
		return have, nil
	}
	var s struct {
		Most int `json:"max_response_items"`
	}
	if err := c.call(ctx, http.MethodGet, "/settings/api", nil, &s); err != nil {
		return 0, fmt.Errorf("read the settings of the API: %w", err)
	}
	if s.Most <= 0 {
		return 0, errors.New("the forge does not say how long its pages are")
	}
	c.mu.Lock()
	c.pages = min(s.Most, pageSize)
	c.mu.Unlock()
	return min(s.Most, pageSize), nil
}

// read is a line of the timeline in our words; many kinds do not matter.
func read(h happening) (gitops.Event, bool) {
	e := gitops.Event{ID: strconv.FormatInt(h.ID, 10), At: h.CreatedAt}
	switch h.Type {
	case "label":
		if h.Label == nil {
			return e, false // the label itself was deleted
		}
		e.Kind, e.Label = gitops.Unlabelled, h.Label.Name
		if h.Body == "1" {
			e.Kind = gitops.Labelled
		}
	case "comment", "review":
		if h.Body == "" {
			return e, false
		}
		e.Kind, e.Text = gitops.Commented, gitops.CutBody(h.Body, maxText)
	case "change_title":
		e.Kind, e.Was, e.Text = gitops.Retitled, h.OldTitle, h.NewTitle
	case "close", "merge_pull":
		e.Kind = gitops.Ended
	case "reopen":
		e.Kind = gitops.Reopened
	case "pull_push":
		e.Kind = gitops.Pushed
	default:
		return e, false
	}
	return e, true
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

// checks are the newest statuses of a commit, one of each name.
func (c *Client) checks(ctx context.Context, sha string) ([]gitops.Check, error) {
	c.mu.Lock()
	have := c.heads[sha]
	c.mu.Unlock()
	if have != nil {
		return slices.Clone(have.checks), nil
	}
	required, err := c.required(ctx)
	if err != nil {
		return nil, err
	}
	me, err := c.myself(ctx)
	if err != nil {
		return nil, err
	}
	var all []status
	for page := 1; page <= maxPages; page++ {
		var some combined
		err := c.call(ctx, http.MethodGet, c.inRepo("/commits/%s/status?limit=%d&page=%d", sha, pageSize, page), nil, &some)
		if err != nil {
			return nil, fmt.Errorf("read the statuses of %s: %w", gitops.Commit(sha).Short(), err)
		}
		all = append(all, some.Statuses...)
		if len(some.Statuses) == 0 || len(all) >= some.TotalCount {
			break
		}
	}
	now := c.clock()
	checks := make([]gitops.Check, 0, len(all))
	for _, s := range all {
		if s.Context == gitops.CheckName && s.Creator.name() != me {
			continue // somebody else's word under our name: ours has to be said again
		}
		checks = append(checks, gitops.Check{
			Name: s.Context, State: stateOf(s.Status), Text: s.Description, Target: s.TargetURL, By: s.Creator.name(), Required: required(s.Context),
		})
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heads[sha] = &statuses{read: now, checks: checks}
	return slices.Clone(checks), nil
}

// stateOf is a status in our words. What was skipped on purpose holds nothing
// up, as for the forge itself.
func stateOf(s string) gitops.CheckState {
	switch s {
	case "success", "skipped":
		return gitops.CheckSuccess
	case "pending":
		return gitops.CheckPending
	}
	return gitops.CheckFailure
}

// required says of each name whether the branch asks for it; rules may be
// written as patterns.
func (c *Client) required(ctx context.Context) (func(name string) bool, error) {
	b, err := c.branchRule(ctx, false)
	if err != nil {
		return nil, err
	}
	return func(name string) bool {
		return b.EnableStatusCheck && slices.ContainsFunc(b.StatusCheckContexts, func(pattern string) bool {
			ok, err := path.Match(strings.ReplaceAll(pattern, "/", "\x00"), strings.ReplaceAll(name, "/", "\x00"))
			return pattern == name || err == nil && ok
		})
	}, nil
}
