// Package guard reads what guards the protected branch of a repository on
// GitHub: rulesets, the older branch protection, the merge queue, and what a
// person can still pass by. It reads and never tries. What each of it means is
// judged in package gitops (see gitops.Protection).
package guard

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	gogithub "github.com/google/go-github/v88/github"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/github/api"
	"github.com/waveguide-dev/waveguide/gitops/github/node"
)

// Bounds of what is read in one go.
const (
	perPage  = 100
	maxPages = 100
)

// Branch is the protected branch. It is safe for concurrent use.
type Branch struct {
	api  *api.Client
	repo api.Remembered[Settings]
	need api.Remembered[[]gitops.RequiredCheck]
}

// New makes a branch's guard. Nothing is read yet.
func New(a *api.Client) *Branch { return &Branch{api: a} }

// Settings are what an administrator chose for the repository.
type Settings struct {
	// ID is GitHub's name of the repository in GraphQL.
	ID string
	// Organization says that the owner is one, and has teams.
	Organization bool
	NoIssues     bool
	// Queue says that the branch has a merge queue.
	Queue   bool
	Methods []string
}

// Method is how proposals are merged: the first way that is allowed and keeps
// our commit.
func (s Settings) Method() string {
	if len(s.Methods) > 0 {
		return s.Methods[0]
	}
	return "merge"
}

// Settings are those of now, or as remembered.
func (b *Branch) Settings(ctx context.Context, age time.Duration) (Settings, error) {
	if s, ok := b.repo.Recall(age); ok {
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
	if err := b.api.Ask(ctx, "settings", api.Variables{"branch": b.api.Branch}, &out); err != nil {
		return Settings{}, err
	}
	r := out.Repository
	if r == nil {
		return Settings{}, &api.Answered{Text: "GitHub shows no repository " + b.api.Repository, Status: http.StatusNotFound}
	}
	s := Settings{ID: r.ID, Organization: r.Owner.Typename == "Organization", NoIssues: !r.HasIssuesEnabled, Queue: r.MergeQueue != nil}
	for _, m := range []struct {
		allowed bool
		name    string
	}{{r.MergeCommitAllowed, "merge"}, {r.SquashMergeAllowed, "squash"}, {r.RebaseMergeAllowed, "rebase"}} {
		if m.allowed {
			s.Methods = append(s.Methods, m.name)
		}
	}
	b.repo.Keep(s)
	return s, nil
}

// Required are the checks that rulesets and the older branch protection ask
// for, both readable by everybody who may read the repository.
func (b *Branch) Required(ctx context.Context, age time.Duration) ([]gitops.RequiredCheck, error) {
	if need, ok := b.need.Recall(age); ok {
		return need, nil
	}
	me, err := b.api.Self(ctx)
	if err != nil {
		return nil, err
	}
	rules, err := b.branchRules(ctx)
	if err != nil {
		return nil, err
	}
	var need []gitops.RequiredCheck
	for _, r := range rules.RequiredStatusChecks {
		for _, want := range r.Parameters.RequiredStatusChecks {
			need = append(need, b.bound(want.Context, want.IntegrationID, me))
		}
	}
	branch, _, err := b.api.REST.Repositories.GetBranch(ctx, b.api.Owner, b.api.Name, b.api.Branch, 1)
	if err == nil && branch.GetName() == "" {
		err = errors.New("GitHub's answer names no branch")
	}
	if err != nil {
		return nil, api.Problem(err)
	}
	if checks := branch.GetProtection().GetRequiredStatusChecks(); checks != nil && checks.Checks != nil {
		for _, want := range *checks.Checks {
			need = append(need, b.bound(want.Context, want.AppID, me))
		}
	}
	b.need.Keep(need)
	return need, nil
}

// bound names the app that a check must come from, which GitHub numbers.
func (b *Branch) bound(name string, app *int64, me gitops.Actor) gitops.RequiredCheck {
	r := gitops.RequiredCheck{Name: name}
	switch {
	case app == nil || *app <= 0:
	case b.api.AppID != 0 && *app == b.api.AppID:
		r.Bound, r.Ours = me.Name, true
	case name == gitops.CheckName:
		r.Bound = "app " + strconv.FormatInt(*app, 10)
	}
	return r
}

// branchRules are the rulesets' rules for the branch. A server without them
// has none.
func (b *Branch) branchRules(ctx context.Context) (*gogithub.BranchRules, error) {
	all := &gogithub.BranchRules{}
	o := &gogithub.ListOptions{PerPage: perPage}
	for range maxPages {
		rules, resp, err := b.api.REST.Repositories.ListRulesForBranch(ctx, b.api.Owner, b.api.Name, b.api.Branch, o)
		if api.Status(err) == http.StatusNotFound {
			return all, nil
		}
		if err == nil && rules == nil {
			err = errors.New("GitHub's answer holds no list of rules")
		}
		if err != nil {
			return nil, api.Problem(err)
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
