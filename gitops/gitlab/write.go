package gitlab

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"net/http"
	"slices"
	"strings"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/waveguide-dev/waveguide/gitops"
)

// find is the open merge request of a branch of this project, whoever made it.
func (c *Client) find(ctx context.Context, branch string) (*gitlab.BasicMergeRequest, error) {
	list, _, err := c.api.MergeRequests.ListProjectMergeRequests(c.options.Project, &gitlab.ListProjectMergeRequestsOptions{
		ListOptions: gitlab.ListOptions{PerPage: pageSize}, State: new("opened"), SourceBranch: &branch, TargetBranch: &c.options.Branch,
	}, gitlab.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	for _, m := range list {
		if m.SourceProjectID == m.TargetProjectID {
			return m, nil
		}
	}
	return nil, nil
}

// Open finds the open merge request of the branch or creates it. Labels that
// are missing GitLab makes by itself.
func (c *Client) Open(ctx context.Context, p gitops.Proposal, labels []string) (gitops.Proposal, error) {
	branch := p.Branch
	if branch == "" {
		branch = p.Lane.Branch()
	}
	doing := "open a merge request for " + branch
	m, err := c.find(ctx, branch)
	if err == nil && m == nil {
		most := limits()
		var made *gitlab.MergeRequest
		made, _, err = c.api.MergeRequests.CreateMergeRequest(c.options.Project, &gitlab.CreateMergeRequestOptions{
			Title: new(gitops.CutLine(p.Title, most.Title)), Description: new(gitops.CutBody(p.Body, most.Body)),
			SourceBranch: &branch, TargetBranch: &c.options.Branch, Labels: labelled(labels), RemoveSourceBranch: new(true),
		}, gitlab.WithContext(ctx))
		switch {
		case err == nil:
			m = &made.BasicMergeRequest
		case status(err) == http.StatusConflict: // somebody was faster, or the list was old
			m, err = c.find(ctx, branch)
			if m == nil && err == nil {
				err = fmt.Errorf("%w: GitLab knows an open merge request and does not list it", gitops.ErrMoved)
			}
		}
	}
	if err != nil {
		return gitops.Proposal{}, failed(doing, err)
	}
	return c.shell(ctx, m), nil
}

// labelled are labels as GitLab takes them: joined by commas, so that a comma
// cannot be in one.
func labelled(names []string) *gitlab.LabelOptions {
	out := gitlab.LabelOptions{}
	for _, n := range names {
		out = append(out, strings.ReplaceAll(gitops.CutLine(n, limits().Label), ",", " "))
	}
	return &out
}

// Update sets the title and the body.
func (c *Client) Update(ctx context.Context, id, title, body string) error {
	most := limits()
	return c.change(ctx, "update", id, &gitlab.UpdateMergeRequestOptions{
		Title: new(gitops.CutLine(title, most.Title)), Description: new(gitops.CutBody(body, most.Body)),
	})
}

// Close closes a merge request with a comment, which is said once.
func (c *Client) Close(ctx context.Context, id, comment string) error {
	if comment != "" {
		sum := fnv.New64a()
		_, _ = sum.Write([]byte(comment)) // never fails
		if err := c.Answer(ctx, id, fmt.Sprintf("close %x", sum.Sum64()), comment); err != nil {
			return err
		}
	}
	return c.change(ctx, "close", id, &gitlab.UpdateMergeRequestOptions{StateEvent: new("close")})
}

// AddLabel puts a label on a merge request or an issue.
func (c *Client) AddLabel(ctx context.Context, id, name string) error {
	if strings.HasPrefix(id, issueMark) {
		return c.changeIssue(ctx, "label", id, &gitlab.UpdateIssueOptions{AddLabels: labelled([]string{name})})
	}
	return c.change(ctx, "label", id, &gitlab.UpdateMergeRequestOptions{AddLabels: labelled([]string{name})})
}

// RemoveLabel takes a label off a merge request or an issue.
func (c *Client) RemoveLabel(ctx context.Context, id, name string) error {
	if strings.HasPrefix(id, issueMark) {
		return c.changeIssue(ctx, "take label "+name+" off", id, &gitlab.UpdateIssueOptions{RemoveLabels: labelled([]string{name})})
	}
	return c.change(ctx, "take label "+name+" off", id, &gitlab.UpdateMergeRequestOptions{RemoveLabels: labelled([]string{name})})
}

// Request asks members of the project to review and makes them responsible.
// GitLab takes no teams as reviewers, so those are passed over: its approval
// rules ask teams. Where the edition allows one reviewer, it keeps the first.
func (c *Client) Request(ctx context.Context, id string, r gitops.Request) error {
	iid, err := number(id, mergeMark)
	if err != nil {
		return err
	}
	m, _, err := c.api.MergeRequests.GetMergeRequest(c.options.Project, iid, nil, gitlab.WithContext(ctx))
	if err != nil {
		return failed("read merge request "+id, err)
	}
	reviewers, more, err := c.join(ctx, m.Reviewers, r.Reviewers)
	if err != nil {
		return err
	}
	assignees, others, err := c.join(ctx, m.Assignees, r.Assignees)
	if err != nil || !more && !others {
		return err
	}
	return c.change(ctx, "ask for reviews of", id, &gitlab.UpdateMergeRequestOptions{ReviewerIDs: &reviewers, AssigneeIDs: &assignees})
}

// join adds people to those who are there, and says whether there are more.
func (c *Client) join(ctx context.Context, there []*gitlab.BasicUser, names []string) (ids []int64, more bool, err error) {
	for _, u := range there {
		ids = append(ids, u.ID)
	}
	for _, name := range names {
		who, err := c.people.find(ctx, strings.TrimPrefix(name, "@"))
		if err != nil {
			return nil, false, err
		}
		if who != 0 && !slices.Contains(ids, who) {
			ids, more = append(ids, who), true
		}
	}
	return ids, more, nil
}

func (c *Client) change(ctx context.Context, doing, id string, o *gitlab.UpdateMergeRequestOptions) error {
	iid, err := number(id, mergeMark)
	if err != nil {
		return err
	}
	_, _, err = c.api.MergeRequests.UpdateMergeRequest(c.options.Project, iid, o, gitlab.WithContext(ctx))
	return failed(doing+" merge request "+id, err)
}

// Merge merges exactly that head and removes the branch. It fails with
// [gitops.ErrMoved] where the head or the state is another, and with
// [gitops.ErrDenied] where the role or the project's settings refuse it.
func (c *Client) Merge(ctx context.Context, id string, head gitops.Commit) (gitops.Commit, error) {
	iid, err := number(id, mergeMark)
	if err != nil {
		return "", err
	}
	doing := "merge " + id
	m, _, err := c.api.MergeRequests.AcceptMergeRequest(c.options.Project, iid, &gitlab.AcceptMergeRequestOptions{
		SHA: new(string(head)), ShouldRemoveSourceBranch: new(true),
	}, gitlab.WithContext(ctx))
	if err != nil {
		return "", c.refused(ctx, doing, iid, head, err)
	}
	if p := c.shell(ctx, &m.BasicMergeRequest); p.State == gitops.Merged {
		return p.MergedAs, nil
	}
	return "", fmt.Errorf("%s: %w: GitLab left it %s", doing, gitops.ErrMoved, m.State)
}

// refused finds out why GitLab does not merge: its answers are the same for
// many reasons.
func (c *Client) refused(ctx context.Context, doing string, iid int64, head gitops.Commit, cause error) error {
	switch status(cause) {
	case http.StatusMethodNotAllowed, http.StatusNotAcceptable, http.StatusUnprocessableEntity, http.StatusBadRequest:
	default:
		return failed(doing, cause)
	}
	m, _, err := c.api.MergeRequests.GetMergeRequest(c.options.Project, iid, nil, gitlab.WithContext(ctx))
	if err != nil {
		return failed(doing, errors.Join(cause, err))
	}
	why := m.DetailedMergeStatus
	if m.State != "opened" {
		return fmt.Errorf("%s: %w: it is %s", doing, gitops.ErrMoved, m.State)
	}
	if m.SHA != string(head) {
		return fmt.Errorf("%s: %w: its head is %s", doing, gitops.ErrMoved, gitops.Commit(m.SHA).Short())
	}
	switch why {
	case "mergeable", "conflict", "need_rebase", "commits_status", "checking", "unchecked", "preparing", "approvals_syncing", "ci_still_running":
		return fmt.Errorf("%s: %w: GitLab says %s", doing, gitops.ErrMoved, why)
	}
	return fmt.Errorf("%s: %w: GitLab says %s", doing, gitops.ErrDenied, why)
}
