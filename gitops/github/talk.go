package github

import (
	"context"
	"errors"
	"fmt"

	gogithub "github.com/google/go-github/v88/github"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/github/api"
	"github.com/waveguide-dev/waveguide/gitops/github/node"
)

// Answer comments on a proposal or an issue, unless our own answer to that key
// is there already.
func (c *Client) Answer(ctx context.Context, id, key, text string) error {
	if err := c.answer(ctx, id, key, text); err != nil {
		return fmt.Errorf("answer on %.40s: %w", id, err)
	}
	return nil
}

func (c *Client) answer(ctx context.Context, id, key, text string) error {
	n, err := number(id)
	if err != nil {
		return err
	}
	me, err := c.api.Self(ctx)
	if err != nil {
		return err
	}
	var out struct {
		Repository *struct {
			IssueOrPullRequest *struct{ TimelineItems node.List[node.Item] }
		}
	}
	if err := c.api.Ask(ctx, "more", api.Variables{"number": n, "before": nil}, &out); err != nil {
		return err
	}
	if out.Repository == nil || out.Repository.IssueOrPullRequest == nil {
		return errors.New("GitHub shows nothing of that number")
	}
	r := c.reader(0)
	items, err := r.timeline(ctx, n, out.Repository.IssueOrPullRequest.TimelineItems)
	if err != nil {
		return err
	}
	if gitops.Answered(node.Events(items), me.Name, key) {
		return nil
	}
	body := gitops.CutBody(gitops.AnswerText(key, text), maxBody)
	_, _, err = c.api.REST.Issues.CreateComment(ctx, c.api.Owner, c.api.Name, n, &gogithub.IssueComment{Body: &body})
	return problemOrNil(err)
}

// Mend puts one thing right; if it is right already, nothing changes.
func (c *Client) Mend(ctx context.Context, m gitops.Mend) error {
	switch m.Kind {
	case gitops.PutLabel:
		return c.AddLabel(ctx, m.ID, m.Value)
	case gitops.TakeLabel:
		return c.RemoveLabel(ctx, m.ID, m.Value)
	case gitops.Retitle:
		return c.edit(ctx, "retitle", m.ID, &gogithub.IssueRequest{Title: new(gitops.CutLine(m.Value, maxTitle))})
	case gitops.Reopen:
		return c.edit(ctx, "reopen", m.ID, &gogithub.IssueRequest{State: new("open")})
	}
	return fmt.Errorf("mend %.40s: unknown kind %q", m.ID, m.Kind)
}
