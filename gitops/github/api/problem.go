package api

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	gogithub "github.com/google/go-github/v88/github"

	"github.com/waveguide-dev/waveguide/gitops"
)

// Problem turns what GitHub said into words that callers act on.
func Problem(err error) error {
	if limit, ok := errors.AsType[*gitops.LimitError](err); ok {
		return limit
	}
	e, ok := errors.AsType[*gogithub.ErrorResponse](err)
	if !ok || e.Response == nil {
		return err
	}
	said := []string{e.Message}
	for _, one := range e.Errors {
		if one.Message != "" && !slices.Contains(said, one.Message) {
			said = append(said, one.Message)
		} else if one.Code != "" && one.Code != "custom" {
			said = append(said, one.Field+" "+one.Code)
		}
	}
	text := fmt.Sprintf("GitHub says %d: %s", e.Response.StatusCode, gitops.CutLine(strings.Join(said, "; "), 300))
	switch e.Response.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("%w: %s", gitops.ErrDenied, text)
	case http.StatusGone:
		return fmt.Errorf("%w: %s", gitops.ErrDisabled, text)
	case http.StatusNotFound:
		text += " (it is not there, or the credentials may not see it)"
	}
	return &Answered{Text: text, Status: e.Response.StatusCode}
}

// Answered is an answer of GitHub that is no success.
type Answered struct {
	Text   string
	Status int
}

func (a *Answered) Error() string { return a.Text }

// Status is what GitHub answered, or 0 if nothing came.
func Status(err error) int {
	if e, ok := errors.AsType[*gogithub.ErrorResponse](err); ok && e.Response != nil {
		return e.Response.StatusCode
	}
	if e, ok := errors.AsType[*Answered](err); ok {
		return e.Status
	}
	return 0
}
