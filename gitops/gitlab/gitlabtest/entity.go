package gitlabtest

import (
	"fmt"
	"time"
)

func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func (s *Server) base() string { return "http://gitlab.example.com" + s.options.Path }

func person(u *User) any {
	if u == nil {
		return nil
	}
	return object{"id": u.ID, "username": u.Name, "name": u.Name, "state": "active", "locked": false, "web_url": "https://gitlab.example.com/" + u.Name}
}

func people(list []*User) []any {
	out := []any{}
	for _, u := range list {
		out = append(out, person(u))
	}
	return out
}

func (s *Server) projectEntity(p *Project, me *User) object {
	access := "enabled"
	if !p.Issues {
		access = "disabled"
	}
	return object{
		"id": p.ID, "name": p.Path, "path_with_namespace": p.Path, "default_branch": p.Branch, "visibility": "private",
		"web_url": s.base() + "/" + p.Path, "issues_enabled": p.Issues, "issues_access_level": access, "merge_requests_enabled": true,
		"only_allow_merge_if_pipeline_succeeds": p.PipelineMustSucceed, "allow_merge_on_skipped_pipeline": false, "only_allow_merge_if_all_status_checks_passed": p.ExternalMust,
		"merge_method": "merge", "squash_option": "default_off", "merge_trains_enabled": p.Trains, "merge_pipelines_enabled": p.Trains || p.MergeResults,
		"permissions": object{"project_access": object{"access_level": me.Level}, "group_access": nil},
	}
}

func (s *Server) mergeEntity(p *Project, t *thread, whole bool) object {
	reviewers := []*User{}
	for _, r := range t.reviewers {
		reviewers = append(reviewers, r.who)
	}
	o := object{
		"id": t.id, "iid": t.iid, "project_id": p.ID, "title": t.title, "description": t.description, "state": t.state,
		"created_at": stamp(t.created), "updated_at": stamp(t.updated), "merged_at": nil, "merge_user": nil, "closed_at": nil, "closed_by": nil,
		"source_branch": t.source, "target_branch": t.target, "source_project_id": t.sourceProject, "target_project_id": p.ID,
		"author": person(t.author), "assignees": people(t.assignees), "reviewers": people(reviewers), "labels": names(t.labels),
		"draft": false, "sha": text(t.head), "merge_commit_sha": text(t.mergeCommit), "squash_commit_sha": nil,
		"merge_when_pipeline_succeeds": t.autoMerge != nil, "detailed_merge_status": s.mergeStatus(p, t), "user_notes_count": 0,
		"web_url": fmt.Sprintf("%s/%s/-/merge_requests/%d", s.base(), p.Path, t.iid), "has_conflicts": false,
	}
	switch t.state {
	case "merged":
		o["merged_at"], o["merge_user"] = stamp(t.ended), person(t.endedBy)
	case "closed":
		o["closed_at"], o["closed_by"] = stamp(t.ended), person(t.endedBy)
	}
	if sha, id := p.headPipeline(t); whole && id != 0 {
		o["head_pipeline"] = object{"id": id, "sha": sha, "source": "merge_request_event", "status": p.pipeline(sha, id)}
	}
	if whole && len(t.versions) > 0 {
		v := t.versions[len(t.versions)-1]
		o["diff_refs"] = object{"base_sha": v.base, "head_sha": v.head, "start_sha": v.base}
	}
	return o
}

func (s *Server) issueEntity(p *Project, t *thread) object {
	o := object{
		"id": t.id, "iid": t.iid, "project_id": p.ID, "title": t.title, "description": text(t.description), "state": t.state,
		"created_at": stamp(t.created), "updated_at": stamp(t.updated), "closed_at": nil, "closed_by": nil, "author": person(t.author),
		"labels": names(t.labels), "web_url": fmt.Sprintf("%s/%s/-/issues/%d", s.base(), p.Path, t.iid), "confidential": false,
		"issue_type": "issue", "type": "ISSUE", "user_notes_count": 0,
	}
	if t.state == "closed" {
		o["closed_at"], o["closed_by"] = stamp(t.ended), person(t.endedBy)
	}
	return o
}

//nolint:misspell // GitLab's own word
func noteEntity(n *note, t *thread) object {
	kind := "MergeRequest"
	if t.issue {
		kind = "Issue"
	}
	return object{
		"id": n.id, "body": n.body, "author": person(n.author), "system": n.system, "created_at": stamp(n.at), "updated_at": stamp(later(n.at, n.edited)),
		"noteable_id": t.id, "noteable_type": kind, "noteable_iid": t.iid, "resolvable": false, "internal": false,
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func eventEntity(e *event, t *thread) object {
	kind := "MergeRequest"
	if t.issue {
		kind = "Issue"
	}
	o := object{"id": e.id, "user": person(e.by), "created_at": stamp(e.at), "resource_type": kind, "resource_id": t.id}
	if e.label == "" {
		o["state"] = e.action
		return o
	}
	o["action"], o["label"] = e.action, object{"id": int(sum([]byte(e.label)) % 100000), "name": e.label, "color": "#6699cc", "description": nil}
	return o
}

func versionEntity(v *version, t *thread) object {
	return object{
		"id": v.id, "head_commit_sha": v.head, "base_commit_sha": v.base, "start_commit_sha": v.base, "created_at": stamp(v.at),
		"merge_request_id": t.id, "state": "collected", "real_size": "1",
	}
}

func statusEntity(v *status, sha string) object {
	return object{
		"id": v.id, "sha": sha, "ref": v.ref, "status": v.state, "name": v.name, "target_url": text(v.target), "description": text(v.text),
		"created_at": stamp(v.at), "started_at": nil, "finished_at": nil, "allow_failure": v.allowsFailure, "coverage": nil, "pipeline_id": max(v.pipeline, 1), "author": person(v.by),
	}
}

func (s *Server) approvalsEntity(t *thread, me *User) object {
	by, mine := []object{}, false
	for _, a := range t.approved {
		by = append(by, object{"user": person(a.by), "approved_at": stamp(a.at)})
		mine = mine || a.by == me
	}
	return object{"user_has_approved": mine, "user_can_approve": !mine && t.author != me && me.Level >= developer, "approved": len(by) > 0, "approved_by": by}
}

func names(list []string) []string { return append([]string{}, list...) }
