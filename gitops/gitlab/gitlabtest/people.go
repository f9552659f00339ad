package gitlabtest

import (
	"net/http"
	"slices"
	"strconv"
)

func (s *Server) user(c *call) reply {
	return ok(object{
		"id": c.me.ID, "username": c.me.Name, "name": c.me.Name, "state": "active", "bot": c.me.Bot, "email": c.me.Name + "@example.com",
		"web_url": "https://gitlab.example.com/" + c.me.Name, "created_at": "2026-01-01T08:00:00.000Z",
	})
}

func (s *Server) version(*call) reply {
	return ok(object{"version": "18.5.0-ee", "revision": "0123456789a", "enterprise": true, "kas": object{"enabled": false, "externalUrl": nil, "version": nil}})
}

func (s *Server) getUser(c *call) reply {
	for i := range s.options.Users {
		if u := &s.options.Users[i]; strconv.Itoa(u.ID) == c.PathValue("user") {
			o, _ := person(u).(object)
			o["bot"] = u.Bot
			return ok(o)
		}
	}
	return missing()
}

func (s *Server) getProject(c *call) reply { return ok(s.projectEntity(c.project, c.me)) }

func memberEntity(u *User) object {
	o, _ := person(u).(object)
	o["access_level"], o["created_at"], o["expires_at"], o["membership_state"] = u.Level, "2026-01-01T08:00:00.000Z", nil, "active"
	return o
}

func (s *Server) members(c *call) reply {
	out := []object{}
	for i := range s.options.Users {
		u := &s.options.Users[i]
		if q := c.URL.Query().Get("query"); u.Level > 0 && (q == "" || q == u.Name) {
			out = append(out, memberEntity(u))
		}
	}
	return all(out)
}

func (s *Server) member(c *call) reply {
	for i := range s.options.Users {
		if u := &s.options.Users[i]; strconv.Itoa(u.ID) == c.PathValue("user") && u.Level > 0 {
			return ok(memberEntity(u))
		}
	}
	return refuse(http.StatusNotFound, "404 Not found")
}

func (s *Server) groupMember(c *call) reply {
	for i := range s.options.Users {
		u := &s.options.Users[i]
		if strconv.Itoa(u.ID) == c.PathValue("user") && slices.Contains(u.Groups, c.PathValue("group")) {
			return ok(memberEntity(u))
		}
	}
	return refuse(http.StatusNotFound, "404 Not found")
}

func (s *Server) approvals(c *call) reply {
	return c.about(func(t *thread) reply { return ok(s.approvalsEntity(t, c.me)) })
}

func (s *Server) approve(c *call) reply {
	return c.about(func(t *thread) reply {
		has := slices.ContainsFunc(t.approved, func(a approval) bool { return a.by == c.me })
		switch sha := c.field("sha"); {
		case c.me.Level < developer, c.me == t.author, has:
			return refuse(http.StatusUnauthorized, "401 Unauthorized")
		case sha != "" && sha != t.head:
			return refuse(http.StatusConflict, "SHA does not match HEAD of source branch: "+t.head)
		}
		t.approved = append(t.approved, approval{c.me, s.now()})
		s.note(t, c.me, "approved this merge request")
		return created(s.approvalsEntity(t, c.me))
	})
}

func (s *Server) unapprove(c *call) reply {
	return c.about(func(t *thread) reply {
		before := len(t.approved)
		t.approved = slices.DeleteFunc(t.approved, func(a approval) bool { return a.by == c.me })
		if len(t.approved) == before {
			return refuse(http.StatusNotFound, "404 Not found")
		}
		s.note(t, c.me, "unapproved this merge request")
		return created(s.approvalsEntity(t, c.me))
	})
}

func (s *Server) reviewers(c *call) reply {
	return c.about(func(t *thread) reply {
		out := []object{}
		for _, r := range t.reviewers {
			out = append(out, object{"user": person(r.who), "state": r.state, "created_at": stamp(r.at)})
		}
		return all(out)
	})
}

func level(n int) object {
	name := map[int]string{0: "No one", developer: "Developers + Maintainers", maintainer: "Maintainers"}[n]
	return object{"id": n + 1, "access_level": n, "access_level_description": name, "user_id": nil, "group_id": nil}
}

func (s *Server) protectedBranches(c *call) reply {
	p := c.project
	if c.me.Level < developer {
		return refuse(http.StatusForbidden, "403 Forbidden")
	}
	return all([]object{{
		"id": 1, "name": p.Branch, "push_access_levels": []object{level(p.PushLevel)}, "merge_access_levels": []object{level(p.MergeLevel)},
		"unprotect_access_levels": []object{}, "allow_force_push": false, "code_owner_approval_required": p.CodeOwners,
	}})
}

func (s *Server) approvalRules(c *call) reply {
	if c.project.Approvals == 0 {
		return all([]object{})
	}
	return all([]object{{"id": 1, "name": "All Members", "rule_type": "any_approver", "eligible_approvers": []object{}, "approvals_required": c.project.Approvals, "users": []object{}, "groups": []object{}, "contains_hidden_groups": false, "protected_branches": []object{}}})
}

func (s *Server) approvalSettings(c *call) reply {
	return ok(object{"approvals_before_merge": 0, "reset_approvals_on_push": c.project.ResetApprovals, "disable_overriding_approvers_per_merge_request": true, "merge_requests_author_approval": false, "merge_requests_disable_committers_approval": true})
}

// Push makes a commit on top of the protected branch, as Git would receive
// it, and puts it on a branch. Pushing to the protected branch goes on there.
func (s *Server) Push(p *Project, who, branch string, files map[string]string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	heads, err := p.repo.heads()
	if err != nil {
		return "", err
	}
	id, err := p.repo.commit(branch, heads[p.Branch], who, files)
	if err != nil {
		return "", err
	}
	return id, p.refresh(s)
}
