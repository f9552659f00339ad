package gitlabtest

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
)

// externalID is the number of the external status check.
const externalID = 77

// statusChecks lists what external status checks say about a merge request.
// Editions without such checks know nothing of the address.
func (s *Server) statusChecks(c *call) reply {
	if !c.project.External {
		return missing()
	}
	return c.about(func(t *thread) reply {
		return all([]object{{"id": externalID, "name": "waveguide", "external_url": "https://waveguide.example.com/hooks/gitlab", "status": cmp.Or(t.responses[t.head], "pending")}})
	})
}

func (s *Server) respond(c *call) reply {
	switch {
	case !c.project.External:
		return missing()
	case c.me.Level < developer:
		return refuse(http.StatusForbidden, "403 Forbidden")
	}
	return c.about(func(t *thread) reply {
		said := c.field("status")
		switch {
		case c.field("external_status_check_id") != strconv.Itoa(externalID):
			return missing()
		case c.field("sha") != t.head:
			return refuse(http.StatusConflict, "sha does not match the head of the merge request")
		case !slices.Contains([]string{"passed", "failed", "pending"}, said):
			return refuse(http.StatusBadRequest, "status does not have a valid value")
		case t.responses == nil:
			t.responses = map[string]string{}
		}
		t.responses[t.head] = said
		return created(object{"id": 1, "merge_request": object{"iid": t.iid}, "external_status_check": object{"id": externalID}})
	})
}

// externalChecks tells maintainers alone.
func (s *Server) externalChecks(c *call) reply {
	switch {
	case !c.project.External:
		return missing()
	case c.me.Level < maintainer:
		return refuse(http.StatusForbidden, "403 Forbidden")
	}
	return all([]object{{"id": externalID, "name": "waveguide", "project_id": c.project.ID, "external_url": "https://waveguide.example.com/hooks/gitlab", "hmac": true, "protected_branches": []object{}}})
}

func (s *Server) mergesOf(c *call) reply {
	var out []object
	for _, t := range c.project.merges {
		if t.head == c.PathValue("sha") {
			out = append(out, s.mergeEntity(c.project, t, false))
		}
	}
	return all(out)
}
