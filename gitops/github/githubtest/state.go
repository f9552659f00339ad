package githubtest

import (
	"slices"
	"strings"
	"time"
)

// Settings are what an administrator chose for the repository and its branch.
type Settings struct {
	HasIssues  bool
	MergeQueue bool
	// Checks must be green before anybody merges; App binds one to an app.
	Checks []RequiredCheck
	// Classic puts the rules into branch protection instead of a ruleset.
	Classic       bool
	Approvals     int
	OwnersApprove bool
	DismissStale  bool
	Methods       []string
	// BypassActors pass by the ruleset, as GitHub writes their type.
	BypassActors []string
	// Owners is the CODEOWNERS file; empty is none.
	Owners string
	// AppPermissions are those of the app's installation.
	AppPermissions map[string]string
}

// RequiredCheck is a check that the branch asks for.
type RequiredCheck struct {
	Context string
	App     int
}

// state is what the repository remembers beside Git.
type state struct {
	Settings
	users    map[string]*User
	threads  []*thread
	labels   []string
	statuses map[string][]*status
	runs     []*checkRun
	queue    []queued
	ids      int
}

// thread is an issue or a pull request.
type thread struct {
	number              int
	pull                bool
	title, body, author string
	open, merged, draft bool
	fork                bool
	lag                 string
	labels, assignees   []string
	askedUsers          []string
	askedTeams          []string
	events              []happening
	reviews             []*review
	branch, base        string
	// head is what the branch was at the end.
	head, mergeSHA, endedBy    string
	created, updated, closedAt time.Time
}

// happening is one event of a thread's timeline.
type happening struct {
	id                int
	kind, by          string
	at                time.Time
	label, was, title string
	body              string
}

type review struct {
	id          int
	by, state   string
	commit      string
	body        string
	submittedAt time.Time
}

type status struct {
	id                           int
	context, state, text, target string
	by                           string
	at                           time.Time
}

type checkRun struct {
	id                              int
	name, sha, status, conclusion   string
	title, summary, details, extern string
	by                              string
	at                              time.Time
}

// queued is an entry of the merge queue with the head of its group.
type queued struct {
	number     int
	head, base string
}

func newState() state {
	return state{
		Settings: Settings{
			HasIssues: true, Checks: []RequiredCheck{{Context: "waveguide", App: AppID}}, Methods: []string{"merge"},
			AppPermissions: map[string]string{
				"metadata": "read", "contents": "write", "pull_requests": "write", "issues": "write", "checks": "write",
				"statuses": "write", "members": "read", "administration": "read", "merge_queues": "write",
			},
		},
		users: map[string]*User{
			Bot:    {Role: "write", Bot: true},
			"root": {Role: "admin"},
			"ada":  {Role: "write", Teams: []string{"owners", "sre"}},
			"bob":  {Role: "write"},
			"tim":  {Role: "triage"},
			"rita": {Role: "read"},
			"mute": {Role: "none"},
		},
		statuses: map[string][]*status{},
		labels:   []string{"waveguide/pause"}, // people who may not create labels can choose it
	}
}

func (s *state) id() int {
	s.ids++
	return s.ids
}

// now has the resolution of GitHub's own clock.
func now() time.Time { return time.Now().UTC().Truncate(time.Second) }

func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(time.RFC3339)
}

func (s *state) thread(number int) *thread {
	if number < 1 || number > len(s.threads) {
		return nil
	}
	return s.threads[number-1]
}

func (s *state) start(t *thread) *thread {
	t.number, t.open, t.created, t.updated = len(s.threads)+1, true, now(), now()
	s.threads = append(s.threads, t)
	return t
}

// happen adds an event.
func (s *state) happen(t *thread, h happening) happening {
	h.id, h.at = s.id(), now()
	t.updated = h.at
	t.events = append(t.events, h)
	return h
}

func (s *state) label(t *thread, by, name string) {
	if !slices.Contains(s.labels, name) {
		s.labels = append(s.labels, name)
	}
	if !slices.Contains(t.labels, name) {
		t.labels = append(t.labels, name)
		s.happen(t, happening{kind: "labeled", by: by, label: name})
	}
}

func (s *state) unlabel(t *thread, by, name string) bool {
	i := slices.Index(t.labels, name)
	if i < 0 {
		return false
	}
	t.labels = slices.Delete(t.labels, i, i+1)
	s.happen(t, happening{kind: "unlabeled", by: by, label: name})
	return true
}

func (s *state) end(t *thread, by string) {
	t.open, t.closedAt, t.endedBy = false, now(), by
	s.happen(t, happening{kind: "closed", by: by})
}

// rights, weakest first.
var rights = []string{"none", "read", "triage", "write", "maintain", "admin"} //nolint:gochecknoglobals // a constant

// atMost says that the caller has no more than that role.
func (c *call) atMost(most string) bool {
	if c.who == "app" {
		return false
	}
	return slices.Index(rights, c.role(c.who)) <= slices.Index(rights, most)
}

func (s *Server) role(name string) string {
	if u := s.state.users[name]; u != nil {
		return u.Role
	}
	return "read" // the repository is open to all who have an account
}

// Fill opens many proposals of the bot at once.
func (s *Server) Fill(n int, one func(i int) (branch string, files map[string]string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	base := s.git.ref("main")
	var commits strings.Builder
	for i := range n {
		branch, files := one(i)
		commits.WriteString(s.git.stream("refs/heads/"+branch, base, Bot, files))
		s.state.start(&thread{pull: true, title: "promote " + branch, body: "body", author: Bot, branch: branch, base: "main"})
	}
	s.git.must(commits.String(), "fast-import", "--quiet", "--force")
}

// Age moves everything that happened into the past.
func (s *Server) Age(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.state.threads {
		t.created, t.updated = t.created.Add(-d), t.updated.Add(-d)
		if !t.closedAt.IsZero() {
			t.closedAt = t.closedAt.Add(-d)
		}
		for i := range t.events {
			t.events[i].at = t.events[i].at.Add(-d)
		}
	}
}

// Lag makes a pull request's list of commits end at an older commit, as it does
// for a moment after a push.
func (s *Server) Lag(number int, at string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.thread(number).lag = at
}

// Fork makes a pull request come from somebody else's repository.
func (s *Server) Fork(number int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.state.thread(number)
	t.fork, t.author = true, "rita"
}
