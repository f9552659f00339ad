package promoter

import (
	"slices"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/signals"
)

// Decide says what to do now about one artifact, and why, for every lane of
// its route. It is a pure function of the snapshot: the same snapshot gives
// the same plan. At most one change is wished per lane.
func Decide(s Snapshot) Plan {
	d := survey(&s)
	p := Plan{Promotion: s.Route.Promotion, Artifact: s.Route.Artifact}
	// Earning comes first, so that looking again at the applied plan changes nothing.
	for _, at := range d.sites {
		d.earn(at)
		at.wake = d.wakes(at)
	}
	p.Lanes = make([]LanePlan, 0, len(d.sites))
	for _, at := range d.sites {
		l := d.lane(at)
		d.aside(at, &l)
		l.Wake = soonest(s.Now, gate.Wake(l.Verdicts, s.Now), at.wake)
		p.Lanes = append(p.Lanes, l)
		p.Wake = soonest(s.Now, p.Wake, l.Wake)
	}
	return p
}

// Judge asks the gates about an open proposal that is not ours: may what it
// brings into its lane be merged? Going back is judged as a rollback. It is
// pure like [Decide]; a lane that the route does not have gets no verdicts.
func Judge(s Snapshot, p gitops.Proposal) []gate.Verdict {
	d := survey(&s)
	for _, at := range d.sites {
		d.earn(at)
	}
	for _, at := range d.sites {
		if at.stop.Lane != p.Lane {
			continue
		}
		known := *at.known
		known.Rival = ""
		known.Proposals = append([]gitops.Proposal{p}, known.ended()...)
		at.known = &known
		v, class := d.versions.find(p.To), at.stop.classOf(&p)
		if d.versions.older(v, at.current) {
			class = gate.Rollback
		}
		if at.stop.Held != "" {
			return held(at.stop.Held)
		}
		return at.stop.Gates.Check(d.gateCase(at, v, class, gate.Merge))
	}
	return nil
}

// survey puts together what is known of every stop of the route.
func survey(s *Snapshot) *decision {
	d := &decision{snapshot: s, versions: newCatalogue(s.Route.Selector, s.Versions)}
	d.sites = make([]*site, 0, s.Route.size())
	sites := make([]site, cap(d.sites))
	for i := range s.Route.Waves {
		for j := range s.Route.Waves[i].Stops {
			at := &sites[len(d.sites)]
			at.wave, at.stop = i, &s.Route.Waves[i].Stops[j]
			at.known = s.lane(at.stop.Lane)
			d.versions.written = append(d.versions.written, d.versions.unseen(at.known.Desired)...)
			at.current = d.current(at.known.Desired)
			at.left = d.wentBack(at)
			d.pin(at)
			at.state = at.stop.Pulse(at.known.Desired, at.known.Facts, s.Now, 0).State
			d.sites = append(d.sites, at)
		}
	}
	return d
}

// decision is the working state of one call of Decide.
type decision struct {
	snapshot *Snapshot
	versions catalogue
	sites    []*site
	// ahead keeps the last answer of upstream: the lanes of a wave mostly ask
	// about one version, and cases share it.
	ahead struct {
		wave    int
		version signals.Digest
		lanes   []gate.Upstream
	}
}

// site is a stop with what is known there.
type site struct {
	wave    int
	stop    *Stop
	known   *Lane
	current signals.Version
	state   signals.State   // what the signals say now
	left    []retreat       // the versions that were left by going back
	pin     *pinning        // the pin in force
	fresh   *signals.Earned // earned by this very look
	ripe    time.Time       // when the soak ends if all goes on as it does
	wake    time.Time       // when something here changes by itself
}

// current is the version Git names, as the catalogue knows it; where places
// disagree, the newest of them.
func (d *decision) current(g gitops.Desired) signals.Version {
	if g.Presence != gitops.Mixed {
		return d.versions.find(g.Version)
	}
	var newest signals.Version
	for _, p := range g.Places {
		if v := d.versions.find(p.Version); newest.Digest == "" || d.versions.older(newest, v) {
			newest = v
		}
	}
	return newest
}

// earned says when a digest earned the lane. What was adopted is somewhere to
// go back to, but has not earned: its soak was never observed.
func (at *site) earned(v signals.Digest) (time.Time, bool) {
	if at.fresh != nil && at.fresh.Digest == v && !at.fresh.Adopted {
		return at.fresh.At, true
	}
	for _, e := range at.known.Facts.Earned {
		if e.Digest == v && !e.Adopted && !at.lost(e) {
			return e.At, true
		}
	}
	return time.Time{}, false
}

// lost says that going back took away what a version had earned before.
func (at *site) lost(e signals.Earned) bool {
	for _, r := range at.left {
		if r.left.Digest == e.Digest && !e.At.After(r.at) {
			return true
		}
	}
	return false
}

// earn notes that the current version's clock has run, or when it will have.
func (d *decision) earn(at *site) {
	k := at.known.Facts.Streak
	if at.known.Desired.Presence != gitops.At || at.current.Digest == "" {
		return
	}
	if _, ok := at.earned(at.current.Digest); ok {
		return
	}
	if len(at.known.Facts.Earned)+len(at.known.Proposals) == 0 && !slices.ContainsFunc(at.known.Desired.Left, func(l gitops.Left) bool { return !l.Found }) {
		at.fresh = &signals.Earned{Digest: at.current.Digest, At: d.snapshot.Now, Adopted: true}
	}
	if k.Digest != at.current.Digest {
		return
	}
	if !at.stop.Gates.Soak.Earns(k) {
		if at.state == signals.StateHealthy {
			at.ripe = k.Until(at.stop.Gates.Soak.For)
		}
		return
	}
	if at.state == signals.StateHealthy && at.stop.Held == "" {
		at.fresh = &signals.Earned{Digest: at.current.Digest, At: d.snapshot.Now}
	}
}

// wakes is when a lane changes by itself whatever the gates say: its soak ends,
// an answer of its signals grows old, or bad news lasts too long.
func (d *decision) wakes(at *site) time.Time {
	now := d.snapshot.Now
	wake := soonest(now, at.ripe, time.Time{})
	if at.pin != nil {
		wake = soonest(now, wake, at.pin.Until)
	}
	for _, want := range at.stop.Signals {
		if h, ok := at.known.Facts.Signal(want.Name); ok {
			wake = soonest(now, wake, h.At.Add(want.MaxAge))
		}
	}
	if bad := at.known.Facts.Streak.Bad; !bad.IsZero() {
		wake = soonest(now, wake, bad.Add(at.stop.Tolerate))
	}
	return wake
}

// failing says that what is there is unhealthy for longer than is tolerated.
func (d *decision) failing(at *site) bool {
	k := at.known.Facts.Streak
	return at.known.Desired.Presence == gitops.At && k.Digest == at.current.Digest && !k.Bad.IsZero() &&
		d.snapshot.Now.Sub(k.Bad) >= at.stop.Tolerate && at.state == signals.StateUnhealthy
}

// soonest is the earlier of two wakes that lie after now; zero is never.
func soonest(now, a, b time.Time) time.Time {
	switch {
	case !a.After(now):
		a = time.Time{}
		if b.After(now) {
			return b
		}
		return a
	case !b.After(now) || a.Before(b):
		return a
	}
	return b
}

// gateCase is the case of one version that wants to enter a lane.
func (d *decision) gateCase(at *site, v signals.Version, class gate.Class, step gate.Step) gate.Case {
	s := d.snapshot
	c := gate.Case{
		Now: s.Now, Step: step, Class: class, Lane: at.stop.Lane,
		Promotion: s.Route.Promotion, Wave: s.Route.Waves[at.wave].Name, Labels: at.stop.Labels, Image: s.Route.Image,
		Current: at.known.Desired, Candidate: v, Running: at.current,
		Conflict: d.obstacle(at, v, class), Backwards: d.versions.older(v, at.current),
		VersionsUnread: s.VersionsUnread,
		Facts:          at.known.Facts, Signals: at.stop.Signals, TrustDesired: at.stop.TrustDesired,
		Upstream: d.upstream(at.wave, v.Digest), Needs: at.known.Needs,
		Pauses: s.World.Pauses, PausesUnread: s.World.PausesUnread,
	}
	if len(at.stop.Paused) > 0 {
		c.Pauses = slices.Concat(c.Pauses, at.stop.Paused)
	}
	if step == gate.Merge {
		c.Proposal = d.caused(at, v)
	}
	w := s.Route.Waves[at.wave]
	for _, o := range d.sites {
		if o.wave == at.wave && o != at && !w.StopOne && o.current.Digest == v.Digest && d.failing(o) {
			c.Failing = append(c.Failing, o.stop.Lane.Environment)
		}
	}
	if class == gate.Promotion && d.mustFinish(at) {
		c.Finishing = &gate.Upstream{
			Environment: at.stop.Lane.Environment, Desired: at.current.Digest,
			Soak: at.stop.Gates.Soak.For, Streak: at.streak(),
		}
	}
	return c
}

// mustFinish says that what is there still soaks for a later wave that does
// not have it, so that a busy build cannot starve production. A later lane that
// could not be read may be waiting for it.
func (d *decision) mustFinish(at *site) bool {
	if d.snapshot.Route.Replace || at.known.Desired.Presence != gitops.At || d.failing(at) {
		return false
	}
	if _, ok := at.earned(at.current.Digest); ok {
		return false
	}
	if d.conflict(at, at.current, gate.Promotion) != "" || !d.versions.selects(at.current.Tag) {
		return false
	}
	for _, o := range d.sites {
		if o.wave > at.wave && (o.known.Desired.Presence == gitops.PresenceUnknown || d.versions.older(o.current, at.current)) {
			return true
		}
	}
	return false
}
