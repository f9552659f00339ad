package github

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/github/api"
	"github.com/waveguide-dev/waveguide/gitops/github/node"
)

// minSize is the smallest page that is asked for when GitHub gives up.
const minSize = 5

// found is the answer to the queries look, open and ended.
type found struct {
	Repository *struct{ Open, Ended node.List[node.Pull] }
}

// Proposals are all open ones against the protected branch, and those of our
// branches that ended since the cursor. Forty are read with one query; with
// few of them that is one query in all, and none that counts while nothing
// changes.
func (c *Client) Proposals(ctx context.Context, since string) ([]gitops.Proposal, string, error) {
	now := c.glance(ctx)
	c.mu.Lock()
	last := c.seenOpen
	c.mu.Unlock()
	if last.still(now, since) {
		return slices.Clone(last.value), since, nil
	}
	began := time.Now()
	list, next, err := c.proposals(ctx, since)
	if err != nil {
		return nil, "", fmt.Errorf("list the proposals of %s: %w", c.api.Repository, err)
	}
	open := slices.DeleteFunc(slices.Clone(list), func(p gitops.Proposal) bool { return p.State != gitops.Open })
	c.mu.Lock()
	c.seenOpen = seen[[]gitops.Proposal]{glance: now, key: next, value: open, at: began}
	c.mu.Unlock()
	return list, next, nil
}

func (c *Client) proposals(ctx context.Context, since string) ([]gitops.Proposal, string, error) {
	from, err := parseCursor(since)
	if err != nil {
		return nil, "", err
	}
	r := c.reader(api.Fresh)
	if err := r.prepare(ctx); err != nil {
		return nil, "", err
	}
	first, err := c.page(ctx, r, "look", "")
	if err != nil {
		return nil, "", err
	}
	open, ended := first.Repository.Open, first.Repository.Ended
	nodes := open.Nodes
	for range maxPages {
		if !open.PageInfo.HasNextPage {
			break
		}
		more, err := c.page(ctx, r, "open", open.PageInfo.EndCursor)
		if err != nil {
			return nil, "", err
		}
		open = more.Repository.Open
		nodes = append(nodes, open.Nodes...)
	}
	if open.PageInfo.HasNextPage {
		return nil, "", fmt.Errorf("there are more than %d open proposals", len(nodes))
	}
	if len(nodes) > len(first.Repository.Open.Nodes) {
		// Whoever ended while the pages were read must not be lost.
		again, err := c.page(ctx, r, "ended", "")
		if err != nil {
			return nil, "", err
		}
		ended = again.Repository.Ended
	}
	list := make([]gitops.Proposal, 0, len(nodes))
	for _, n := range nodes {
		list = append(list, r.proposal(ctx, n))
	}
	past, next, err := c.ended(ctx, r, ended, from)
	if err != nil {
		return nil, "", err
	}
	list = append(list, past...)
	r.introduce(ctx, list)
	return list, next, nil
}

// page reads one page; a page that GitHub cannot finish in time is asked for
// again in smaller pieces.
func (c *Client) page(ctx context.Context, r *reader, name, after string) (found, error) {
	for {
		c.mu.Lock()
		size := c.size
		c.mu.Unlock()
		v := api.Variables{"branch": c.api.Branch, "size": size}
		if after != "" {
			v["after"] = after
		}
		var out found
		err := r.see(c.api.Ask(ctx, name, v, &out))
		if code := api.Status(err); code >= http.StatusInternalServerError && size > minSize {
			c.mu.Lock()
			c.size = max(minSize, size/2)
			c.mu.Unlock()
			continue
		}
		if err == nil && out.Repository == nil {
			err = fmt.Errorf("%w: GitHub shows no repository %s to these credentials", gitops.ErrDenied, c.api.Repository)
		}
		return out, err
	}
}

// ended reads back to the cursor. The next cursor is where the first page began.
func (c *Client) ended(ctx context.Context, r *reader, page node.List[node.Pull], from cursor) ([]gitops.Proposal, string, error) {
	var out []gitops.Proposal
	next := from
	for range maxPages {
		for _, n := range page.Nodes {
			if n.UpdatedAt.Before(from.At) {
				return out, next.String(), nil
			}
			p := r.proposal(ctx, n)
			mark := fingerprint(n)
			next = next.meet(n.UpdatedAt, p.ID, mark)
			if _, ours := gitops.LaneOf(p.Branch); ours && !from.knows(n.UpdatedAt, p.ID, mark) {
				out = append(out, p)
			}
		}
		if !page.PageInfo.HasNextPage {
			return out, next.String(), nil
		}
		more, err := c.page(ctx, r, "ended", page.PageInfo.EndCursor)
		if err != nil {
			return nil, "", err
		}
		page = more.Repository.Ended
	}
	return nil, "", fmt.Errorf("more proposals ended since the last look than %d pages hold", maxPages)
}

// cursor is the time of the newest change that was told, and what was told of
// that very second.
type cursor struct {
	At   time.Time         `json:"at"`
	Told map[string]string `json:"told,omitempty"`
}

func parseCursor(text string) (cursor, error) {
	var c cursor
	if text == "" {
		return c, nil
	}
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return c, fmt.Errorf("the cursor %.80q is not ours", text)
	}
	return c, nil
}

func (c cursor) String() string {
	if c.At.IsZero() {
		return ""
	}
	text, err := json.Marshal(c)
	if err != nil {
		return ""
	}
	return string(text)
}

// meet moves the cursor to a change that is newer.
func (c cursor) meet(at time.Time, id, mark string) cursor {
	if at.After(c.At) {
		c.At, c.Told = at, nil
	}
	if at.Equal(c.At) {
		told := map[string]string{id: mark}
		for k, v := range c.Told {
			told[k] = cmp.Or(told[k], v)
		}
		c.Told = told
	}
	return c
}

func (c cursor) knows(at time.Time, id, mark string) bool {
	return at.Equal(c.At) && c.Told[id] == mark
}

// fingerprint tells two states of a proposal apart within one second.
func fingerprint(n node.Pull) string {
	text, err := json.Marshal(n)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:6])
}

// Proposal is one proposal read anew, with everything around it.
func (c *Client) Proposal(ctx context.Context, id string) (gitops.Proposal, error) {
	p, err := c.proposal(ctx, id)
	if err != nil {
		return gitops.Proposal{}, fmt.Errorf("read proposal %.40s: %w", id, err)
	}
	return p, nil
}

func (c *Client) proposal(ctx context.Context, id string) (gitops.Proposal, error) {
	n, err := number(id)
	if err != nil {
		return gitops.Proposal{}, err
	}
	r := c.reader(0)
	if err := r.prepare(ctx); err != nil {
		return gitops.Proposal{}, err
	}
	one, err := c.pull(ctx, r, n)
	if err != nil {
		return gitops.Proposal{}, err
	}
	list := []gitops.Proposal{r.proposal(ctx, one)}
	r.introduce(ctx, list)
	return list[0], nil
}

// pull is one pull request with nothing around it.
func (c *Client) pull(ctx context.Context, r *reader, n int) (node.Pull, error) {
	var out struct {
		Repository *struct{ PullRequest *node.Pull }
	}
	if err := r.see(c.api.Ask(ctx, "one", api.Variables{"number": n}, &out)); err != nil {
		return node.Pull{}, err
	}
	if out.Repository == nil || out.Repository.PullRequest == nil {
		return node.Pull{}, &api.Answered{Text: "GitHub shows no such proposal", Status: http.StatusNotFound}
	}
	return *out.Repository.PullRequest, nil
}
