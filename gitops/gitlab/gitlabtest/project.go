package gitlabtest

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// GitLab's access levels.
const (
	guest      = 10
	reporter   = 20
	developer  = 30
	maintainer = 40
)

// Project is a repository with its merge requests and issues.
type Project struct {
	ID     int
	Path   string
	Branch string
	// What the project's settings say.
	PipelineMustSucceed bool
	ResetApprovals      bool
	CodeOwners          bool
	Issues              bool
	Trains              bool
	// MergePipelines runs pipelines of merge requests, with a job "build".
	MergePipelines bool
	// MergeResults runs them on the merge result.
	MergeResults bool
	PushLevel    int
	MergeLevel   int
	Approvals    int
	// External has an external status check of the name waveguide, which
	// ExternalMust waits for.
	External, ExternalMust bool

	repo     repo
	train    []*thread
	merges   []*thread
	issues   []*thread
	labels   []string
	statuses map[string][]*status // by commit
}

// thread is a merge request or an issue.
type thread struct {
	id, iid            int
	issue              bool
	title, description string
	state              string
	author             *User
	created, updated   time.Time
	ended              time.Time
	endedBy            *User
	labels             []string
	notes              []*note
	labelEvents        []*event
	stateEvents        []*event

	source, target string
	sourceProject  int
	hidden         bool
	head           string
	mergeCommit    string
	trainCommit    string
	resultCommit   string
	autoMerge      *User
	versions       []*version
	approved       []approval
	reviewers      []*reviewer
	// responses are what external status checks said, by head.
	responses map[string]string
	assignees []*User
}

type note struct {
	id     int
	body   string
	author *User
	system bool
	// at and edited are when it was made and last changed.
	at, edited time.Time
}

// event is a change of a label or of the state.
type event struct {
	id     int
	action string // add, remove, closed, reopened, merged
	label  string
	by     *User
	at     time.Time
}

type version struct {
	id         int
	head, base string
	at         time.Time
}

type approval struct {
	by *User
	at time.Time
}

type reviewer struct {
	who   *User
	state string
	at    time.Time
}

type status struct {
	id                      int
	name, state, text       string
	ref, target             string
	pipeline                int
	by                      *User
	at                      time.Time
	finished, allowsFailure bool
}

// touchEvery is how seldom a comment or an approval moves updated_at.
const touchEvery = time.Minute

// touch moves updated_at as GitLab does for what happens beside a thread.
func (t *thread) touch(now time.Time) {
	if now.Sub(t.updated) > touchEvery {
		t.updated = now
	}
}

func (s *Server) number() int { s.serial++; return s.serial }

// note writes what GitLab says by itself.
func (s *Server) note(t *thread, by *User, text string) {
	now := s.now()
	t.notes = append(t.notes, &note{id: s.number(), body: text, author: by, system: true, at: now})
	t.touch(now)
}

// now is later every time it is asked, so that events have an order.
func (s *Server) now() time.Time {
	now := s.options.Now().UTC().Truncate(time.Millisecond)
	if !now.After(s.last) {
		now = s.last.Add(time.Millisecond)
	}
	s.last = now
	return now
}

// refresh follows the branches of open merge requests.
func (p *Project) refresh(s *Server) error {
	heads, err := p.repo.heads()
	if err != nil {
		return err
	}
	var errs []error
	for _, t := range p.merges {
		head := heads[t.source]
		if t.state != "opened" || head == "" || head == t.head {
			continue
		}
		base, err := p.repo.run(nil, "merge-base", "refs/heads/"+p.Branch, head)
		errs = append(errs, err)
		first := t.head == ""
		t.head = head
		if p.MergeResults {
			t.resultCommit, err = p.repo.result("refs/heads/"+p.Branch, head, "result")
			errs = append(errs, err)
		}
		t.versions = append(t.versions, &version{id: s.number(), head: head, base: base, at: s.now()})
		if first {
			continue
		}
		s.note(t, t.author, "added 1 commit\n\n<ul><li>"+head[:8]+" - change</li></ul>")
		if p.ResetApprovals {
			t.approved = nil
		}
		t.autoMerge = nil
	}
	return errors.Join(errs...)
}

// relabel sets the labels of a thread, makes those that are missing and
// remembers who did it.
func (s *Server) relabel(p *Project, t *thread, by *User, labels []string) {
	now := s.now()
	for _, l := range labels {
		if !slices.Contains(p.labels, l) {
			p.labels = append(p.labels, l)
		}
		if !slices.Contains(t.labels, l) {
			t.labelEvents = append(t.labelEvents, &event{s.number(), "add", l, by, now})
			t.updated = now
		}
	}
	for _, l := range t.labels {
		if !slices.Contains(labels, l) {
			t.labelEvents = append(t.labelEvents, &event{s.number(), "remove", l, by, now})
			t.updated = now
		}
	}
	t.labels = slices.Clone(labels)
}

// move changes the state of a thread.
func (s *Server) move(t *thread, by *User, state string) {
	now := s.now()
	t.state, t.updated = state, now
	t.ended, t.endedBy = now, by
	if state == "opened" {
		t.ended, t.endedBy = time.Time{}, nil
	}
	action := map[string]string{"opened": "reopened", "closed": "closed", "merged": "merged"}[state]
	t.stateEvents = append(t.stateEvents, &event{id: s.number(), action: action, by: by, at: now})
}

// key is what a newer status takes the place of.
func (v *status) key() string { return fmt.Sprint(v.name, "\x00", v.ref, "\x00", v.pipeline) }
