package loop

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/signals"
)

// decide makes the plans again that something may have changed, and gives the
// places of the limits to those that wish for one. A wish that was made before
// this look, and gets its place only now, is made again: what is acted on was
// decided on what is known now.
func (l *Loop) decide(ctx context.Context, now time.Time) {
	if !l.plan(ctx, now) {
		return
	}
	l.queue.admit()
	for _, i := range l.queue.limited {
		if _, ok := l.queue.decided[i]; !ok && l.queue.wishes(i) {
			l.queue.add(i)
		}
	}
	if l.plan(ctx, now) {
		l.queue.admit()
	}
}

// rounds bounds how often a look reads proofs for a plan: first what is not
// known, and then, if that makes the plan a step forward, all of it again.
const rounds = 3

// plan asks the core about what is in the queue, reads the proofs its answers
// need, and asks again where it learnt something: what was verified in this
// very look is what is acted on. It says whether anything was in the queue.
func (l *Loop) plan(ctx context.Context, now time.Time) bool {
	routes := l.queue.take(now)
	learnt := routes
	for round := 0; len(learnt) > 0; round++ {
		var asks []*ask
		for _, i := range learnt {
			l.ponder(now, i)
			asks = append(asks, l.unproven(now, i)...)
		}
		if learnt = nil; round < rounds {
			learnt = slices.Sorted(maps.Keys(l.prove(ctx, now, asks)))
		}
	}
	for _, i := range routes {
		l.reconsider(now, i)
		l.attribute(now, i)
		for _, lp := range l.queue.plans[i].Lanes {
			if k := l.lanes[lp.Lane]; k != nil {
				l.learn(ctx, k, lp)
			}
			if len(l.silent) > 0 && !edits(lp.Change) {
				l.speak(sourceEdit+lp.Lane.String(), nil) // nothing is to be edited any more
			}
		}
	}
	return len(routes) > 0
}

// edits says that a wish needs a commit.
func edits(c *gitops.Change) bool {
	return c != nil && (c.Kind == gitops.OpenProposal || c.Kind == gitops.UpdateProposal)
}

// ponder makes one plan.
func (l *Loop) ponder(now time.Time, i int) {
	l.queue.seen[i] = l.snapshot(now, i)
	l.queue.plans[i] = promoter.Decide(l.queue.seen[i])
}

// snapshot is everything known about the artifact of a route.
func (l *Loop) snapshot(now time.Time, i int) promoter.Snapshot {
	r := l.ruling.Routes[i]
	s := promoter.Snapshot{Now: now, World: l.world, Route: r}
	if v := l.versions[r.Artifact]; v != nil {
		s.Versions, s.VersionsUnread = slices.Clip(v.All), l.silent[sourceVersions+r.Artifact]
		if !v.read && s.VersionsUnread == "" {
			s.VersionsUnread = "not read since the start"
		}
	}
	for stop := range r.Stops() {
		if k := l.lanes[stop.Lane]; k != nil {
			known := l.known(k)
			known.Needs = stop.Needs(now, l.find)
			s.Lanes = append(s.Lanes, known)
		}
	}
	return s
}

// find leads to what is known of a lane that another one requires.
func (l *Loop) find(at gitops.Lane) (*promoter.Stop, promoter.Lane, bool) {
	s, ruled := l.atlas.stops[at]
	k := l.lanes[at]
	if !ruled || k == nil {
		return nil, promoter.Lane{}, false
	}
	return s.stop, l.known(k), true
}

// advance says that a change moves a version forward, so that everything it
// rests on must have been read in this look.
func advance(c gitops.Change) bool {
	switch c.Kind {
	case gitops.OpenProposal, gitops.UpdateProposal, gitops.MergeProposal:
		return true
	case gitops.SetCheck:
		return c.Check.State == gitops.CheckSuccess
	case gitops.CloseProposal, gitops.DescribeProposal, gitops.RemoveLabel, gitops.MendStop, gitops.AnswerPerson, gitops.FileReport, gitops.EndIssue:
	}
	return false
}

// ask is one question to the prover, and its answer.
type ask struct {
	route  int
	image  string
	digest signals.Digest
	stop   promoter.Stop
	again  bool

	proofs []signals.Proof
	err    error
}

// movers are the digests that want to enter a lane: the one under review or
// about to be proposed, and the one that would take its place.
func movers(lp promoter.LanePlan) []signals.Digest {
	var all []signals.Digest
	for _, d := range []signals.Digest{lp.Candidate.Digest, lp.Challenger} {
		if d != "" && d != lp.Current.Digest && !slices.Contains(all, d) {
			all = append(all, d)
		}
	}
	return all
}

// unproven are the questions that a plan raises: about every version that
// wants to move whose proofs are missing, due, or about to be acted on and not
// read in this look.
func (l *Loop) unproven(now time.Time, i int) []*ask {
	var asks []*ask
	for _, lp := range l.queue.plans[i].Lanes {
		k := l.lanes[lp.Lane]
		if k == nil {
			continue
		}
		digests := movers(lp)
		for _, d := range slices.Concat(l.rivalDigests(lp.Lane), l.strangers(k)) {
			if !slices.Contains(digests, d) {
				digests = append(digests, d)
			}
		}
		k.keep(digests)
		if len(digests) == 0 {
			l.forget(sourceProofs + lp.Lane.String())
		}
		for _, d := range digests {
			if again, read := rereads(lp.Change, k.proven[d], now); read {
				asks = append(asks, &ask{route: i, image: l.ruling.Routes[i].Image, digest: d, stop: *l.atlas.stops[lp.Lane].stop, again: again})
			}
		}
	}
	return asks
}

// rereads says whether a digest's proofs have to be read, and whether all
// cryptography has to be done again, as before a merge and before the check
// turns green, which lets people merge.
func rereads(c *gitops.Change, p proven, now time.Time) (again, read bool) {
	again = c != nil && advance(*c) && (c.Kind == gitops.MergeProposal || c.Kind == gitops.SetCheck)
	if p.at.Equal(now) && (p.again || !again) {
		return again, false
	}
	return again, c != nil && advance(*c) || !now.Before(p.due)
}

// sideBySide bounds how many questions are under way at once.
const sideBySide = 16

// patience bounds how long a look waits for answers.
const patience = 10 * time.Second

// prove reads the evidence that was asked for, side by side and for a bounded
// time, and names the routes that learnt something.
func (l *Loop) prove(ctx context.Context, now time.Time, asks []*ask) map[int]struct{} {
	timed, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var wait sync.WaitGroup
	turns := make(chan struct{}, sideBySide)
	for _, q := range asks {
		turns <- struct{}{}
		wait.Go(func() {
			defer func() { <-turns }()
			q.proofs, q.err = l.Prover.Proofs(timed, q.image, q.digest, q.stop, q.again)
		})
	}
	wait.Wait()
	learnt := map[int]struct{}{}
	failed := map[string]error{}
	for _, q := range asks {
		source := sourceProofs + q.stop.Lane.String()
		failed[source] = errors.Join(failed[source], q.err)
		if q.err != nil {
			for _, kind := range q.stop.Gates.Proofs() {
				q.proofs = append(q.proofs, signals.Proof{Kind: kind, Digest: q.digest, Reason: l.gist(source, q.err), At: now})
			}
		}
		learnt[q.route] = struct{}{}
	}
	for source, err := range failed {
		l.speak(source, err)
	}
	for _, q := range asks {
		source := sourceProofs + q.stop.Lane.String()
		due := now.Add(l.rest(source, l.Poll.Versions))
		l.lanes[q.stop.Lane].prove(q.digest, proven{proofs: q.proofs, at: now, due: due, again: q.again})
		l.originate(q.route, q.digest, q.proofs)
		l.questions[source] = question{source: source, route: q.route}
		l.schedule.set(source, due)
	}
	return learnt
}

// maxOrigins bounds how many source commits of an artifact are remembered.
const maxOrigins = 200

// originate remembers which source commit verified evidence names for a digest:
// none, if all of it could be read and names none.
func (l *Loop) originate(route int, d signals.Digest, proofs []signals.Proof) {
	v := l.versions[l.ruling.Routes[route].Artifact]
	if v == nil {
		return
	}
	source, revision := (signals.Facts{Proofs: proofs}).Revision(d)
	is := promoter.Origin{Source: source, Revision: revision}
	was, known := v.Origins[d]
	unread := slices.ContainsFunc(proofs, func(p signals.Proof) bool { return p.Outcome == signals.OutcomeUnknown })
	if known && (was == is || revision == "") || revision == "" && unread {
		return
	}
	if v.Origins == nil || len(v.Origins) >= maxOrigins {
		v.Origins = map[signals.Digest]promoter.Origin{}
	}
	v.Origins[d] = is
}
