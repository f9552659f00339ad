package github

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	gogithub "github.com/google/go-github/v88/github"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/github/api"
	"github.com/waveguide-dev/waveguide/gitops/github/node"
)

// Issues are the open ones with the label of pauses, whatever of the fifty that
// changed last ever had it, and those of the given ids.
func (c *Client) Issues(ctx context.Context, known []string) ([]gitops.Issue, error) {
	key := strings.Join(known, " ")
	now := c.glance(ctx)
	c.mu.Lock()
	last := c.seenIssues
	c.mu.Unlock()
	if last.still(now, key) {
		return slices.Clone(last.value), nil
	}
	began := time.Now()
	list, err := c.issues(ctx, known)
	if err != nil {
		return nil, fmt.Errorf("list the pause issues of %s: %w", c.api.Repository, err)
	}
	c.mu.Lock()
	c.seenIssues = seen[[]gitops.Issue]{glance: now, key: key, value: list, at: began}
	c.mu.Unlock()
	return slices.Clone(list), nil
}

func (c *Client) issues(ctx context.Context, known []string) ([]gitops.Issue, error) {
	r := c.reader(api.Fresh)
	var err error
	if r.me, err = c.api.Self(ctx); err != nil {
		return nil, err
	}
	nodes := map[int]node.Issue{}
	after := any(nil)
	for range maxPages {
		var out struct {
			Repository *struct {
				HasIssuesEnabled bool
				Standing, Recent node.List[node.Issue]
			}
		}
		if err := c.api.Ask(ctx, "issues", api.Variables{"label": gitops.LabelPause, "after": after}, &out); err != nil {
			return nil, err
		}
		if out.Repository == nil {
			return nil, fmt.Errorf("%w: GitHub shows no repository %s to these credentials", gitops.ErrDenied, c.api.Repository)
		}
		if !out.Repository.HasIssuesEnabled {
			return nil, gitops.ErrDisabled
		}
		for _, n := range slices.Concat(out.Repository.Recent.Nodes, out.Repository.Standing.Nodes) {
			nodes[n.Number] = n
		}
		page := out.Repository.Standing.PageInfo
		if !page.HasNextPage {
			return c.pausing(ctx, r, nodes, known)
		}
		after = page.EndCursor
	}
	return nil, errors.New("there are more open ones than can be read")
}

// pausing keeps the issues that are or were pauses, and reads the known ones
// that the lists did not show.
func (c *Client) pausing(ctx context.Context, r *reader, nodes map[int]node.Issue, known []string) ([]gitops.Issue, error) {
	asked := map[string]bool{}
	for _, id := range known {
		asked[id] = true
	}
	in := r.introducer(ctx)
	var out []gitops.Issue
	for _, n := range slices.Sorted(maps.Keys(nodes)) {
		node := nodes[n]
		id := strconv.Itoa(n)
		if !asked[id] && !node.Pauses() {
			continue
		}
		delete(asked, id)
		out = append(out, r.issue(ctx, node, in))
	}
	for _, id := range slices.Sorted(maps.Keys(asked)) {
		node, err := c.oneIssue(ctx, id)
		if _, gone := errors.AsType[*api.Answered](err); gone {
			continue // deleted or moved away: there is nothing left to stop with
		}
		if err != nil {
			return nil, err
		}
		out = append(out, r.issue(ctx, node, in))
	}
	return out, nil
}

// oneIssue is an issue that the lists did not show.
func (c *Client) oneIssue(ctx context.Context, id string) (node.Issue, error) {
	n, err := number(id)
	if err != nil {
		return node.Issue{}, err
	}
	var out struct{ Repository *struct{ Issue *node.Issue } }
	if err := c.api.Ask(ctx, "oneIssue", api.Variables{"number": n}, &out); err != nil {
		return node.Issue{}, err
	}
	if out.Repository == nil || out.Repository.Issue == nil {
		return node.Issue{}, fmt.Errorf("GitHub shows nothing of issue %s", id)
	}
	return *out.Repository.Issue, nil
}

func (r *reader) issue(ctx context.Context, n node.Issue, in func(*gitops.Actor)) gitops.Issue {
	items, err := r.timeline(ctx, n.Number, n.TimelineItems)
	i := n.Issue(items)
	if err != nil {
		i.Unread = "its events: " + err.Error()
	}
	in(&i.Author)
	for k := range i.Events {
		in(&i.Events[k].By)
	}
	for k := range i.Labels {
		in(&i.Labels[k].By)
	}
	return i
}

// Pauses are the pauses in force. An issue that was seen as one stays known to
// this client, whatever becomes of its label.
func (c *Client) Pauses(ctx context.Context) ([]gitops.Pause, error) {
	c.mu.Lock()
	known := slices.Sorted(maps.Keys(c.paused))
	c.mu.Unlock()
	list, err := c.Issues(ctx, known)
	if errors.Is(err, gitops.ErrDisabled) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	me, err := c.api.Self(ctx)
	if err != nil {
		return nil, err
	}
	pauses, _ := gitops.Pauses(list, me.Name, time.Now(), nil)
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.paused)
	for _, p := range pauses {
		c.paused[p.ID] = true
	}
	return pauses, nil
}

// OpenIssue opens an issue and returns its number.
func (c *Client) OpenIssue(ctx context.Context, title, body string, labels []string) (string, error) {
	if err := c.ensureLabels(ctx, labels); err != nil {
		return "", fmt.Errorf("open an issue: %w", err)
	}
	title, body = gitops.CutLine(title, maxTitle), gitops.CutBody(body, maxBody)
	change := &gogithub.IssueRequest{Title: &title, Body: &body}
	if len(labels) > 0 {
		change.Labels = &labels
	}
	i, _, err := c.api.REST.Issues.Create(ctx, c.api.Owner, c.api.Name, change)
	if err != nil {
		return "", fmt.Errorf("open an issue: %w", api.Problem(err))
	}
	if i.GetNumber() == 0 {
		return "", errors.New("open an issue: GitHub does not say which number it has")
	}
	return strconv.Itoa(i.GetNumber()), nil
}

// CloseIssue closes an issue; closing it again does nothing.
func (c *Client) CloseIssue(ctx context.Context, id string) error {
	return c.edit(ctx, "close", id, &gogithub.IssueRequest{State: new("closed")})
}

// edit changes an issue.
func (c *Client) edit(ctx context.Context, doing, id string, change *gogithub.IssueRequest) error {
	n, err := number(id)
	if err != nil {
		return fmt.Errorf("%s %.40s: %w", doing, id, err)
	}
	if _, _, err := c.api.REST.Issues.Edit(ctx, c.api.Owner, c.api.Name, n, change); err != nil {
		return fmt.Errorf("%s %s: %w", doing, id, api.Problem(err))
	}
	return nil
}
