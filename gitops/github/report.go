package github

import (
	"context"
	"fmt"
	"strconv"

	gogithub "github.com/google/go-github/v88/github"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/github/api"
)

// maxReportPages bounds how many pages of our own issues are searched, the
// newest first.
const maxReportPages = 10

// Report finds our issue of that key, open or closed, or opens it.
func (c *Client) Report(ctx context.Context, r gitops.Report) (string, error) {
	id, err := c.reported(ctx, r)
	if err != nil || id != "" {
		return id, err
	}
	return c.OpenIssue(ctx, r.Title, r.Text(maxBody), r.Marks())
}

func (c *Client) reported(ctx context.Context, r gitops.Report) (string, error) {
	me, err := c.api.Self(ctx)
	if err != nil {
		return "", err
	}
	o := &gogithub.IssueListByRepoOptions{State: "all", Labels: []string{gitops.LabelReport}, ListOptions: gogithub.ListOptions{PerPage: 100}}
	for range maxReportPages {
		list, resp, err := c.api.REST.Issues.ListByRepo(ctx, c.api.Owner, c.api.Name, o)
		if err != nil {
			return "", fmt.Errorf("look for the issue %q: %w", r.Title, api.Problem(err))
		}
		for _, i := range list {
			if !i.IsPullRequest() && i.GetUser().GetLogin() == me.Name && r.Is(i.GetBody()) {
				return strconv.Itoa(i.GetNumber()), nil
			}
		}
		if resp.NextPage == 0 {
			break
		}
		o.ListOptions.Page = resp.NextPage
	}
	return "", nil
}
