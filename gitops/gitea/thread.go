package gitea

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/keep"
)

// thread is everything that was done to one pull request or issue, as of when
// it was last seen to change.
type thread struct {
	Updated, Read time.Time
	Events        []gitops.Event
	Reviews       []gitops.Review
}

const (
	// settled is how long after a change it is sure that no other change of
	// the same second is still to come: Gitea's times have no fractions.
	settled = 3 * time.Second
	// threadLife is how long a thread is believed that seems unchanged.
	threadLife = 10 * time.Minute
	// maxText is how much of a comment is kept.
	maxText = 16 << 10
)

// stands says that nothing was done since it was read.
func (t *thread) stands(updated time.Time) bool {
	return t.Updated.Equal(updated) && t.Read.Sub(updated) > settled
}

// staleThreads makes a few threads be read again that were read long ago. The
// caller holds the lock.
func (c *Client) staleThreads(now time.Time) {
	var stale []int64
	for n, t := range c.threads {
		if now.Sub(t.Read) > threadLife {
			stale = append(stale, n)
		}
	}
	slices.SortFunc(stale, func(a, b int64) int { return c.threads[a].Read.Compare(c.threads[b].Read) })
	for _, n := range stale[:min(len(stale), refreshed)] {
		c.doubt(n)
	}
}

// doubt makes a thread be read again; what was known of it stays, for the
// permissions that people had. The caller holds the lock.
func (c *Client) doubt(n int64) {
	if t := c.threads[n]; t != nil {
		again := *t
		again.Updated = time.Time{}
		c.threads[n] = &again
	}
}

func threadName(n int64) string { return "thread " + strconv.FormatInt(n, 10) }

// recallThread is what is known of a thread; nil for nothing.
func (c *Client) recallThread(ctx context.Context, n int64) *thread {
	return recall(ctx, c, c.threads, n, threadName(n))
}

// recall is what this process knows, or an earlier one kept.
func recall[K comparable, V any](ctx context.Context, c *Client, known map[K]*V, key K, name string) *V {
	c.mu.Lock()
	v := known[key]
	c.mu.Unlock()
	if v != nil {
		return v
	}
	if v = keep.Recall[V](ctx, c.memory, name); v != nil {
		c.mu.Lock()
		known[key] = v
		c.mu.Unlock()
	}
	return v
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
	have := c.recallThread(ctx, a.number)
	if have != nil && have.stands(a.updated) {
		return have, nil
	}
	if untouched && have == nil && now.Sub(a.updated) > settled {
		return &thread{}, nil
	}
	t := &thread{Updated: a.updated, Read: now}
	var err error
	if t.Events, err = c.events(ctx, a, have); err != nil {
		return nil, fmt.Errorf("read what was done to %d: %w", a.number, err)
	}
	if a.pull {
		if t.Reviews, err = c.reviews(ctx, a.number); err != nil {
			return nil, fmt.Errorf("read the reviews of %d: %w", a.number, err)
		}
	}
	c.mu.Lock()
	c.threads[a.number] = t
	c.mu.Unlock()
	keep.Put(ctx, c.memory, threadName(a.number), t)
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
		old = before.Events
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
