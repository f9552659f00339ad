package githubtest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

func (s *Server) pullRoutes() []route {
	const one = "/repos/{owner}/{repo}/pulls/{pull_number}"
	return []route{
		{"GET /repos/{owner}/{repo}/pulls", (*call).listPulls},
		{"POST /repos/{owner}/{repo}/pulls", (*call).openPull},
		{"GET " + one, withPull("read", func(c *call, t *thread) reply { return ok(c.pull(t, true)) })},
		{"PATCH " + one, withPull("write", (*call).editPull)},
		{"PUT " + one + "/merge", withPull("write", (*call).mergePull)},
		{"GET " + one + "/reviews", withPull("read", func(c *call, t *thread) reply { return c.page(c.reviews(t)) })},
		{"POST " + one + "/reviews", withPull("read", (*call).review)},
		{"PUT " + one + "/reviews/{review_id}/dismissals", withPull("write", (*call).dismiss)},
		{"POST " + one + "/requested_reviewers", withPull("write", (*call).requestReview)},
	}
}

// withPull finds the pull request and demands a role.
func withPull(role string, next func(*call, *thread) reply) func(*call) reply {
	return func(c *call) reply {
		n, _ := strconv.Atoi(c.r.PathValue("pull_number"))
		t := c.state.thread(n)
		if t == nil || !t.pull {
			return missing()
		}
		if slices.Index(rights, c.role(c.who)) < slices.Index(rights, role) {
			return refuse(http.StatusForbidden, "Must have %s rights to Repository.", role)
		}
		return next(c, t)
	}
}

func (c *call) listPulls() reply {
	q := c.r.URL.Query()
	state := q.Get("state")
	if state == "" {
		state = "open"
	}
	var out []any
	for _, t := range slices.Backward(c.state.threads) {
		if t.pull && (state == "all" || (state == "open") == t.open) &&
			(q.Get("head") == "" || q.Get("head") == Owner+":"+t.branch) && (q.Get("base") == "" || q.Get("base") == t.base) {
			out = append(out, c.pull(t, false))
		}
	}
	return c.page(out)
}

func (c *call) openPull() reply {
	if c.atMost("triage") {
		return refuse(http.StatusForbidden, "Resource not accessible by integration")
	}
	head, base, title := text(c.in["head"]), text(c.in["base"]), text(c.in["title"])
	head = strings.TrimPrefix(head, Owner+":")
	invalid := func(field, why string) reply {
		return reply{status: http.StatusUnprocessableEntity, body: object{
			"message": "Validation Failed", "documentation_url": "https://docs.github.com/rest",
			"errors": []any{object{"resource": "PullRequest", "code": "custom", "field": field, "message": why}},
		}}
	}
	for _, t := range c.state.threads {
		if t.pull && t.open && !t.fork && t.branch == head && t.base == base {
			return invalid("head", "A pull request already exists for "+Owner+":"+head+".")
		}
	}
	switch {
	case c.git.ref(head) == "":
		return invalid("head", "head is invalid")
	case c.git.ref(base) == "":
		return invalid("base", "base is invalid")
	case c.git.ref(head) == c.git.ref(base):
		return invalid("head", "No commits between "+base+" and "+head)
	case title == "" || len([]rune(title)) > 256 || len([]rune(text(c.in["body"]))) > 65536:
		return invalid("title", "title or body is too long or missing")
	}
	draft, _ := c.in["draft"].(bool)
	t := c.state.start(&thread{pull: true, title: title, body: text(c.in["body"]), author: c.who, branch: head, base: base, draft: draft})
	return reply{status: http.StatusCreated, body: c.pull(t, true)}
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

func (c *call) editPull(t *thread) reply {
	c.edit(t)
	if t.merged && text(c.in["state"]) == "open" {
		return refuse(http.StatusUnprocessableEntity, "Validation Failed")
	}
	return ok(c.pull(t, true))
}

// edit changes title, body and state of an issue or pull request.
func (c *call) edit(t *thread) {
	if v, given := c.in["title"].(string); given && v != t.title {
		c.state.happen(t, happening{kind: "renamed", by: c.who, was: t.title, title: v})
		t.title = v
	}
	if v, given := c.in["body"].(string); given {
		t.body, t.updated = v, now()
	}
	switch v := text(c.in["state"]); {
	case v == "closed" && t.open:
		t.head = c.git.ref(t.branch)
		c.state.end(t, c.who)
	case v == "open" && !t.open && !t.merged:
		t.open = true
		c.state.happen(t, happening{kind: "reopened", by: c.who})
	}
}

func (c *call) mergePull(t *thread) reply {
	head := c.git.ref(t.branch)
	switch why := c.unmergeable(t, head); {
	case !t.open:
		return refuse(http.StatusMethodNotAllowed, "Pull Request is not mergeable")
	case text(c.in["sha"]) != "" && text(c.in["sha"]) != head:
		return refuse(http.StatusConflict, "Head branch was modified. Review and try the merge again.")
	case c.state.MergeQueue:
		return refuse(http.StatusMethodNotAllowed, "Repository rule violations found\n\nChanges must be made through the merge queue")
	case why != "":
		return refuse(http.StatusMethodNotAllowed, "%s", why)
	}
	method := text(c.in["merge_method"])
	if method == "" {
		method = "merge"
	}
	if !slices.Contains(c.state.Methods, method) {
		return refuse(http.StatusMethodNotAllowed, "%s merges are not allowed on this repository.", method)
	}
	id, clean := c.git.merge(c.git.ref(t.base), head, "Merge pull request #"+strconv.Itoa(t.number))
	if !clean {
		return refuse(http.StatusMethodNotAllowed, "Pull Request is not mergeable")
	}
	c.land(t, head, id, c.who)
	return ok(object{"sha": id, "merged": true, "message": "Pull Request successfully merged"})
}

// land moves the base branch to a merge.
func (s *Server) land(t *thread, head, id, by string) {
	s.git.must("", "update-ref", "refs/heads/"+t.base, id)
	t.head, t.mergeSHA, t.merged = head, id, true
	s.state.happen(t, happening{kind: "merged", by: by})
	s.state.end(t, by)
}

// unmergeable says which rule a merge breaks.
func (s *Server) unmergeable(t *thread, head string) string {
	if t.draft {
		return "Pull Request is still a draft"
	}
	for _, want := range s.state.Checks {
		if !s.green(head, want) {
			return `Required status check "` + want.Context + `" is expected.`
		}
	}
	approvals := 0
	for _, r := range t.reviews {
		if r.state == "APPROVED" {
			approvals++
		}
	}
	if approvals < s.state.Approvals {
		return "At least 1 approving review is required by reviewers with write access."
	}
	return ""
}

func (c *call) review(t *thread) reply {
	states := map[string]string{"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED", "": "PENDING"}
	state := states[text(c.in["event"])]
	commit := text(c.in["commit_id"])
	if commit == "" {
		commit = c.git.ref(t.branch)
	}
	if c.who == t.author && state != "COMMENTED" {
		return refuse(http.StatusUnprocessableEntity, "Can not approve your own pull request")
	}
	r := &review{id: c.state.id(), by: c.who, state: state, commit: commit, body: text(c.in["body"]), submittedAt: now()}
	t.reviews = append(t.reviews, r)
	t.updated = now()
	return ok(c.reviewOf(t, r))
}

func (c *call) dismiss(t *thread) reply {
	for _, r := range t.reviews {
		if strconv.Itoa(r.id) == c.r.PathValue("review_id") {
			r.state, t.updated = "DISMISSED", now()
			return ok(c.reviewOf(t, r))
		}
	}
	return missing()
}

func (c *call) reviews(t *thread) []any {
	var out []any
	for _, r := range t.reviews {
		out = append(out, c.reviewOf(t, r))
	}
	return out
}

func (c *call) reviewOf(t *thread, r *review) object {
	return object{
		"id": r.id, "node_id": "PRR_" + strconv.Itoa(r.id), "user": c.user(r.by), "body": r.body, "state": r.state, "commit_id": r.commit,
		"html_url": c.url("/r"), "pull_request_url": c.api("/pulls/" + strconv.Itoa(t.number)), "submitted_at": stamp(r.submittedAt), "author_association": "MEMBER",
		"_links": object{"html": object{"href": c.url("/r")}, "pull_request": object{"href": c.url("/p/" + strconv.Itoa(t.number))}},
	}
}

func (c *call) requestReview(t *thread) reply {
	for _, name := range names(c.in["reviewers"]) {
		if name == t.author || c.state.users[name] == nil {
			return refuse(http.StatusUnprocessableEntity, "Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator of the %s/%s repository.", Owner, Name)
		}
		if !slices.Contains(t.askedUsers, name) {
			t.askedUsers = append(t.askedUsers, name)
		}
	}
	for _, name := range names(c.in["team_reviewers"]) {
		if !slices.Contains(t.askedTeams, name) {
			t.askedTeams = append(t.askedTeams, name)
		}
	}
	t.updated = now()
	return reply{status: http.StatusCreated, body: c.pull(t, false)}
}

func names(v any) []string {
	list, _ := v.([]any)
	var out []string
	for _, one := range list {
		switch one := one.(type) {
		case string:
			out = append(out, one)
		case object:
			out = append(out, text(one["name"]))
		}
	}
	return out
}

// pull renders a pull request; the list says less.
func (c *call) pull(t *thread, all bool) object {
	o := c.issueBase(t)
	head, base := t.head, c.git.ref(t.base)
	if t.open || head == "" {
		head = c.git.ref(t.branch)
	}
	side := func(ref, sha string) object {
		return object{"label": Owner + ":" + ref, "ref": ref, "sha": sha, "user": c.user(Owner), "repo": c.repo()}
	}
	o["head"], o["base"] = side(t.branch, head), side(t.base, base)
	if t.fork { // within the same organization, which GitHub allows
		fork := c.repo()
		fork["name"], fork["full_name"] = Name+"-fork", Owner+"/"+Name+"-fork"
		o["head"].(object)["repo"] = fork
	}
	o["draft"], o["auto_merge"] = t.draft, nil
	o["merged_at"], o["merge_commit_sha"] = nil, nil
	if t.merged {
		o["merged_at"], o["merge_commit_sha"] = stamp(t.closedAt), t.mergeSHA
	}
	links := object{}
	for _, name := range []string{"self", "html", "issue", "comments", "review_comments", "review_comment", "commits", "statuses"} {
		links[name] = object{"href": c.url("/link")}
	}
	o["_links"] = links
	var users, teams []any
	for _, name := range t.askedUsers {
		users = append(users, c.user(name))
	}
	for _, name := range t.askedTeams {
		teams = append(teams, c.team(name))
	}
	o["requested_reviewers"], o["requested_teams"] = orEmpty(users), orEmpty(teams)
	o["issue_url"] = c.api("/issues/" + strconv.Itoa(t.number))
	c.urls(o, "diff_url", "patch_url", "review_comments_url", "review_comment_url", "commits_url", "statuses_url")
	if all {
		_, clean := c.git.merge(base, head, "test")
		mergeable := map[bool]string{true: "clean", false: "dirty"}[clean]
		if clean && c.unmergeable(t, head) != "" {
			mergeable = "blocked"
		}
		o["merged"], o["mergeable"], o["mergeable_state"], o["merged_by"] = t.merged, clean, mergeable, nil
		if t.merged {
			o["merged_by"] = c.user(t.endedBy)
		}
		for _, name := range []string{"additions", "deletions", "changed_files", "commits", "review_comments"} {
			o[name] = 1
		}
		o["maintainer_can_modify"] = false
	}
	return o
}

func orEmpty(list []any) []any {
	if list == nil {
		return []any{}
	}
	return list
}
