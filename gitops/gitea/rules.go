package gitea

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
)

// branchRule is what everybody is told of the protection of the branch.
func (c *Client) branchRule(ctx context.Context, now bool) (branch, error) {
	c.mu.Lock()
	have := c.rule
	c.mu.Unlock()
	if !now && have.fresh(time.Now(), rulesLife) {
		return have.value, nil
	}
	var b branch
	if err := c.call(ctx, http.MethodGet, c.inRepo("/branches/%s", escape(c.options.Branch)), nil, &b); err != nil {
		return b, fmt.Errorf("read the rules of branch %s: %w", c.options.Branch, err)
	}
	c.mu.Lock()
	c.rule = cached[branch]{b, time.Now()}
	c.mu.Unlock()
	return b, nil
}

// escape keeps the slashes in a branch's name.
func escape(name string) string { return strings.ReplaceAll(url.PathEscape(name), "%2F", "/") }

// Protection is what the server says about the branch and about us. The whole
// rule is told to administrators alone; the rest is then named as unread.
func (c *Client) Protection(ctx context.Context) (gitops.Protection, error) {
	r, err := c.repository(ctx, true)
	if err != nil {
		return gitops.Protection{}, err
	}
	b, err := c.branchRule(ctx, true)
	if err != nil {
		return gitops.Protection{}, err
	}
	p := gitops.Protection{
		Branch: c.options.Branch, Permission: gitops.PermissionRead, Protected: b.Protected, BotPushes: b.UserCanPush,
		Approvals: b.RequiredApprovals, Methods: methods(r), NoIssues: !r.HasIssues,
		Settings: strings.TrimRight(r.HTMLURL, "/") + "/settings/branches",
	}
	switch {
	case r.Permissions.Admin:
		p.Permission = gitops.PermissionAdmin
	case r.Permissions.Push:
		p.Permission = gitops.PermissionWrite
		p.Bypass = append(p.Bypass, "the bot cannot read what other people may do, so nobody is known to have the right to release: let the rules name who has it, or make the bot an administrator of this repository")
	default:
		p.Lacks = []string{"write to the repository"}
	}
	if b.Protected && !b.UserCanMerge {
		p.Lacks = append(p.Lacks, "merge into the branch")
	}
	if b.EnableStatusCheck {
		for _, name := range b.StatusCheckContexts {
			p.Checks = append(p.Checks, gitops.RequiredCheck{Name: name, Unbindable: true})
		}
	}
	if !b.Protected || !r.Permissions.Admin {
		return p, nil
	}
	var rule protection
	err = c.call(ctx, http.MethodGet, c.inRepo("/branch_protections/%s", url.PathEscape(b.RuleName)), nil, &rule)
	if err != nil {
		p.Unread = append(p.Unread, "the whole rule of the branch cannot be read: "+err.Error())
		return p, nil //nolint:nilerr // said in what is unread
	}
	p.OwnersApprove, p.KeepsStale = rule.BlockOnReviewRequest, !rule.DismissStale && !rule.IgnoreStale
	p.Bypass = append(p.Bypass, bypasses(rule)...)
	return p, nil
}

// bypasses is who passes by the rule.
func bypasses(rule protection) []string {
	var out []string
	if rule.EnablePush {
		who := "everybody who may write"
		if rule.EnablePushWhitelist {
			who = strings.Join(slices.Concat(rule.PushUsers, rule.PushTeams), ", ")
		}
		if who != "" {
			out = append(out, who+" may push to the branch without a proposal")
		}
		if rule.PushDeployKeys {
			out = append(out, "deploy keys may push to the branch without a proposal")
		}
	}
	if rule.EnableForcePush {
		out = append(out, "the history of the branch may be rewritten by force")
	}
	if !rule.BlockAdminOverride {
		out = append(out, "administrators may merge although the check is red: forbid administrators to pass by the rule")
	}
	if rule.UnprotectedFiles != "" {
		out = append(out, "files like "+gitops.CutLine(rule.UnprotectedFiles, 100)+" may be pushed without a proposal")
	}
	return out
}
