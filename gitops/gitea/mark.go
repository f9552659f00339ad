package gitea

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/waveguide-dev/waveguide/gitops"
)

// SetCheck sets a commit status.
func (c *Client) SetCheck(ctx context.Context, head gitops.Commit, check gitops.Check) error {
	err := c.call(ctx, http.MethodPost, c.inRepo("/statuses/%s", head), map[string]string{
		"context": check.Name, "state": string(check.State), "target_url": check.Target,
		"description": gitops.CutLine(check.Text, c.Limits().Check),
	}, nil)
	if err != nil {
		c.mu.Lock()
		c.doubtHead(string(head)) // it may be there or not
		c.mu.Unlock()
		return fmt.Errorf("set check %s on %s: %w", check.Name, head.Short(), err)
	}
	return c.noted(ctx, head, check)
}

// AddLabel puts a label on a proposal or an issue.
func (c *Client) AddLabel(ctx context.Context, id, name string) error {
	n, err := number(id)
	if err != nil {
		return err
	}
	ids, err := c.ensure(ctx, []string{name})
	if err == nil {
		err = c.call(ctx, http.MethodPost, c.inRepo("/issues/%d/labels", n), map[string][]int64{"labels": ids}, nil)
	}
	if err != nil {
		return fmt.Errorf("put label %s on %s: %w", name, id, err)
	}
	return nil
}

// RemoveLabel takes a label off, also where two of the same name are there.
func (c *Client) RemoveLabel(ctx context.Context, id, name string) error {
	n, err := number(id)
	if err != nil {
		return err
	}
	name = gitops.CutLine(name, c.Limits().Label)
	var have []label
	if err := c.call(ctx, http.MethodGet, c.inRepo("/issues/%d/labels", n), nil, &have); err != nil {
		return fmt.Errorf("read the labels of %s: %w", id, err)
	}
	for _, l := range have {
		if l.Name != name {
			continue
		}
		err := c.call(ctx, http.MethodDelete, c.inRepo("/issues/%d/labels/%d", n, l.ID), nil, nil)
		if err != nil && !is(err, http.StatusNotFound, http.StatusUnprocessableEntity) {
			return fmt.Errorf("take label %s off %s: %w", name, id, err)
		}
	}
	return nil
}

// ensure finds the labels of those names and creates those that are missing.
// The server would create a second one of a name, so the list is read again
// before that.
func (c *Client) ensure(ctx context.Context, names []string) ([]int64, error) {
	ids := make([]int64, 0, len(names))
	listed := false
	for _, name := range names {
		name = gitops.CutLine(name, c.Limits().Label)
		have := c.known(name)
		if len(have) == 0 && !listed {
			listed = true
			if err := c.readLabels(ctx); err != nil {
				return nil, err
			}
			have = c.known(name)
		}
		if len(have) == 0 {
			var made label
			if err := c.call(ctx, http.MethodPost, c.inRepo("/labels"), map[string]string{"name": name, "color": colorOf(name)}, &made); err != nil {
				return nil, fmt.Errorf("create label %s: %w", name, err)
			}
			have = []int64{made.ID}
			c.mu.Lock()
			c.labels[name] = have
			c.mu.Unlock()
		}
		ids = append(ids, have[0])
	}
	return ids, nil
}

func (c *Client) known(name string) []int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.labels[name]
}

// readLabels reads the labels of the repository and of its organization.
func (c *Client) readLabels(ctx context.Context) error {
	owner, _, _ := cut(c.options.Repository)
	all := map[string][]int64{}
	for _, path := range []string{c.inRepo("/labels"), "/orgs/" + owner + "/labels"} {
		err := pages(ctx, c, path, false, func(some []label) bool {
			for _, l := range some {
				if !slices.Contains(all[l.Name], l.ID) {
					all[l.Name] = append(all[l.Name], l.ID)
				}
			}
			return true
		})
		if err != nil && !is(err, http.StatusNotFound, http.StatusForbidden) {
			return fmt.Errorf("read the labels: %w", err)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.labels = all
	return nil
}

// colorOf gives labels that stop things a colour that is seen.
func colorOf(name string) string {
	switch name {
	case gitops.LabelHold, gitops.LabelHoldProw, gitops.LabelPause:
		return "#d73a4a"
	}
	return "#c5def5"
}

// Answer comments, unless our own answer to that key is there. The list of
// comments comes whole.
func (c *Client) Answer(ctx context.Context, id, key, text string) error {
	n, err := number(id)
	if err != nil {
		return err
	}
	me, err := c.myself(ctx)
	if err != nil {
		return err
	}
	var said []comment
	if err := c.call(ctx, http.MethodGet, c.inRepo("/issues/%d/comments", n), nil, &said); err != nil {
		return fmt.Errorf("read the comments of %s: %w", id, err)
	}
	if slices.ContainsFunc(said, func(s comment) bool { return s.User.name() == me && gitops.Answers(s.Body, key) }) {
		return nil
	}
	body := gitops.AnswerText(key, gitops.CutBody(text, c.Limits().Body/2))
	if err := c.call(ctx, http.MethodPost, c.inRepo("/issues/%d/comments", n), map[string]string{"body": body}, nil); err != nil {
		return fmt.Errorf("answer on %s: %w", id, err)
	}
	return nil
}

// Mend puts one thing right. Doing it again does nothing.
func (c *Client) Mend(ctx context.Context, m gitops.Mend) error {
	n, err := number(m.ID)
	if err != nil {
		return err
	}
	change := map[string]string{}
	switch m.Kind {
	case gitops.PutLabel:
		return c.AddLabel(ctx, m.ID, m.Value)
	case gitops.TakeLabel:
		return c.RemoveLabel(ctx, m.ID, m.Value)
	case gitops.Retitle:
		change["title"] = m.Value
	case gitops.Reopen:
		change["state"] = "open"
	default:
		return fmt.Errorf("mend %s by %q: %w", m.ID, m.Kind, gitops.ErrUnsupported)
	}
	if err := c.call(ctx, http.MethodPatch, c.inRepo("/issues/%d", n), change, nil); err != nil {
		return fmt.Errorf("mend %s: %w", m.ID, err)
	}
	return nil
}

// OpenIssue opens an issue and returns its number.
func (c *Client) OpenIssue(ctx context.Context, title, body string, labels []string) (string, error) {
	ids, err := c.ensure(ctx, labels)
	if err != nil {
		return "", fmt.Errorf("open an issue: %w", err)
	}
	l := c.Limits()
	var made issue
	err = c.call(ctx, http.MethodPost, c.inRepo("/issues"), map[string]any{
		"title": gitops.CutLine(title, l.Title), "body": gitops.CutBody(body, l.Body), "labels": ids,
	}, &made)
	if err != nil {
		return "", fmt.Errorf("open an issue: %w", err)
	}
	return strconv.FormatInt(made.Number, 10), nil
}

// CloseIssue closes an issue.
func (c *Client) CloseIssue(ctx context.Context, id string) error {
	n, err := number(id)
	if err != nil {
		return err
	}
	if err := c.call(ctx, http.MethodPatch, c.inRepo("/issues/%d", n), map[string]string{"state": "closed"}, nil); err != nil {
		return fmt.Errorf("close issue %s: %w", id, err)
	}
	return nil
}
