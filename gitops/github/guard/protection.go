package guard

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	gogithub "github.com/google/go-github/v88/github"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/github/api"
	"github.com/waveguide-dev/waveguide/gitops/github/node"
)

// Protection reads what guards the protected branch, and what the bot may do.
func (b *Branch) Protection(ctx context.Context) (gitops.Protection, error) {
	p, err := b.protection(ctx)
	if err != nil {
		return p, fmt.Errorf("read the protection of %s: %w", b.api.Branch, err)
	}
	return p, nil
}

func (b *Branch) protection(ctx context.Context) (gitops.Protection, error) {
	p := gitops.Protection{Branch: b.api.Branch, Settings: b.api.Web + "/" + b.api.Repository + "/settings/rules"}
	me, err := b.api.Whoami(ctx)
	if err != nil {
		return p, err
	}
	p.Permission = me.Permission
	if p.Lacks, err = b.lacks(ctx, me); err != nil {
		return p, err
	}
	s, err := b.Settings(ctx, 0)
	if err != nil {
		return p, err
	}
	p.NoIssues, p.Queue, p.Methods = s.NoIssues, s.Queue, s.Methods
	if p.Checks, err = b.Required(ctx, 0); err != nil {
		return p, err
	}
	rules, err := b.branchRules(ctx)
	if err != nil {
		return p, err
	}
	reviewed := len(rules.PullRequest) > 0
	p.Protected = reviewed || len(rules.RequiredStatusChecks) > 0 || len(rules.MergeQueue) > 0
	for _, r := range rules.PullRequest {
		p.Approvals = max(p.Approvals, r.Parameters.RequiredApprovingReviewCount)
		p.OwnersApprove = p.OwnersApprove || r.Parameters.RequireCodeOwnerReview
		p.KeepsStale = p.KeepsStale || !r.Parameters.DismissStaleReviewsOnPush
	}
	classic, err := b.classic(ctx, &p)
	if err != nil {
		return p, err
	}
	p.BotPushes = p.Protected && !reviewed && !classic
	if err := b.owners(ctx, &p); err != nil {
		return p, err
	}
	return p, b.bypass(ctx, &p, me)
}

// rights are what an app needs, with the names of GitHub's settings page.
func rights(p *gogithub.InstallationPermissions) []struct{ name, want, have string } {
	return []struct{ name, want, have string }{
		{"Contents", "write", p.GetContents()},
		{"Pull requests", "write", p.GetPullRequests()},
		{"Issues", "write", p.GetIssues()},
		{"Checks", "write", p.GetChecks()},
		{"Commit statuses", "read", p.GetStatuses()},
		{"Metadata", "read", p.GetMetadata()},
	}
}

func (b *Branch) lacks(ctx context.Context, me gitops.Actor) ([]string, error) {
	if b.api.AppID == 0 {
		if !me.Permission.Releases() {
			return []string{"write to the repository"}, nil
		}
		return nil, nil
	}
	granted, err := b.api.Permissions(ctx)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, r := range rights(granted) {
		if r.have != "write" && r.have != r.want {
			out = append(out, "use "+r.name+" ("+r.want+")")
		}
	}
	return out, nil
}

// classic reads the older branch protection; it says whether that asks for a
// proposal before anything lands.
func (b *Branch) classic(ctx context.Context, p *gitops.Protection) (bool, error) {
	old, _, err := b.api.REST.Repositories.GetBranchProtection(ctx, b.api.Owner, b.api.Name, b.api.Branch)
	switch code := api.Status(err); {
	case code == http.StatusNotFound, errors.Is(err, gogithub.ErrBranchNotProtected):
		return false, nil
	case code == http.StatusForbidden:
		if !p.Protected {
			p.Unread = append(p.Unread, "branch protection cannot be read: grant Administration (read) for doctor, or use a ruleset")
		}
		return false, nil
	case err != nil:
		return false, api.Problem(err)
	}
	p.Protected = true
	if r := old.GetRequiredPullRequestReviews(); r != nil {
		p.Approvals = max(p.Approvals, r.RequiredApprovingReviewCount)
		p.OwnersApprove = p.OwnersApprove || r.RequireCodeOwnerReviews
		p.KeepsStale = p.KeepsStale || !r.DismissStaleReviews
		if a := r.GetBypassPullRequestAllowances(); a != nil {
			p.Bypass = append(p.Bypass, allowed(a.Users, a.Teams, a.Apps)...)
		}
	}
	if e := old.GetEnforceAdmins(); e == nil || !e.Enabled {
		p.Bypass = append(p.Bypass, "administrators can pass by the branch protection: switch on \"do not allow bypassing\"")
	}
	return old.GetRequiredPullRequestReviews() != nil || old.GetRestrictions() != nil, nil
}

func allowed(users []*gogithub.User, teams []*gogithub.Team, apps []*gogithub.App) []string {
	const can = " can merge without the reviews that are asked for"
	var out []string
	for _, u := range users {
		out = append(out, u.GetLogin()+can)
	}
	for _, t := range teams {
		out = append(out, "team "+t.GetSlug()+can)
	}
	for _, a := range apps {
		out = append(out, "app "+a.GetSlug()+can)
	}
	return out
}

// owners looks whether the CODEOWNERS file is there and can be understood.
func (b *Branch) owners(ctx context.Context, p *gitops.Protection) error {
	if !p.OwnersApprove {
		return nil
	}
	e, _, err := b.api.REST.Repositories.GetCodeownersErrors(ctx, b.api.Owner, b.api.Name, &gogithub.GetCodeownersErrorsOptions{Ref: b.api.Branch})
	switch {
	case api.Status(err) == http.StatusNotFound:
		p.Bypass = append(p.Bypass, "code owners must approve, and there is no CODEOWNERS file: whoever may write can change rules and production paths")
	case err != nil:
		return api.Problem(err)
	case len(e.Errors) > 0:
		p.Bypass = append(p.Bypass, fmt.Sprintf("%d lines of %s name no owner that counts", len(e.Errors), e.Errors[0].Path))
	}
	return nil
}

// passer is who may pass by a ruleset.
type passer struct {
	BypassMode         string
	OrganizationAdmin  bool
	DeployKey          bool
	RepositoryRoleName string
	Actor              *node.Account
}

func (a passer) name() string {
	switch {
	case a.OrganizationAdmin:
		return "administrators of the organization"
	case a.DeployKey:
		return "whoever has a deploy key"
	case a.RepositoryRoleName != "":
		return "whoever has the role " + a.RepositoryRoleName
	case a.Actor != nil && a.Actor.Slug != "":
		return "app " + a.Actor.Slug
	case a.Actor != nil && a.Actor.CombinedSlug != "":
		return "team @" + a.Actor.CombinedSlug
	}
	return "somebody"
}

// bypass reads who can pass by the rulesets.
func (b *Branch) bypass(ctx context.Context, p *gitops.Protection, me gitops.Actor) error {
	var out struct {
		Repository *struct {
			Ref *struct {
				Rules *node.List[struct {
					RepositoryRuleset *struct {
						Name         string
						BypassActors *node.List[passer]
					}
				}]
			}
		}
	}
	err := b.api.Ask(ctx, "bypass", api.Variables{"ref": "refs/heads/" + b.api.Branch}, &out)
	if api.Hidden(err) || errors.Is(err, gitops.ErrDenied) {
		p.Unread = append(p.Unread, "who can pass by the rules: "+err.Error()+"; grant Administration (read)")
		return nil
	}
	if err != nil || out.Repository == nil || out.Repository.Ref == nil || out.Repository.Ref.Rules == nil {
		return err
	}
	for _, r := range out.Repository.Ref.Rules.Nodes {
		if r.RepositoryRuleset != nil && r.RepositoryRuleset.BypassActors != nil {
			for _, a := range r.RepositoryRuleset.BypassActors.Nodes {
				a.pass(p, me, r.RepositoryRuleset.Name)
			}
		}
	}
	return nil
}

// pass notes who may pass by a ruleset, once.
func (a passer) pass(p *gitops.Protection, me gitops.Actor, ruleset string) {
	who := a.name()
	if who+node.BotEnding == "app "+me.Name {
		who = "the bot itself"
		p.BotPushes = p.BotPushes || a.BypassMode == "ALWAYS"
	}
	if line := who + " can pass by the ruleset " + ruleset; !slices.Contains(p.Bypass, line) {
		p.Bypass = append(p.Bypass, line)
	}
}
