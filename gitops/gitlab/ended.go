package gitlab

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/waveguide-dev/waveguide/gitops"
)

// cursor remembers until when endings were told, and what was told near then.
type cursor struct {
	At time.Time `json:"at"`
	// Told are the merge requests near At, with how they looked.
	Told map[string]string `json:"told,omitempty"`
}

// maxEndedPages bounds how much history a first look reads, newest first; of
// so many of them the comments too.
const (
	maxEndedPages    = 20
	maxEndedComments = 100
)

// ended are ours that ended, or that something happened to since.
func (c *Client) ended(ctx context.Context, me, since string) ([]gitops.Proposal, string, error) {
	var from cursor
	if since != "" {
		if err := json.Unmarshal([]byte(since), &from); err != nil {
			return nil, "", fmt.Errorf("the cursor is not ours: %w", err)
		}
	}
	items, err := c.listEnded(ctx, me, from)
	if err != nil {
		return nil, "", err
	}
	next := cursor{At: c.newest(items, from.At), Told: map[string]string{}}
	var list []gitops.Proposal
	for i, m := range items {
		key := mergeID(m.IID)
		p, look, err := c.ending(ctx, m, from.Told[key], i < maxEndedComments)
		if err != nil {
			return nil, "", err
		}
		if p != nil {
			list = append(list, *p)
		}
		if look != "" && !instant(m.UpdatedAt).Before(next.At.Add(-settled)) {
			next.Told[key] = look
		}
	}
	text, err := json.Marshal(next)
	return list, string(text), err
}

// newest is when something last happened to one of them, or before.
func (c *Client) newest(items []*gitlab.BasicMergeRequest, before time.Time) time.Time {
	for _, m := range items {
		if at := instant(m.UpdatedAt); at.After(before) {
			before = at
		}
	}
	if before.IsZero() {
		return c.wire.told()
	}
	return before
}

// ending is one that ended, nil if it looks as it was told, and how it looks.
// One that nothing can have happened to unnoticed is calm.
func (c *Client) ending(ctx context.Context, m *gitlab.BasicMergeRequest, told string, closely bool) (*gitops.Proposal, string, error) {
	at := instant(m.UpdatedAt)
	look := at.Format(time.RFC3339Nano)
	switch m.State {
	case "opened":
		return nil, "", nil
	case "locked": // neither open nor ended, so in no other list
		p := c.proposal(ctx, m, &seen{Unread: "GitLab is merging it"})
		return &p, "", nil
	}
	calm := look + " calm"
	if told == calm {
		return nil, calm, nil
	}
	s := &seen{SHA: m.SHA}
	if m.State == "closed" && closely {
		if err := c.history(ctx, m, s, nil); err != nil {
			return nil, "", err
		}
	}
	look += " " + strconv.Itoa(len(s.Events))
	quiet := c.wire.told().Sub(at) > settled
	same := told == look
	if quiet {
		look = calm
	}
	if same {
		return nil, look, nil
	}
	p := c.proposal(ctx, m, s)
	return &p, look, nil
}

func (c *Client) listEnded(ctx context.Context, me string, from cursor) ([]*gitlab.BasicMergeRequest, error) {
	o := &gitlab.ListProjectMergeRequestsOptions{
		State: new("all"), AuthorUsername: &me, TargetBranch: &c.options.Branch, OrderBy: new("updated_at"), Sort: new("desc"),
	}
	if !from.At.IsZero() {
		o.UpdatedAfter = new(from.At.Add(-settled))
	}
	var all []*gitlab.BasicMergeRequest
	o.ListOptions = gitlab.ListOptions{PerPage: pageSize, Page: 1}
	for range maxEndedPages {
		items, resp, err := c.api.MergeRequests.ListProjectMergeRequests(c.options.Project, o, gitlab.WithContext(ctx))
		if err != nil {
			return nil, failed("list merge requests that ended", err)
		}
		all = append(all, items...)
		if resp.NextPage == 0 {
			break
		}
		o.Page = resp.NextPage
	}
	return all, nil
}
