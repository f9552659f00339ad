package loop

import (
	"fmt"
	"slices"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/promoter/loop/trail"
	"github.com/waveguide-dev/waveguide/signals"
)

// expected is how long after a merge a version should run and be well where the
// rules do not say.
const expected = 30 * time.Minute

// followUps are the words about merges of ours that did not do well, on their
// proposals.
func (l *Loop) followUps(now time.Time) []gitops.Change {
	var all []gitops.Change
	l.remind = time.Time{}
	for _, at := range inOrder(l.following) {
		s, ruled := l.atlas.stops[at]
		k := l.lanes[at]
		switch {
		case !ruled || k.Entry == nil || k.Entry.How != trail.Proposed || len(s.stop.Signals) == 0:
			delete(l.following, at)
		case k.desired.Presence == gitops.At && k.desired.Version == k.Entry.Version: // else it is read anew first
			if c, said := l.followUp(now, k, s); said {
				all = append(all, c)
			}
		}
	}
	return all
}

// followUp is the word about one merge, if there is one to say now.
func (l *Loop) followUp(now time.Time, k *lane, s site) (gitops.Change, bool) {
	e, at := k.Entry, k.lane
	expect := s.stop.Expect
	if expect == 0 {
		expect = expected
	}
	stand := l.stand(now, k, s)
	word, over := e.Word(stand, expect, now)
	if over {
		delete(l.following, at)
		return gitops.Change{}, false
	}
	if due := e.Due(expect); due.After(now) && (l.remind.IsZero() || due.Before(l.remind)) {
		l.remind = due
	}
	if word == "" {
		return gitops.Change{}, false
	}
	if word == trail.WordSick && l.ruling.Routes[s.route].Rollback.Forward {
		r := e.Forward(at, stand)
		if _, filed := l.people.Filed[r.Key]; !filed {
			l.owe(r)
		}
	}
	return gitops.Change{
		Kind: gitops.AnswerPerson, Lane: at, Proposal: e.Proposal,
		Reply: &gitops.Reply{ID: e.Proposal, Key: e.SayKey(word), Text: e.Say(word, at.Environment, stand, expect)},
	}, true
}

// told notes that a word about a merge was said.
func (l *Loop) told(c gitops.Change) {
	k := l.lanes[c.Lane]
	if c.Kind != gitops.AnswerPerson || k == nil || k.Entry == nil {
		return
	}
	for _, word := range []string{trail.WordLate, trail.WordSick, trail.WordWell} {
		if k.Entry.SayKey(word) == c.Reply.Key {
			k.Entry.Said = append(slices.Clone(k.Entry.Said), word)
			l.decided(c.Lane)
		}
	}
}

// stand is how the merged version of a lane does.
func (l *Loop) stand(now time.Time, k *lane, s site) trail.Stand {
	d, facts := l.named(k), k.facts()
	digest := signals.Digest(d.Version.Digest)
	pulse := s.stop.Pulse(d, facts, now, 0)
	running, known := facts.Running()
	out := trail.Stand{
		Runs: known && running == digest || !known && s.stop.TrustDesired, Healthy: pulse.State == signals.StateHealthy,
		Failing: pulse.State == signals.StateUnhealthy && k.Streak.Digest == digest && !k.Streak.Bad.IsZero() && now.Sub(k.Streak.Bad) >= s.stop.Tolerate,
	}
	if known && running != digest {
		out.Instead = running.Short()
	}
	for _, h := range k.health {
		if h.State != signals.StateHealthy && out.Why == "" && h.Reason != "" {
			out.Why = h.Name + ": " + h.Reason
		}
	}
	out.Earned = slices.ContainsFunc(k.Earned, func(e signals.Earned) bool { return e.Digest == digest && !e.Adopted })
	if out.Failing {
		out.Follows = l.consequence(k.lane, s)
	}
	return out
}

// consequence says what follows from a version that fails in a lane.
func (l *Loop) consequence(at gitops.Lane, s site) string {
	r := l.ruling.Routes[s.route]
	text := "Later waves do not get it" + siblings(s.wave)
	switch {
	case r.Rollback.Forward:
		return text + ". Going back is not possible for this artifact: an issue asks for a newer version."
	case !r.Rollback.Propose:
		return text + ". The rules propose no way back: revert the merge if it has to go."
	}
	for _, lp := range l.queue.plans[s.route].Lanes {
		if lp.Lane == at && lp.Class == gate.Rollback && lp.Candidate.Digest != "" {
			return fmt.Sprintf("%s. Going back to `%s` is proposed.", text, lp.Candidate)
		}
	}
	return text + ". There is no version to go back to that was well here: revert the merge if it has to go."
}

// siblings says what follows for the other environments of a lane's wave.
func siblings(w *promoter.Wave) string {
	switch {
	case len(w.Stops) == 1:
		return ""
	case w.StopOne:
		return ", and the other environments of this wave go on"
	}
	return ", and the other environments of this wave do not either"
}
