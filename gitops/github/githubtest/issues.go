package githubtest

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

func (s *Server) issueRoutes() []route {
	const one = "/repos/{owner}/{repo}/issues/{issue_number}"
	return []route{
		{"GET /repos/{owner}/{repo}/issues", (*call).listIssues},
		{"POST /repos/{owner}/{repo}/issues", (*call).openIssue},
		{"GET " + one, withIssue("read", func(c *call, t *thread) reply { return ok(c.issue(t)) })},
		{"PATCH " + one, withIssue("read", (*call).editIssue)},
		{"GET " + one + "/labels", withIssue("read", func(c *call, t *thread) reply { return ok(c.labelsOf(t)) })},
		{"POST " + one + "/labels", withIssue("triage", (*call).addLabels)},
		{"DELETE " + one + "/labels/{name...}", withIssue("triage", (*call).removeLabel)},
		{"GET " + one + "/comments", withIssue("read", func(c *call, t *thread) reply { return c.page(c.comments(t)) })},
		{"POST " + one + "/comments", withIssue("read", (*call).comment)},
		{"GET " + one + "/events", withIssue("read", func(c *call, t *thread) reply { return c.page(c.events(t)) })},
		{"POST " + one + "/assignees", withIssue("triage", (*call).assign)},
		{"GET /repos/{owner}/{repo}/labels", func(c *call) reply {
			var out []any
			for _, name := range c.state.labels {
				out = append(out, c.label(name))
			}
			return c.page(out)
		}},
		{"POST /repos/{owner}/{repo}/labels", (*call).createLabel},
		{"GET /repos/{owner}/{repo}/labels/{name...}", func(c *call) reply {
			if !slices.Contains(c.state.labels, c.r.PathValue("name")) {
				return missing()
			}
			return ok(c.label(c.r.PathValue("name")))
		}},
	}
}

func withIssue(role string, next func(*call, *thread) reply) func(*call) reply {
	return func(c *call) reply {
		n, _ := strconv.Atoi(c.r.PathValue("issue_number"))
		t := c.state.thread(n)
		if t == nil {
			return missing()
		}
		if !t.pull && !c.state.HasIssues {
			return refuse(http.StatusGone, "Issues are disabled for this repo")
		}
		if slices.Index(rights, c.role(c.who)) < slices.Index(rights, role) {
			return refuse(http.StatusForbidden, "Must have %s rights to Repository.", role)
		}
		return next(c, t)
	}
}

func (c *call) listIssues() reply {
	if !c.state.HasIssues {
		return refuse(http.StatusGone, "Issues are disabled for this repo")
	}
	q := c.r.URL.Query()
	state := q.Get("state")
	if state == "" {
		state = "open"
	}
	list := slices.Clone(c.state.threads)
	slices.Reverse(list)
	if q.Get("sort") == "updated" {
		slices.SortStableFunc(list, func(a, b *thread) int { return b.updated.Compare(a.updated) })
	}
	var out []any
	for _, t := range list {
		wanted := q.Get("labels") == ""
		for l := range strings.SplitSeq(q.Get("labels"), ",") {
			wanted = wanted || slices.Contains(t.labels, l)
		}
		if wanted && (state == "all" || (state == "open") == t.open) {
			out = append(out, c.issue(t))
		}
	}
	return c.page(out)
}

func (c *call) openIssue() reply {
	if !c.state.HasIssues {
		return refuse(http.StatusGone, "Issues are disabled for this repo")
	}
	title, _ := c.in["title"].(string)
	t := c.state.start(&thread{title: title, body: text(c.in["body"]), author: c.who})
	if !c.atMost("read") { // others' labels are dropped in silence
		for _, name := range names(c.in["labels"]) {
			if !c.atMost("triage") || slices.Contains(c.state.labels, name) {
				c.state.label(t, c.who, name)
			}
		}
	}
	return reply{status: http.StatusCreated, body: c.issue(t)}
}

func (c *call) editIssue(t *thread) reply {
	if c.atMost("read") && c.who != t.author {
		return refuse(http.StatusForbidden, "Must have triage rights to Repository.")
	}
	c.edit(t)
	return ok(c.issue(t))
}

func (c *call) addLabels(t *thread) reply {
	for _, name := range names(c.in["labels"]) {
		if len([]rune(name)) > 50 || c.atMost("triage") && !slices.Contains(c.state.labels, name) {
			return refuse(http.StatusUnprocessableEntity, "Validation Failed")
		}
	}
	for _, name := range names(c.in["labels"]) {
		c.state.label(t, c.who, name)
	}
	return ok(c.labelsOf(t))
}

func (c *call) removeLabel(t *thread) reply {
	if !c.state.unlabel(t, c.who, c.r.PathValue("name")) {
		return refuse(http.StatusNotFound, "Label does not exist")
	}
	return ok(c.labelsOf(t))
}

func (c *call) createLabel() reply {
	name := text(c.in["name"])
	switch {
	case c.atMost("triage"):
		return refuse(http.StatusForbidden, "Must have write rights to Repository.")
	case slices.Contains(c.state.labels, name):
		return reply{status: http.StatusUnprocessableEntity, body: object{
			"message": "Validation Failed", "documentation_url": "https://docs.github.com/rest",
			"errors": []any{object{"resource": "Label", "code": "already_exists", "field": "name"}},
		}}
	case len([]rune(name)) > 50:
		return refuse(http.StatusUnprocessableEntity, "Validation Failed")
	}
	c.state.labels = append(c.state.labels, name)
	return reply{status: http.StatusCreated, body: c.label(name)}
}

func (c *call) labelsOf(t *thread) []any {
	out := []any{}
	for _, name := range t.labels {
		out = append(out, c.label(name))
	}
	return out
}

func (c *call) label(name string) object {
	return object{
		"id": 1 + slices.Index(c.state.labels, name), "node_id": "LA_1", "url": c.api("/labels/" + url.PathEscape(name)),
		"name": name, "description": "", "color": "ededed", "default": false,
	}
}

func (c *call) comment(t *thread) reply {
	body := text(c.in["body"])
	if body == "" || len([]rune(body)) > 65536 {
		return refuse(http.StatusUnprocessableEntity, "Validation Failed")
	}
	h := c.state.happen(t, happening{kind: "commented", by: c.who, body: body})
	return reply{status: http.StatusCreated, body: c.commentOf(h)}
}

func (c *call) comments(t *thread) []any {
	var out []any
	for _, h := range t.events {
		if h.kind == "commented" {
			out = append(out, c.commentOf(h))
		}
	}
	return out
}

func (c *call) commentOf(h happening) object {
	o := object{
		"id": h.id, "node_id": "IC_" + strconv.Itoa(h.id), "user": c.user(h.by), "created_at": stamp(h.at), "updated_at": stamp(h.at),
		"body": h.body, "author_association": "MEMBER",
	}
	return c.urls(o, "url", "html_url", "issue_url")
}

func (c *call) events(t *thread) []any {
	var out []any
	for _, h := range t.events {
		if h.kind == "commented" {
			continue
		}
		o := object{
			"id": h.id, "node_id": "E_" + strconv.Itoa(h.id), "url": c.url("/e"), "actor": c.user(h.by), "event": h.kind,
			"commit_id": nil, "commit_url": nil, "created_at": stamp(h.at), "performed_via_github_app": nil,
		}
		switch h.kind {
		case "labeled", "unlabeled":
			o["label"] = object{"name": h.label, "color": "ededed"}
		case "renamed":
			o["rename"] = object{"from": h.was, "to": h.title}
		}
		out = append(out, o)
	}
	return out
}

func (c *call) assign(t *thread) reply {
	for _, name := range names(c.in["assignees"]) {
		if c.state.users[name] != nil && !slices.Contains(t.assignees, name) { // others are passed over
			t.assignees = append(t.assignees, name)
		}
	}
	return reply{status: http.StatusCreated, body: c.issue(t)}
}

// issueBase is what issues and pull requests have in common.
func (c *call) issueBase(t *thread) object {
	state := "closed"
	if t.open {
		state = "open"
	}
	kind := map[bool]string{true: "pull", false: "issues"}[t.pull]
	o := object{
		"id": 1000 + t.number, "node_id": nodeID(t), "number": t.number, "title": t.title, "body": t.body, "state": state, "locked": false,
		"user": c.user(t.author), "labels": c.labelsOf(t), "assignee": nil, "milestone": nil, "created_at": stamp(t.created),
		"updated_at": stamp(t.updated), "closed_at": nil, "author_association": "MEMBER",
		"html_url": c.url("/" + Owner + "/" + Name + "/" + kind + "/" + strconv.Itoa(t.number)),
		"url":      c.api("/" + map[bool]string{true: "pulls", false: "issues"}[t.pull] + "/" + strconv.Itoa(t.number)),
	}
	if !t.open {
		o["closed_at"] = stamp(t.closedAt)
	}
	var who []any
	for _, name := range t.assignees {
		who = append(who, c.user(name))
	}
	o["assignees"] = orEmpty(who)
	if len(who) > 0 {
		o["assignee"] = who[0]
	}
	n := len(c.comments(t))
	o["comments"] = n
	return c.urls(o, "comments_url")
}

func (c *call) issue(t *thread) object {
	o := c.issueBase(t)
	o["url"] = c.api("/issues/" + strconv.Itoa(t.number))
	if t.pull {
		o["pull_request"] = object{"url": c.url("/x"), "html_url": c.url("/x"), "diff_url": c.url("/x"), "patch_url": c.url("/x"), "merged_at": nil}
	}
	o["repository_url"] = c.api("")
	return c.urls(o, "events_url", "labels_url")
}

func nodeID(t *thread) string {
	return map[bool]string{true: "PR_", false: "I_"}[t.pull] + strconv.Itoa(t.number)
}

// page cuts a list as the caller asks and links to the next part.
func (c *call) page(list []any) reply {
	q := c.r.URL.Query()
	size, err := strconv.Atoi(q.Get("per_page"))
	if err != nil || size > 100 || size < 1 {
		size = map[bool]int{true: 30, false: 100}[err != nil]
	}
	number, err := strconv.Atoi(q.Get("page"))
	if err != nil || number < 1 {
		number = 1
	}
	from := min(len(list), (number-1)*size)
	to := min(len(list), from+size)
	out := reply{status: http.StatusOK, body: orEmpty(slices.Clone(list[from:to]))}
	if to < len(list) {
		q.Set("page", strconv.Itoa(number+1))
		next := c.URL + c.r.URL.Path + "?" + q.Encode()
		out.header = map[string]string{"Link": "<" + next + `>; rel="next"`}
	}
	return out
}
