package gitlabtest

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
)

func (s *Server) accept(c *call) reply {
	p := c.project
	return c.about(func(t *thread) reply {
		why := s.mergeStatus(p, t)
		switch sha := c.field("sha"); {
		case c.me.Level < p.MergeLevel:
			return refuse(http.StatusUnauthorized, "401 Unauthorized")
		case t.state != "opened":
			return refuse(http.StatusMethodNotAllowed, "405 Method Not Allowed")
		case sha != "" && sha != t.head:
			return refuse(http.StatusConflict, "SHA does not match HEAD of source branch: "+t.head)
		case c.field("auto_merge") == "true" && (why == "ci_still_running" || p.Trains && why == "mergeable"):
			t.autoMerge, t.updated = c.me, s.now()
			return ok(s.mergeEntity(p, t, true))
		case why != "mergeable":
			return refuse(http.StatusMethodNotAllowed, "405 Method Not Allowed")
		}
		if err := s.merge(p, t, c.me); errors.Is(err, errConflict) {
			return refuse(http.StatusUnprocessableEntity, "Branch cannot be merged")
		} else if err != nil {
			return refuse(http.StatusInternalServerError, err.Error())
		}
		if c.field("should_remove_source_branch") == "true" {
			if _, err := p.repo.run(nil, "update-ref", "-d", "refs/heads/"+t.source); err != nil {
				return refuse(http.StatusInternalServerError, err.Error())
			}
		}
		return ok(s.mergeEntity(p, t, true))
	})
}

func (s *Server) merge(p *Project, t *thread, by *User) error {
	id, err := p.repo.merge(t.target, t.head, fmt.Sprintf("Merge branch '%s' into '%s'\n\n%s\n\nSee merge request %s!%d\n", t.source, t.target, t.title, p.Path, t.iid))
	if err != nil {
		return err
	}
	t.mergeCommit, t.autoMerge = id, nil
	s.move(t, by, "merged")
	return nil
}

// enqueue puts a merge request on the train: its merge result, on top of
// those before it, is what its pipeline tests.
func (s *Server) enqueue(c *call) reply {
	p := c.project
	return c.about(func(t *thread) reply {
		switch sha := c.field("sha"); {
		case !p.Trains:
			return refuse(http.StatusForbidden, "403 Forbidden")
		case c.me.Level < p.MergeLevel:
			return refuse(http.StatusForbidden, "403 Forbidden")
		case sha != "" && sha != t.head:
			return refuse(http.StatusConflict, "SHA does not match HEAD of source branch: "+t.head)
		case t.state != "opened" || slices.Contains(p.train, t) || s.mergeStatus(p, t) != "mergeable":
			return refuse(http.StatusBadRequest, "The merge request is not mergeable")
		}
		onto := "refs/heads/" + t.target
		if len(p.train) > 0 {
			onto = p.train[len(p.train)-1].trainCommit
		}
		id, err := p.repo.result(onto, t.head, "train")
		if err != nil {
			return refuse(http.StatusBadRequest, err.Error())
		}
		t.trainCommit, t.autoMerge = id, c.me
		p.train = append(p.train, t)
		return created([]object{s.car(p, t)})
	})
}

func (s *Server) car(p *Project, t *thread) object {
	return object{
		"id": t.id, "merge_request": object{"id": t.id, "iid": t.iid, "project_id": p.ID, "title": t.title, "state": t.state}, "user": person(t.autoMerge),
		"pipeline": object{"id": t.id, "sha": t.trainCommit, "status": "running"}, "target_branch": t.target, "status": "fresh",
	}
}

func (s *Server) getCar(c *call) reply {
	return c.about(func(t *thread) reply {
		if !slices.Contains(c.project.train, t) {
			return missing()
		}
		return ok(s.car(c.project, t))
	})
}

func (s *Server) listTrain(c *call) reply {
	out := []object{}
	for _, t := range c.project.train {
		out = append(out, s.car(c.project, t))
	}
	return all(out)
}

// depart merges the cars whose pipelines are green, from the front.
func (s *Server) depart(p *Project) error {
	for len(p.train) > 0 && p.pipeline(p.train[0].trainCommit, 0) == "success" {
		t := p.train[0]
		p.train = p.train[1:]
		if err := s.merge(p, t, t.autoMerge); err != nil {
			return err
		}
	}
	return nil
}

// settle merges what was waiting for a commit's pipeline.
func (s *Server) settle(p *Project, sha string) error {
	for _, t := range p.merges {
		if t.head == sha && t.autoMerge != nil && !slices.Contains(p.train, t) && s.mergeStatus(p, t) == "mergeable" {
			if err := s.merge(p, t, t.autoMerge); err != nil {
				return err
			}
		}
	}
	return s.depart(p)
}
