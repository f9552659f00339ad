package githubtest

import (
	"encoding/base64"
	"net/http"
	"slices"
)

func (s *Server) routes() []route {
	const branch = "/repos/{owner}/{repo}/branches/{branch}"
	return slices.Concat(s.appRoutes(), s.pullRoutes(), s.issueRoutes(), s.checkRoutes(), s.peopleRoutes(), []route{
		{"GET /repos/{owner}/{repo}", func(c *call) reply { return ok(c.fullRepo()) }},
		{"GET /repos/{owner}/{repo}/commits/{ref}", func(c *call) reply {
			sha := c.resolve(c.r.PathValue("ref"))
			if c.unknown(sha) {
				return refuse(http.StatusUnprocessableEntity, "No commit found for SHA: %s", sha)
			}
			return ok(c.commit(sha))
		}},
		{"GET " + branch, (*call).branch},
		{"GET /repos/{owner}/{repo}/compare/{basehead...}", (*call).compare},
		{"GET " + branch + "/protection", (*call).protection},
		{"GET /repos/{owner}/{repo}/rules/branches/{branch}", (*call).rules},
		{"GET /repos/{owner}/{repo}/contents/{path...}", (*call).contents},
		{"GET /repos/{owner}/{repo}/codeowners/errors", func(c *call) reply {
			if c.state.Owners == "" {
				return missing()
			}
			return ok(object{"errors": []any{}})
		}},
	})
}

func (c *call) contents() reply {
	if c.r.PathValue("path") != ".github/CODEOWNERS" || c.state.Owners == "" {
		return missing()
	}
	data := c.state.Owners
	o := object{
		"type": "file", "encoding": "base64", "size": len(data), "name": "CODEOWNERS", "path": ".github/CODEOWNERS",
		"content": base64.StdEncoding.EncodeToString([]byte(data)), "sha": "0000000000000000000000000000000000000001",
		"_links": object{"self": c.url("/s"), "git": c.url("/g"), "html": c.url("/h")},
	}
	return ok(c.urls(o, "url", "git_url", "html_url", "download_url"))
}

// repo is the repository where it is part of something else.
func (s *Server) repo() object {
	o := object{
		"id": 1, "node_id": "R_1", "name": Name, "full_name": Owner + "/" + Name, "owner": s.user(Owner), "private": true, "description": nil,
		"fork": false, "default_branch": "main", "has_issues": s.state.HasIssues,
	}
	for _, name := range []string{"forks", "forks_count", "open_issues", "open_issues_count", "watchers", "watchers_count", "stargazers_count", "size", "network_count", "subscribers_count"} {
		o[name] = 0
	}
	for _, name := range []string{"has_projects", "has_wiki", "has_pages", "has_discussions", "archived", "disabled"} {
		o[name] = false
	}
	for _, name := range []string{"homepage", "language", "mirror_url", "license"} {
		o[name] = nil
	}
	for _, name := range []string{"pushed_at", "created_at", "updated_at"} {
		o[name] = "2026-01-01T00:00:00Z"
	}
	o["url"] = s.api("")
	return s.urls(o, "archive_url", "assignees_url", "blobs_url", "branches_url", "collaborators_url", "comments_url", "commits_url",
		"compare_url", "contents_url", "contributors_url", "deployments_url", "downloads_url", "events_url", "forks_url", "git_commits_url",
		"git_refs_url", "git_tags_url", "hooks_url", "html_url", "issue_comment_url", "issue_events_url", "issues_url", "keys_url", "labels_url",
		"languages_url", "merges_url", "milestones_url", "notifications_url", "pulls_url", "releases_url", "stargazers_url", "statuses_url",
		"subscribers_url", "subscription_url", "tags_url", "teams_url", "trees_url", "url", "clone_url", "git_url", "ssh_url", "svn_url")
}

func (c *call) fullRepo() object {
	o := c.repo()
	role := c.role(c.who)
	at := slices.Index(rights, role)
	o["permissions"] = object{"pull": at > 0, "triage": at > 1, "push": at > 2, "maintain": at > 3, "admin": at > 4}
	for _, m := range []string{"merge", "squash", "rebase"} {
		o["allow_"+map[string]string{"merge": "merge_commit", "squash": "squash_merge", "rebase": "rebase_merge"}[m]] = slices.Contains(c.state.Methods, m)
	}
	return o
}

func (c *call) branch() reply {
	name := c.r.PathValue("branch")
	sha := c.git.ref(name)
	if sha == "" {
		return refuse(http.StatusNotFound, "Branch not found")
	}
	protection := object{"enabled": false, "required_status_checks": object{"enforcement_level": "off", "contexts": []any{}, "checks": []any{}}}
	if c.state.Classic {
		protection = object{"enabled": true, "required_status_checks": c.classicChecks()}
	}
	o := object{
		"name": name, "commit": c.commit(sha), "protected": name == "main", "protection": protection,
		"_links": object{"html": c.url("/h"), "self": c.url("/s")},
	}
	return ok(c.urls(o, "protection_url"))
}

func (c *call) commit(sha string) object {
	who := object{"name": "root", "email": "root@localhost", "date": "2026-01-01T00:00:00Z"}
	commit := object{
		"sha": sha, "node_id": "C_1", "parents": []any{}, "author": nil, "committer": nil,
		"commit": object{"author": who, "committer": who, "message": "change", "comment_count": 0, "url": c.url("/c"), "tree": object{"sha": sha, "url": c.url("/t")}},
	}
	commit["url"] = c.api("/commits/" + sha)
	return c.urls(commit, "html_url", "comments_url")
}

func (c *call) classicChecks() object {
	contexts, checks := []any{}, []any{}
	for _, want := range c.state.Checks {
		contexts = append(contexts, want.Context)
		one := object{"context": want.Context, "app_id": nil}
		if want.App != 0 {
			one["app_id"] = want.App
		}
		checks = append(checks, one)
	}
	o := object{"enforcement_level": "everyone", "contexts": contexts, "checks": checks, "strict": false}
	return c.urls(o, "url", "contexts_url")
}

func (c *call) protection() reply {
	if c.role(c.who) != "admin" && (c.who != Bot || c.state.AppPermissions["administration"] == "") {
		return refuse(http.StatusForbidden, "Resource not accessible by integration")
	}
	if !c.state.Classic {
		return refuse(http.StatusNotFound, "Branch not protected")
	}
	flag := func(on bool) object { return object{"enabled": on} }
	signatures := flag(false)
	signatures["url"] = c.url("/s")
	admins := flag(false)
	admins["url"] = c.url("/a")
	o := object{
		"required_status_checks": c.classicChecks(), "enforce_admins": admins, "required_signatures": signatures,
		"required_pull_request_reviews": object{
			"url": c.url("/r"), "dismiss_stale_reviews": c.state.DismissStale, "require_code_owner_reviews": c.state.OwnersApprove,
			"required_approving_review_count": c.state.Approvals, "require_last_push_approval": false,
		},
		"name": "main", "enabled": true,
		"protection_url": c.url("/p"), "restrictions": object{"users": []any{}, "teams": []any{}, "apps": []any{}, "url": c.url("/u"), "users_url": c.url("/u"), "teams_url": c.url("/t"), "apps_url": c.url("/a")},
	}
	for _, name := range []string{"required_linear_history", "allow_force_pushes", "allow_deletions", "block_creations", "required_conversation_resolution", "lock_branch", "allow_fork_syncing"} {
		o[name] = flag(false)
	}
	return ok(c.urls(o, "url"))
}

func (c *call) rules() reply {
	if c.state.Classic || c.r.PathValue("branch") != "main" {
		return ok([]any{})
	}
	rule := func(kind string, parameters object) object {
		o := object{"type": kind, "ruleset_source_type": "Repository", "ruleset_source": Owner + "/" + Name, "ruleset_id": 3}
		if parameters != nil {
			o["parameters"] = parameters
		}
		return o
	}
	checks := []any{}
	for _, want := range c.state.Checks {
		one := object{"context": want.Context}
		if want.App != 0 {
			one["integration_id"] = want.App
		}
		checks = append(checks, one)
	}
	out := []any{
		rule("deletion", nil), rule("non_fast_forward", nil),
		rule("pull_request", object{
			"dismiss_stale_reviews_on_push": c.state.DismissStale, "require_code_owner_review": c.state.OwnersApprove,
			"require_last_push_approval": false, "required_approving_review_count": c.state.Approvals, "required_review_thread_resolution": false,
		}),
		rule("required_status_checks", object{"required_status_checks": checks, "strict_required_status_checks_policy": false}),
	}
	if c.state.MergeQueue {
		out = append(out, rule("merge_queue", object{
			"check_response_timeout_minutes": 60, "grouping_strategy": "ALLGREEN", "max_entries_to_build": 5, "max_entries_to_merge": 5,
			"merge_method": "MERGE", "min_entries_to_merge": 1, "min_entries_to_merge_wait_minutes": 5,
		}))
	}
	return ok(out)
}
