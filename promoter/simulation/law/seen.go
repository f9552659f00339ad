package law

import (
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/simulation/world"
	"github.com/waveguide-dev/waveguide/signals"
)

// Seen is what the world told one life of a process, as the world remembers it:
// what may be known there.
type Seen struct {
	laws   *Laws
	clocks *Clocks

	git, forge, paused time.Time
	// page is the time that the newest page of the forge showed.
	page      time.Time
	head      gitops.Commit
	spec      world.Spec
	proposals map[string]gitops.Proposal
	pauses    []gitops.Pause
	versions  map[string]told[[]signals.Version]
	// names are the digests that every tag was ever seen with.
	names  map[string]map[signals.Digest]bool
	proofs map[question]told[signals.Proof]
	health map[gitops.Lane]told[signals.Health]
}

// told is an answer and when it was given.
type told[T any] struct {
	at   time.Time
	what T
}

type question struct {
	lane   gitops.Lane
	digest signals.Digest
}

// NewSeen is what a process knows that begins to live with a store.
func NewSeen(l *Laws, c *Clocks) *Seen {
	return &Seen{
		laws: l, clocks: c, proposals: map[string]gitops.Proposal{}, versions: map[string]told[[]signals.Version]{},
		names: map[string]map[signals.Digest]bool{}, proofs: map[question]told[signals.Proof]{}, health: map[gitops.Lane]told[signals.Health]{},
	}
}

// Git notes that the process was told the head of the protected branch.
func (s *Seen) Git(head gitops.Commit) {
	// What was read a moment before a death may not be remembered.
	if was := s.laws.world.Commits[s.head]; was != nil && time.Since(s.git) > slack {
		for _, lane := range world.Lanes() {
			if v, ok := was.Version(lane); ok {
				s.clocks.named[question{lane, digest(v.Digest)}] = true
			}
		}
	}
	s.git, s.head, s.spec = time.Now(), head, s.laws.world.Commits[head].Spec
}

// Forge notes that it was shown a page of proposals.
func (s *Seen) Forge(list []gitops.Proposal, page time.Time) {
	s.forge, s.page = time.Now(), page
	for _, p := range list {
		s.proposals[p.ID] = p
	}
}

// Issues notes the issues it was told: a pause is in force until somebody with
// the right ended it, whatever the issue looks like now.
func (s *Seen) Issues(list []gitops.Issue) {
	s.paused, s.pauses = time.Now(), nil
	for _, i := range list {
		if p, ok := pausing(i); ok {
			s.pauses = append(s.pauses, p)
		}
	}
}

// pausing follows what was done to an issue.
func pausing(i gitops.Issue) (gitops.Pause, bool) {
	in, title := false, i.Title
	for _, e := range i.Events {
		right := e.By.Permission.Releases()
		switch {
		case e.Kind == gitops.Labelled && e.Label == gitops.LabelPause, e.Kind == gitops.Reopened:
			in = true
		case e.Kind == gitops.Unlabelled && right && !e.By.Bot, e.Kind == gitops.Ended && right && !e.By.Bot:
			in = false
		case e.Kind == gitops.Retitled && !right:
			title = e.Was // nobody without the right narrows it
		}
	}
	p := gitops.ParsePause(title)
	p.ID = i.ID
	return p, in
}

// held says whether somebody holds a proposal: anybody may, and only somebody
// with the right ends it.
func held(p gitops.Proposal) (who string, _ bool) {
	for _, e := range p.Events {
		right := e.By.Permission.Releases() && !e.By.Bot
		switch {
		case e.Kind == gitops.Labelled && e.Label == gitops.LabelHold && !e.By.Bot, e.Kind == gitops.Commented && strings.HasPrefix(e.Text, "/hold") && !e.By.Bot:
			who = e.By.Name
		case e.Kind == gitops.Unlabelled && e.Label == gitops.LabelHold && right, e.Kind == gitops.Commented && strings.HasPrefix(e.Text, "/unhold") && right:
			who = ""
		}
	}
	return who, who != ""
}

// Versions notes the tags it was told.
func (s *Seen) Versions(artifact string, list []signals.Version) {
	s.versions[artifact] = told[[]signals.Version]{time.Now(), list}
	for _, v := range list {
		name := artifact + ":" + v.Tag
		if s.names[name] == nil {
			s.names[name] = map[signals.Digest]bool{}
		}
		s.names[name][v.Digest] = true
	}
}

// Proof notes what it was told about a digest.
func (s *Seen) Proof(lane gitops.Lane, p signals.Proof) {
	s.proofs[question{lane, p.Digest}] = told[signals.Proof]{time.Now(), p}
}

// Health notes what a signal said, and moves the clock of what runs.
func (s *Seen) Health(lane gitops.Lane, h signals.Health) {
	s.health[lane] = told[signals.Health]{time.Now(), h}
	s.clocks.observe(lane, h, s.laws.minSoak[world.Wave(lane.Environment)])
}

// Clocks are the soaks that anybody could have observed with one store.
type Clocks struct {
	running map[question]*clock
	earned  map[question]time.Time
	// named are the versions that were seen on the protected branch.
	named map[question]bool
}

type clock struct {
	good      time.Duration
	last, bad time.Time
}

// NewClocks are those of an empty store.
func NewClocks() *Clocks {
	return &Clocks{running: map[question]*clock{}, earned: map[question]time.Time{}, named: map[question]bool{}}
}

// The bounds of the model's rules and of its loops' polls.
const (
	tolerate = 10 * time.Minute
	gap      = 27 * time.Minute
	maxAge   = 30 * time.Minute
	// slack is how far the clocks of an answer and of a look may be apart.
	slack = time.Minute
)

func (c *Clocks) observe(lane gitops.Lane, h signals.Health, soak time.Duration) {
	if h.Digest == "" {
		return
	}
	q := question{lane, h.Digest}
	k := c.running[q]
	if k == nil {
		k = &clock{}
		c.running[q] = k
	}
	switch h.State {
	case signals.StateHealthy:
		if !k.last.IsZero() && h.At.Sub(k.last) <= gap {
			k.good += h.At.Sub(k.last)
		}
		k.last, k.bad = h.At, time.Time{}
		if k.good+slack >= soak && c.earned[q].IsZero() {
			c.earned[q] = h.At
		}
	case signals.StateUnhealthy:
		if k.bad.IsZero() {
			k.bad = h.At
		}
		if h.At.Sub(k.bad) >= tolerate+gap {
			k.good = 0
		}
		k.last = h.At
	case signals.StateProgressing, signals.StateUnknown:
	}
}
