package github

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	gogithub "github.com/google/go-github/v88/github"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/github/node"
)

// settings are what an administrator chose for the repository.
type settings struct {
	id           string
	organization bool
	noIssues     bool
	queue        bool
	methods      []string
}

// method is how proposals are merged: the first way that is allowed and keeps
// our commit.
func (s settings) method() string {
	if len(s.methods) > 0 {
		return s.methods[0]
	}
	return "merge"
}

// settings are those of now, or as remembered.
func (c *Client) settings(ctx context.Context, age time.Duration) (settings, error) {
	if s, ok := c.repo.recall(&c.mu, age); ok {
		return s, nil
	}
	var out struct {
		Repository *struct {
			ID                                                         string
			Owner                                                      node.Account
			MergeCommitAllowed, SquashMergeAllowed, RebaseMergeAllowed bool
			HasIssuesEnabled                                           bool
			MergeQueue                                                 *struct{ ID string }
		}
	}
	if err := c.ask(ctx, "settings", variables{"branch": c.o.Branch}, &out); err != nil {
		return settings{}, err
	}
	r := out.Repository
	if r == nil {
		return settings{}, &answered{text: "GitHub shows no repository " + c.o.Repository, status: http.StatusNotFound}
	}
	s := settings{id: r.ID, organization: r.Owner.Typename == "Organization", noIssues: !r.HasIssuesEnabled, queue: r.MergeQueue != nil}
	for _, m := range []struct {
		allowed bool
		name    string
	}{{r.MergeCommitAllowed, "merge"}, {r.SquashMergeAllowed, "squash"}, {r.RebaseMergeAllowed, "rebase"}} {
		if m.allowed {
			s.methods = append(s.methods, m.name)
		}
	}
	c.repo.keep(&c.mu, s)
	return s, nil
}

// required are the checks that rulesets and the older branch protection ask
// for, both readable by everybody who may read the repository.
func (c *Client) required(ctx context.Context, age time.Duration) ([]gitops.RequiredCheck, error) {
	if need, ok := c.need.recall(&c.mu, age); ok {
		return need, nil
	}
	me, err := c.self(ctx)
	if err != nil {
		return nil, err
	}
	rules, err := c.branchRules(ctx)
	if err != nil {
		return nil, err
	}
	var need []gitops.RequiredCheck
	for _, r := range rules.RequiredStatusChecks {
		for _, want := range r.Parameters.RequiredStatusChecks {
			need = append(need, c.bound(want.Context, want.IntegrationID, me))
		}
	}
	b, _, err := c.rest.Repositories.GetBranch(ctx, c.owner, c.name, c.o.Branch, 1)
	if err == nil && b.GetName() == "" {
		err = errors.New("GitHub's answer names no branch")
	}
	if err != nil {
		return nil, problem(err)
	}
	if checks := b.GetProtection().GetRequiredStatusChecks(); checks != nil && checks.Checks != nil {
		for _, want := range *checks.Checks {
			need = append(need, c.bound(want.Context, want.AppID, me))
		}
	}
	c.need.keep(&c.mu, need)
	return need, nil
}

// bound names the app that a check must come from, which GitHub numbers.
func (c *Client) bound(name string, app *int64, me gitops.Actor) gitops.RequiredCheck {
	r := gitops.RequiredCheck{Name: name}
	switch {
	case app == nil || *app <= 0:
	case c.app != nil && *app == c.o.App.ID:
		r.Bound, r.Ours = me.Name, true
	case name == gitops.CheckName:
		r.Bound = "app " + strconv.FormatInt(*app, 10)
	}
	return r
}

// branchRules are the rulesets' rules for the branch. A server without them
// has none.
func (c *Client) branchRules(ctx context.Context) (*gogithub.BranchRules, error) {
	all := &gogithub.BranchRules{}
	o := &gogithub.ListOptions{PerPage: perPage}
	for range maxPages {
		rules, resp, err := c.rest.Repositories.ListRulesForBranch(ctx, c.owner, c.name, c.o.Branch, o)
		if status(err) == http.StatusNotFound {
			return all, nil
		}
		if err == nil && rules == nil {
			err = errors.New("GitHub's answer holds no list of rules")
		}
		if err != nil {
			return nil, problem(err)
		}
		all.RequiredStatusChecks = append(all.RequiredStatusChecks, rules.RequiredStatusChecks...)
		all.PullRequest = append(all.PullRequest, rules.PullRequest...)
		all.MergeQueue = append(all.MergeQueue, rules.MergeQueue...)
		all.Update = append(all.Update, rules.Update...)
		all.RequiredLinearHistory = append(all.RequiredLinearHistory, rules.RequiredLinearHistory...)
		if resp.NextPage == 0 {
			break
		}
		o.Page = resp.NextPage
	}
	return all, nil
}
