package local

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/waveguide-dev/waveguide/gitops"
)

// Options say where the forge keeps its repositories and who may do what.
type Options struct {
	// Dir holds the bare repositories, as NAME.git, and a journal beside each.
	Dir   string
	Users []User
	// Protected is the branch that changes by merges alone; "main" if empty.
	Protected string
	// Hosts are the names the forge answers to; loopback names are always
	// among them.
	Hosts []string
	// LoopbackUser names the user that a browser on loopback acts as without
	// a login. It has no effect on requests from or to any other address, nor
	// on Git and the JSON API.
	LoopbackUser string
	// OnChange is told the repository after every change of it.
	OnChange func(repository string)
	// MaxPush bounds the bytes of one push; 256 MiB if zero.
	MaxPush int64
}

const (
	defaultMaxPush = 256 << 20
	maxRequest     = 256 << 10
	maxRepository  = 64
)

// Server is the forge as an [http.Handler].
type Server struct {
	options Options
	users   []user
	key     []byte // signs the sessions of the page
	routes  http.Handler
	cross   *http.CrossOriginProtection

	mu           sync.RWMutex
	repositories map[string]*repository
}

// New opens every repository of the directory and replays its journal.
func New(o Options) (*Server, error) {
	if o.Protected == "" {
		o.Protected = "main"
	}
	if o.MaxPush == 0 {
		o.MaxPush = defaultMaxPush
	}
	users, err := readUsers(o.Users)
	if err != nil {
		return nil, err
	}
	s := &Server{options: o, users: users, key: make([]byte, 32), repositories: map[string]*repository{}, cross: http.NewCrossOriginProtection()}
	if _, err := rand.Read(s.key); err != nil {
		return nil, fmt.Errorf("make a key for sessions: %w", err)
	}
	if o.LoopbackUser != "" && s.byName(o.LoopbackUser) == nil {
		return nil, fmt.Errorf("loopback user %s is none of the users: name one of them", o.LoopbackUser)
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the directory of repositories: %w", err)
	}
	found, err := filepath.Glob(filepath.Join(o.Dir, "*.git"))
	if err != nil {
		return nil, fmt.Errorf("list repositories: %w", err)
	}
	for _, dir := range found {
		name := strings.TrimSuffix(filepath.Base(dir), ".git")
		if !validRepository(name) {
			return nil, fmt.Errorf("repository %q: use up to %d of a-z, 0-9, dot, dash and underscore", name, maxRepository)
		}
		if err := s.open(name); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	s.routes = s.route()
	return s, nil
}

// Create makes an empty bare repository, or does nothing if there is one.
func (s *Server) Create(name string) error {
	if !validRepository(name) {
		return fmt.Errorf("repository %q: use up to %d of a-z, 0-9, dot, dash and underscore", name, maxRepository)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.repositories[name] != nil {
		return nil
	}
	if err := initBare(filepath.Join(s.options.Dir, name+".git"), s.options.Protected); err != nil {
		return fmt.Errorf("make repository %s: %w", name, err)
	}
	return s.open(name)
}

func (s *Server) open(name string) error {
	r, err := openRepository(name, s.options)
	if err != nil {
		return fmt.Errorf("open repository %s: %w", name, err)
	}
	s.repositories[name] = r
	return nil
}

// Close closes the journals. Requests after it fail.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, r := range s.repositories {
		errs = append(errs, r.close())
	}
	return errors.Join(errs...)
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.knownHost(r.Host) {
		http.Error(w, "unknown host: use the name the forge was started with", http.StatusMisdirectedRequest)
		return
	}
	if err := s.cross.Check(r); err != nil {
		http.Error(w, "cross-origin request refused", http.StatusForbidden)
		return
	}
	s.routes.ServeHTTP(w, r)
}

func (s *Server) route() http.Handler {
	mux := http.NewServeMux()
	s.routeGit(mux)
	s.routeAPI(mux)
	s.routePage(mux)
	return mux
}

// knownHost keeps a page of somebody else's name from talking to us.
func (s *Server) knownHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	if host == "localhost" || slices.Contains(s.options.Hosts, host) {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

var repositoryName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]*$`)

func validRepository(name string) bool {
	return len(name) <= maxRepository && repositoryName.MatchString(name) &&
		!strings.Contains(name, "..") && !strings.HasSuffix(name, ".git") && !strings.HasSuffix(name, ".lock")
}

// repository is the open repository of that name, or nil.
func (s *Server) repository(name string) *repository {
	if !validRepository(name) {
		return nil
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.repositories[name]
}

// refusal is an answer to a request that will not be done.
type refusal struct {
	status int
	text   string
	rule   bool // a rule refuses it, however often somebody looks again
}

func (r *refusal) Error() string { return r.text }

// Unwrap lets callers in this process tell the two kinds they act on.
func (r *refusal) Unwrap() error {
	switch {
	case r.rule || r.status == http.StatusForbidden:
		return gitops.ErrDenied
	case r.status == http.StatusConflict:
		return gitops.ErrMoved
	}
	return nil
}

func refuse(status int, format string, args ...any) error {
	return &refusal{status: status, text: fmt.Sprintf(format, args...)}
}

// forbid refuses by a rule of the repository, not for want of a permission.
func forbid(format string, args ...any) error {
	return &refusal{status: http.StatusConflict, text: fmt.Sprintf(format, args...), rule: true}
}

// answer is the status and the text of an error; what is no refusal is ours
// and is not told to strangers.
func answer(err error) (int, string) {
	if r, ok := errors.AsType[*refusal](err); ok {
		return r.status, r.text
	}
	return http.StatusInternalServerError, "the forge could not do it: see its log"
}
