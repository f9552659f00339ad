package gitlabtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Options say what the server holds.
type Options struct {
	// Dir is where repositories live.
	Dir string
	// Path is under which part of its URLs the server is installed, such as "/git".
	Path string
	// Users may sign in.
	Users []User
	// Now is the server's clock; nil is the machine's.
	Now func() time.Time
	// Report is told of every request and answer that GitLab's description
	// does not allow.
	Report func(violation string)
}

// User is somebody with a token.
type User struct {
	ID    int
	Name  string
	Token string
	// Level is the access level in every project: 30 develops, 40 maintains.
	Level int
	Bot   bool
	// Groups are the full paths of groups the user is in.
	Groups []string
}

// Server is a GitLab.
type Server struct {
	options  Options
	contract *contract
	mux      *http.ServeMux

	mu       sync.Mutex
	projects map[string]*Project
	serial   int
	calls    map[string]int
	limit    *limit
	last     time.Time
}

// New makes a server without projects.
func New(o Options) (*Server, error) {
	c, err := readContract()
	if err != nil {
		return nil, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Server{options: o, contract: c, projects: map[string]*Project{}, calls: map[string]int{}, mux: http.NewServeMux()}
	for pattern, h := range s.routes() {
		s.mux.Handle(pattern, s.handle(pattern, h))
	}
	return s, nil
}

// call is one request to the API.
type call struct {
	*http.Request
	me      *User
	project *Project
	fields  map[string]any
}

// reply is one answer; total pages a list that the handler gives whole.
type reply struct {
	status int
	body   any
	list   bool
}

type handler func(*call) reply

func ok(body any) reply      { return reply{status: http.StatusOK, body: body} }
func created(body any) reply { return reply{status: http.StatusCreated, body: body} }
func refuse(status int, message any) reply {
	return reply{status: status, body: object{"message": message}}
}
func missing() reply { return refuse(http.StatusNotFound, "404 Not found") }

func all[T any](items []T) reply {
	if items == nil {
		items = []T{}
	}
	return reply{status: http.StatusOK, body: items, list: true}
}

// object is an entity as JSON.
type object = map[string]any

func (s *Server) routes() map[string]handler {
	const project = "/api/v4/projects/{id}"
	const mr = project + "/merge_requests/{iid}"
	const issue = project + "/issues/{iid}"
	routes := map[string]handler{
		"GET /api/v4/user":                                            s.user,
		"GET /api/v4/version":                                         s.version,
		"GET /api/v4/metadata":                                        s.version,
		"GET /api/v4/users/{user}":                                    s.getUser,
		"GET /api/v4/groups/{group}/members/all/{user}":               s.groupMember,
		"GET " + project:                                              s.getProject,
		"GET " + project + "/members/all":                             s.members,
		"GET " + project + "/members/all/{user}":                      s.member,
		"GET " + project + "/merge_requests":                          s.listMerges,
		"POST " + project + "/merge_requests":                         s.createMerge,
		"GET " + mr:                                                   s.getMerge,
		"PUT " + mr:                                                   s.updateMerge,
		"PUT " + mr + "/merge":                                        s.accept,
		"GET " + mr + "/versions":                                     s.versions,
		"GET " + mr + "/status_checks":                                s.statusChecks,
		"POST " + mr + "/status_check_responses":                      s.respond,
		"GET " + project + "/external_status_checks":                  s.externalChecks,
		"GET " + project + "/repository/commits/{sha}/merge_requests": s.mergesOf,
		"GET " + mr + "/approvals":                                    s.approvals,
		"POST " + mr + "/approve":                                     s.approve,
		"POST " + mr + "/unapprove":                                   s.unapprove,
		"GET " + mr + "/reviewers":                                    s.reviewers,
		"POST " + project + "/merge_trains/merge_requests/{iid}":      s.enqueue,
		"GET " + project + "/merge_trains/merge_requests/{iid}":       s.getCar,
		"GET " + project + "/merge_trains/{branch}":                   s.listTrain,
		"GET " + issue:                                                s.getIssue,
		"PUT " + issue:                                                s.updateIssue,
		"GET " + project + "/issues":                                  s.listIssues,
		"POST " + project + "/issues":                                 s.createIssue,
		"GET " + project + "/labels":                                  s.listLabels,
		"GET " + project + "/repository/commits/{sha}/statuses":       s.listStatuses,
		"POST " + project + "/statuses/{sha}":                         s.setStatus,
		"GET " + project + "/repository/branches/{branch}":            s.getBranch,
		"DELETE " + project + "/repository/branches/{branch}":         s.deleteBranch,
		"GET " + project + "/protected_branches":                      s.protectedBranches,
		"GET " + project + "/approval_rules":                          s.approvalRules,
		"GET " + project + "/approvals":                               s.approvalSettings,
	}
	for _, thread := range []string{mr, issue} {
		routes["GET "+thread+"/notes"] = s.listNotes
		routes["POST "+thread+"/notes"] = s.createNote
		routes["GET "+thread+"/resource_label_events"] = s.labelEvents
		routes["GET "+thread+"/resource_state_events"] = s.stateEvents
	}
	return routes
}

// ServeHTTP implements [http.Handler]: the API below /api/v4 and Git elsewhere.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	inside := http.StripPrefix(s.options.Path, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/api/v4/") {
			s.api(w, r)
			return
		}
		s.git(w, r)
	}))
	inside.ServeHTTP(w, r)
}

// api checks request and answer and keeps the limit.
func (s *Server) api(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 4<<20))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.Body = readCloser{bytes.NewReader(body)}
	if s.limited(w) {
		return
	}
	route, err := s.contract.request(r, body)
	s.report(err)
	r.Body = readCloser{bytes.NewReader(body)}
	rec := httptest.NewRecorder()
	s.mux.ServeHTTP(rec, r)
	s.report(s.contract.answer(route, rec.Code, rec.Body.Bytes()))
	maps.Copy(w.Header(), rec.Header())
	w.WriteHeader(rec.Code)
	_, _ = w.Write(rec.Body.Bytes()) // the client went away
}

func (s *Server) report(err error) {
	if err != nil && s.options.Report != nil {
		s.options.Report(err.Error())
	}
}

// handle finds out who asks about which project, and writes the answer.
func (s *Server) handle(pattern string, h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.calls[pattern]++
		c := &call{Request: r, me: s.bearer(r), fields: map[string]any{}}
		w.Header().Set("Date", s.options.Now().UTC().Format(http.TimeFormat))
		if c.me == nil {
			write(w, c, refuse(http.StatusUnauthorized, "401 Unauthorized"))
			return
		}
		if data, err := io.ReadAll(r.Body); err == nil && len(data) > 0 {
			if err := json.Unmarshal(data, &c.fields); err != nil {
				write(w, c, refuse(http.StatusBadRequest, err.Error()))
				return
			}
		}
		if id := r.PathValue("id"); id != "" {
			if c.project = s.find(id); c.project == nil || c.me.Level < guest {
				write(w, c, refuse(http.StatusNotFound, "404 Project Not Found"))
				return
			}
		}
		write(w, c, h(c))
	})
}

// find is a project by its number or path.
func (s *Server) find(id string) *Project {
	for _, p := range s.projects {
		if p.Path == id || strconv.Itoa(p.ID) == id {
			return p
		}
	}
	return nil
}

// bearer is whose token a request carries, in one of the forms GitLab takes.
func (s *Server) bearer(r *http.Request) *User {
	token := r.Header.Get("PRIVATE-TOKEN")
	if t, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		token = t
	}
	return s.byToken(token)
}

func (s *Server) byToken(token string) *User {
	i := slices.IndexFunc(s.options.Users, func(u User) bool { return token != "" && u.Token == token })
	if i < 0 {
		return nil
	}
	return &s.options.Users[i]
}

// write writes an answer, and of a list the page that was asked for.
func write(w http.ResponseWriter, c *call, a reply) {
	w.Header().Set("Content-Type", "application/json")
	if a.body == nil {
		w.WriteHeader(a.status)
		return
	}
	data, err := json.Marshal(a.body)
	if err == nil && a.list {
		data, err = page(w.Header(), c.URL.Query(), data)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	tag := fmt.Sprintf(`W/"%x"`, sum(data))
	w.Header().Set("Etag", tag)
	if c.Method == http.MethodGet && c.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(data) // into a recorder
}

// page cuts a list and tells where the next page is, as GitLab does.
func page(h http.Header, q url.Values, data []byte) ([]byte, error) {
	var items []json.RawMessage
	if err := json.Unmarshal(data, &items); err != nil {
		return nil, err
	}
	size, at := atoi(q.Get("per_page"), 20), atoi(q.Get("page"), 1)
	size = min(size, 100)
	h.Set("X-Per-Page", strconv.Itoa(size))
	h.Set("X-Page", strconv.Itoa(at))
	h.Set("X-Total", strconv.Itoa(len(items)))
	h.Set("X-Next-Page", "")
	from := min((at-1)*size, len(items))
	to := min(from+size, len(items))
	if to < len(items) {
		h.Set("X-Next-Page", strconv.Itoa(at+1))
	}
	return json.Marshal(items[from:to])
}

func atoi(text string, otherwise int) int {
	if n, err := strconv.Atoi(text); err == nil && n > 0 {
		return n
	}
	return otherwise
}

// git serves a repository to whoever may read it.
func (s *Server) git(w http.ResponseWriter, r *http.Request) {
	path, _, found := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), ".git/")
	_, password, _ := r.BasicAuth()
	s.mu.Lock()
	p, me := s.projects[path], s.byToken(password)
	s.mu.Unlock()
	switch {
	case me == nil:
		w.Header().Set("WWW-Authenticate", `Basic realm="GitLab"`)
		http.Error(w, "HTTP Basic: Access denied", http.StatusUnauthorized)
		return
	case !found || p == nil:
		http.NotFound(w, r)
		return
	}
	p.repo.serve(w, r, me.Level)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report(p.refresh(s))
}

// Create makes a project with one commit on its protected branch main.
func (s *Server) Create(path string, files map[string]string) (*Project, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serial++
	r, err := initRepo(filepath.Join(s.options.Dir, strconv.Itoa(s.serial)+".git"), "main")
	if err != nil {
		return nil, err
	}
	p := &Project{ID: s.serial, Path: path, Branch: "main", PipelineMustSucceed: true, PushLevel: maintainer, MergeLevel: developer, Issues: true, repo: r}
	if len(files) > 0 {
		if _, err := r.commit("main", "", "root", files); err != nil {
			return nil, err
		}
	}
	s.projects[path] = p
	return p, nil
}

// Calls are how often each route was asked since the last time, and in all.
func (s *Server) Calls() (map[string]int, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	was, total := s.calls, 0
	for _, n := range was {
		total += n
	}
	s.calls = map[string]int{}
	return was, total
}
