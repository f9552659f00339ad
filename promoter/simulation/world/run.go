package world

import (
	"fmt"
	"hash/fnv"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/signals"
)

// running is what a controller deploys into environments, and how it does.
type running struct {
	seed   uint64
	places map[gitops.Lane]*place
}

// place is one lane: what runs there, since when, and what is on its way.
type place struct {
	running, desired signals.Digest
	since, arrives   time.Time
	// silent and sick are until when it gives no answer or a bad one;
	// strange is what somebody runs there by hand, until then.
	silent, sick, until time.Time
	strange             signals.Digest
}

// Rollout is how long the newest change takes to begin to answer well.
const Rollout = time.Minute

// chance is a number from 0 to 99 that depends on nothing but the seed and the
// names.
func (w *World) chance(names ...any) int {
	h := fnv.New64a()
	fmt.Fprint(h, w.seed, names)
	return int(h.Sum64() % 100)
}

// settle lets the controller do what was due until now.
func (w *World) settle(lane gitops.Lane) *place {
	p := w.places[lane]
	now := time.Now()
	v, ok := w.Commits[w.Main].Version(lane)
	if d := signals.Digest(v.Digest); ok && d != p.desired {
		p.desired = d
		p.arrives = now.Add(time.Duration(1+w.chance(lane, d)%6) * time.Minute)
	}
	if p.running != p.desired && !now.Before(p.arrives) {
		p.running, p.since = p.desired, now
	}
	return p
}

// bad says whether a build fails in an environment, and when after its arrival.
func (w *World) bad(lane gitops.Lane, d signals.Digest) (time.Duration, bool) {
	b := w.builds[d]
	if b != nil && b.Good {
		return 0, false
	}
	return time.Duration(2+w.chance("fails", lane, d)) * time.Minute, w.chance("bad", lane, d) < 60
}

// Sicken makes a lane unhealthy for a while, Silence keeps it from answering,
// and Drift has somebody run another build there.
func (w *World) Sicken(lane gitops.Lane, d time.Duration) {
	w.places[lane].sick = time.Now().Add(d)
	w.note(Deed{By: "fate", Kind: "sick", Lane: lane, Text: "for " + d.String()})
}

// Silence keeps a lane from answering for a while.
func (w *World) Silence(lane gitops.Lane, d time.Duration) {
	w.places[lane].silent = time.Now().Add(d)
	w.note(Deed{By: "fate", Kind: "silence", Lane: lane, Text: "for " + d.String()})
}

// Drift has somebody run another build in a lane for a while.
func (w *World) Drift(by string, lane gitops.Lane, build signals.Digest, d time.Duration) {
	p := w.places[lane]
	p.strange, p.until = build, time.Now().Add(d)
	w.note(Deed{By: by, Kind: "drift", Lane: lane, Text: "runs " + build.Short() + " by hand for " + d.String()})
}

// Calm ends everything that goes wrong in environments by itself.
func (w *World) Calm() {
	for _, p := range w.places {
		p.silent, p.sick, p.until = time.Time{}, time.Time{}, time.Time{}
	}
}

// Watched says whether a signal is asked about a lane.
func (w *World) Watched(lane gitops.Lane) bool { return w.places[lane] != nil }

// Silent is the answer of a signal that does not know.
func Silent(why string) signals.Health {
	return signals.Health{Name: "web", Source: "model", Reason: why}
}

// Health is what the signal of a lane answers now.
func (w *World) Health(lane gitops.Lane) signals.Health {
	p, now := w.settle(lane), time.Now()
	h := signals.Health{Name: "web", State: signals.StateHealthy, Digest: p.running, Rung: signals.RungReported, Source: "model"}
	if now.Before(p.until) {
		h.Digest = p.strange
	}
	after, bad := w.bad(lane, p.running)
	switch {
	case now.Before(p.silent):
		return Silent("no answer")
	case now.Sub(p.since) < Rollout:
		h.State, h.Reason = signals.StateProgressing, "it is starting"
	case now.Before(p.sick), bad && now.Sub(p.since) >= after:
		h.State, h.Reason = signals.StateUnhealthy, "answers 500"
	}
	return h
}
