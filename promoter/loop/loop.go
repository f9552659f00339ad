package loop

import (
	"context"
	"log/slog"
	"maps"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/store"
	"github.com/waveguide-dev/waveguide/signals"
)

// Options are what a loop is made of. Everything is required but Crash, Hints
// and Observe.
type Options struct {
	Repository string
	RulesDir   string
	Repo       Repo
	Branches   Branches
	Forge      Forge
	Proposer   Proposer
	Marker     Marker
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
	// Paused stops every advance; checks still go red.
	Paused string
	// Hints wakes the loop; what it carries is never believed.
	Hints <-chan struct{}
	// Observe sees every finished look: dashboards and demos.
	Observe func(View)
	// Crash is called with the name of every point at which a process may die;
	// only tests set it.
	Crash func(point string)
}

// Poll says how often the sources are read without a hint.
type Poll struct {
	Repository time.Duration
	Versions   time.Duration
	Health     time.Duration
	// Gap is how far two health readings may be apart and still count as one.
	Gap time.Duration
}

// View is the state after a look.
type View struct {
	Now      time.Time
	Head     gitops.Commit
	Plans    []promoter.Plan
	Routes   []promoter.Route
	Pauses   []gitops.Pause
	Problems []string
	// Silent are the sources that could not be read, with the reason.
	Silent map[string]string
	// Lanes are what was known of each lane.
	Lanes []promoter.Lane
}

// Loop looks, decides, acts and remembers for one repository.
type Loop struct {
	Options

	head   gitops.Commit
	ruling Ruling
	// unruled says that the rules changed and were not read yet.
	unruled  bool
	world    promoter.World
	lanes    map[gitops.Lane]*lane
	versions map[string]*versions
	silent   map[string]string
	me       gitops.Actor
	cursor   string
	due      map[string]time.Time
	ended    map[string]gitops.Proposal
	// orphans are our open proposals in lanes that no rule in force names.
	orphans []gitops.Proposal
}

// New makes a loop; nothing starts.
func New(o Options) *Loop {
	if o.Crash == nil {
		o.Crash = func(string) {}
	}
	if o.Observe == nil {
		o.Observe = func(View) {}
	}
	return &Loop{
		Options: o, lanes: map[gitops.Lane]*lane{}, versions: map[string]*versions{}, silent: map[string]string{},
		due: map[string]time.Time{}, ended: map[string]gitops.Proposal{},
	}
}

// least is the shortest rest between two looks, so that a wake in the past
// cannot spin.
const least = 50 * time.Millisecond

// Run looks until the context ends: at the plan's wake, after the poll time or
// when hinted, whichever is first.
func (l *Loop) Run(ctx context.Context) error {
	if err := l.resume(ctx); err != nil {
		return err
	}
	for {
		wake, err := l.Tick(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the end was asked for
		}
		if err != nil {
			return err
		}
		t := time.NewTimer(max(least, time.Until(wake)))
		select {
		case <-ctx.Done():
			t.Stop()
			return nil
		case <-l.Hints:
			clear(l.due)
		case <-t.C:
		}
		t.Stop()
	}
}

// Tick is one look: read, decide, do, remember. It returns when to look next.
// An error means that the store failed, without which nothing may be done.
func (l *Loop) Tick(ctx context.Context) (time.Time, error) {
	now := time.Now().UTC()
	began := time.Now()
	l.look(ctx, now)
	plans := l.decide(ctx, now)
	if err := l.remember(ctx, plans); err != nil {
		return time.Time{}, err
	}
	acted, err := l.act(ctx, now, plans)
	if err != nil {
		return time.Time{}, err
	}
	l.Metrics.look(time.Since(began), plans, l.silent)
	l.Observe(l.view(now, plans))
	if acted {
		// What was written shows at the next look, which is at once.
		delete(l.due, sourceGit)
		return now, nil
	}
	return l.wake(now, plans), nil
}

// decide asks the core about every artifact, reads the proofs its answer needs
// anew, and asks again: what was verified in this very look is what is acted on.
func (l *Loop) decide(ctx context.Context, now time.Time) []promoter.Plan {
	plans := make([]promoter.Plan, len(l.ruling.Routes))
	for i, r := range l.ruling.Routes {
		plans[i] = promoter.Decide(l.snapshot(now, r))
		if l.prove(ctx, now, r, plans[i]) {
			plans[i] = promoter.Decide(l.snapshot(now, r))
		}
	}
	return promoter.Admit(plans)
}

// snapshot is everything known about one artifact.
func (l *Loop) snapshot(now time.Time, r promoter.Route) promoter.Snapshot {
	s := promoter.Snapshot{Now: now, World: l.world, Route: r}
	if v := l.versions[r.Artifact]; v != nil {
		s.Versions, s.VersionsUnread = v.All, l.silent[sourceVersions+r.Artifact]
	}
	for _, w := range r.Waves {
		for _, stop := range w.Stops {
			if k := l.lanes[stop.Lane]; k != nil {
				s.Lanes = append(s.Lanes, k.known())
			}
		}
	}
	return s
}

// wake is when the next look is due.
func (l *Loop) wake(now time.Time, plans []promoter.Plan) time.Time {
	next := now.Add(l.Poll.Repository)
	for _, t := range l.due {
		// What was due is read by now; what nobody asks for any more, like the
		// proofs of a version that has arrived, wakes nobody.
		if t.After(now) && t.Before(next) {
			next = t
		}
	}
	for _, p := range plans {
		if !p.Wake.IsZero() && p.Wake.Before(next) {
			next = p.Wake
		}
	}
	return next
}

// view is what others may see of a look.
func (l *Loop) view(now time.Time, plans []promoter.Plan) View {
	v := View{
		Now: now, Head: l.head, Plans: plans, Routes: l.ruling.Routes, Pauses: l.world.Pauses,
		Problems: l.ruling.Problems, Silent: map[string]string{},
	}
	maps.Copy(v.Silent, l.silent)
	for _, r := range l.ruling.Routes {
		v.Lanes = append(v.Lanes, l.snapshot(now, r).Lanes...)
	}
	return v
}

// isDue says whether a source is to be read now, and when it is next.
func (l *Loop) isDue(source string, now time.Time, every time.Duration) bool {
	if now.Before(l.due[source]) {
		return false
	}
	l.due[source] = now.Add(every)
	return true
}

// speak notes whether a source could be read; a source that fails is silence,
// warned about once.
func (l *Loop) speak(source string, err error) bool {
	was := l.silent[source]
	if err == nil {
		delete(l.silent, source)
		return true
	}
	l.silent[source] = err.Error()
	if was != err.Error() {
		l.Log.Warn("source is silent", "silent", source, "error", err.Error())
	}
	return false
}

// The sources of a look, as names in logs, metrics and on the page.
const (
	sourceGit      = "git"
	sourceForge    = "forge"
	sourcePauses   = "pauses"
	sourceVersions = "versions of "
	sourceProofs   = "proofs of "
	sourceHealth   = "health of "
)

// versions is what is remembered of an artifact's tags.
type versions struct {
	All  []signals.Version `json:"all"`
	kept string
}

// Look reads the world once and decides, and does nothing: what is planned is
// in the view.
func (l *Loop) Look(ctx context.Context) View {
	now := time.Now().UTC()
	l.look(ctx, now)
	plans := l.decide(ctx, now)
	return l.view(now, plans)
}
