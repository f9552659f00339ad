package promoter

import (
	"fmt"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/signals"
)

// lane decides one lane: what wants to enter, what the gates say, and the one
// write that follows.
func (d *decision) lane(at *site) LanePlan {
	l := LanePlan{
		Lane: at.stop.Lane, Wave: d.snapshot.Route.Waves[at.wave].Name, Class: gate.Promotion,
		Current: at.current, Limits: at.stop.Gates.Lock.Limits, Earned: at.fresh,
	}
	open := at.known.open()
	if open != nil {
		l.Proposal = open.ID
	}
	v, why := d.candidate(at)
	if back, ok := d.rollback(at); ok {
		v, why, l.Class = back, "", gate.Rollback
	}
	l.Candidate = v
	l.InFlight = open != nil || d.flies(at)
	switch {
	case at.stop.Held != "":
		l.Verdicts = held(at.stop.Held)
		l.Change = d.check(at, open, l.Verdicts)
	case open == nil && d.settled(at, v):
		d.settle(at, &l)
		return l
	case open == nil:
		d.enter(at, &l, why)
	default:
		d.review(at, &l, open)
	}
	l.Phase = phase(at, &l)
	return l
}

// held is the verdict where broken rules hold a lane.
func held(why string) []gate.Verdict {
	return []gate.Verdict{{Gate: "pause", Answer: gate.Block, Reason: why, Owner: "whoever changed the rules"}}
}

// flies says that what is there entered and is not healthy yet. What was
// adopted never flew.
func (d *decision) flies(at *site) bool {
	if at.known.Desired.Presence != gitops.At {
		return false
	}
	if _, ok := at.earned(at.current.Digest); ok || at.adopted() {
		return d.failing(at)
	}
	return at.state != signals.StateHealthy
}

// settled says that the lane has the version already, in every place. A name
// that contradicts what is known is never settled: a person has to see it.
func (d *decision) settled(at *site, v signals.Version) bool {
	return at.known.Desired.Presence == gitops.At && v.Digest == at.current.Digest && v.Digest != "" &&
		(v.Tag == at.current.Tag || d.versions.conflict(v) == "")
}

// settle explains a lane in which there is nothing to promote: how the current
// version stands.
func (d *decision) settle(at *site, l *LanePlan) {
	c := d.gateCase(at, at.current, gate.Promotion, gate.Propose)
	c.Failing = nil
	health, drift := at.stop.Gates.Health.Check(c), at.stop.Gates.Drift.Check(c)
	health.Gate, drift.Gate = "health", "drift"
	soak := gate.Verdict{Gate: "soak", Answer: gate.Pass}
	l.Phase = PhaseSoaking
	switch when, ok := at.earned(at.current.Digest); {
	case ok:
		l.Phase = PhaseEarned
		soak.Reason = fmt.Sprintf("%s earned %s at %s", at.current, at.stop.Lane.Environment, instant(when))
	case !at.ripe.IsZero():
		soak.Answer, soak.Until = gate.Wait, at.ripe
		soak.Reason = fmt.Sprintf("%s soaks in %s until %s", at.current, at.stop.Lane.Environment, instant(at.ripe))
	default:
		soak.Answer = gate.Wait
		soak.Reason = fmt.Sprintf("the clock of %s in %s stands", at.current, at.stop.Lane.Environment)
	}
	if d.failing(at) {
		l.Phase = PhaseFailing
	}
	l.Verdicts = []gate.Verdict{health, drift, soak}
}

// enter asks whether a proposal may be opened.
func (d *decision) enter(at *site, l *LanePlan, why string) {
	c := d.gateCase(at, l.Candidate, l.Class, gate.Propose)
	c.Why = why
	l.Verdicts = at.stop.Gates.Check(c)
	if gate.Fold(l.Verdicts) != gate.Pass {
		return
	}
	l.Skipped = d.versions.between(at.current, l.Candidate)
	l.Change = d.write(at, gitops.OpenProposal, l, nil)
	l.Waiting = at.known.Waiting
	if l.Waiting.IsZero() {
		l.Waiting = d.snapshot.Now
	}
}

// review decides about a lane with an open proposal.
func (d *decision) review(at *site, l *LanePlan, open *gitops.Proposal) {
	under := d.versions.find(open.To)
	if l.Candidate.Digest != under.Digest {
		l.Challenger = l.Candidate.Digest
	}
	class := at.stop.classOf(open)
	l.Emergency = at.stop.declared(open)
	newer := l.Candidate
	switch {
	case at.known.Desired.Presence == gitops.At && under.Digest == at.current.Digest && under.Digest != "":
		d.close(at, l, open, fmt.Sprintf("%s is already in %s", under, at.stop.Lane.Environment))
		return
	case class != gate.Rollback && d.versions.older(under, at.current):
		d.close(at, l, open, fmt.Sprintf("%s is older than %s, which is in %s by now", under, at.current, at.stop.Lane.Environment))
		return
	case class == gate.Rollback && l.Class != gate.Rollback && at.state == signals.StateHealthy:
		d.close(at, l, open, fmt.Sprintf("%s is healthy again in %s", at.current, at.stop.Lane.Environment))
		return
	case newer.Digest != under.Digest && newer.Digest != "" && d.replaces(at, l, open):
		l.Skipped = d.versions.between(at.current, newer)
		l.Change = d.write(at, gitops.UpdateProposal, l, open)
		return
	}
	if newer.Digest != under.Digest && newer.Digest != at.current.Digest && d.versions.older(under, newer) {
		l.Behind = newer.String()
	}
	if _, rebase := open.Label(gitops.LabelRebase); rebase && under.Digest == "" {
		under, class = newer, l.Class // nobody knows what is there: it is made anew
	}
	l.Candidate, l.Class = under, class
	l.Skipped = d.versions.between(at.current, under)
	l.Verdicts = at.stop.Gates.Check(d.gateCase(at, under, class, gate.Merge))
	l.Change = d.advance(at, l, open)
}

// replaces says whether the version that wants to enter may take the living
// proposal's place at all: a newer one until somebody has approved the old one
// or declared an emergency for it, going back always.
func (d *decision) replaces(at *site, l *LanePlan, open *gitops.Proposal) bool {
	switch {
	case l.Class == gate.Rollback:
	case gate.Class(open.Class) == gate.Rollback, l.Emergency != nil, d.settled(at, l.Candidate):
		return false
	case at.pin == nil && approved(open): // of a pinned lane nothing else could be merged
		return false
	}
	return d.supersedes(at, l)
}

// supersedes says whether the newer candidate may take the living proposal's
// place; its verdicts become the lane's.
func (d *decision) supersedes(at *site, l *LanePlan) bool {
	c := d.gateCase(at, l.Candidate, l.Class, gate.Propose)
	vs := at.stop.Gates.Check(c)
	hold := at.stop.Gates.Hold.Check(d.gateCase(at, l.Candidate, l.Class, gate.Merge))
	open := at.known.open()
	if gate.Fold(vs) != gate.Pass || hold.Answer != gate.Pass || open.Edited != "" {
		return false
	}
	l.Verdicts = vs
	return true
}

// approved says that somebody has approved the head as it is.
func approved(p *gitops.Proposal) bool {
	for _, r := range p.Reviews {
		if r.State == gitops.Approved && r.Head == p.Head && !r.By.Bot {
			return true
		}
	}
	return false
}

// advance is the next write to a proposal whose version stays: obey a
// one-shot label, compute the edit again, set the check, or merge.
func (d *decision) advance(at *site, l *LanePlan, open *gitops.Proposal) *gitops.Change {
	held := at.stop.Gates.Hold.Check(d.gateCase(at, l.Candidate, l.Class, gate.Merge)).Answer != gate.Pass
	held = held || l.paused() != gate.Pass
	_, rebase := open.Label(gitops.LabelRebase)
	switch {
	case rebase && !held && (open.Edited != "" || open.Behind):
		return d.write(at, gitops.UpdateProposal, l, open)
	case rebase && !held:
		return &gitops.Change{Kind: gitops.RemoveLabel, Lane: at.stop.Lane, Proposal: open.ID, Label: gitops.LabelRebase, Head: open.Head}
	case open.Behind && open.Edited == "" && !held:
		return d.write(at, gitops.UpdateProposal, l, open)
	}
	if c := d.check(at, open, l.Verdicts); c != nil {
		return c
	}
	if gate.Fold(l.Verdicts) == gate.Pass && at.stop.Auto && !open.Queued {
		return d.write(at, gitops.MergeProposal, l, open)
	}
	return nil
}

// paused is the answer of the pause gate.
func (l LanePlan) paused() gate.Answer {
	for _, v := range l.Verdicts {
		if v.Gate == "pause" {
			return v.Answer
		}
	}
	return gate.Pass
}

// check is the write that makes the bot's check say what the gates say; nil if
// it does already.
func (d *decision) check(at *site, open *gitops.Proposal, vs []gate.Verdict) *gitops.Change {
	if open == nil {
		return nil
	}
	want := CheckOf(vs)
	if have, ok := open.Check(gitops.CheckName); ok && have.State == want.State && have.Text == want.Text {
		return nil
	}
	return &gitops.Change{
		Kind: gitops.SetCheck, Lane: at.stop.Lane, Proposal: open.ID, Head: open.Head,
		Base: d.snapshot.World.Bases[at.stop.Lane.Repository], To: open.To, Check: want,
	}
}

// CheckOf is the bot's check as verdicts say it: the first that is not a pass
// is its text, a block before a wait.
func CheckOf(vs []gate.Verdict) gitops.Check {
	c := gitops.Check{Name: gitops.CheckName, State: gitops.CheckPending, Text: "every gate passes"}
	switch gate.Fold(vs) {
	case gate.Pass:
		c.State = gitops.CheckSuccess
	case gate.Block:
		c.State = gitops.CheckFailure
	case gate.Wait:
	}
	if v, ok := gate.First(worst(vs)); ok {
		c.Text = v.Gate + ": " + v.Reason
	}
	return c
}

// worst are the verdicts the check's text is taken from: the blocks if any
// verdict blocks, else all.
func worst(vs []gate.Verdict) []gate.Verdict {
	var blocks []gate.Verdict
	for _, v := range vs {
		if v.Answer == gate.Block {
			blocks = append(blocks, v)
		}
	}
	if len(blocks) > 0 {
		return blocks
	}
	return vs
}

func (d *decision) close(at *site, l *LanePlan, open *gitops.Proposal, why string) {
	l.Candidate = d.versions.find(open.To)
	l.Change = &gitops.Change{
		Kind: gitops.CloseProposal, Lane: at.stop.Lane, Proposal: open.ID, Head: open.Head, To: open.To, Why: why,
		Base: d.snapshot.World.Bases[at.stop.Lane.Repository],
	}
}

// write is a change that moves the lane to the candidate.
func (d *decision) write(at *site, kind gitops.ChangeKind, l *LanePlan, open *gitops.Proposal) *gitops.Change {
	c := &gitops.Change{
		Kind: kind, Lane: at.stop.Lane, Class: string(l.Class),
		Base: d.snapshot.World.Bases[at.stop.Lane.Repository],
		From: gitops.Version{Tag: at.current.Tag, Digest: string(at.current.Digest)},
		To:   gitops.Version{Tag: l.Candidate.Tag, Digest: string(l.Candidate.Digest)},
	}
	if open != nil {
		c.Proposal, c.Head = open.ID, open.Head
	}
	return c
}

// phase is the lane in one word.
func phase(at *site, l *LanePlan) Phase {
	switch {
	case at.known.Desired.Presence == gitops.PresenceUnknown:
		return PhaseUnknown
	case at.known.Desired.Presence == gitops.Absent:
		return PhaseAbsent
	case l.Proposal != "":
		return PhaseProposed
	case gate.Fold(l.Verdicts) == gate.Block:
		return PhaseBlocked
	}
	return PhaseWaiting
}

// instant writes a time as every sentence of ours does.
func instant(t time.Time) string {
	if t.Second() != 0 {
		return t.UTC().Format("2006-01-02 15:04:05Z")
	}
	return t.UTC().Format("2006-01-02 15:04Z")
}
