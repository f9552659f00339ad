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
	by     string
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
	names map[string]map[signals.Digest]bool
	// opened are the proposals that the process itself opened.
	opened map[string]bool
	// orders are the words about pins that it was told.
	orders orders
	// declared are the emergencies that it was told of, by proposal.
	declared map[string]map[string]declared
	proofs   map[question]told[signals.Proof]
	// again is when all that proves a digest was last verified again.
	again map[question]time.Time
	// skews are how far the clock of the process was before ours, lately.
	skews  []skew
	health map[gitops.Lane]told[signals.Health]
	// astray are the merges that this life read and that are not what was asked
	// for, since when.
	astray map[gitops.Commit]time.Time
}

// skew is how far a clock was before ours until it was set anew.
type skew struct {
	by    time.Duration
	until time.Time
}

// Skewed notes that the clock of the process was set.
func (s *Seen) Skewed(by time.Duration) {
	if n := len(s.skews); n > 0 {
		s.skews[n-1].until = time.Now()
	}
	s.skews = append(s.skews, skew{by: by})
}

// always says that something is so by every clock that the process went by
// lately: what it decided on a moment ago may have been another time.
func (s *Seen) always(at time.Time, so func(now time.Time) bool) bool {
	if len(s.skews) == 0 {
		return so(at)
	}
	for _, k := range s.skews {
		if (k.until.IsZero() || at.Sub(k.until) <= fresh) && !so(at.Add(k.by)) {
			return false
		}
	}
	return true
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

// NewSeen is what a process of a name knows that begins to live with a store.
func NewSeen(l *Laws, by string, c *Clocks) *Seen {
	return &Seen{
		laws: l, by: by, clocks: c, proposals: map[string]gitops.Proposal{}, versions: map[string]told[[]signals.Version]{},
		opened: map[string]bool{}, orders: orders{}, declared: map[string]map[string]declared{}, names: map[string]map[signals.Digest]bool{}, proofs: map[question]told[signals.Proof]{}, again: map[question]time.Time{}, health: map[gitops.Lane]told[signals.Health]{},
		astray: map[gitops.Commit]time.Time{},
	}
}

// Git notes that the process was told the head of the protected branch.
func (s *Seen) Git(head gitops.Commit) {
	s.keep()
	// What was read a moment before a death may not be remembered.
	if was := s.laws.world.Commits[s.head]; was != nil && time.Since(s.git) > slack {
		s.clocks.name(s.laws.world, was)
		s.clocks.astray.rules(was)
	}
	s.git, s.head, s.spec = time.Now(), head, s.laws.world.Commits[head].Spec
}

// Forge notes that it was shown a page of proposals.
func (s *Seen) Forge(list []gitops.Proposal, page time.Time) {
	s.forge, s.page = time.Now(), page
	for _, p := range list {
		s.proposals[p.ID] = p
		s.Words(p)
		s.merged(p)
	}
}

// Proposal notes one proposal that it was shown by itself.
func (s *Seen) Proposal(p gitops.Proposal) {
	s.proposals[p.ID] = p
	s.Words(p)
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
	in, marked, title := false, false, i.Title
	for _, e := range i.Events {
		right := e.By.Permission.Releases()
		switch {
		case e.Kind == gitops.Labelled && e.Label == gitops.LabelPause:
			in, marked = true, true
		case e.Kind == gitops.Reopened:
			in = marked
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

// Proof notes what it was told about a digest, and whether it had all of it
// verified again.
func (s *Seen) Proof(lane gitops.Lane, p signals.Proof, again bool) {
	if again {
		s.again[question{lane, p.Digest}] = time.Now()
	}
	s.proofs[question{lane, p.Digest}] = told[signals.Proof]{time.Now(), p}
}

// Health notes what a signal said, and moves the clock of what runs.
func (s *Seen) Health(lane gitops.Lane, h signals.Health) {
	s.health[lane] = told[signals.Health]{time.Now(), h}
	s.clocks.observe(s.by, lane, h, s.laws.minSoak[world.Wave(lane.Environment)])
}

// Clocks are the soaks that anybody could have observed with one store.
type Clocks struct {
	running map[question]*clock
	earned  map[question]time.Time
	// named are the versions that were seen on the protected branch, and those
	// that it named before anybody looked: whoever begins with an empty store
	// reads its history.
	named map[question]bool
	begun bool
	// orders are the words about pins that anybody was told.
	orders orders
	// astray are the merges that are not what was asked for.
	astray astray
}

// name notes what a commit names, and the first one's whole history.
func (c *Clocks) name(w *world.World, at *world.Commit) {
	for ; at != nil; at = w.Commits[at.Parent] {
		for _, lane := range world.Lanes() {
			if v, ok := at.Version(lane); ok {
				c.named[question{lane, digest(v.Digest)}] = true
			}
		}
		if c.begun {
			return
		}
	}
	c.begun = true
}

// clock is the soak of one digest.
type clock struct {
	good time.Duration
	// last is when each process saw it last: one that was replaced may look on
	// for a while.
	last map[string]glance
	bad  time.Time
}

// glance is when somebody saw something: by the clock of who saw it, and really.
type glance struct{ clock, really time.Time }

// since is how much time passed, at most, since anybody saw it last: as much as
// really did, and by how much the clock went ahead of the one before. Nothing if
// nobody looked for long.
func (k *clock) since(by string, is glance) time.Duration {
	var newest glance
	for _, l := range k.last {
		if l.really.After(newest.really) {
			newest = l
		}
	}
	passed := is.really.Sub(newest.really)
	if own, ok := k.last[by]; ok && passed > gap && !is.clock.Before(own.clock) && is.clock.Sub(own.clock) <= gap {
		return gap // a clock that was set back hides how long nobody looked
	}
	if newest.really.IsZero() || passed > gap {
		return 0
	}
	ahead := is.clock.Sub(newest.clock) - passed
	if own, ok := k.last[by]; ok {
		ahead = max(ahead, is.clock.Sub(own.clock)-is.really.Sub(own.really))
	}
	return passed + min(max(ahead, 0), gap)
}

// NewClocks are those of an empty store.
func NewClocks() *Clocks {
	return &Clocks{running: map[question]*clock{}, earned: map[question]time.Time{}, named: map[question]bool{}, orders: orders{}, astray: newAstray()}
}

// The bounds of the model's rules and of its loops' polls.
const (
	tolerate = 10 * time.Minute
	gap      = 27 * time.Minute
	maxAge   = 30 * time.Minute
	// slack is how far the clocks of an answer and of a look may be apart.
	slack = time.Minute
)

func (c *Clocks) observe(by string, lane gitops.Lane, h signals.Health, soak time.Duration) {
	if h.Digest == "" {
		return
	}
	q := question{lane, h.Digest}
	k := c.running[q]
	if k == nil {
		k = &clock{last: map[string]glance{}}
		c.running[q] = k
	}
	is := glance{h.At, time.Now()}
	switch h.State {
	case signals.StateHealthy:
		k.good += k.since(by, is)
		k.last[by], k.bad = is, time.Time{}
		if k.good+fresh >= soak && c.earned[q].IsZero() {
			c.earned[q] = h.At
		}
	case signals.StateUnhealthy:
		if k.bad.IsZero() {
			k.bad = h.At
		}
		if h.At.Sub(k.bad) >= tolerate+gap {
			k.good = 0
		}
		k.last[by] = is
	case signals.StateProgressing, signals.StateUnknown:
	}
}
