package github_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/github"
)

// TestWellFormedNonsense: an answer that is JSON and says nothing must not
// read as: there is nothing.
func TestWellFormedNonsense(t *testing.T) {
	t.Parallel()
	const one = gitops.Commit("1111111111111111111111111111111111111111")
	for _, body := range []string{`null`, `{}`, `[]`, `"x"`, `0`, `[null]`, `{"data":null}`, `{"data":{}}`, `{"data":{"repository":null}}`, `{"errors":[{}]}`, ``} {
		t.Run(body, func(t *testing.T) {
			t.Parallel()
			c := client(t, github.Options{Token: func(context.Context) (string, error) { return "t", nil }, HTTP: &http.Client{
				Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
					return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
				}),
			}})
			ctx := t.Context()
			for name, do := range map[string]func() error{
				"Whoami":     func() error { _, err := c.Whoami(ctx); return err },
				"Proposals":  func() error { _, _, err := c.Proposals(ctx, ""); return err },
				"Proposal":   func() error { _, err := c.Proposal(ctx, "1"); return err },
				"Pauses":     func() error { _, err := c.Pauses(ctx); return err },
				"Issues":     func() error { _, err := c.Issues(ctx, []string{"1"}); return err },
				"Open":       func() error { _, err := c.Open(ctx, gitops.Proposal{Branch: "b"}, []string{"x"}); return err },
				"Close":      func() error { return c.Close(ctx, "1", "why") },
				"Merge":      func() error { _, err := c.Merge(ctx, "1", one); return err },
				"AddLabel":   func() error { return c.AddLabel(ctx, "1", "x") },
				"OpenIssue":  func() error { _, err := c.OpenIssue(ctx, "t", "", nil); return err },
				"Answer":     func() error { return c.Answer(ctx, "1", "k", "t") },
				"Enqueue":    func() error { return c.Enqueue(ctx, "1", one) },
				"Groups":     func() error { _, err := c.Groups(ctx); return err },
				"Protection": func() error { _, err := c.Protection(ctx); return err },
				"Request":    func() error { return c.Request(ctx, "1", gitops.Request{Reviewers: []string{"ada"}}) },
			} {
				if err := do(); err == nil {
					t.Errorf("%s of %s: no error", name, body)
				}
			}
		})
	}
}
