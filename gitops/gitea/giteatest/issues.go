package giteatest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

func (s *Server) repository(login string) object {
	l := None
	if u := s.users[login]; u != nil {
		l = u.Level
	}
	return object{
		"id": 1, "owner": s.user(s.options.Owner), "name": s.options.Name, "full_name": s.options.Owner + "/" + s.options.Name,
		"default_branch": "main", "has_issues": s.hasIssues, "html_url": "http://forge.example/acme/env",
		"permissions":         object{"admin": l >= Admin, "push": l >= Write, "pull": l >= Read},
		"allow_merge_commits": true, "allow_rebase": true, "allow_rebase_explicit": true, "allow_squash_merge": true,
		"allow_fast_forward_only_merge": true, "default_merge_style": "merge",
	}
}

func (s *Server) getRepository(c *call) (int, any, error) {
	return http.StatusOK, s.repository(c.by.Login), nil
}

func (s *Server) getBranch(c *call) (int, any, error) {
	return http.StatusOK, object{
		"name": "main", "protected": true, "required_approvals": 0, "enable_status_check": true, "status_check_contexts": s.required,
		"user_can_push": false, "user_can_merge": c.by.Level >= Write, "effective_branch_protection_name": "main",
	}, nil
}

func (s *Server) getProtection(*call) (int, any, error) {
	return http.StatusOK, object{
		"branch_name": "main", "rule_name": "main", "enable_push": false, "enable_push_whitelist": false, "push_whitelist_usernames": []string{},
		"push_whitelist_teams": []string{}, "push_whitelist_deploy_keys": false, "enable_force_push": false, "enable_status_check": true,
		"status_check_contexts": s.required, "required_approvals": 0, "block_on_official_review_requests": false,
		"dismiss_stale_approvals": true, "ignore_stale_approvals": false, "block_admin_merge_override": false, "unprotected_file_patterns": "",
	}, nil
}

// getPermission tells others' permissions to administrators alone.
func (s *Server) getPermission(c *call) (int, any, error) {
	login := c.PathValue("login")
	if c.by.Level < Admin && !strings.EqualFold(c.by.Login, login) {
		return 0, nil, no(http.StatusForbidden, "Only admins can query all permissions, repo admins can query all repo permissions, collaborators can query only their own")
	}
	u := s.users[login]
	if u == nil {
		return 0, nil, no(http.StatusNotFound, "user does not exist")
	}
	name := map[Level]string{None: "none", Read: "read", Issues: "read", Write: "write", Admin: "admin"}[u.Level]
	return http.StatusOK, object{"permission": name, "role_name": name, "user": s.user(login)}, nil
}

func (s *Server) getAssignees(*call) (int, any, error) {
	out := []any{}
	for login, u := range s.users {
		if u.Level >= Issues {
			out = append(out, s.user(login))
		}
	}
	return http.StatusOK, out, nil
}

// teams are the names of all teams, in order.
func (s *Server) teams() []string {
	var out []string
	for _, u := range s.users {
		out = append(out, u.Teams...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (s *Server) getTeams(*call) (int, any, error) {
	out := []object{}
	for n, name := range s.teams() {
		out = append(out, object{"id": n + 1, "name": name, "permission": "write", "organization": nil})
	}
	return http.StatusOK, out, nil
}

func (s *Server) members(c *call) (int, any, error) {
	all := s.teams()
	n := c.number("id")
	if n < 1 || n > int64(len(all)) {
		return 0, nil, no(http.StatusNotFound, "The target couldn't be found.")
	}
	var in []string
	for login, u := range s.users {
		if slices.Contains(u.Teams, all[n-1]) {
			in = append(in, login)
		}
	}
	slices.Sort(in)
	s.total(c, len(in))
	return http.StatusOK, s.users1(page(c, in)), nil
}

func (s *Server) listLabels(c *call) (int, any, error) {
	s.total(c, len(s.labels))
	out := []object{}
	for _, l := range page(c, s.labels) {
		out = append(out, l.json())
	}
	return http.StatusOK, out, nil
}

func (s *Server) postLabel(c *call) (int, any, error) {
	name := c.text("name")
	if name == "" || len([]rune(name)) > 50 || !strings.HasPrefix(c.text("color"), "#") {
		return 0, nil, no(http.StatusUnprocessableEntity, "[Name]: MaxSize")
	}
	return http.StatusCreated, s.label(name, c.text("color")).json(), nil
}

func (s *Server) issue(i *item) object {
	state := "open"
	if i.closed {
		state = "closed"
	}
	out := object{
		"id": i.number, "number": i.number, "user": s.user(i.author), "title": i.title, "body": i.body, "labels": s.labelsIn(i.labels),
		"assignees": s.users1(i.assignees), "state": state, "html_url": "http://forge.example/acme/env/issues/" + itoa(i.number),
		"created_at": i.created, "updated_at": i.updated, "closed_at": when(i.ended), "pull_request": nil, "comments": s.said(i),
	}
	if i.pull {
		out["pull_request"] = object{"merged": i.merged}
	}
	return out
}

// said counts comments, those on lines of code too.
func (s *Server) said(i *item) int {
	n := 0
	for _, l := range s.lines {
		if l.item == i.number && (l.kind == "comment" || l.kind == "code") {
			n++
		}
	}
	return n
}

// listIssues filters by a label only if there is one of that name, and by all
// of them if there are several; without issues it lists pull requests.
func (s *Server) listIssues(c *call) (int, any, error) {
	q := c.URL.Query()
	var ids []int64
	for _, l := range s.labels {
		if q.Get("labels") == l.name {
			ids = append(ids, l.id)
		}
	}
	since, _ := time.Parse(time.RFC3339, q.Get("since"))
	var all []*item
	for _, i := range s.items {
		has := !slices.ContainsFunc(ids, func(id int64) bool { return !slices.Contains(i.labels, id) })
		if i.pull != s.hasIssues && i.closed == (q.Get("state") == "closed") && has && !i.updated.Before(since) {
			all = append(all, i)
		}
	}
	s.total(c, len(all))
	out := []object{}
	for _, i := range page(c, all) {
		out = append(out, s.issue(i))
	}
	return http.StatusOK, out, nil
}

func (s *Server) postIssue(c *call) (int, any, error) {
	if !s.hasIssues {
		return 0, nil, no(http.StatusNotFound, "The target couldn't be found.")
	}
	return http.StatusCreated, s.issue(s.begin(c, false)), nil
}

func (s *Server) itemOf(c *call) (*item, error) {
	i := s.item(c.number("n"))
	if i == nil {
		return nil, no(http.StatusNotFound, "The target couldn't be found.")
	}
	return i, nil
}

func (s *Server) getIssue(c *call) (int, any, error) {
	i, err := s.itemOf(c)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, s.issue(i), nil
}

// patchItem edits an issue or a pull request; authors may edit their own.
func (s *Server) patchItem(c *call) (int, any, error) {
	i, err := s.itemOf(c)
	if err != nil {
		return 0, nil, err
	}
	if c.by.Level < Issues && c.by.Login != i.author {
		return 0, nil, no(http.StatusForbidden, "Forbidden")
	}
	if t := c.text("title"); t != "" && t != i.title {
		s.add(&line{item: i.number, kind: "change_title", user: c.by.Login, old: i.title, new: t})
		i.title = t
	}
	if c.body["body"] != nil {
		i.body, i.updated = c.text("body"), s.stamp()
	}
	if c.body["assignees"] != nil {
		i.assignees = c.list("assignees")
		s.add(&line{item: i.number, kind: "assignees", user: c.by.Login})
	}
	switch state := c.text("state"); {
	case state == "closed" && !i.closed:
		i.closed, i.ended = true, s.stamp()
		s.add(&line{item: i.number, kind: "close", user: c.by.Login})
	case state == "open" && i.closed && !i.merged:
		i.closed, i.ended = false, time.Time{}
		s.add(&line{item: i.number, kind: "reopen", user: c.by.Login})
	}
	if i.pull {
		return http.StatusCreated, s.pull(i), nil
	}
	return http.StatusCreated, s.issue(i), nil
}

// timeline cuts its pages before it leaves out what it does not tell; an empty
// one is null.
func (s *Server) timeline(c *call) (int, any, error) {
	var all []*line
	for _, l := range s.lines {
		if l.item == c.number("n") {
			all = append(all, l)
		}
	}
	var out []object
	for _, l := range page(c, all) {
		if l.kind != "code" {
			out = append(out, l.json(s))
		}
	}
	s.total(c, len(out))
	return http.StatusOK, out, nil
}

func (l *line) json(s *Server) object {
	out := object{
		"id": l.id, "type": l.kind, "user": s.user(l.user), "body": l.body, "created_at": l.at, "updated_at": l.at,
		"old_title": l.old, "new_title": l.new, "review_id": l.review, "label": nil,
	}
	if l.label != nil {
		out["label"] = l.label.json()
	}
	return out
}

func (s *Server) comments(c *call) (int, any, error) {
	out := []object{}
	for _, l := range s.lines {
		if l.item == c.number("n") && l.kind == "comment" {
			out = append(out, object{"id": l.id, "user": s.user(l.user), "body": l.body, "created_at": l.at, "updated_at": l.at})
		}
	}
	s.total(c, len(out))
	return http.StatusOK, out, nil
}

func (s *Server) postComment(c *call) (int, any, error) {
	i, err := s.itemOf(c)
	if err != nil {
		return 0, nil, err
	}
	l := &line{item: i.number, kind: "comment", user: c.by.Login, body: c.text("body")}
	s.add(l)
	return http.StatusCreated, object{"id": l.id, "user": s.user(l.user), "body": l.body}, nil
}

func (s *Server) labelsOf(c *call) (int, any, error) {
	i, err := s.itemOf(c)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, s.labelsIn(i.labels), nil
}

func (s *Server) put(login string, i *item, id int64) {
	n := slices.IndexFunc(s.labels, func(l *label) bool { return l.id == id })
	if n < 0 || slices.Contains(i.labels, id) {
		return
	}
	i.labels = append(i.labels, id)
	s.add(&line{item: i.number, kind: "label", user: login, body: "1", label: s.labels[n]})
}

func (s *Server) addLabels(c *call) (int, any, error) {
	i, err := s.itemOf(c)
	if err != nil {
		return 0, nil, err
	}
	for _, id := range c.ids("labels") {
		s.put(c.by.Login, i, id)
	}
	return http.StatusOK, s.labelsIn(i.labels), nil
}

func (s *Server) deleteLabel(c *call) (int, any, error) {
	i, err := s.itemOf(c)
	if err != nil {
		return 0, nil, err
	}
	id := c.number("id")
	n := slices.Index(i.labels, id)
	if n < 0 {
		return 0, nil, no(http.StatusUnprocessableEntity, "label does not exist on the issue")
	}
	i.labels = slices.Delete(i.labels, n, n+1)
	at := slices.IndexFunc(s.labels, func(l *label) bool { return l.id == id })
	s.add(&line{item: i.number, kind: "label", user: c.by.Login, label: s.labels[at]})
	return http.StatusNoContent, nil, nil
}
