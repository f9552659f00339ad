package local

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
)

// Pauses are those in force.
func (c *Client) Pauses(ctx context.Context) ([]gitops.Pause, error) {
	me, err := c.Whoami(ctx)
	if err != nil {
		return nil, err
	}
	issues, err := c.Issues(ctx, nil)
	if err != nil {
		return nil, err
	}
	list, _ := gitops.Pauses(issues, me.Name, time.Now(), nil)
	return list, nil
}

// Issues are those that pause, and those of the given ids.
func (c *Client) Issues(ctx context.Context, known []string) ([]gitops.Issue, error) {
	var out []gitops.Issue
	after := ""
	for range maxPages {
		var p issuePage
		q := url.Values{"known": {strings.Join(known, ",")}, "after": {after}}
		if err := c.call(ctx, http.MethodGet, c.base+"/issues?"+q.Encode(), nil, &p); err != nil {
			return nil, fmt.Errorf("list pauses: %w", err)
		}
		for _, i := range p.Issues {
			i.URL = c.options.BaseURL + i.URL
			out = append(out, i)
		}
		if p.After == "" {
			return out, nil
		}
		if p.After == after {
			break
		}
		after = p.After
	}
	return nil, fmt.Errorf("list pauses: the pages of %s do not end", c.options.Repository)
}

// Mend puts one thing right. Doing it again does nothing.
func (c *Client) Mend(ctx context.Context, m gitops.Mend) error {
	path := c.base + "/issues/" + url.PathEscape(m.ID)
	var err error
	switch m.Kind {
	case gitops.PutLabel:
		return c.AddLabel(ctx, m.ID, m.Value)
	case gitops.TakeLabel:
		return c.RemoveLabel(ctx, m.ID, m.Value)
	case gitops.Retitle:
		err = c.call(ctx, http.MethodPost, path+"/title", wish{Text: m.Value}, nil)
	case gitops.Reopen:
		err = c.call(ctx, http.MethodPost, path+"/reopen", wish{}, nil)
	default:
		err = fmt.Errorf("mending by %q: %w", m.Kind, gitops.ErrUnsupported)
	}
	if err != nil {
		return fmt.Errorf("mend %s: %w", m.ID, err)
	}
	return nil
}

// Enqueue fails: this forge has no merge queue.
func (c *Client) Enqueue(_ context.Context, id string, _ gitops.Commit) error {
	return fmt.Errorf("enqueue proposal %s: %w", id, gitops.ErrUnsupported)
}

// Groups are none: this forge has no merge queue.
func (c *Client) Groups(context.Context) ([]gitops.Group, error) { return nil, nil }

// Protection is what the forge says about the protected branch.
func (c *Client) Protection(ctx context.Context) (gitops.Protection, error) {
	var p gitops.Protection
	if err := c.call(ctx, http.MethodGet, c.base+"/protection", nil, &p); err != nil {
		return p, fmt.Errorf("read the rules of the branch: %w", err)
	}
	return p, nil
}

// Budget is zero: this forge sets none.
func (c *Client) Budget() gitops.Budget { return c.limit.Budget() }

// Limits are how long texts may be.
func (c *Client) Limits() gitops.Limits {
	return gitops.Limits{Title: maxTitle, Body: maxBody, Label: maxLabel, Check: maxCheck / 2}
}

// fit cuts what the forge would refuse.
func fit(d draft) draft {
	d.Title, d.Body = gitops.CutLine(d.Title, maxTitle), gitops.CutBody(d.Body, maxBody)
	d.Labels = slices.Clone(d.Labels)
	for i, l := range d.Labels {
		d.Labels[i] = gitops.CutLine(l, maxLabel)
	}
	return d
}

// tell is an issue as the API tells it. The caller holds the lock.
func (r *repository) tell(t *thread) gitops.Issue {
	return gitops.Issue{
		ID: t.ID, URL: "/" + r.name + "/" + t.ID, Title: t.Title, State: t.State, Author: t.Author, Opened: t.Opened,
		Labels: slices.Clone(t.Labels), Events: slices.Clone(t.Happened),
	}
}
