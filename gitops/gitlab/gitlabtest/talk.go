package gitlabtest

import (
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

func (s *Server) listNotes(c *call) reply {
	return c.about(func(t *thread) reply {
		out := []object{}
		for _, n := range t.notes {
			out = append(out, noteEntity(n, t))
		}
		if c.URL.Query().Get("sort") != "asc" {
			slices.Reverse(out)
		}
		return all(out)
	})
}

func (s *Server) createNote(c *call) reply {
	return c.about(func(t *thread) reply {
		n := &note{id: s.number(), body: c.field("body"), author: c.me, at: s.now()}
		t.notes = append(t.notes, n)
		t.touch(n.at)
		return created(noteEntity(n, t))
	})
}

func (s *Server) labelEvents(c *call) reply {
	return c.about(func(t *thread) reply {
		out := []object{}
		for _, e := range t.labelEvents {
			out = append(out, eventEntity(e, t))
		}
		return all(out)
	})
}

func (s *Server) stateEvents(c *call) reply {
	return c.about(func(t *thread) reply {
		out := []object{}
		for _, e := range t.stateEvents {
			out = append(out, eventEntity(e, t))
		}
		return all(out)
	})
}

func (s *Server) listIssues(c *call) reply {
	if !c.project.Issues {
		return refuse(http.StatusForbidden, "403 Forbidden")
	}
	out := []object{}
	for _, t := range pick(c.project.issues, c, func(*thread) bool { return true }) {
		out = append(out, s.issueEntity(c.project, t))
	}
	return all(out)
}

func (s *Server) createIssue(c *call) reply {
	p := c.project
	if !p.Issues {
		return refuse(http.StatusForbidden, "403 Forbidden")
	}
	now := s.now()
	t := &thread{
		id: s.number(), iid: len(p.issues) + 1, issue: true, title: c.field("title"), description: c.field("description"),
		state: "opened", author: c.me, created: now, updated: now,
	}
	p.issues = append(p.issues, t)
	if c.me.Level >= reporter { // guests' labels are dropped, as GitLab does
		s.relabel(p, t, c.me, c.words("labels"))
	}
	return created(s.issueEntity(p, t))
}

func (s *Server) getIssue(c *call) reply {
	return c.about(func(t *thread) reply { return ok(s.issueEntity(c.project, t)) })
}

func (s *Server) updateIssue(c *call) reply {
	return c.about(func(t *thread) reply {
		if c.me.Level < reporter && c.me != t.author {
			return refuse(http.StatusForbidden, "403 Forbidden")
		}
		s.edit(c, t)
		return ok(s.issueEntity(c.project, t))
	})
}

func (s *Server) listLabels(c *call) reply {
	out := []object{}
	for i, l := range c.project.labels {
		out = append(out, object{"id": i + 1, "name": l, "color": "#6699cc", "description": nil, "priority": nil, "subscribed": false, "is_project_label": true})
	}
	return all(out)
}

func (s *Server) listStatuses(c *call) reply {
	sha := c.PathValue("sha")
	newest := map[string]*status{}
	for _, v := range c.project.statuses[sha] {
		newest[v.key()] = v
	}
	out := []object{}
	for _, v := range c.project.statuses[sha] {
		if c.URL.Query().Get("all") == "true" || newest[v.key()] == v {
			out = append(out, statusEntity(v, sha))
		}
	}
	return all(out)
}

// setStatus changes the running status of that name and author, or begins
// another. A status cannot go to the state it is in.
func (s *Server) setStatus(c *call) reply {
	p, sha, state := c.project, c.PathValue("sha"), c.field("state")
	if _, err := p.repo.run(nil, "cat-file", "-e", sha+"^{commit}"); err != nil {
		return refuse(http.StatusNotFound, "404 Commit Not Found")
	}
	if c.me.Level < developer {
		return refuse(http.StatusForbidden, "403 Forbidden")
	}
	name := c.field("name")
	if name == "" {
		name = c.field("context")
	}
	if utf8.RuneCountInString(c.field("description")) > maxTitle {
		return refuse(http.StatusBadRequest, object{"description": []string{"is too long (maximum is 255 characters)"}})
	}
	v, begun := s.status(p, sha, status{name: name, by: c.me, ref: c.field("ref"), pipeline: atoi(c.field("pipeline_id"), 0)})
	if !begun && (v.state == state || v.state == "running" && state == "pending") {
		return refuse(http.StatusBadRequest, "Cannot transition status via :enqueue from :"+v.state+" (Reason(s): Status cannot transition via \"enqueue\")")
	}
	v.state, v.text, v.target = state, c.field("description"), c.field("target_url")
	v.finished = state == "success" || state == "failed" || state == "canceled"
	if err := s.settle(p, sha); err != nil {
		return refuse(http.StatusInternalServerError, err.Error())
	}
	return created(statusEntity(v, sha))
}

// status is the one of that name and author that is not finished, or one that
// is begun here.
func (s *Server) status(p *Project, sha string, want status) (v *status, begun bool) {
	for _, old := range p.statuses[sha] {
		if old.name == want.name && old.by == want.by && old.ref == want.ref && old.pipeline == want.pipeline && !old.finished {
			v = old
		}
	}
	if v != nil {
		return v, false
	}
	want.id, want.at = s.number(), s.now()
	if p.statuses == nil {
		p.statuses = map[string][]*status{}
	}
	p.statuses[sha] = append(p.statuses[sha], &want)
	return &want, true
}

func (s *Server) getBranch(c *call) reply {
	name := c.PathValue("branch")
	heads, err := c.project.repo.heads()
	if err != nil || heads[name] == "" {
		return refuse(http.StatusNotFound, "404 Branch Not Found")
	}
	return ok(object{"name": name, "commit": object{"id": heads[name]}, "merged": false, "protected": name == c.project.Branch, "default": name == c.project.Branch})
}

func (s *Server) deleteBranch(c *call) reply {
	name := c.PathValue("branch")
	heads, err := c.project.repo.heads()
	switch {
	case err != nil || heads[name] == "":
		return refuse(http.StatusNotFound, "404 Branch Not Found")
	case c.me.Level < developer || strings.EqualFold(name, c.project.Branch):
		return refuse(http.StatusForbidden, "403 Forbidden")
	}
	if _, err := c.project.repo.run(nil, "update-ref", "-d", "refs/heads/"+name); err != nil {
		return refuse(http.StatusInternalServerError, err.Error())
	}
	return reply{status: http.StatusNoContent}
}
