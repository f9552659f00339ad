package githubtest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

func (s *Server) checkRoutes() []route {
	const runs = "/repos/{owner}/{repo}/check-runs"
	return []route{
		{"POST /repos/{owner}/{repo}/statuses/{sha}", (*call).setStatus},
		{"GET /repos/{owner}/{repo}/commits/{ref}/status", (*call).combined},
		{"POST " + runs, (*call).createRun},
		{"PATCH " + runs + "/{check_run_id}", (*call).updateRun},
		{"GET /repos/{owner}/{repo}/commits/{ref}/check-runs", (*call).listRuns},
	}
}

// green says whether a required check holds on a commit.
func (s *Server) green(sha string, want RequiredCheck) bool {
	if want.App == 0 {
		for _, st := range s.latest(sha) {
			if st.context == want.Context {
				return st.state == "success"
			}
		}
	}
	for _, r := range slices.Backward(s.state.runs) {
		if r.sha == sha && r.name == want.Context && (want.App == 0 || r.by == Bot) {
			return slices.Contains([]string{"success", "neutral", "skipped"}, r.conclusion)
		}
	}
	return false
}

// latest are the newest statuses of each context.
func (s *Server) latest(sha string) []*status {
	var out []*status
	for _, st := range slices.Backward(s.state.statuses[sha]) {
		if !slices.ContainsFunc(out, func(o *status) bool { return o.context == st.context }) {
			out = append(out, st)
		}
	}
	return out
}

func (c *call) setStatus() reply {
	sha, state := c.r.PathValue("sha"), text(c.in["state"])
	context := text(c.in["context"])
	if context == "" {
		context = "default"
	}
	switch {
	case c.atMost("triage"):
		return refuse(http.StatusForbidden, "Resource not accessible by integration")
	case !slices.Contains([]string{"error", "failure", "pending", "success"}, state):
		return refuse(http.StatusUnprocessableEntity, "Validation Failed")
	case len([]rune(text(c.in["description"]))) > 140:
		return refuse(http.StatusUnprocessableEntity, "description is too long (maximum is 140 characters)")
	case c.unknown(sha):
		return refuse(http.StatusUnprocessableEntity, "No commit found for SHA: %s", sha)
	}
	st := &status{id: c.state.id(), context: context, state: state, text: text(c.in["description"]), target: text(c.in["target_url"]), by: c.who, at: now()}
	c.state.statuses[sha] = append(c.state.statuses[sha], st)
	return reply{status: http.StatusCreated, body: c.statusOf(st)}
}

func (c *call) unknown(sha string) bool {
	_, err := c.git.run("", "cat-file", "-e", sha+"^{commit}")
	return err != nil || len(sha) != 40
}

func (c *call) statusOf(st *status) object {
	o := object{
		"id": st.id, "node_id": "SC_" + strconv.Itoa(st.id), "state": st.state, "description": st.text, "target_url": orNil(st.target),
		"context": st.context, "created_at": stamp(st.at), "updated_at": stamp(st.at), "creator": c.user(st.by), "avatar_url": c.url("/a"),
	}
	return c.urls(o, "url")
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func (c *call) resolve(ref string) string {
	if id := c.git.ref(strings.TrimPrefix(ref, "heads/")); id != "" {
		return id
	}
	return ref
}

func (c *call) combined() reply {
	sha := c.resolve(c.r.PathValue("ref"))
	list := []any{}
	state := "pending"
	for _, st := range c.latest(sha) {
		list = append(list, c.statusOf(st))
		state = st.state
	}
	o := object{"state": state, "sha": sha, "total_count": len(list), "statuses": list, "repository": c.repo()}
	return ok(c.urls(o, "commit_url", "url"))
}

func (c *call) createRun() reply {
	if c.who != Bot {
		return refuse(http.StatusForbidden, "You must authenticate via a GitHub App.")
	}
	sha := text(c.in["head_sha"])
	if c.atMost("triage") {
		return refuse(http.StatusForbidden, "Resource not accessible by integration")
	}
	if c.unknown(sha) {
		return refuse(http.StatusUnprocessableEntity, "No commit found for SHA: %s", sha)
	}
	r := &checkRun{id: c.state.id(), name: text(c.in["name"]), sha: sha, status: "queued", by: c.who, at: now()}
	c.change(r)
	c.state.runs = append(c.state.runs, r)
	return reply{status: http.StatusCreated, body: c.run(r)}
}

func (c *call) change(r *checkRun) {
	for to, name := range map[*string]string{&r.status: "status", &r.details: "details_url", &r.extern: "external_id"} {
		if v := text(c.in[name]); v != "" {
			*to = v
		}
	}
	if v := text(c.in["conclusion"]); v != "" {
		r.conclusion, r.status = v, "completed"
	}
	if out, given := c.in["output"].(object); given {
		r.title, r.summary = text(out["title"]), text(out["summary"])
	}
}

func (c *call) updateRun() reply {
	for _, r := range c.state.runs {
		if strconv.Itoa(r.id) == c.r.PathValue("check_run_id") {
			if c.who != r.by || c.atMost("triage") {
				return refuse(http.StatusForbidden, "Invalid app_id `0` - check run can only be modified by the GitHub App that created it.")
			}
			c.change(r)
			return ok(c.run(r))
		}
	}
	return missing()
}

func (c *call) listRuns() reply {
	q := c.r.URL.Query()
	sha := c.resolve(c.r.PathValue("ref"))
	var list []any
	seen := map[string]bool{}
	for _, r := range slices.Backward(c.state.runs) {
		if r.sha != sha || q.Get("check_name") != "" && q.Get("check_name") != r.name || q.Get("filter") != "all" && seen[r.name] {
			continue
		}
		seen[r.name] = true
		list = append(list, c.run(r))
	}
	return ok(object{"total_count": len(list), "check_runs": orEmpty(list)})
}

func (c *call) run(r *checkRun) object {
	o := object{
		"id": r.id, "node_id": "CR_" + strconv.Itoa(r.id), "head_sha": r.sha, "name": r.name, "status": r.status, "conclusion": orNil(r.conclusion),
		"started_at": stamp(r.at), "completed_at": nil, "external_id": orNil(r.extern), "check_suite": object{"id": 1}, "app": c.app(),
		"pull_requests": []any{}, "details_url": orNil(r.details), "html_url": c.url("/c"),
		"output": object{"title": orNil(r.title), "summary": orNil(r.summary), "text": nil, "annotations_count": 0, "annotations_url": c.url("/a")},
	}
	if r.conclusion != "" {
		o["completed_at"] = stamp(r.at)
	}
	return c.urls(o, "url")
}

// Neutral ends a check run as neither good nor bad.
func (s *Server) Neutral(sha, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.runs = append(s.state.runs, &checkRun{id: s.state.id(), name: name, sha: sha, status: "completed", conclusion: "neutral", by: Bot, at: now()})
}
