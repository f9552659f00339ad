package local

import (
	"context"
	"fmt"
	"net/http"

	"github.com/waveguide-dev/waveguide/gitops"
)

// Report finds our issue of that key, open or closed, or opens it.
func (c *Client) Report(ctx context.Context, r gitops.Report) (string, error) {
	var out made
	in := fit(draft{Title: r.Title, Body: r.Text(maxBody), Labels: r.Marks(), Key: r.Key})
	if err := c.call(ctx, http.MethodPost, c.base+"/issues", in, &out); err != nil {
		return "", fmt.Errorf("open an issue: %w", err)
	}
	return out.ID, nil
}

// reportOf is the issue that somebody opened under a key, or nil; without a key
// every issue is another.
func (s *state) reportOf(by gitops.Actor, key string) *thread {
	if key == "" {
		return nil
	}
	for _, t := range s.order {
		if t.Issue && t.Author.Name == by.Name && gitops.Answers(t.Body, key) {
			return t
		}
	}
	return nil
}
