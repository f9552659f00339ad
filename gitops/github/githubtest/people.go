package githubtest

import (
	"net/http"
	"slices"
)

func (s *Server) peopleRoutes() []route {
	return []route{
		{"GET /user", func(c *call) reply {
			if c.who == Bot || c.who == "app" {
				return refuse(http.StatusForbidden, "Resource not accessible by integration")
			}
			o := c.user(c.who)
			for _, name := range []string{"name", "company", "blog", "location", "email", "hireable", "bio"} {
				o[name] = nil
			}
			o["blog"], o["created_at"], o["updated_at"] = "", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"
			for _, name := range []string{"public_repos", "public_gists", "followers", "following", "private_gists", "total_private_repos", "owned_private_repos", "disk_usage", "collaborators"} {
				o[name] = 0
			}
			o["two_factor_authentication"], o["user_view_type"] = true, "private"
			return ok(o)
		}},
		{"GET /repos/{owner}/{repo}/collaborators/{username}/permission", (*call).permission},
		{"GET /rate_limit", func(c *call) reply {
			one := func(name string) object {
				b := c.rates[name]
				return object{"limit": b.Limit, "remaining": b.Remaining, "reset": b.Reset.Unix(), "used": b.Limit - b.Remaining}
			}
			return ok(object{"rate": one("core"), "resources": object{"core": one("core"), "search": one("core"), "graphql": one("graphql")}})
		}},
	}
}

func (c *call) permission() reply {
	name := c.r.PathValue("username")
	role := c.role(name)
	if c.state.users[name] == nil {
		return missing()
	}
	permission := map[string]string{"none": "none", "read": "read", "triage": "read", "write": "write", "maintain": "write", "admin": "admin"}[role]
	u := c.user(name)
	u["permissions"] = object{"pull": true, "push": permission == "write", "admin": role == "admin", "triage": true, "maintain": role == "maintain"}
	u["role_name"] = role
	return ok(object{"permission": permission, "role_name": role, "user": u})
}

// user is an account as REST renders it.
func (s *Server) user(login string) object {
	kind, id := "User", 100
	if u := s.state.users[login]; u != nil && u.Bot {
		kind = "Bot"
	}
	if login == Owner {
		kind, id = "Organization", 1
	}
	o := object{"login": login, "id": id + len(login), "node_id": "U_" + login, "gravatar_id": "", "type": kind, "site_admin": false}
	return s.urls(o, "avatar_url", "url", "html_url", "followers_url", "following_url", "gists_url", "starred_url", "subscriptions_url",
		"organizations_url", "repos_url", "events_url", "received_events_url")
}

func (s *Server) team(slug string) object {
	o := object{
		"id": 5, "node_id": "T_5", "name": slug, "slug": slug, "description": nil, "privacy": "closed", "permission": "push", "parent": nil,
		"notification_setting": "notifications_enabled", "members_url": s.url("/m"), "type": "organization", "organization_id": 1,
	}
	return s.urls(o, "url", "html_url", "repositories_url")
}

// members are the people of a team.
func (s *Server) teamsOf(logins []string) []string {
	var out []string
	for _, name := range logins {
		if u := s.state.users[name]; u != nil {
			out = append(out, u.Teams...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (s *Server) url(path string) string { return s.URL + path }

// api is the address of something below the repository, which clients follow.
func (s *Server) api(path string) string {
	return s.URL + "/api/v3/repos/" + Owner + "/" + Name + path
}

// urls fills in addresses that nobody follows.
func (s *Server) urls(o object, fields ...string) object {
	for _, name := range fields {
		if _, has := o[name]; !has {
			o[name] = s.url("/" + name)
		}
	}
	return o
}
