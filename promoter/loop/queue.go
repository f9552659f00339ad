package loop

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
)

// queue holds the plans in force and which of them have to be made again. Its
// keys are the places of routes in the ruling.
type queue struct {
	plans []promoter.Plan
	// limited are the routes with lanes that need places, admitted the plans
	// after the places were given.
	limited  []int
	admitted []promoter.Plan
	// seen are what each plan was made from.
	seen  []promoter.Snapshot
	dirty map[int]struct{}
	// needed leads from a route to those that require its artifact somewhere.
	needed map[int][]int
	// decided are those that were made in this look: only they are acted on.
	decided map[int]struct{}
	// again is when a plan is made again whatever happens, because a write of
	// it failed.
	again map[int]time.Time
	// news says that something else than a plan changed in this look.
	news bool
}

// reset forgets every plan; all routes have to be decided.
func (q *queue) reset(routes []promoter.Route, needed map[int][]int) {
	*q = queue{
		plans: make([]promoter.Plan, len(routes)), seen: make([]promoter.Snapshot, len(routes)),
		dirty: map[int]struct{}{}, decided: map[int]struct{}{}, again: map[int]time.Time{}, needed: needed, news: true,
	}
	for i := range routes {
		if needsPlaces(&routes[i]) {
			q.limited = append(q.limited, i)
		}
	}
	q.all()
}

func needsPlaces(r *promoter.Route) bool {
	for _, w := range r.Waves {
		for i := range w.Stops {
			if len(w.Stops[i].Gates.Lock.Limits) > 0 {
				return true
			}
		}
	}
	return false
}

// admit gives the places of the limits to the plans that wish for one.
func (q *queue) admit() {
	q.admitted = slices.Clone(q.plans)
	contenders := make([]promoter.Plan, 0, len(q.limited))
	for _, i := range q.limited {
		contenders = append(contenders, q.plans[i])
	}
	for n, p := range promoter.Admit(contenders) {
		q.admitted[q.limited[n]] = p
	}
}

func (q *queue) all() {
	for i := range q.plans {
		q.dirty[i] = struct{}{}
	}
}

func (q *queue) add(i int) { q.dirty[i] = struct{}{} }

// retry asks for a plan again at a time, or sooner if it was asked for already.
func (q *queue) retry(i int, at time.Time) {
	if was, ok := q.again[i]; !ok || at.Before(was) {
		q.again[i] = at
	}
}

// take hands out, in order, what has to be decided at now.
func (q *queue) take(now time.Time) []int {
	for i, p := range q.plans {
		if !p.Wake.IsZero() && !now.Before(p.Wake) {
			q.add(i)
		}
	}
	for i, at := range q.again {
		if !now.Before(at) {
			delete(q.again, i)
			q.add(i)
		}
	}
	for _, i := range slices.Collect(maps.Keys(q.dirty)) {
		for _, j := range q.needed[i] {
			q.add(j)
		}
	}
	taken := slices.Sorted(maps.Keys(q.dirty))
	clear(q.dirty)
	for _, i := range taken {
		q.decided[i] = struct{}{}
	}
	return taken
}

// wake is when something in the queue is due; zero if nothing will be.
func (q *queue) wake(now time.Time) time.Time {
	if len(q.dirty) > 0 {
		return now
	}
	var next time.Time
	sooner := func(t time.Time) {
		if !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	for _, p := range q.plans {
		sooner(p.Wake)
	}
	for _, t := range q.again {
		sooner(t)
	}
	return next
}

// wishes says that a plan wants to write.
func (q *queue) wishes(i int) bool {
	return slices.ContainsFunc(q.admitted[i].Lanes, func(lp promoter.LanePlan) bool { return lp.Change != nil })
}

// advances says that a plan of this look wants to step forward.
func (q *queue) advances() bool {
	for i := range q.decided {
		for _, lp := range q.admitted[i].Lanes {
			if lp.Change != nil && advance(*lp.Change) {
				return true
			}
		}
	}
	return false
}

// lanes are what was known of the lanes of each route.
func (q *queue) lanes() [][]promoter.Lane {
	all := make([][]promoter.Lane, len(q.seen))
	for i := range q.seen {
		all[i] = q.seen[i].Lanes
	}
	return all
}

// done ends a look.
func (q *queue) done() {
	clear(q.decided)
	q.news = false
}

// atlas leads from lanes, artifacts and paths to the rules about them.
type atlas struct {
	stops     map[gitops.Lane]site
	artifacts map[string][]int
	paths     map[string][]gitops.Lane
}

// site is where the rules speak of a lane.
type site struct {
	route int
	wave  *promoter.Wave
	stop  *promoter.Stop
}

func newAtlas(routes []promoter.Route) atlas {
	a := atlas{stops: map[gitops.Lane]site{}, artifacts: map[string][]int{}, paths: map[string][]gitops.Lane{}}
	for i, r := range routes {
		a.artifacts[r.Artifact] = append(a.artifacts[r.Artifact], i)
		for k := range r.Waves {
			wave := &r.Waves[k]
			for j := range wave.Stops {
				stop := &wave.Stops[j]
				a.stops[stop.Lane] = site{i, wave, stop}
				path := strings.TrimSuffix(stop.Path, "/")
				a.paths[path] = append(a.paths[path], stop.Lane)
			}
		}
	}
	return a
}

// inOrder are the lanes of a map, always in the same order.
func inOrder[V any](m map[gitops.Lane]V) []gitops.Lane {
	return slices.SortedFunc(maps.Keys(m), func(a, b gitops.Lane) int {
		return cmp.Or(cmp.Compare(a.Artifact, b.Artifact), cmp.Compare(a.Environment, b.Environment))
	})
}

// needed leads from each route to those that require its artifact somewhere:
// they are decided again whenever it is.
func (a atlas) needed(routes []promoter.Route) map[int][]int {
	needed := map[int][]int{}
	for i, r := range routes {
		for stop := range r.Stops() {
			for _, at := range stop.Requires() {
				if s, ok := a.stops[at]; ok && s.route != i && !slices.Contains(needed[s.route], i) {
					needed[s.route] = append(needed[s.route], i)
				}
			}
		}
	}
	return needed
}

// touched are the lanes whose files are among the changed ones.
func (a atlas) touched(changed []string) map[gitops.Lane]struct{} {
	lanes := map[gitops.Lane]struct{}{}
	for _, path := range changed {
		for path != "" {
			for _, at := range a.paths[path] {
				lanes[at] = struct{}{}
			}
			path = path[:max(0, strings.LastIndexByte(path, '/'))]
		}
		for _, at := range a.paths[""] {
			lanes[at] = struct{}{}
		}
	}
	return lanes
}
