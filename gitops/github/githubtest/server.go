// Package githubtest is a GitHub with one repository, for tests: its REST and
// GraphQL interfaces and its Git, with people, branch rules, a merge queue,
// rate limits and faults. Every request and every answer is held to GitHub's
// own descriptions in testdata; an exchange that breaks them fails the test.
//
// What the repository remembers is in state.go, how it is asked in the files
// named after GitHub's resources (pulls.go, issues.go, checks.go, people.go,
// repository.go), and what GraphQL sees in nodes.go. Faults are in fault.go.
package githubtest

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// The one repository, its app and its people.
const (
	Owner = "acme"
	Name  = "env"
	// Bot is how REST names the app's account; Slug is the app's own name.
	Bot  = "waveguide[bot]"
	Slug = "waveguide"
	// AppID and Installation name the app and where it is installed.
	AppID        = 7
	Installation = 77
)

// User is an account. Its token is "token-" and its name.
type User struct {
	// Role is none, read, triage, write, maintain or admin.
	Role  string
	Teams []string
	Bot   bool
}

// Server is a running fake.
type Server struct {
	URL  string
	HTTP *httptest.Server
	t    testing.TB
	spec *spec
	git  *repository
	key  *rsa.PrivateKey

	mu     sync.Mutex
	state  state
	tokens map[string]token
	faults []*Fault
	stale  map[string][]byte
	// calls counts requests: REST by "METHOD pattern", GraphQL by the name of
	// the operation, and those answered 304 as "unchanged".
	calls map[string]int
	rates map[string]*rate
}

type token struct {
	user    string
	expires time.Time
}

type rate struct {
	Limit, Remaining int
	Reset            time.Time
}

//nolint:gochecknoglobals // made once, because making takes a while
var firstKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// New starts a fake whose main branch has one commit.
func New(tb testing.TB) *Server {
	tb.Helper()
	sp, err := loadSpec()
	if err != nil {
		tb.Fatal(err)
	}
	key, err := firstKey()
	if err != nil {
		tb.Fatal(err)
	}
	s := &Server{
		t: tb, spec: sp, key: key, tokens: map[string]token{}, calls: map[string]int{}, stale: map[string][]byte{},
		rates: map[string]*rate{},
	}
	for _, resource := range []string{"core", "graphql"} {
		s.rates[resource] = &rate{5000, 5000, time.Now().Add(time.Hour).Truncate(time.Second)}
	}
	s.state = newState()
	for name := range s.state.users {
		s.tokens["token-"+name] = token{user: name}
	}
	s.git = newRepository(tb)
	mux := http.NewServeMux()
	for _, r := range s.routes() {
		mux.HandleFunc(r.pattern, func(w http.ResponseWriter, req *http.Request) { s.serve(w, req, r) })
	}
	mux.HandleFunc("POST /graphql", s.serveGraphQL)
	mux.HandleFunc("/"+Owner+"/"+Name+".git/", s.serveGit)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.t.Errorf("the fake does not know %s %s", r.Method, r.URL.Path)
		write(w, http.StatusNotFound, problem("Not Found"))
	})
	s.HTTP = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Where an Enterprise Server has its interfaces.
		for _, prefix := range []string{"/api/v3", "/api"} {
			if rest, ok := strings.CutPrefix(r.URL.EscapedPath(), prefix+"/"); ok {
				r.URL.Path, _ = strings.CutPrefix(r.URL.Path, prefix)
				if r.URL.RawPath != "" {
					r.URL.RawPath = "/" + rest
				}
				break
			}
		}
		s.faulty(w, r, mux)
	}))
	s.URL = s.HTTP.URL
	tb.Cleanup(s.HTTP.Close)
	return s
}

// call is one authenticated REST request.
type call struct {
	*Server
	r   *http.Request
	who string
	in  map[string]any
}

// reply is a status and what is sent as JSON.
type reply struct {
	status int
	body   any
	header map[string]string
}

type route struct {
	pattern string
	answer  func(*call) reply
}

type object = map[string]any

func problem(format string, args ...any) object {
	return object{"message": fmt.Sprintf(format, args...), "documentation_url": "https://docs.github.com/rest"}
}

func ok(body any) reply { return reply{status: http.StatusOK, body: body} }

func refuse(status int, format string, args ...any) reply {
	return reply{status: status, body: problem(format, args...)}
}

func missing() reply { return refuse(http.StatusNotFound, "Not Found") }

// serve answers one REST request under the lock.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, rt route) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[rt.pattern]++
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 4<<20))
	if err != nil {
		write(w, http.StatusRequestEntityTooLarge, problem("too large"))
		return
	}
	if bytes.HasPrefix(data, []byte("[")) {
		// GitHub says in prose that labels may come as a bare list.
		data = slices.Concat([]byte(`{"labels":`), data, []byte("}"))
		r.ContentLength = int64(len(data))
	}
	r.Body = io.NopCloser(bytes.NewReader(data))
	params := map[string]string{}
	for part := range strings.SplitSeq(rt.pattern, "/") {
		if strings.HasPrefix(part, "{") {
			name := strings.TrimSuffix(strings.Trim(part, "{}"), "...")
			params[name] = r.PathValue(name)
		}
	}
	if err := s.spec.request(rt.pattern, r, params); err != nil {
		s.t.Errorf("request %s breaks GitHub's description: %v", rt.pattern, err)
		write(w, http.StatusUnprocessableEntity, problem("%v", err))
		return
	}
	c := &call{Server: s, r: r, in: map[string]any{}}
	if len(data) > 0 {
		if err := json.Unmarshal(data, &c.in); err != nil {
			write(w, http.StatusBadRequest, problem("Problems parsing JSON"))
			return
		}
	}
	var out reply
	switch c.who, err = s.authenticate(r); {
	case err != nil:
		out = refuse(http.StatusUnauthorized, "Bad credentials")
	case params["owner"] != "" && (params["owner"] != Owner || params["repo"] != Name), c.atMost("none"):
		out = missing()
	default:
		out = rt.answer(c)
	}
	s.answer(w, r, rt.pattern, out)
}

// answer sends a reply, unless the caller has it already.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, pattern string, out reply) {
	body := []byte{}
	if out.status != http.StatusNoContent {
		var err error
		if body, err = json.Marshal(out.body); err != nil {
			s.t.Errorf("encode the answer of %s: %v", pattern, err)
		}
		if err := s.spec.response(pattern, out.status, body); err != nil {
			s.t.Errorf("the fake's answer %d of %s breaks GitHub's description: %.2000v", out.status, pattern, err)
		}
	}
	for k, v := range out.header {
		w.Header().Set(k, v)
	}
	if r.Method == http.MethodGet && out.status == http.StatusOK {
		sum := sha256.Sum256(body)
		tag := `"` + hex.EncodeToString(sum[:16]) + `"`
		w.Header().Set("ETag", tag)
		if r.Header.Get("If-None-Match") == tag {
			s.calls["unchanged"]++
			s.spend(w, "core", 0)
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	s.spend(w, "core", 1)
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(out.status)
	_, _ = w.Write(body)
}

// spend takes points from a budget and says what is left.
func (s *Server) spend(w http.ResponseWriter, resource string, points int) {
	b := s.rates[resource]
	b.Remaining = max(0, b.Remaining-points)
	h := w.Header()
	h.Set("X-RateLimit-Resource", resource)
	h.Set("X-RateLimit-Limit", strconv.Itoa(b.Limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(b.Remaining))
	h.Set("X-RateLimit-Used", strconv.Itoa(b.Limit-b.Remaining))
	h.Set("X-RateLimit-Reset", strconv.FormatInt(b.Reset.Unix(), 10))
}

func write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// Calls are the requests since the last call of Calls, by pattern or name of
// the operation, and their sum without those that do not count.
func (s *Server) Calls() (by map[string]int, sum int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	by, s.calls = s.calls, map[string]int{}
	for name, n := range by {
		if name != "unchanged" {
			sum += n
		}
	}
	return by, sum - by["unchanged"]
}

// Set changes the repository's settings.
func (s *Server) Set(change func(*Settings)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.state.Settings)
}

// SetUser adds or changes an account.
func (s *Server) SetUser(name string, u User) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.users[name] = &u
	s.tokens["token-"+name] = token{user: name}
}
