package github_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/github/githubtest"
)

// TestAuthors reads who wrote the commits between two revisions of a source on
// the same GitHub. One that somebody without an account wrote is an error, and a
// source elsewhere is not connected.
func TestAuthors(t *testing.T) {
	t.Parallel()
	s := githubtest.New(t)
	c := asApp(t, s, http.DefaultTransport)
	source := s.URL + "/" + githubtest.Owner + "/" + githubtest.Name
	before := s.Push("main", "ada", map[string]string{"main.go": "1"})
	s.Push("main", "rita", map[string]string{"main.go": "2"})
	after := s.Push("main", "ada", map[string]string{"main.go": "3"})
	got, err := c.Authors(t.Context(), source, before, after)
	if diff := cmp.Diff([]string{"ada", "rita"}, got); err != nil || diff != "" {
		t.Errorf("Authors: %v %s", err, diff)
	}
	stranger := s.Push("main", "nobody-here", map[string]string{"main.go": "4"})
	if got, err := c.Authors(t.Context(), source, before, stranger); !errors.Is(err, gitops.ErrUnsupported) || !cmp.Equal(got, []string{"ada", "rita"}) {
		t.Errorf("Authors with a commit of nobody = %v, %v", got, err)
	}
	if _, err := c.Authors(t.Context(), "https://git.example.com/acme/shop", "a", "b"); !errors.Is(err, gitops.ErrUnsupported) {
		t.Errorf("Authors of a source elsewhere: %v", err)
	}
}
