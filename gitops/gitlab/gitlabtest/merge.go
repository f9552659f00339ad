package gitlabtest

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// field is a text of the body or the query.
func (c *call) field(name string) string {
	switch v := c.fields[name].(type) {
	case string:
		return v
	case nil:
		return c.URL.Query().Get(name)
	default:
		return fmt.Sprint(v)
	}
}

func (c *call) has(name string) bool { _, ok := c.fields[name]; return ok }

// words are a list, or a text of words joined by commas.
func (c *call) words(name string) []string {
	var out []string
	add := func(text string) {
		for w := range strings.SplitSeq(text, ",") {
			if w = strings.TrimSpace(w); w != "" {
				out = append(out, w)
			}
		}
	}
	if list, ok := c.fields[name].([]any); ok {
		for _, v := range list {
			add(fmt.Sprint(v))
		}
		return out
	}
	add(c.field(name))
	return out
}

// users are those whose numbers a list names.
func (s *Server) users(c *call, name string) []*User {
	var out []*User
	for _, id := range c.words(name) {
		for i := range s.options.Users {
			if strconv.Itoa(s.options.Users[i].ID) == id {
				out = append(out, &s.options.Users[i])
			}
		}
	}
	return out
}

func find(list []*thread, c *call) *thread {
	i := slices.IndexFunc(list, func(t *thread) bool { return strconv.Itoa(t.iid) == c.PathValue("iid") })
	if i < 0 {
		return nil
	}
	return list[i]
}

// thread is what the path is about.
func (c *call) thread() *thread {
	if strings.Contains(c.URL.Path, "/issues/") {
		return find(c.project.issues, c)
	}
	return find(c.project.merges, c)
}

// about runs a handler on the thread the path names.
func (c *call) about(h func(*thread) reply) reply {
	if t := c.thread(); t != nil {
		return h(t)
	}
	return missing()
}

func (s *Server) listMerges(c *call) reply {
	q := c.URL.Query()
	list := pick(c.project.merges, c, func(t *thread) bool {
		return (q.Get("source_branch") == "" || q.Get("source_branch") == t.source) && (q.Get("target_branch") == "" || q.Get("target_branch") == t.target)
	})
	out := []object{}
	for _, t := range list {
		out = append(out, s.mergeEntity(c.project, t, false))
	}
	return all(out)
}

// pick filters and sorts threads by what lists of both kinds are asked for.
func pick(list []*thread, c *call, more func(*thread) bool) []*thread {
	q := c.URL.Query()
	after, _ := time.Parse(time.RFC3339, q.Get("updated_after"))
	var out []*thread
	for _, t := range list {
		state, author := q.Get("state"), q.Get("author_username")
		missing := slices.ContainsFunc(c.words("labels"), func(l string) bool { return !slices.Contains(t.labels, l) })
		if state != "" && state != "all" && state != t.state || author != "" && author != t.author.Name ||
			t.updated.Before(after) || missing || t.hidden || !more(t) {
			continue
		}
		out = append(out, t)
	}
	slices.SortStableFunc(out, func(a, b *thread) int {
		order := a.created.Compare(b.created)
		if q.Get("order_by") == "updated_at" {
			order = a.updated.Compare(b.updated)
		}
		if order == 0 {
			order = a.iid - b.iid
		}
		if q.Get("sort") != "asc" {
			order = -order
		}
		return order
	})
	return out
}

const maxTitle = 255

func (s *Server) createMerge(c *call) reply {
	p, source, target := c.project, c.field("source_branch"), c.field("target_branch")
	heads, err := p.repo.heads()
	switch {
	case err != nil:
		return refuse(http.StatusInternalServerError, err.Error())
	case c.me.Level < developer:
		return refuse(http.StatusForbidden, "403 Forbidden")
	case heads[source] == "":
		return refuse(http.StatusUnprocessableEntity, []string{"Source branch \"" + source + "\" does not exist"})
	case utf8.RuneCountInString(c.field("title")) > maxTitle:
		return refuse(http.StatusBadRequest, []string{"Title is too long (maximum is 255 characters)"})
	}
	for _, t := range p.merges {
		if t.state == "opened" && t.source == source && t.target == target && t.sourceProject == p.ID {
			return refuse(http.StatusConflict, []string{fmt.Sprintf("Another open merge request already exists for this source branch: !%d", t.iid)})
		}
	}
	now := s.now()
	t := &thread{
		id: s.number(), iid: len(p.merges) + 1, title: c.field("title"), description: c.field("description"), state: "opened",
		author: c.me, created: now, updated: now, source: source, target: target, sourceProject: p.ID, assignees: s.users(c, "assignee_ids"),
	}
	s.review(t, s.users(c, "reviewer_ids"))
	p.merges = append(p.merges, t)
	s.relabel(p, t, c.me, c.words("labels"))
	if err := p.refresh(s); err != nil {
		return refuse(http.StatusInternalServerError, err.Error())
	}
	return created(s.mergeEntity(p, t, true))
}

func (s *Server) review(t *thread, who []*User) {
	var out []*reviewer
	for _, u := range who {
		r := &reviewer{who: u, state: "unreviewed", at: s.now()}
		for _, old := range t.reviewers {
			if old.who == u {
				r = old
			}
		}
		out = append(out, r)
	}
	t.reviewers = out
}

func (s *Server) getMerge(c *call) reply {
	return c.about(func(t *thread) reply { return ok(s.mergeEntity(c.project, t, true)) })
}

func (s *Server) updateMerge(c *call) reply {
	return c.about(func(t *thread) reply {
		if c.me.Level < developer && c.me != t.author && !c.labelsOnly() {
			return refuse(http.StatusForbidden, "403 Forbidden")
		}
		if state := c.field("state_event"); state == "reopen" && t.state == "merged" {
			return refuse(http.StatusUnprocessableEntity, []string{"cannot reopen"})
		}
		s.edit(c, t)
		if c.has("reviewer_ids") {
			s.review(t, s.users(c, "reviewer_ids"))
			t.updated = s.now()
		}
		if c.has("assignee_ids") {
			t.assignees, t.updated = s.users(c, "assignee_ids"), s.now()
		}
		return ok(s.mergeEntity(c.project, t, true))
	})
}

// labelsOnly says that a reporter asks for what reporters may: labels.
func (c *call) labelsOnly() bool {
	for name := range c.fields {
		if name != "add_labels" && name != "remove_labels" && name != "labels" {
			return false
		}
	}
	return c.me.Level >= reporter
}

// titleNote marks in both titles what differs.
func titleNote(was, is string) string {
	a, b := []rune(was), []rune(is)
	front, back := 0, 0
	for front < min(len(a), len(b)) && a[front] == b[front] {
		front++
	}
	for back < min(len(a), len(b))-front && a[len(a)-1-back] == b[len(b)-1-back] {
		back++
	}
	mark := func(r []rune, sign string) string {
		if middle := string(r[front : len(r)-back]); middle != "" {
			return string(r[:front]) + "{" + sign + middle + sign + "}" + string(r[len(r)-back:])
		}
		return string(r)
	}
	return "changed title from **" + mark(a, "-") + "** to **" + mark(b, "+") + "**"
}

// edit changes what merge requests and issues have alike.
func (s *Server) edit(c *call, t *thread) {
	if title := c.field("title"); title != "" && title != t.title {
		s.note(t, c.me, titleNote(t.title, title))
		t.title, t.updated = title, s.now()
	}
	if c.has("description") && c.field("description") != t.description {
		t.description, t.updated = c.field("description"), s.now()
	}
	labels := t.labels
	if c.has("labels") {
		labels = c.words("labels")
	}
	for _, l := range c.words("add_labels") {
		if !slices.Contains(labels, l) {
			labels = append(slices.Clone(labels), l)
		}
	}
	gone := c.words("remove_labels")
	s.relabel(c.project, t, c.me, slices.DeleteFunc(slices.Clone(labels), func(l string) bool { return slices.Contains(gone, l) }))
	switch event := c.field("state_event"); {
	case event == "close" && t.state == "opened":
		s.move(t, c.me, "closed")
	case event == "reopen" && t.state == "closed":
		s.move(t, c.me, "opened")
	}
}

// mergeStatus is why a merge request cannot be merged, in GitLab's words.
func (s *Server) mergeStatus(p *Project, t *thread) string {
	state := p.pipeline(p.headPipeline(t))
	switch {
	case t.state != "opened":
		return "not_open"
	case p.PipelineMustSucceed && state == "":
		return "ci_must_pass"
	case p.PipelineMustSucceed && (state == "pending" || state == "running"):
		return "ci_still_running"
	case p.PipelineMustSucceed && state != "success":
		return "ci_must_pass"
	case p.External && p.ExternalMust && t.responses[t.head] != "passed":
		return "status_checks_must_pass"
	case len(t.approved) < p.Approvals:
		return "not_approved"
	}
	return "mergeable"
}

// headPipeline is the commit and the number of the merge request's own
// pipeline; zero is that of the branch.
func (p *Project) headPipeline(t *thread) (string, int) {
	switch {
	case p.MergePipelines && p.MergeResults:
		return t.resultCommit, 9000 + t.iid
	case p.MergePipelines:
		return t.head, 9000 + t.iid
	}
	return t.head, 0
}

// pipeline is the state of all newest statuses of a commit in a pipeline.
func (p *Project) pipeline(sha string, id int) string {
	newest := map[string]*status{}
	for _, v := range p.statuses[sha] {
		if v.pipeline == id {
			newest[v.key()] = v
		}
	}
	state := ""
	rank := []string{"", "success", "running", "pending", "canceled", "failed"}
	for _, v := range newest {
		if !v.allowsFailure && slices.Index(rank, v.state) > slices.Index(rank, state) {
			state = v.state
		}
	}
	return state
}

func (s *Server) versions(c *call) reply {
	return c.about(func(t *thread) reply {
		out := []object{}
		for _, v := range slices.Backward(t.versions) {
			out = append(out, versionEntity(v, t))
		}
		return all(out)
	})
}
