package giteatest

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

type object = map[string]any

func (s *Server) route() {
	s.mux = http.NewServeMux()
	s.mux.HandleFunc("/"+s.options.Owner+"/"+s.options.Name+".git/", s.serveGit)
	s.handle("GET /user", None, func(c *call) (int, any, error) { return http.StatusOK, s.user(c.by.Login), nil })
	repo := "/repos/" + s.options.Owner + "/" + s.options.Name
	at := func(pattern string, need Level, f func(*call) (int, any, error)) {
		method, path, _ := strings.Cut(pattern, " ")
		s.handle(method+" "+repo+path, need, f)
	}
	at("GET ", Read, s.getRepository)
	at("GET /branches/main", Read, s.getBranch)
	at("GET /branch_protections/main", Admin, s.getProtection)
	at("GET /collaborators/{login}/permission", Read, s.getPermission)
	at("GET /assignees", Read, s.getAssignees)
	at("GET /teams", Read, s.getTeams)
	at("GET /pulls", Read, s.listPulls)
	at("POST /pulls", Write, s.postPull)
	at("GET /pulls/{n}", Read, s.getPull)
	at("PATCH /pulls/{n}", Read, s.patchItem)
	at("POST /pulls/{n}/merge", Write, s.postMerge)
	at("POST /pulls/{n}/requested_reviewers", Write, s.postReviewers)
	at("GET /pulls/{n}/reviews", Read, s.listReviews)
	at("POST /pulls/{n}/reviews", Read, s.postReview)
	at("POST /pulls/{n}/reviews/{id}/dismissals", Admin, s.dismiss)
	at("GET /commits/{sha}/status", Read, s.getStatus)
	at("POST /statuses/{sha}", Write, s.postStatus)
	at("GET /labels", Read, s.listLabels)
	at("POST /labels", Issues, s.postLabel)
	at("GET /issues", Read, s.listIssues)
	at("POST /issues", Read, s.postIssue)
	at("GET /issues/{n}", Read, s.getIssue)
	at("PATCH /issues/{n}", Read, s.patchItem)
	at("GET /issues/{n}/timeline", Read, s.timeline)
	at("GET /issues/{n}/comments", Read, s.comments)
	at("POST /issues/{n}/comments", Read, s.postComment)
	at("GET /issues/{n}/labels", Read, s.labelsOf)
	at("POST /issues/{n}/labels", Issues, s.addLabels)
	at("DELETE /issues/{n}/labels/{id}", Issues, s.deleteLabel)
	s.handle("GET /orgs/{owner}/labels", None, func(*call) (int, any, error) { return http.StatusOK, []object{}, nil })
	s.handle("GET /settings/api", None, func(*call) (int, any, error) {
		return http.StatusOK, object{"max_response_items": s.options.PageSize, "default_paging_num": 30, "default_git_trees_per_page": 1000, "default_max_blob_size": 10485760}, nil
	})
	s.handle("GET /teams/{id}/members", None, s.members)
}

func (s *Server) user(login string) any {
	if login == "" {
		return nil
	}
	return object{"id": 1, "login": login, "full_name": "", "email": login + "@noreply.invalid"}
}

func (s *Server) users1(logins []string) []any {
	out := []any{}
	for _, l := range logins {
		out = append(out, s.user(l))
	}
	return out
}

// labelsIn are the labels of those ids.
func (s *Server) labelsIn(ids []int64) []object {
	out := []object{}
	for _, l := range s.labels {
		if slices.Contains(ids, l.id) {
			out = append(out, l.json())
		}
	}
	return out
}

func (l *label) json() object {
	return object{"id": l.id, "name": l.name, "color": strings.TrimPrefix(l.color, "#"), "exclusive": false, "is_archived": false, "description": "", "url": ""}
}

func when(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t
}

// pull is a pull request as the list tells it.
func (s *Server) pull(i *item) object {
	sha, ref := i.sha, i.head
	if s.refs[i.head] == "" || i.closed {
		ref = "refs/pull/" + itoa(i.number) + "/head"
	}
	if s.refs[i.head] != "" && i.closed {
		ref = i.head
	}
	state := "open"
	if i.closed {
		state = "closed"
	}
	repo := s.repository("")
	reviews := 0
	for _, l := range s.lines {
		if l.item == i.number && l.kind == "review" {
			reviews++
		}
	}
	return object{
		"id": i.number, "url": "http://forge.example/acme/env/pulls/" + itoa(i.number), "number": i.number, "user": s.user(i.author),
		"title": i.title, "body": i.body, "labels": s.labelsIn(i.labels), "milestone": nil, "assignee": nil, "assignees": s.users1(i.assignees),
		"requested_reviewers": s.users1(i.reviewers), "requested_reviewers_teams": []any{}, "state": state, "draft": false, "is_locked": false,
		"comments": s.said(i), "review_comments": reviews, "html_url": "http://forge.example/acme/env/pulls/" + itoa(i.number),
		"mergeable": !i.closed, "merged": i.merged, "merged_at": when(map[bool]time.Time{true: i.ended}[i.merged]),
		"merge_commit_sha": i.mergedAs, "merged_by": s.user(i.mergedBy), "merge_base": s.base(sha),
		"head":       object{"label": i.head, "ref": ref, "sha": sha, "repo_id": 1, "repo": repo},
		"base":       object{"label": "main", "ref": "main", "sha": s.refs["main"], "repo_id": 1, "repo": repo},
		"created_at": i.created, "updated_at": i.updated, "closed_at": when(i.ended),
	}
}

func (s *Server) listPulls(c *call) (int, any, error) {
	q := c.URL.Query()
	var all []*item
	for _, i := range s.items {
		if i.pull && i.closed == (q.Get("state") == "closed") && (q.Get("poster") == "" || q.Get("poster") == i.author) {
			all = append(all, i)
		}
	}
	if q.Get("sort") == "recentupdate" {
		slices.SortStableFunc(all, func(a, b *item) int { return b.updated.Compare(a.updated) })
	}
	s.total(c, len(all))
	out := []object{}
	for _, i := range page(c, all) {
		out = append(out, s.pull(i))
	}
	return http.StatusOK, out, nil
}

func (s *Server) pullOf(c *call) (*item, error) {
	i := s.item(c.number("n"))
	if i == nil || !i.pull {
		return nil, no(http.StatusNotFound, "The target couldn't be found.")
	}
	return i, nil
}

func (s *Server) getPull(c *call) (int, any, error) {
	i, err := s.pullOf(c)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, s.pull(i), nil
}

func (s *Server) postPull(c *call) (int, any, error) {
	head := c.text("head")
	sha := s.refs[head]
	switch {
	case sha == "" || c.text("base") != "main":
		return 0, nil, no(http.StatusNotFound, "The target couldn't be found.")
	case c.text("title") == "" || len([]rune(c.text("title"))) > 255:
		return 0, nil, no(http.StatusUnprocessableEntity, "[Title]: Required")
	}
	for _, i := range s.items {
		if i.pull && !i.closed && i.head == head {
			return 0, nil, no(http.StatusConflict, "pull request already exists for these targets [id: 1, issue_id: 1, head_repo_id: 1, base_repo_id: 1]")
		}
	}
	i := s.begin(c, true)
	i.head, i.sha = head, sha
	return http.StatusCreated, s.pull(i), nil
}

// begin makes an item with the labels and the texts of a request.
func (s *Server) begin(c *call, pull bool) *item {
	i := &item{number: int64(len(s.items) + 1), pull: pull, title: c.text("title"), body: c.text("body"), author: c.by.Login, created: s.stamp()}
	i.updated = i.created
	s.items = append(s.items, i)
	if c.by.Level >= Issues || pull {
		for _, id := range c.ids("labels") {
			s.put(c.by.Login, i, id)
		}
	}
	return i
}

func (s *Server) postMerge(c *call) (int, any, error) {
	i, err := s.pullOf(c)
	if err != nil {
		return 0, nil, err
	}
	head := s.refs[i.head]
	switch {
	case i.merged:
		return 0, nil, no(http.StatusMethodNotAllowed, "The PR is already merged")
	case i.closed:
		return 0, nil, no(http.StatusNotFound, "The target couldn't be found.")
	case !s.green(head):
		return 0, nil, no(http.StatusMethodNotAllowed, "not allowed to merge [reason: Not all required status checks successful]")
	case c.text("head_commit_id") != "" && c.text("head_commit_id") != head:
		return 0, nil, no(http.StatusConflict, "head out of date")
	}
	commit, done, err := s.git.merge(s.refs["main"], head, "Merge pull request '"+i.title+"' (#"+itoa(i.number)+")")
	if err != nil {
		return 0, nil, err
	}
	if !done {
		return 0, nil, no(http.StatusConflict, "merge conflict")
	}
	i.merged, i.closed, i.ended, i.mergedAs, i.mergedBy = true, true, s.stamp(), commit, c.by.Login
	s.add(&line{item: i.number, kind: "merge_pull", user: c.by.Login})
	var remove bool
	if json.Unmarshal(c.body["delete_branch_after_merge"], &remove) == nil && remove {
		if _, err := s.git.run("update-ref", "-d", "refs/heads/"+i.head); err != nil {
			return 0, nil, err
		}
	}
	s.refs, err = s.git.refs()
	return http.StatusOK, nil, err
}

// green says that every required check is.
func (s *Server) green(sha string) bool {
	newest := s.newest(sha)
	for _, name := range s.required {
		if st := newest[name]; st == nil || st.state != "success" {
			return false
		}
	}
	return true
}

func (s *Server) newest(sha string) map[string]*status {
	out := map[string]*status{}
	for _, st := range s.statuses {
		if st.sha == sha {
			out[st.context] = st
		}
	}
	return out
}

func (s *Server) getStatus(c *call) (int, any, error) {
	newest := s.newest(c.PathValue("sha"))
	var all []*status
	for _, st := range newest {
		all = append(all, st)
	}
	slices.SortFunc(all, func(a, b *status) int { return cmp.Compare(a.id, b.id) })
	list := []object{}
	for _, st := range page(c, all) {
		list = append(list, st.json(s))
	}
	return http.StatusOK, object{"state": "pending", "sha": c.PathValue("sha"), "total_count": len(all), "statuses": list, "repository": s.repository(""), "commit_url": "", "url": ""}, nil
}

func (st *status) json(s *Server) object {
	return object{
		"id": st.id, "status": st.state, "target_url": st.to, "description": st.text, "url": "", "context": st.context,
		"creator": s.user(st.by), "created_at": st.at, "updated_at": st.at,
	}
}

func (s *Server) postStatus(c *call) (int, any, error) {
	if !slices.Contains([]string{"pending", "success", "error", "failure", "warning"}, c.text("state")) {
		return 0, nil, no(http.StatusUnprocessableEntity, "unknown state")
	}
	if _, err := s.git.run("cat-file", "-e", c.PathValue("sha")+"^{commit}"); err != nil {
		return 0, nil, no(http.StatusNotFound, "object does not exist")
	}
	st := &status{s.next(), c.PathValue("sha"), c.text("context"), c.text("state"), c.text("description"), c.text("target_url"), c.by.Login, s.stamp()}
	s.statuses = append(s.statuses, st)
	return http.StatusCreated, st.json(s), nil
}

func (s *Server) listReviews(c *call) (int, any, error) {
	var all []*review
	for _, r := range s.reviews {
		if r.item == c.number("n") {
			all = append(all, r)
		}
	}
	s.total(c, len(all))
	out := []object{}
	for _, r := range page(c, all) {
		out = append(out, r.json(s))
	}
	return http.StatusOK, out, nil
}

func (r *review) json(s *Server) object {
	return object{
		"id": r.id, "user": s.user(r.user), "team": nil, "state": r.state, "body": "", "commit_id": r.commit, "stale": s.item(r.item).sha != r.commit,
		"official": s.users[r.user].Level >= Write, "dismissed": r.dismissed, "comments_count": 0, "submitted_at": r.at, "updated_at": r.at,
		"html_url": "", "pull_request_url": "",
	}
}

func (s *Server) postReview(c *call) (int, any, error) {
	i, err := s.pullOf(c)
	if err != nil {
		return 0, nil, err
	}
	state := c.text("event")
	switch {
	case state != "APPROVED" && state != "REQUEST_CHANGES":
		return 0, nil, no(http.StatusUnprocessableEntity, "review event "+state+" is not known")
	case i.author == c.by.Login:
		return 0, nil, no(http.StatusUnprocessableEntity, "approve your own pull is not allowed")
	}
	r := &review{id: s.next(), item: i.number, user: c.by.Login, state: state, commit: i.sha, at: s.stamp()}
	s.reviews = append(s.reviews, r)
	s.add(&line{item: i.number, kind: "review", user: c.by.Login, body: c.text("body"), review: r.id})
	return http.StatusOK, r.json(s), nil
}

func (s *Server) dismiss(c *call) (int, any, error) {
	for _, r := range s.reviews {
		if r.item == c.number("n") && r.id == c.number("id") {
			r.dismissed = true
			s.add(&line{item: r.item, kind: "dismiss_review", user: c.by.Login, body: c.text("message"), review: r.id})
			return http.StatusOK, r.json(s), nil
		}
	}
	return 0, nil, no(http.StatusNotFound, "review does not exist")
}

func (s *Server) postReviewers(c *call) (int, any, error) {
	i, err := s.pullOf(c)
	if err != nil {
		return 0, nil, err
	}
	for _, login := range c.list("reviewers") {
		if u := s.users[login]; u == nil || u.Level < Read {
			return 0, nil, no(http.StatusNotFound, "user does not exist [name: "+login+"]")
		}
		if !slices.Contains(i.reviewers, login) {
			i.reviewers = append(i.reviewers, login)
			s.add(&line{item: i.number, kind: "review_request", user: c.by.Login})
		}
	}
	return http.StatusCreated, []object{}, nil
}
