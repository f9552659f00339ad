package github

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	gogithub "github.com/google/go-github/v88/github"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/github/api"
)

// Open finds the open proposal of the branch, whoever made it, or opens one;
// the labels are on it afterwards.
func (c *Client) Open(ctx context.Context, p gitops.Proposal, labels []string) (gitops.Proposal, error) {
	if p.Branch == "" {
		p.Branch = p.Lane.Branch()
	}
	// The labels people stop with have to be there to be chosen.
	err := c.ensureLabels(ctx, []string{gitops.LabelHold, gitops.LabelPause, gitops.LabelRebase})
	id := 0
	if err == nil {
		id, err = c.open(ctx, p)
	}
	if err == nil && len(labels) > 0 {
		err = c.addLabels(ctx, id, labels)
	}
	if err != nil {
		return gitops.Proposal{}, fmt.Errorf("open a proposal for %s: %w", p.Branch, err)
	}
	return c.Proposal(ctx, strconv.Itoa(id))
}

func (c *Client) open(ctx context.Context, p gitops.Proposal) (int, error) {
	if id, err := c.openOf(ctx, p.Branch); id != 0 || err != nil {
		return id, err
	}
	draft := gogithub.NewPullRequest{
		Title: new(gitops.CutLine(p.Title, maxTitle)), Body: new(gitops.CutBody(p.Body, maxBody)), Head: &p.Branch, Base: &c.api.Branch,
	}
	made, _, err := c.api.REST.PullRequests.Create(ctx, c.api.Owner, c.api.Name, &draft)
	if err == nil && made.GetNumber() == 0 {
		err = errors.New("GitHub does not say which number it has")
	}
	if err == nil {
		return made.GetNumber(), nil
	}
	// It may have been made all the same, now or a moment ago.
	if code := api.Status(err); code == 0 || code == http.StatusUnprocessableEntity || code >= http.StatusInternalServerError {
		if id, again := c.openOf(ctx, p.Branch); again == nil && id != 0 {
			return id, nil
		}
	}
	return 0, api.Problem(err)
}

// openOf is the number of the open proposal of a branch of this repository, or
// 0.
func (c *Client) openOf(ctx context.Context, branch string) (int, error) {
	found, _, err := c.api.REST.PullRequests.List(ctx, c.api.Owner, c.api.Name, &gogithub.PullRequestListOptions{
		State: "open", Head: c.api.Owner + ":" + branch, Base: c.api.Branch, ListOptions: gogithub.ListOptions{PerPage: perPage},
	})
	if err != nil {
		return 0, api.Problem(err)
	}
	for _, p := range found {
		if p.GetHead().GetRef() == branch && p.GetHead().GetRepo().GetFullName() == p.GetBase().GetRepo().GetFullName() {
			return p.GetNumber(), nil
		}
	}
	return 0, nil
}

// Update sets the title and the body.
func (c *Client) Update(ctx context.Context, id, title, body string) error {
	return c.change(ctx, "update proposal", id, &gogithub.PullRequest{
		Title: new(gitops.CutLine(title, maxTitle)), Body: new(gitops.CutBody(body, maxBody)),
	})
}

// change changes a proposal, which is there where issues are switched off too.
func (c *Client) change(ctx context.Context, doing, id string, change *gogithub.PullRequest) error {
	n, err := number(id)
	if err != nil {
		return fmt.Errorf("%s %.40s: %w", doing, id, err)
	}
	if _, _, err := c.api.REST.PullRequests.Edit(ctx, c.api.Owner, c.api.Name, n, change); err != nil {
		return fmt.Errorf("%s %s: %w", doing, id, api.Problem(err))
	}
	return nil
}

// Close closes a proposal with a comment, which is written once; closing it
// again does nothing.
func (c *Client) Close(ctx context.Context, id, comment string) error {
	n, err := number(id)
	if err != nil {
		return fmt.Errorf("close proposal %.40s: %w", id, err)
	}
	p, _, err := c.api.REST.PullRequests.Get(ctx, c.api.Owner, c.api.Name, n)
	if err != nil {
		return fmt.Errorf("close proposal %s: %w", id, api.Problem(err))
	}
	switch p.GetState() {
	case "open":
	case "closed":
		return nil
	default:
		return fmt.Errorf("close proposal %s: GitHub does not say whether it is open", id)
	}
	if comment != "" {
		sum := sha256.Sum256([]byte(comment))
		if err := c.Answer(ctx, id, "close "+hex.EncodeToString(sum[:6]), comment); err != nil {
			return fmt.Errorf("close proposal %s: %w", id, err)
		}
	}
	return c.change(ctx, "close proposal", id, &gogithub.PullRequest{State: new("closed")})
}

// Merge merges exactly that head and removes the branch. It fails with
// [gitops.ErrMoved] when the head or the state is another or the merge has a
// conflict, and with [gitops.ErrDenied] when a rule refuses it.
func (c *Client) Merge(ctx context.Context, id string, head gitops.Commit) (gitops.Commit, error) {
	n, err := number(id)
	if err != nil {
		return "", fmt.Errorf("merge proposal %.40s: %w", id, err)
	}
	s, err := c.guard.Settings(ctx, api.Fresh)
	if err != nil {
		return "", fmt.Errorf("merge proposal %s: read how: %w", id, err)
	}
	done, _, err := c.api.REST.PullRequests.Merge(ctx, c.api.Owner, c.api.Name, n, "", &gogithub.PullRequestOptions{SHA: string(head), MergeMethod: s.Method()})
	merged := gitops.Commit(done.GetSHA())
	if err != nil {
		if merged, err = c.unmerged(ctx, n, head, err); err != nil {
			return "", fmt.Errorf("merge proposal %s: %w", id, err)
		}
	}
	if merged == "" {
		return "", fmt.Errorf("merge proposal %s: GitHub does not say which commit it made", id)
	}
	c.tidy(ctx, n, head)
	return merged, nil
}

// unmerged finds out what a merge that failed means. One whose answer was lost
// may have been made.
func (c *Client) unmerged(ctx context.Context, n int, head gitops.Commit, failed error) (gitops.Commit, error) {
	code := api.Status(failed)
	if _, limited := errors.AsType[*gitops.LimitError](failed); limited || code == http.StatusUnauthorized || code == http.StatusForbidden {
		return "", api.Problem(failed)
	}
	if code == http.StatusConflict {
		return "", fmt.Errorf("%w: %w", gitops.ErrMoved, api.Problem(failed))
	}
	p, _, err := c.api.REST.PullRequests.Get(ctx, c.api.Owner, c.api.Name, n)
	unsure := code == 0 || code >= http.StatusInternalServerError
	switch at := gitops.Commit(p.GetHead().GetSHA()); {
	case err != nil:
		return "", api.Problem(failed)
	case p.GetMerged() && at == head && unsure:
		return gitops.Commit(p.GetMergeCommitSHA()), nil
	case p.GetState() != "open":
		return "", fmt.Errorf("%w: it is not open any more", gitops.ErrMoved)
	case at != head:
		return "", fmt.Errorf("%w: the head is %s", gitops.ErrMoved, at.Short())
	case p.GetMergeableState() == "dirty":
		return "", fmt.Errorf("%w: it conflicts with %s", gitops.ErrMoved, c.api.Branch)
	case code == http.StatusMethodNotAllowed:
		return "", fmt.Errorf("%w: %w", gitops.ErrDenied, api.Problem(failed))
	}
	return "", api.Problem(failed)
}
