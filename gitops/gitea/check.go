package gitea

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"path"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/keep"
)

// statuses are those of one commit, as last read.
type statuses struct {
	Read   time.Time
	Checks []gitops.Check
	// doubted says that they have to be read again.
	doubted bool
}

const (
	// refreshed is how many statuses, and how many threads that seem unchanged,
	// are read again with one look: nothing tells that a status changed.
	refreshed = 10
	// checksLife is how long the statuses of a commit are believed that have
	// all come to an end: for looks that follow each other closely.
	checksLife = 15 * time.Second
)

// finished is 1 if everything of others has come to an end.
func (s *statuses) finished() int {
	for _, k := range s.Checks {
		if k.State == gitops.CheckPending && k.Name != gitops.CheckName {
			return 0
		}
	}
	return 1
}

// stale says that something may have changed by now.
func (s *statuses) stale(now time.Time) bool {
	return !s.doubted && (s.finished() == 0 || now.Sub(s.Read) > checksLife)
}

// staleHeads makes a few statuses be read again: what is unfinished and then
// what is oldest, so that nothing is believed for ever and nothing is read all
// at once. Commits that are no heads any more are forgotten. The caller holds
// the lock.
func (c *Client) staleHeads(heads map[string]bool, now time.Time) {
	var old []string
	for sha, s := range c.heads {
		switch {
		case !heads[sha]:
			delete(c.heads, sha)
		case s.stale(now):
			old = append(old, sha)
		}
	}
	slices.SortFunc(old, func(a, b string) int {
		x, y := c.heads[a], c.heads[b]
		return cmp.Or(cmp.Compare(x.finished(), y.finished()), x.Read.Compare(y.Read), cmp.Compare(a, b))
	})
	for _, sha := range old[:min(len(old), refreshed)] {
		c.doubtHead(sha)
	}
}

// doubtHead makes the statuses of a commit be read again. The caller holds the
// lock.
func (c *Client) doubtHead(sha string) {
	var s statuses
	if have := c.heads[sha]; have != nil {
		s = *have
	}
	s.doubted = true
	c.heads[sha] = &s
}

// head is what is known of a commit's statuses; nil for nothing.
func (c *Client) head(ctx context.Context, sha string) *statuses {
	return recall(ctx, c, c.heads, sha, "head "+sha)
}

// know remembers the statuses of a commit.
func (c *Client) know(ctx context.Context, sha string, s *statuses) {
	c.mu.Lock()
	have := c.heads[sha]
	c.heads[sha] = s
	c.mu.Unlock()
	if have == nil || !reflect.DeepEqual(have.Checks, s.Checks) {
		keep.Put(ctx, c.memory, "head "+sha, s)
	}
}

// checks are the newest statuses of a commit, one of each name.
func (c *Client) checks(ctx context.Context, sha string) ([]gitops.Check, error) {
	have := c.head(ctx, sha)
	if have != nil && !have.doubted {
		return slices.Clone(have.Checks), nil
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
	checks := make([]gitops.Check, 0, len(all))
	for _, s := range all {
		if s.Context == gitops.CheckName && s.Creator.name() != me {
			continue // somebody else's word under our name: ours has to be said again
		}
		checks = append(checks, gitops.Check{
			Name: s.Context, State: stateOf(s.Status), Text: s.Description, Target: s.TargetURL, By: s.Creator.name(), Required: required(s.Context),
		})
	}
	c.know(ctx, sha, &statuses{Read: c.clock(), Checks: checks})
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

// noted puts a check that we set among what is known of its commit, so that it
// need not be read for that.
func (c *Client) noted(ctx context.Context, head gitops.Commit, k gitops.Check) error {
	have := c.head(ctx, string(head))
	if have == nil || have.doubted {
		return nil // all of it is read with the next look
	}
	me, err := c.myself(ctx)
	if err != nil {
		return err
	}
	required, err := c.required(ctx)
	if err != nil {
		return err
	}
	k.Text, k.By, k.Required = gitops.CutLine(k.Text, c.Limits().Check), me, required(k.Name)
	checks := slices.DeleteFunc(slices.Clone(have.Checks), func(o gitops.Check) bool { return o.Name == k.Name })
	c.know(ctx, string(head), &statuses{Read: have.Read, Checks: append([]gitops.Check{k}, checks...)})
	return nil
}
