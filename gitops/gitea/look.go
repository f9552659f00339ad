package gitea

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
)

// Proposals are all open ones against the protected branch, and our own that
// ended, or had something done to them after they ended, since the cursor.
func (c *Client) Proposals(ctx context.Context, since string) (list []gitops.Proposal, next string, err error) {
	me, err := c.myself(ctx)
	if err != nil {
		return nil, "", err
	}
	open, err := c.openPulls(ctx)
	if err != nil {
		return nil, "", fmt.Errorf("list proposals: %w", err)
	}
	ended, next, err := c.endedPulls(ctx, me, since)
	if err != nil {
		return nil, "", fmt.Errorf("list ended proposals: %w", err)
	}
	late := c.choose(ctx, open)
	for i, p := range slices.Concat(ended, open) {
		how := c.fill
		switch {
		case i < len(ended)-maxTold, i < len(ended) && p.Merged:
			how = nil
		case i >= len(ended) && late[p.Number]:
			how = c.asItWas
		}
		one, err := c.proposal(ctx, p, how)
		if err != nil {
			return nil, "", err
		}
		list = append(list, one)
	}
	c.forget(open)
	return list, next, nil
}

// maxTold is how many closed proposals are told with everything about them, of
// older ones it is enough that they ended; whoever merged is in the list.
const maxTold = 200

// openPulls are the open pull requests against the branch.
func (c *Client) openPulls(ctx context.Context) ([]pull, error) {
	var out []pull
	seen := map[int64]bool{}
	err := pages(ctx, c, c.inRepo("/pulls?state=open&sort=oldest"), false, func(some []pull) bool {
		for _, p := range some {
			if p.Base.Ref == c.options.Branch && !seen[p.Number] {
				out = append(out, p)
			}
			seen[p.Number] = true
		}
		return true
	})
	return out, err
}

// endedPulls reads backwards from the one that changed last. The cursor is the
// time of the newest and which of that second were told, because Gitea's
// times have no fractions.
func (c *Client) endedPulls(ctx context.Context, me, since string) ([]pull, string, error) {
	from, told, err := readCursor(since)
	if err != nil {
		return nil, "", err
	}
	var out []pull
	seen := map[int64]bool{}
	latest, names := from, told
	err = pages(ctx, c, c.inRepo("/pulls?state=closed&sort=recentupdate&poster=%s", url.QueryEscape(me)), false, func(some []pull) bool {
		for _, p := range some {
			if p.UpdatedAt.Before(from) {
				return false
			}
			key := mark(p)
			if seen[p.Number] || p.User.name() != me || p.Base.Ref != c.options.Branch || p.UpdatedAt.Equal(from) && slices.Contains(told, key) {
				continue
			}
			seen[p.Number] = true
			out = append(out, p)
			switch p.UpdatedAt.Compare(latest) {
			case 1:
				latest, names = p.UpdatedAt, []string{key}
			case 0:
				names = append(slices.Clip(names), key)
			}
		}
		return true
	})
	slices.Reverse(out)
	if latest.IsZero() {
		return out, "", err
	}
	return out, latest.UTC().Format(time.RFC3339) + " " + strings.Join(names, " "), err
}

// mark tells a pull request in one state of its own.
func mark(p pull) string { return fmt.Sprintf("%d.%d", p.Number, p.Comments) }

func readCursor(since string) (time.Time, []string, error) {
	if since == "" {
		return time.Time{}, nil, nil
	}
	words := strings.Fields(since)
	at, err := time.Parse(time.RFC3339, words[0])
	if err != nil {
		return time.Time{}, nil, fmt.Errorf("%.40q is no cursor of this forge: begin without one", since)
	}
	return at, words[1:], nil
}

// Proposal is one pull request, all of it read now.
func (c *Client) Proposal(ctx context.Context, id string) (gitops.Proposal, error) {
	n, err := number(id)
	if err != nil {
		return gitops.Proposal{}, err
	}
	c.mu.Lock()
	c.doubt(n)
	c.mu.Unlock()
	var p pull
	if err := c.call(ctx, http.MethodGet, c.inRepo("/pulls/%d", n), nil, &p); err != nil {
		return gitops.Proposal{}, fmt.Errorf("read proposal %s: %w", id, err)
	}
	c.mu.Lock()
	c.doubtHead(p.Head.SHA)
	c.mu.Unlock()
	return c.proposal(ctx, p, c.fill)
}

// telling adds to a proposal what the list does not tell.
type telling func(ctx context.Context, p pull, out *gitops.Proposal) error

// proposal says a pull request in our words; of one that ended nothing more has
// to be told. What cannot be read of it is said, so that it counts as held; a
// limit of the forge ends the whole look.
func (c *Client) proposal(ctx context.Context, p pull, more telling) (gitops.Proposal, error) {
	out := c.outline(p)
	if more == nil {
		return out, nil
	}
	err := more(ctx, p, &out)
	_, limited := errors.AsType[*gitops.LimitError](err)
	switch {
	case limited, ctx.Err() != nil, errors.Is(err, gitops.ErrDenied):
		return out, err
	case err != nil:
		out.Unread = err.Error()
	}
	return out, nil
}

// outline is what the list tells.
func (c *Client) outline(p pull) gitops.Proposal {
	owner, _, _ := cut(c.options.Repository)
	out := gitops.Proposal{
		ID: strconv.FormatInt(p.Number, 10), URL: p.HTMLURL, State: gitops.Open, Branch: cmp.Or(p.Head.Label, p.Head.Ref),
		Title: p.Title, Body: p.Body, Author: gitops.Actor{Name: p.User.name()},
		Head: gitops.Commit(p.Head.SHA), Base: gitops.Commit(p.MergeBase), Opened: p.CreatedAt, Requested: requested(p, owner),
	}
	out.Lane.Repository = c.options.Name
	if p.Head.RepoID == p.Base.RepoID {
		out.Lane, _ = gitops.LaneOf(out.Branch)
		out.Lane.Repository = c.options.Name
	}
	switch {
	case p.Merged:
		out.State, out.MergedAs = gitops.Merged, gitops.Commit(p.MergeCommit)
		out.EndedBy = gitops.Actor{Name: p.MergedBy.name()}
	case p.State != "open":
		out.State = gitops.Closed
	}
	switch {
	case p.MergedAt != nil:
		out.Ended = *p.MergedAt
	case p.ClosedAt != nil && out.State != gitops.Open:
		out.Ended = *p.ClosedAt
	}
	for _, l := range p.Labels {
		out.Labels = append(out.Labels, gitops.Label{Name: l.Name})
	}
	return out
}
