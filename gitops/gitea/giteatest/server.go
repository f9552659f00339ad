// Package giteatest is a Gitea in memory, with a real bare repository behind
// it that Git speaks to over HTTP. It keeps what the adapter has to get along
// with: times without fractions, pages that are filtered after they were cut,
// labels that may be there twice, permissions that administrators alone are
// told, merges that are refused with one status for several reasons.
//
// It needs the git binary. How it answers is held to recordings of a real
// server by the adapter's own tests. To let people do something new, add the
// route in [Server.route] and its answer in pulls.go or issues.go.
package giteatest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Level is what somebody may do.
type Level int

// The levels; a member of a team that may write issues but no code is at
// Issues, which Gitea itself calls read.
const (
	None Level = iota
	Read
	Issues
	Write
	Admin
)

// User is somebody with a token.
type User struct {
	Login, Token string
	Level        Level
	// Teams are names of teams of the owner.
	Teams []string
}

// Options say what the server holds.
type Options struct {
	// Dir is an empty folder for the repository.
	Dir string
	// Owner and Name are the repository's; "acme" and "env" if empty.
	Owner, Name string
	Users       []User
	// PageSize is how long the server lets pages be; 50 if zero.
	PageSize int
	// Files are those of the first commit on main.
	Files map[string]string
}

// Server is the fake as an [http.Handler].
type Server struct {
	options Options
	git     *git
	mux     *http.ServeMux

	mu        sync.Mutex
	now       func() time.Time
	users     map[string]*User
	items     []*item
	labels    []*label
	lines     []*line
	reviews   []*review
	statuses  []*status
	hasIssues bool
	refs      map[string]string
	bases     map[string]string
	required  []string
	count     int64
}

// item is a pull request or an issue.
type item struct {
	number                  int64
	pull                    bool
	title, body, author     string
	head, sha, mergedAs     string
	mergedBy                string
	closed, merged          bool
	labels                  []int64
	assignees, reviewers    []string
	created, updated, ended time.Time
}

type label struct {
	id          int64
	name, color string
}

// line is one of a timeline.
type line struct {
	id             int64
	item           int64
	kind, user     string
	body, old, new string
	label          *label
	at             time.Time
	review         int64
}

type review struct {
	id, item            int64
	user, state, commit string
	dismissed           bool
	at                  time.Time
}

type status struct {
	id                            int64
	sha, context, state, text, to string
	by                            string
	at                            time.Time
}

// New makes a server with one repository whose branch main has a commit and
// demands the check "waveguide".
func New(o Options) (*Server, error) {
	if o.Owner == "" {
		o.Owner, o.Name = "acme", "env"
	}
	if o.PageSize == 0 {
		o.PageSize = 50
	}
	g, err := newGit(o.Dir, o.Files)
	if err != nil {
		return nil, err
	}
	s := &Server{
		options: o, git: g, now: time.Now, users: map[string]*User{}, hasIssues: true, required: []string{"waveguide"},
		bases: map[string]string{},
	}
	for _, u := range o.Users {
		s.users[u.Login] = &u
	}
	if s.refs, err = g.refs(); err != nil {
		return nil, err
	}
	s.route()
	return s, nil
}

// At makes the server's clock stand at a time.
func (s *Server) At(t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = func() time.Time { return t }
}

// SetIssues switches issues on or off.
func (s *Server) SetIssues(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hasIssues = on
}

// Grant changes what somebody may do.
func (s *Server) Grant(login string, l Level) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users[login].Level = l
}

// Noise puts lines into a timeline that the server counts and does not tell:
// comments on code.
func (s *Server) Noise(number int64, login string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range n {
		s.add(&line{item: number, kind: "code", user: login, body: "a remark on a line"})
	}
}

// Unsay deletes all comments on an item, as administrators can.
func (s *Server) Unsay(number int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = slices.DeleteFunc(s.lines, func(l *line) bool { return l.item == number && l.kind == "comment" })
	s.item(number).updated = s.stamp()
}

// Twice makes a second label of a name, as two clients at once do.
func (s *Server) Twice(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.label(name, "#ffffff")
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	w.Header().Set("Date", s.now().UTC().Format(http.TimeFormat))
	s.mu.Unlock()
	s.mux.ServeHTTP(w, r)
}

// call is a request by somebody known.
type call struct {
	*http.Request
	by   *User
	w    http.ResponseWriter
	most int // how long a page may be
	body map[string]json.RawMessage
}

// refused is an answer that is no success.
type refused struct {
	status  int
	message string
}

func (r refused) Error() string { return r.message }

func no(status int, message string) error { return refused{status, message} }

func (s *Server) handle(pattern string, need Level, f func(*call) (int, any, error)) {
	method, path, _ := strings.Cut(pattern, " ")
	s.mux.HandleFunc(method+" /api/v1"+path, func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		c := &call{Request: r, w: w, most: s.options.PageSize, by: s.known(strings.TrimPrefix(r.Header.Get("Authorization"), "token "))}
		status, out, err := http.StatusUnauthorized, any(nil), no(http.StatusUnauthorized, "token is required")
		switch {
		case c.by == nil:
		case c.by.Level < need:
			err = no(http.StatusForbidden, "user should have a permission to write to a repo")
		default:
			c.body = map[string]json.RawMessage{}
			_ = json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&c.body) // none is none
			status, out, err = f(c)
		}
		if no, ok := err.(refused); ok { //nolint:errorlint // never wrapped here
			status, out = no.status, map[string]string{"message": no.message, "url": "http://forge.example/api/swagger"}
		} else if err != nil {
			status, out = http.StatusInternalServerError, map[string]string{"message": err.Error()}
		}
		w.Header().Set("Content-Type", "application/json;charset=utf-8")
		w.WriteHeader(status)
		if status != http.StatusNoContent {
			_ = json.NewEncoder(w).Encode(out) // the client is gone
		}
	})
}

func (s *Server) known(token string) *User {
	for _, u := range s.users {
		if u.Token != "" && u.Token == token {
			return u
		}
	}
	return nil
}

func (c *call) text(key string) string {
	var v string
	_ = json.Unmarshal(c.body[key], &v) // absent is empty
	return v
}

func (c *call) list(key string) []string {
	var v []string
	_ = json.Unmarshal(c.body[key], &v) // absent is empty
	return v
}

func (c *call) ids(key string) []int64 {
	var v []int64
	_ = json.Unmarshal(c.body[key], &v) // absent is empty
	return v
}

func (c *call) number(key string) int64 {
	n, _ := strconv.ParseInt(c.PathValue(key), 10, 64)
	return n
}

// page cuts a list as the query asks and the server allows.
func page[T any](c *call, all []T) []T {
	limit, _ := strconv.Atoi(c.URL.Query().Get("limit"))
	if limit <= 0 {
		limit = 30
	}
	limit = min(limit, max(c.most, 1))
	n, _ := strconv.Atoi(c.URL.Query().Get("page"))
	from := min(max(n-1, 0)*limit, len(all))
	return all[from:min(from+limit, len(all))]
}

func (s *Server) total(c *call, n int) { c.w.Header().Set("X-Total-Count", strconv.Itoa(n)) }

// stamp is the time as Gitea keeps it.
func (s *Server) stamp() time.Time { return s.now().UTC().Truncate(time.Second) }

func (s *Server) next() int64 {
	s.count++
	return s.count
}

// add puts a line into a timeline; that is a change of the item.
func (s *Server) add(l *line) {
	l.id, l.at = s.next(), s.stamp()
	s.lines = append(s.lines, l)
	if i := s.item(l.item); i != nil {
		i.updated = l.at
	}
}

func (s *Server) item(number int64) *item {
	if number < 1 || number > int64(len(s.items)) {
		return nil
	}
	return s.items[number-1]
}

func (s *Server) label(name, color string) *label {
	l := &label{s.next(), name, color}
	s.labels = append(s.labels, l)
	return l
}
