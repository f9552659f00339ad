package gitea

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
)

// Open creates the pull request of the branch, or finds the one that is open:
// the server refuses a second one, so it is asked to create first.
func (c *Client) Open(ctx context.Context, p gitops.Proposal, labels []string) (gitops.Proposal, error) {
	if p.Branch == "" {
		p.Branch = p.Lane.Branch()
	}
	ids, err := c.ensure(ctx, labels)
	if err != nil {
		return gitops.Proposal{}, fmt.Errorf("open a proposal for %s: %w", p.Branch, err)
	}
	l := c.Limits()
	var made pull
	err = c.call(ctx, http.MethodPost, c.inRepo("/pulls"), map[string]any{
		"head": p.Branch, "base": c.options.Branch, "labels": ids,
		"title": gitops.CutLine(p.Title, l.Title), "body": gitops.CutBody(p.Body, l.Body),
	}, &made)
	if is(err, http.StatusConflict) {
		made, err = c.find(ctx, p.Branch)
	}
	if err != nil {
		return gitops.Proposal{}, fmt.Errorf("open a proposal for %s: %w", p.Branch, err)
	}
	out := c.outline(made)
	if me, err := c.myself(ctx); err != nil || made.User.name() != me {
		return out, err // a stranger's is left as it is
	}
	for _, name := range labels {
		name = gitops.CutLine(name, l.Label)
		if !slices.ContainsFunc(made.Labels, func(have label) bool { return have.Name == name }) {
			if err := c.AddLabel(ctx, out.ID, name); err != nil {
				return out, err
			}
		}
	}
	return out, nil
}

// find is the open pull request of a branch of this repository.
func (c *Client) find(ctx context.Context, branch string) (pull, error) {
	open, err := c.openPulls(ctx)
	if err != nil {
		return pull{}, err
	}
	for _, p := range open {
		if p.Head.RepoID == p.Base.RepoID && (p.Head.Label == branch || p.Head.Ref == branch) {
			return p, nil
		}
	}
	return pull{}, fmt.Errorf("the forge has one already and does not list it yet: look again")
}

// Update sets the title and the body, if they differ.
func (c *Client) Update(ctx context.Context, id, title, body string) error {
	p, err := c.pull(ctx, id)
	if err != nil {
		return err
	}
	l := c.Limits()
	title, body = gitops.CutLine(title, l.Title), gitops.CutBody(body, l.Body)
	if p.Title == title && sameText(p.Body, body) {
		return nil
	}
	if err := c.call(ctx, http.MethodPatch, c.inRepo("/pulls/%d", p.Number), map[string]string{"title": title, "body": body}, nil); err != nil {
		return fmt.Errorf("update proposal %s: %w", id, err)
	}
	return nil
}

// sameText compares texts as a forge may keep them.
func sameText(a, b string) bool {
	plain := func(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n")) }
	return plain(a) == plain(b)
}

func (c *Client) pull(ctx context.Context, id string) (pull, error) {
	var p pull
	n, err := number(id)
	if err != nil {
		return p, err
	}
	if err := c.call(ctx, http.MethodGet, c.inRepo("/pulls/%d", n), nil, &p); err != nil {
		return p, fmt.Errorf("read proposal %s: %w", id, err)
	}
	return p, nil
}

// Close closes a proposal with a comment; closing it again does nothing.
func (c *Client) Close(ctx context.Context, id, why string) error {
	p, err := c.pull(ctx, id)
	switch {
	case err != nil:
		return err
	case p.Merged:
		return fmt.Errorf("close proposal %s: it is merged: %w", id, gitops.ErrMoved)
	case p.State != "open":
		return nil
	}
	if why != "" {
		if err := c.Answer(ctx, id, "closing "+p.Head.SHA, why); err != nil {
			return err
		}
	}
	if err := c.call(ctx, http.MethodPatch, c.inRepo("/pulls/%d", p.Number), map[string]string{"state": "closed"}, nil); err != nil {
		return fmt.Errorf("close proposal %s: %w", id, err)
	}
	return nil
}

// Merge merges exactly that head, in the repository's own way, and deletes the
// branch.
func (c *Client) Merge(ctx context.Context, id string, head gitops.Commit) (gitops.Commit, error) {
	n, err := number(id)
	if err != nil {
		return "", err
	}
	style, err := c.style(ctx)
	if err != nil {
		return "", err
	}
	err = c.call(ctx, http.MethodPost, c.inRepo("/pulls/%d/merge", n), map[string]any{
		"Do": style, "head_commit_id": string(head), "delete_branch_after_merge": true,
	}, nil)
	if err != nil {
		return "", fmt.Errorf("merge proposal %s: %w", id, c.refused(ctx, id, head, err))
	}
	p, err := c.pull(ctx, id)
	if err != nil {
		return "", err
	}
	if !p.Merged || p.MergeCommit == "" {
		return "", fmt.Errorf("merge proposal %s: the forge says that it was done, and does not show it yet", id)
	}
	return gitops.Commit(p.MergeCommit), nil
}

// refused finds out whether a refused merge came too late or is not allowed:
// the server answers both alike.
func (c *Client) refused(ctx context.Context, id string, head gitops.Commit, why error) error {
	switch {
	case is(why, http.StatusConflict):
		return fmt.Errorf("%w: %w", gitops.ErrMoved, why)
	case !is(why, http.StatusMethodNotAllowed):
		return why
	}
	p, err := c.pull(ctx, id)
	switch {
	case err != nil:
		return fmt.Errorf("%w, and looking again fails: %w", why, err)
	case p.State != "open" || p.Head.SHA != string(head):
		return fmt.Errorf("%w: %w", gitops.ErrMoved, why)
	case strings.Contains(strings.ToLower(why.Error()), "try again later"):
		return why // it is still being computed whether it can be merged
	}
	return fmt.Errorf("%w: %w", gitops.ErrDenied, why)
}

// style is how the repository merges.
func (c *Client) style(ctx context.Context) (string, error) {
	r, err := c.repository(ctx, false)
	if err != nil {
		return "", err
	}
	can := methods(r)
	switch {
	case len(can) == 0:
		return "merge", nil // an old server does not say
	case slices.Contains(can, r.DefaultMergeStyle):
		return r.DefaultMergeStyle, nil
	}
	return can[0], nil
}

// methods are the ways of merging that the repository allows, in its words.
func methods(r repository) []string {
	var out []string
	for _, m := range []struct {
		can  bool
		name string
	}{
		{r.AllowMerge, "merge"},
		{r.AllowSquash, "squash"},
		{r.AllowRebase, "rebase"},
		{r.AllowRebaseMerge, "rebase-merge"},
		{r.AllowFastForward, "fast-forward-only"},
	} {
		if m.can {
			out = append(out, m.name)
		}
	}
	return out
}

// Enqueue fails: Gitea has no merge queue.
func (c *Client) Enqueue(_ context.Context, id string, _ gitops.Commit) error {
	return fmt.Errorf("enqueue proposal %s: %w", id, gitops.ErrUnsupported)
}

// Groups are none: Gitea has no merge queue.
func (c *Client) Groups(context.Context) ([]gitops.Group, error) { return nil, nil }

// repository is the repository's settings and our rights in it.
func (c *Client) repository(ctx context.Context, now bool) (repository, error) {
	c.mu.Lock()
	have := c.repo
	c.mu.Unlock()
	if !now && have.fresh(time.Now(), rulesLife) {
		return have.value, nil
	}
	var r repository
	if err := c.call(ctx, http.MethodGet, c.inRepo(""), nil, &r); err != nil {
		return r, fmt.Errorf("read the repository: %w", err)
	}
	c.mu.Lock()
	c.repo = cached[repository]{r, time.Now()}
	c.mu.Unlock()
	return r, nil
}
