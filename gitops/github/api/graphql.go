package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/github/query"
)

// Variables of a query; owner and name are added to those of queries about the
// repository.
type Variables map[string]any

// graphError is one error of a GraphQL answer.
type graphError struct {
	Type    string `json:"type"`
	Message string `json:"message"`
}

// hidden says that a part of an answer was kept from us; the rest is there.
type hidden struct{ why string }

func (h *hidden) Error() string { return "GitHub keeps a part from us: " + h.why }

// Ask runs a query about the repository.
func (c *Client) Ask(ctx context.Context, name string, v Variables, into any) error {
	v["owner"], v["name"] = c.Owner, c.Name
	return c.Graph(ctx, name, v, into)
}

// Graph runs a query or a mutation. With an error that is [Hidden] the answer
// holds what may be seen.
func (c *Client) Graph(ctx context.Context, name string, v Variables, into any) error {
	text, err := query.Text(name)
	if err != nil {
		return err
	}
	req, err := c.REST.NewRequest(ctx, http.MethodPost, c.graphql, map[string]any{"query": text, "variables": v})
	if err != nil {
		return fmt.Errorf("make the query %s: %w", name, err)
	}
	var out struct {
		Data   json.RawMessage `json:"data"`
		Errors []graphError    `json:"errors"`
	}
	if _, err := c.REST.Do(req, &out); err != nil {
		return Problem(err)
	}
	blank := len(out.Data) == 0 || string(out.Data) == "null"
	if len(out.Errors) > 0 {
		if err := c.graphProblem(out.Errors); blank || !Hidden(err) {
			return err
		}
	}
	if blank {
		return fmt.Errorf("GitHub's answer to %s is empty", name)
	}
	if err := json.Unmarshal(out.Data, into); err != nil {
		return fmt.Errorf("GitHub's answer to %s is not what is expected: %w", name, err)
	}
	if len(out.Errors) > 0 {
		return c.graphProblem(out.Errors)
	}
	return nil
}

// Hidden says that a part of an answer was kept from us.
func Hidden(err error) bool {
	_, ok := errors.AsType[*hidden](err)
	return ok
}

func (c *Client) graphProblem(list []graphError) error {
	first := list[0]
	said := gitops.CutLine(first.Message, 300)
	switch first.Type {
	case "RATE_LIMITED":
		until := c.Transport.Budget("graphql").Reset
		if until.IsZero() {
			until = time.Now().Add(time.Minute)
		}
		return c.Transport.Wait("graphql", until)
	case "FORBIDDEN", "INSUFFICIENT_SCOPES":
		return fmt.Errorf("%w: %w", gitops.ErrDenied, &hidden{said})
	case "NOT_FOUND":
		return &Answered{Text: "GitHub says: " + said, Status: http.StatusNotFound}
	}
	return &Answered{Text: "GitHub says: " + said, Status: http.StatusUnprocessableEntity}
}
