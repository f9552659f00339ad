package gitea

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"

	"github.com/waveguide-dev/waveguide/gitops"
)

// maxReports bounds how many of our own issues of each state are searched, the
// newest first.
const maxReports = 1000

// reported is an issue with the text by which it is known.
type reported struct {
	issue
	Body string `json:"body"`
}

// Report finds our issue of that key, open or closed, or opens it.
func (c *Client) Report(ctx context.Context, r gitops.Report) (string, error) {
	repo, err := c.repository(ctx, false)
	if err != nil {
		return "", err
	}
	if !repo.HasIssues {
		return "", fmt.Errorf("issues of %s: %w", c.options.Name, gitops.ErrDisabled)
	}
	me, err := c.myself(ctx)
	if err != nil {
		return "", err
	}
	// A server that does not know the label lists all issues.
	is := func(i reported) bool {
		return i.PullRequest == nil && i.User.name() == me && slices.Contains(names(i.Labels), gitops.LabelReport) && r.Is(i.Body)
	}
	for _, state := range []string{"open", "closed"} {
		if id, err := c.findReport(ctx, state, is); err != nil || id != "" {
			return id, err
		}
	}
	return c.OpenIssue(ctx, r.Title, r.Text(c.Limits().Body), r.Marks())
}

// findReport is the oldest of our issues in a state that is the one; empty for
// none.
func (c *Client) findReport(ctx context.Context, state string, is func(reported) bool) (id string, err error) {
	read := 0
	path := c.inRepo("/issues?type=issues&state=%s&labels=%s", state, url.QueryEscape(gitops.LabelReport))
	err = pages(ctx, c, path, false, func(some []reported) bool {
		for _, i := range some {
			if is(i) {
				id = strconv.FormatInt(i.Number, 10)
			}
		}
		read += len(some)
		return id == "" && read < maxReports
	})
	return id, err
}
