package loop

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/store"
	"github.com/waveguide-dev/waveguide/signals"
)

// Options are what a loop is made of. Everything is required but Authors, Crash, Hints, Now,
// Observe, Owners, Paused, Publisher, Right, Target and Witness.
type Options struct {
	Repository string
	RulesDir   string
	Repo       Repo
	History    History
	Branches   Branches
	Forge      Forge
	Proposer   Proposer
	Marker     Marker
	Talker     Talker
	Reporter   Reporter
	Authors    Authors
	Queue      Queue
	Publisher  Publisher // nil: nothing is published
	Sources    Sources   // nil: a chart's source must stand beside it
	Registry   Registry
	Prover     Prover
	Health     Health
	Rules      Rules
	Writer     Writer
	Store      *store.Store
	Log        *slog.Logger
	Metrics    *Metrics
	// Email is the author of the bot's commits.
	Email string
	Poll  Poll
	// HumanChanges says how people's proposals are judged; by the gates if empty.
	HumanChanges HumanChanges
	// Paused is the pause of the daemon's own file, which stops every advance;
	// checks still go red. Nil stops nothing. An error says that the file cannot
	// be used, which counts as a pause. It must not wait.
	Paused func() (*gitops.Pause, error)
	// Hints wakes the loop.
	Hints <-chan Hint
	// Observe sees every look: dashboards and demos.
	Observe func(View)
	// Right says who may end stops; people who may write, if nil.
	Right gitops.Right
	// Owners are the code owners of files at a commit.
	Owners func(at gitops.Commit, paths []string) gitops.Request
	// Target is the address of a lane's page, or empty.
	Target func(gitops.Lane) string
	// Witness finds the newest checkpoint of every ledger that Git names.
	Witness func(context.Context) []store.Checkpoint
	// Crash is called with the name of every point at which a process may die;
	// only tests set it.
	Crash func(point string)
	// Now is the clock, that of this machine if nil; only tests set another, one
	// that is set forward and back. Several goroutines ask it.
	Now func() time.Time
}

// Poll says how often the sources are read without a hint.
type Poll struct {
	// Repository is how often Git's refs and the forge are read.
	Repository time.Duration
	Versions   time.Duration
	Health     time.Duration
	// Gap is how far two health readings may be apart and still count as one.
	Gap time.Duration
}

// View is the state after a look. Nothing in it may be changed.
type View struct {
	Repository string
	// Quiet says that nothing but Now differs from the view before.
	Quiet    bool
	Now      time.Time
	Head     gitops.Commit
	Plans    []promoter.Plan
	Routes   []promoter.Route
	Pauses   []gitops.Pause
	Problems []string
	// Silent are the sources that could not be read, with the reason.
	Silent map[string]string
	// Lanes are what was known of the lanes of each route.
	Lanes [][]promoter.Lane
}

// Loop looks, decides, acts and remembers for one repository.
type Loop struct {
	Options

	head   gitops.Commit
	ruling Ruling
	paused []gitops.Pause // what the rules themselves pause
	// unruled says that the rules changed and were not read yet.
	unruled bool
	// fetched says that something was fetched since the branch was read, and
	// follows which head it follows from.
	fetched bool
	follows gitops.Commit
	// unread are changed paths whose lanes were not read yet.
	unread []string
	world  promoter.World
	atlas  atlas
	lanes  map[gitops.Lane]*lane
	// charts says that some lane has a chart, sources where those may come from.
	charts  bool
	sources map[string]string
	// recalled says that the memory of the store was read.
	recalled bool
	// witnessed says that the ledger was compared with what Git knows of it.
	witnessed bool
	// versions are those of each artifact.
	versions map[string]*versions
	me       gitops.Actor
	people   people
	trunk    trunk
	cursor   string
	ended    map[string]gitops.Proposal
	// unfinished are ended proposals that could not be read to the end.
	unfinished []gitops.Proposal
	// proposing are the lanes with open proposals.
	proposing map[gitops.Lane]struct{}
	// rivals are the open proposals of people by id, judged when their checks
	// were last decided, rejudge when time changes them, and epoch counts the
	// rulings.
	rivals          map[string]*rival
	contested       map[gitops.Lane]string // lanes that they change, with their words
	judged, rejudge time.Time
	epoch           int
	// opened are proposals of ours that a list has to show, unshown since when it
	// does not and they cannot be read either.
	opened  map[string]gitops.Proposal
	unshown map[string]time.Time
	// strange are the branches of our names that hold commits of others.
	strange map[string]sighting
	// groups are those of the merge queue, answered the checks set on them.
	groups   []gitops.Group
	answered map[gitops.Commit]gitops.Check
	// entering are the lanes of which nobody knows yet how their version came to
	// Git, past those in which it came past a proposal and is not on record.
	entering, past map[gitops.Lane]struct{}
	// following are the lanes with a merge of ours that has not earned them yet,
	// remind is when one of them is late.
	following map[gitops.Lane]struct{}
	remind    time.Time
	// notes are for the ledger.
	notes []noted
	// orphans are our open proposals in lanes that no rule in force names.
	orphans []gitops.Proposal

	schedule  schedule
	questions map[string]question
	asked     map[string]bool
	answers   chan answer
	readers   sync.WaitGroup
	silent    map[string]string
	fails     map[string]int
	gists     map[string]gist
	// began is when this look did, read when Git and the forge were last read
	// without an error.
	began time.Time
	// kept is when what these taught was last compared with the store.
	kept time.Time
	read map[string]time.Time

	queue  queue
	brakes map[string]brake
	// credits are the lanes with something to publish.
	credits map[gitops.Lane]struct{}
}

// New makes a loop; nothing starts.
func New(o Options) *Loop {
	if o.Crash == nil {
		o.Crash = func(string) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Owners == nil {
		o.Owners = func(gitops.Commit, []string) gitops.Request { return gitops.Request{} }
	}
	if o.Target == nil {
		o.Target = func(gitops.Lane) string { return "" }
	}
	if o.Paused == nil {
		o.Paused = func() (*gitops.Pause, error) { return nil, nil } //nolint:nilnil // nobody paused
	}
	if o.Observe == nil {
		o.Observe = func(View) {}
	}
	l := &Loop{
		Options: o, lanes: map[gitops.Lane]*lane{}, versions: map[string]*versions{}, ended: map[string]gitops.Proposal{},
		questions: map[string]question{}, strange: map[string]sighting{}, opened: map[string]gitops.Proposal{}, unshown: map[string]time.Time{}, asked: map[string]bool{}, answers: make(chan answer),
		silent: map[string]string{}, fails: map[string]int{}, read: map[string]time.Time{},
		brakes: map[string]brake{}, credits: map[gitops.Lane]struct{}{}, proposing: map[gitops.Lane]struct{}{}, entering: map[gitops.Lane]struct{}{}, past: map[gitops.Lane]struct{}{}, answered: map[gitops.Commit]gitops.Check{},
	}
	l.following = map[gitops.Lane]struct{}{}
	l.queue.reset(nil, nil)
	l.schedule.set(sourceGit, time.Unix(0, 0))
	l.schedule.set(sourceForge, time.Unix(0, 0))
	return l
}

// least is the shortest rest between two looks, so that a wake in the past
// cannot spin.
const least = 50 * time.Millisecond

// Run looks until the context ends: at the plan's wake, after the poll time,
// when a late answer comes or when hinted, whichever is first.
func (l *Loop) Run(ctx context.Context) error {
	// Whoever still waits for an answer when the loop ends is told to stop.
	ctx, cancel := context.WithCancel(ctx)
	defer l.readers.Wait()
	defer cancel()
	if err := l.resume(ctx); err != nil {
		return err
	}
	for source := range l.asked { // whoever was asked by an earlier run answers no more
		l.schedule.set(source, l.now())
	}
	clear(l.asked)
	for {
		wake, err := l.Tick(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		t := time.NewTimer(max(least, wake.Sub(l.now())))
		select {
		case <-ctx.Done():
		case h := <-l.Hints:
			l.hinted(h, l.now())
		case a := <-l.answers:
			l.take(a, l.now())
		case <-t.C:
		}
		t.Stop()
		if ctx.Err() != nil {
			return nil
		}
	}
}

// Tick is one look: read, decide, do, remember. It returns when to look next.
// An error means that the store failed, without which nothing may be done.
func (l *Loop) Tick(ctx context.Context) (time.Time, error) {
	began := l.now()
	l.begin(began)
	l.look(ctx, began)
	now := l.now()
	l.decide(ctx, now)
	if l.queue.advances() && !l.fresh(began) {
		// A step forward rests on Git and the forge as they are at this moment.
		l.lookGit(ctx, now)
		l.lookForge(ctx, now)
		l.decide(ctx, now)
	}
	if l.head != "" {
		if err := l.witness(ctx, now); err != nil {
			return time.Time{}, err
		}
	}
	if err := l.remember(ctx); err != nil {
		return time.Time{}, err
	}
	l.publicise(now)
	acted, err := l.act(ctx, now)
	if err != nil {
		return time.Time{}, err
	}
	l.Metrics.look(l.Repository, l.now().Sub(began), l.queue.admitted, len(l.silent))
	l.Observe(l.view(now))
	l.queue.done()
	if acted {
		// What was written shows at the next look, which is at once.
		l.schedule.set(sourceGit, now)
		l.schedule.set(sourceForge, now)
		return now, nil
	}
	return l.wake(now), nil
}

// fresh says that Git and the forge were read since a time.
func (l *Loop) fresh(since time.Time) bool {
	return !l.read[sourceGit].Before(since) && !l.read[sourceForge].Before(since)
}

// Look reads the world once and decides, and does nothing: what is planned is
// in the view.
func (l *Loop) Look(ctx context.Context) View {
	ctx, cancel := context.WithCancel(ctx)
	defer l.readers.Wait()
	defer cancel()
	l.look(ctx, l.now())
	now := l.now()
	l.decide(ctx, now)
	return l.view(now)
}

// wake is when the next look is due.
func (l *Loop) wake(now time.Time) time.Time {
	next := now.Add(l.Poll.Repository)
	for _, t := range []time.Time{l.schedule.first(), l.queue.wake(now), l.rejudge, l.remind} {
		if !t.IsZero() && t.Before(next) {
			next = t
		}
	}
	return next
}

// hinted brings the turn of what may have changed forward.
func (l *Loop) hinted(h Hint, now time.Time) {
	all := h == Hint{}
	if h.Daemon {
		l.distrust(now)
	}
	if all || h.Git {
		l.schedule.set(sourceGit, now)
	}
	if all || h.Forge {
		l.schedule.set(sourceForge, now)
	}
	for i, r := range l.ruling.Routes {
		if all || h.Image != "" && strings.HasSuffix("/"+r.Image, "/"+h.Image) {
			l.published(i, now)
		}
	}
	for at := range l.atlas.stops {
		if all || h.Environment != "" && h.Environment == at.Environment {
			l.soon(now, sourceHealth+at.String())
		}
	}
}

// distrust has everything read anew that rests on the daemon's own file: the
// rules with the floor under them, what is paused, and who is believed.
func (l *Loop) distrust(now time.Time) {
	l.unruled = true
	for _, k := range l.lanes {
		k.stale()
	}
	l.schedule.set(sourceGit, now)
	l.schedule.set(sourceForge, now)
}

// published has the tags of a route's image read, and the evidence about what
// wants to move: a signature may have followed its image.
func (l *Loop) published(i int, now time.Time) {
	l.soon(now, sourceVersions+l.ruling.Routes[i].Artifact)
	for _, lp := range l.queue.plans[i].Lanes {
		if k := l.lanes[lp.Lane]; k != nil {
			k.stale()
			l.soon(now, sourceProofs+lp.Lane.String())
		}
	}
}

// soon brings a source's turn forward, if the rules ask it at all.
func (l *Loop) soon(now time.Time, source string) {
	if _, ok := l.questions[source]; ok && !l.asked[source] {
		l.schedule.set(source, now)
	}
}

// view is what others may see of a look.
func (l *Loop) view(now time.Time) View {
	return View{
		Repository: l.Repository, Quiet: len(l.queue.decided) == 0 && !l.queue.news, Now: now, Head: l.head, Plans: l.queue.admitted, Routes: l.ruling.Routes, Pauses: slices.Concat(l.world.Pauses, l.paused),
		Problems: l.ruling.Problems, Silent: maps.Clone(l.silent), Lanes: l.queue.lanes(),
	}
}

// The sources of a look, as names in logs, metrics and on the page.
const (
	sourceGit      = "git"
	sourceForge    = "forge"
	sourcePauses   = "pauses"
	sourceDaemon   = "the daemon's file"
	sourceVersions = "versions of "
	sourceProofs   = "proofs of "
	sourceHealth   = "health of "
	sourceBranch   = "branch "
	sourceEdit     = "edit of "
	sourceWrite    = "write of "
	sourceProposal = "proposal "
	// A rejection is asked for the word that takes it back.
	sourceRejection = "rejection "
)

// versions is what is remembered of an artifact's tags.
type versions struct {
	All []signals.Version `json:"all"`
	// Origins are the source commits that verified evidence named; empty where
	// all of it was read and names none.
	Origins map[signals.Digest]promoter.Origin `json:"origins,omitempty"`
	// Written are the authors of the source commits between two versions.
	Written map[string][]string `json:"written,omitempty"`
	// read says that the registry answered since the start.
	read bool
	kept digest
}
