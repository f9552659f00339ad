package github_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/github/githubtest"
)

// TestProtection reads what an administrator chose, and never tries it.
func TestProtection(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		set  func(*githubtest.Settings)
		want []string // parts of findings
		deny string
	}{
		"a ruleset as it should be": {func(o *githubtest.Settings) {
			o.OwnersApprove, o.DismissStale, o.Owners = true, true, "* @acme/owners\n"
		}, []string{"works required check waveguide: bound to us", "works code owners"}, ""},
		"branch protection": {func(o *githubtest.Settings) { o.Classic, o.Approvals = true, 2 }, []string{
			"works required check waveguide: bound to us", "risk approvals: branch main asks for 2", "administrators can pass by",
		}, ""},
		"a check of anybody": {func(o *githubtest.Settings) { o.Checks = []githubtest.RequiredCheck{{Context: "waveguide"}} }, []string{
			"risk required check waveguide: anybody who may write statuses",
		}, ""},
		"a check of another app": {func(o *githubtest.Settings) { o.Checks = []githubtest.RequiredCheck{{Context: "waveguide", App: 99}} }, []string{
			"missing required check waveguide: it is bound to app 99",
		}, ""},
		"no check": {func(o *githubtest.Settings) { o.Checks = nil }, []string{"missing required check waveguide: branch main does not ask"}, ""},
		"who passes by": {func(o *githubtest.Settings) {
			o.BypassActors = []string{"OrganizationAdmin", "DeployKey", "role:maintain", "app:waveguide"}
		}, []string{
			"administrators of the organization can pass by", "whoever has a deploy key", "whoever has the role maintain",
			"the bot itself can pass by", "the bot may push to it without a proposal",
		}, ""},
		"owners without a file": {func(o *githubtest.Settings) { o.OwnersApprove = true }, []string{"no CODEOWNERS file"}, ""},
		"a queue":               {func(o *githubtest.Settings) { o.MergeQueue = true }, []string{"works merge queue"}, ""},
		"no issues":             {func(o *githubtest.Settings) { o.HasIssues = false }, []string{"risk pause issues"}, ""},
		"a right is missing":    {func(o *githubtest.Settings) { delete(o.AppPermissions, "checks") }, []string{"missing rights of the bot: it may not use Checks (write)"}, ""},
		"bypass cannot be read": {func(*githubtest.Settings) {}, []string{"grant Administration (read)"}, "GRAPHQL query bypass"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := githubtest.New(t)
			s.Set(c.set)
			if c.deny != "" {
				s.Break(githubtest.Fault{Kind: githubtest.Hidden, Match: c.deny})
			}
			p, err := asApp(t, s, http.DefaultTransport).Protection(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var said []string
			for _, f := range p.Findings() {
				said = append(said, fmt.Sprintf("%s %s: %s", f.State, f.What, f.Why))
			}
			for _, w := range c.want {
				if !slices.ContainsFunc(said, func(s string) bool { return strings.Contains(s, w) }) {
					t.Errorf("%q is not said:\n%s", w, strings.Join(said, "\n"))
				}
			}
			by, _ := s.Calls()
			for call := range by {
				if !strings.HasPrefix(call, "GET ") && !strings.HasPrefix(call, "GRAPHQL ") && call != "unchanged" && !strings.HasSuffix(call, "access_tokens") {
					t.Errorf("reading the protection calls %s", call)
				}
			}
		})
	}
}

func TestAnApprovingTeamIsAsked(t *testing.T) {
	t.Parallel()
	s := githubtest.New(t)
	fill(t, s, 1)
	c := asApp(t, s, http.DefaultTransport)
	q := gitops.Request{Reviewers: []string{"ada", githubtest.Bot, "nobody"}, Teams: []string{"@acme/owners", "@elsewhere/x"}, Assignees: []string{"bob"}}
	for range 2 {
		if err := c.Request(t.Context(), "1", q); err != nil {
			t.Fatal(err)
		}
	}
	p, err := c.Proposal(t.Context(), "1")
	if diff := cmp.Diff([]string{"ada", "@acme/owners"}, p.Requested); err != nil || diff != "" {
		t.Errorf("requested: %v %s", err, diff)
	}
}
