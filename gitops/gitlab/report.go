package gitlab

import (
	"context"
	"net/http"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/waveguide-dev/waveguide/gitops"
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
	return c.OpenIssue(ctx, r.Title, r.Text(limits().Body), r.Marks())
}

func (c *Client) reported(ctx context.Context, r gitops.Report) (string, error) {
	me, err := c.Whoami(ctx)
	if err != nil {
		return "", err
	}
	o := &gitlab.ListProjectIssuesOptions{
		ListOptions: gitlab.ListOptions{PerPage: pageSize, Page: 1}, Labels: &gitlab.LabelOptions{gitops.LabelReport},
		AuthorUsername: &me.Name, OrderBy: new("created_at"), Sort: new("desc"),
	}
	for range maxReportPages {
		list, resp, err := c.api.Issues.ListProjectIssues(c.options.Project, o, gitlab.WithContext(ctx))
		if s := status(err); s == http.StatusForbidden || s == http.StatusNotFound {
			return "", c.unlessDisabled(ctx, err)
		}
		if err != nil {
			return "", failed("look for the issue "+r.Title, err)
		}
		for _, i := range list {
			if i.Author != nil && i.Author.Username == me.Name && r.Is(i.Description) {
				return issueID(i.IID), nil
			}
		}
		if resp.NextPage == 0 {
			break
		}
		o.Page = resp.NextPage
	}
	return "", nil
}
