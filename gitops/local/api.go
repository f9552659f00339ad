package local

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
)

const (
	apiPrefix = "/api/v1/repos/{repo}"
	pageSize  = 50
)

// The bodies of requests and answers of the API.
type (
	proposalPage struct {
		Proposals []gitops.Proposal `json:"proposals"`
		// Cursor is what to ask for next time; After is what to ask for now,
		// empty on the last page.
		Cursor string `json:"cursor"`
		After  string `json:"after,omitempty"`
	}
	issuePage struct {
		Issues []gitops.Issue `json:"issues"`
		After  string         `json:"after,omitempty"`
	}
	wish struct {
		Name   string             `json:"name,omitempty"`
		Reason string             `json:"reason,omitempty"`
		Text   string             `json:"text,omitempty"`
		Head   gitops.Commit      `json:"head,omitempty"`
		State  gitops.ReviewState `json:"state,omitempty"`
		Check  *gitops.Check      `json:"check,omitempty"`
		// Key makes a comment an answer, which is given once.
		Key string   `json:"key,omitempty"`
		Who []string `json:"who,omitempty"`
	}
	made struct {
		ID     string        `json:"id,omitempty"`
		Commit gitops.Commit `json:"commit,omitempty"`
	}
	problem struct {
		Message string `json:"message"`
		// Code is moved when looking again may help, denied when it will not.
		Code string `json:"code,omitempty"`
	}
)

// call is one request of the API by a known user to a known repository.
type call struct {
	*http.Request
	repo *repository
	by   gitops.Actor
}

// read decodes the body strictly: what is not understood is not done.
func (c call) read(w http.ResponseWriter, into any) error {
	d := json.NewDecoder(http.MaxBytesReader(w, c.Body, maxRequest))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return refuse(http.StatusBadRequest, "the request is not the JSON that is expected here")
	}
	return nil
}

func (s *Server) routeAPI(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/v1/user", func(w http.ResponseWriter, r *http.Request) {
		u := s.authorized(r)
		if u == nil {
			unauthorized(w)
			return
		}
		reply(w, http.StatusOK, u.actor)
	})
	handle := func(pattern string, f func(http.ResponseWriter, call) (any, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { s.serveCall(w, r, f) })
	}
	handle("GET "+apiPrefix+"/proposals", listProposals)
	handle("POST "+apiPrefix+"/proposals", postProposal)
	handle("GET "+apiPrefix+"/proposals/{id}", getProposal)
	handle("PATCH "+apiPrefix+"/proposals/{id}", patchProposal)
	handle("POST "+apiPrefix+"/proposals/{id}/reviews", wished(func(c call, w wish) error {
		return c.repo.review(c.by, c.PathValue("id"), w.State, w.Head)
	}))
	handle("POST "+apiPrefix+"/proposals/{id}/close", wished(func(c call, w wish) error {
		return c.repo.closeProposal(c.by, c.PathValue("id"), w.Text)
	}))
	handle("POST "+apiPrefix+"/proposals/{id}/merge", postMerge)
	handle("POST "+apiPrefix+"/proposals/{id}/requests", wished(func(c call, w wish) error {
		return c.repo.request(c.by, c.PathValue("id"), w.Who)
	}))
	handle("POST "+apiPrefix+"/commits/{commit}/statuses", wished(func(c call, w wish) error {
		if w.Check == nil {
			return refuse(http.StatusBadRequest, "the request has no check")
		}
		return c.repo.setCheck(c.by, gitops.Commit(c.PathValue("commit")), *w.Check)
	}))
	handle("GET "+apiPrefix+"/issues", listIssues)
	handle("POST "+apiPrefix+"/issues", postIssue)
	handle("POST "+apiPrefix+"/issues/{id}/close", wished(func(c call, _ wish) error {
		return c.repo.closeIssue(c.by, c.PathValue("id"))
	}))
	handle("POST "+apiPrefix+"/issues/{id}/reopen", wished(func(c call, _ wish) error {
		return c.repo.reopenIssue(c.by, c.PathValue("id"))
	}))
	handle("POST "+apiPrefix+"/issues/{id}/title", wished(func(c call, w wish) error {
		return c.repo.retitle(c.by, c.PathValue("id"), w.Text)
	}))
	handle("GET "+apiPrefix+"/protection", getProtection)
	for _, kind := range []string{"proposals", "issues"} {
		handle("POST "+apiPrefix+"/"+kind+"/{id}/comments", wished(func(c call, w wish) error {
			return c.repo.comment(c.by, c.PathValue("id"), w.Text, w.Key)
		}))
		handle("POST "+apiPrefix+"/"+kind+"/{id}/labels", wished(func(c call, w wish) error {
			return c.repo.addLabel(c.by, c.PathValue("id"), w.Name, w.Reason)
		}))
		handle("DELETE "+apiPrefix+"/"+kind+"/{id}/labels", func(_ http.ResponseWriter, c call) (any, error) {
			return made{}, c.repo.removeLabel(c.by, c.PathValue("id"), c.URL.Query().Get("name"))
		})
	}
}

func (s *Server) serveCall(w http.ResponseWriter, r *http.Request, f func(http.ResponseWriter, call) (any, error)) {
	u := s.authorized(r)
	if u == nil {
		unauthorized(w)
		return
	}
	repo := s.repository(r.PathValue("repo"))
	if repo == nil {
		reply(w, http.StatusNotFound, problem{Message: "there is no such repository"})
		return
	}
	out, err := f(w, call{Request: r, repo: repo, by: u.actor})
	if err != nil {
		status, text := answer(err)
		p := problem{Message: text}
		switch {
		case errors.Is(err, gitops.ErrMoved):
			p.Code = "moved"
		case errors.Is(err, gitops.ErrDenied):
			p.Code = "denied"
		}
		reply(w, status, p)
		return
	}
	reply(w, http.StatusOK, out)
}

func reply(w http.ResponseWriter, status int, body any) {
	header(w, "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client is gone
}

func wished(f func(call, wish) error) func(http.ResponseWriter, call) (any, error) {
	return func(w http.ResponseWriter, c call) (any, error) {
		var in wish
		if err := c.read(w, &in); err != nil {
			return nil, err
		}
		return made{}, f(c, in)
	}
}

func number(c call, name string) (int64, error) {
	text := c.URL.Query().Get(name)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, refuse(http.StatusBadRequest, "%s is no number", name)
	}
	return n, nil
}

func listProposals(_ http.ResponseWriter, c call) (any, error) {
	since, errSince := number(c, "since")
	after, errAfter := number(c, "after")
	if err := errors.Join(errSince, errAfter); err != nil {
		return nil, refuse(http.StatusBadRequest, "since or after is no number")
	}
	r := c.repo
	r.mu.Lock()
	defer r.mu.Unlock()
	out := proposalPage{Proposals: []gitops.Proposal{}, Cursor: strconv.FormatInt(r.state.seq, 10)}
	if since > r.state.seq {
		since = 0 // a cursor of another life of this forge
	}
	for _, t := range r.state.after(after) {
		if t.Issue || t.State != gitops.Open && t.endSeq <= since {
			continue
		}
		if len(out.Proposals) == pageSize {
			out.After = out.Proposals[pageSize-1].ID
			break
		}
		out.Proposals = append(out.Proposals, r.view(t))
	}
	return out, nil
}

func getProposal(_ http.ResponseWriter, c call) (any, error) {
	c.repo.mu.Lock()
	defer c.repo.mu.Unlock()
	t, err := c.repo.proposal(c.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return c.repo.view(t), nil
}

func postProposal(w http.ResponseWriter, c call) (any, error) {
	var d draft
	if err := c.read(w, &d); err != nil {
		return nil, err
	}
	id, err := c.repo.open(c.by, d)
	if err != nil {
		return nil, err
	}
	c.repo.mu.Lock()
	defer c.repo.mu.Unlock()
	t, err := c.repo.proposal(id)
	if err != nil {
		return nil, err
	}
	return c.repo.view(t), nil
}

func patchProposal(w http.ResponseWriter, c call) (any, error) {
	var d draft
	if err := c.read(w, &d); err != nil {
		return nil, err
	}
	return made{}, c.repo.edit(c.by, c.PathValue("id"), d)
}

func postMerge(w http.ResponseWriter, c call) (any, error) {
	var in wish
	if err := c.read(w, &in); err != nil {
		return nil, err
	}
	commit, err := c.repo.merge(c.by, c.PathValue("id"), in.Head)
	if err != nil {
		return nil, fmt.Errorf("merge: %w", err)
	}
	return made{Commit: commit}, nil
}

func postIssue(w http.ResponseWriter, c call) (any, error) {
	var d draft
	if err := c.read(w, &d); err != nil {
		return nil, err
	}
	id, err := c.repo.openIssue(c.by, d)
	return made{ID: id}, err
}

// listIssues lists the issues that pause, as the caller sees it, and those of
// ?known=.
func listIssues(_ http.ResponseWriter, c call) (any, error) {
	after, err := number(c, "after")
	if err != nil {
		return nil, err
	}
	known := strings.Split(c.URL.Query().Get("known"), ",")
	c.repo.mu.Lock()
	defer c.repo.mu.Unlock()
	out := issuePage{Issues: []gitops.Issue{}}
	now := time.Now()
	for _, t := range c.repo.state.after(after) {
		if !t.Issue || !t.paused() && !slices.Contains(known, t.ID) {
			continue
		}
		i := c.repo.tell(t)
		if _, in, _ := gitops.Stands(i, c.by.Name, now, nil); !in && !slices.Contains(known, t.ID) {
			continue
		}
		if len(out.Issues) == pageSize {
			out.After = out.Issues[pageSize-1].ID
			break
		}
		out.Issues = append(out.Issues, i)
	}
	return out, nil
}

func getProtection(_ http.ResponseWriter, c call) (any, error) {
	p := gitops.Protection{
		Branch: c.repo.protected, Permission: c.by.Permission, Protected: true,
		BotPushes: may(c.by, gitops.PermissionAdmin), Methods: []string{"merge"},
		Checks: []gitops.RequiredCheck{{Name: gitops.CheckName, Bound: "accounts of programs", Ours: c.by.Bot}},
		Bypass: []string{"whoever has admin permission may push to branch " + c.repo.protected},
	}
	if !may(c.by, gitops.PermissionWrite) {
		p.Lacks = []string{"write"}
	}
	return p, nil
}
