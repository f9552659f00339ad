package gitlab

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/waveguide-dev/waveguide/gitops"
)

// project is the project's settings, read at most every ten minutes.
func (c *Client) project(ctx context.Context) (*gitlab.Project, error) {
	c.mu.Lock()
	set, at := c.settings, c.settingsAt
	c.mu.Unlock()
	if set != nil && c.options.Now().Sub(at) < identityAge {
		return set, nil
	}
	set, _, err := c.api.Projects.GetProject(c.options.Project, nil, gitlab.WithContext(ctx))
	if err != nil {
		return nil, failed("read the settings of "+c.options.Project, err)
	}
	c.mu.Lock()
	c.settings, c.settingsAt = set, c.options.Now()
	c.mu.Unlock()
	return set, nil
}

// Protection reads what the project's settings let whom do.
func (c *Client) Protection(ctx context.Context) (gitops.Protection, error) {
	c.mu.Lock()
	c.settings, c.me = nil, gitops.Actor{}
	c.mu.Unlock()
	set, err := c.project(ctx)
	if err != nil {
		return gitops.Protection{}, err
	}
	me, _, err := c.api.Users.CurrentUser(gitlab.WithContext(ctx))
	if err != nil {
		return gitops.Protection{}, failed("ask GitLab who we are", err)
	}
	level, err := c.people.level(ctx, me.ID)
	if err != nil {
		return gitops.Protection{}, failed("ask GitLab for our role", err)
	}
	p := gitops.Protection{
		Branch: c.options.Branch, Permission: permission(level), NoIssues: set.IssuesAccessLevel == gitlab.DisabledAccessControl,
		Queue: set.MergeTrainsEnabled, Methods: methods(set), Settings: set.WebURL + "/-/settings/repository and /-/settings/merge_requests",
	}
	if level < int64(gitlab.DeveloperPermissions) {
		p.Lacks = append(p.Lacks, "push branches, open merge requests and set commit statuses (role Developer)")
	}
	if set.OnlyAllowMergeIfPipelineSucceeds {
		p.Checks = []gitops.RequiredCheck{{Name: gitops.CheckName, Unbindable: true}}
		if set.AllowMergeOnSkippedPipeline {
			p.Bypass = append(p.Bypass, "a skipped pipeline counts as a green one (Skipped pipelines are considered successful)")
		}
	}
	if err := c.branchRules(ctx, &p, me.ID, level); err != nil {
		return p, err
	}
	if err := c.externalRule(ctx, &p); err != nil {
		return p, err
	}
	return p, c.approvalRules(ctx, &p)
}

func methods(set *gitlab.Project) []string {
	method := map[gitlab.MergeMethodValue]string{gitlab.NoFastForwardMerge: "merge", gitlab.RebaseMerge: "rebase", gitlab.FastForwardMerge: "fast-forward"}[set.MergeMethod]
	switch set.SquashOption {
	case gitlab.SquashOptionAlways:
		return []string{"squash"}
	case gitlab.SquashOptionNever:
		return []string{method}
	case gitlab.SquashOptionDefaultOff, gitlab.SquashOptionDefaultOn:
	}
	return []string{method, "squash"}
}

// branchRules reads who may push to and merge into the protected branch.
func (c *Client) branchRules(ctx context.Context, p *gitops.Protection, me, level int64) error {
	rules, err := pages(fewPages, func(at gitlab.ListOptions) ([]*gitlab.ProtectedBranch, *gitlab.Response, error) {
		return c.api.ProtectedBranches.ListProtectedBranches(c.options.Project, &gitlab.ListProtectedBranchesOptions{ListOptions: at}, gitlab.WithContext(ctx))
	})
	if status(err) == http.StatusForbidden || status(err) == http.StatusNotFound {
		p.Unread = append(p.Unread, "the protected branches can be read by Developers only")
		return nil
	}
	if err != nil {
		return failed("read the protected branches", err)
	}
	merges := false
	for _, r := range rules {
		if !covers(r.Name, p.Branch) {
			continue
		}
		p.Protected = true
		p.OwnersApprove = p.OwnersApprove || r.CodeOwnerApprovalRequired
		p.BotPushes = p.BotPushes || admits(r.PushAccessLevels, me, level)
		merges = merges || admits(r.MergeAccessLevels, me, level)
		p.Bypass = append(p.Bypass, pushers(r)...)
	}
	if p.Protected && !merges && level >= int64(gitlab.DeveloperPermissions) {
		p.Lacks = append(p.Lacks, "merge into "+p.Branch+" (Allowed to merge), which merge: auto needs")
	}
	return nil
}

// pushers are who can put commits on the branch without a merge request.
func pushers(r *gitlab.ProtectedBranch) []string {
	var out []string
	if r.AllowForcePush {
		out = append(out, "whoever may push may rewrite its history (Allowed to force push)")
	}
	for _, a := range r.PushAccessLevels {
		if a.AccessLevel > 0 || a.UserID != 0 || a.GroupID != 0 || a.DeployKeyID != 0 {
			out = append(out, fmt.Sprintf("%s may push to it without a merge request (Allowed to push and merge: No one)", gitops.CutLine(a.AccessLevelDescription, 100)))
		}
	}
	return out
}

// covers says whether a rule's name, in which * stands for anything, is about
// a branch.
func covers(rule, branch string) bool {
	first, rest, wild := strings.Cut(rule, "*")
	if !wild {
		return rule == branch
	}
	branch, ok := strings.CutPrefix(branch, first)
	for i := 0; ok && i <= len(branch); i++ {
		if covers(rest, branch[i:]) || rest == "" {
			return true
		}
	}
	return false
}

// admits says whether somebody of that role is among those named. What a
// group may do is not followed.
func admits(list []*gitlab.BranchAccessDescription, me, level int64) bool {
	return slices.ContainsFunc(list, func(a *gitlab.BranchAccessDescription) bool {
		return a.UserID != 0 && a.UserID == me || a.UserID == 0 && a.GroupID == 0 && a.DeployKeyID == 0 && a.AccessLevel > 0 && level >= int64(a.AccessLevel)
	})
}

// approvalRules reads what the forge itself asks reviewers for. Editions
// without such rules answer 404.
func (c *Client) approvalRules(ctx context.Context, p *gitops.Protection) error {
	rules, _, err := c.api.Projects.GetProjectApprovalRules(c.options.Project, nil, gitlab.WithContext(ctx))
	if s := status(err); s == http.StatusNotFound || s == http.StatusForbidden {
		return nil
	}
	if err != nil {
		return failed("read the approval rules", err)
	}
	for _, r := range rules {
		p.Approvals = max(p.Approvals, int(r.ApprovalsRequired))
	}
	set, _, err := c.api.Projects.GetApprovalConfiguration(c.options.Project, gitlab.WithContext(ctx))
	if s := status(err); s == http.StatusNotFound || s == http.StatusForbidden {
		return nil
	}
	if err != nil {
		return failed("read the approval settings", err)
	}
	p.KeepsStale = !set.ResetApprovalsOnPush
	if set.MergeRequestsAuthorApproval {
		p.Bypass = append(p.Bypass, "authors may approve their own merge requests (Prevent approval by merge request creator)")
	}
	return nil
}
