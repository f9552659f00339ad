package loop

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/signals"
)

// look reads every source that is due. A source that fails contributes
// silence: what it said before is kept where that can only stop something, and
// forgotten where it could let something pass.
func (l *Loop) look(ctx context.Context, now time.Time) {
	l.lookGit(ctx, now)
	l.lookForge(ctx)
	if why := l.silent[sourceGit]; why != "" && l.world.PausesUnread == "" {
		// What was read of Git before may be over by now: everything is held.
		l.world.PausesUnread = "git could not be read: " + why
	}
	for _, r := range l.ruling.Routes {
		if l.isDue(sourceVersions+r.Artifact, now, l.Poll.Versions) {
			l.lookVersions(ctx, now, r)
		}
		for _, w := range r.Waves {
			for _, stop := range w.Stops {
				if l.isDue(sourceHealth+stop.Lane.String(), now, l.Poll.Health) {
					l.lookHealth(ctx, now, stop)
				}
			}
		}
	}
}

// lookGit fetches the protected branch; a new head brings new rules and new
// desired versions. Git has spoken when all of it was read.
func (l *Loop) lookGit(ctx context.Context, now time.Time) {
	up, err := l.Repo.Fetch(ctx)
	if err == nil {
		err = l.lookHead(ctx, now, up)
	}
	l.speak(sourceGit, err)
}

// lookHead reads what a fetch brought. Until all of it was read the old head
// stays, so that the next look tries again.
func (l *Loop) lookHead(ctx context.Context, now time.Time, up Update) error {
	stale := !l.ruling.Until.IsZero() && !now.Before(l.ruling.Until)
	// A fetch tells what changed only once.
	l.unruled = l.unruled || up.All || l.head == "" || stale
	for _, path := range up.Changed {
		l.unruled = l.unruled || strings.HasPrefix(path, l.RulesDir+"/")
	}
	if up.Head == l.head && !l.unruled {
		return nil
	}
	if l.unruled {
		if err := l.lookRules(ctx, now, up.Head); err != nil {
			return err
		}
		l.unruled = false
	}
	if err := l.lookDesired(ctx, now, up.Head); err != nil {
		return err
	}
	l.head = up.Head
	l.world.Bases = map[string]gitops.Commit{l.Repository: up.Head}
	l.Log.InfoContext(ctx, "looked at git", "commit", string(up.Head))
	return nil
}

// lookRules reads the rules of a commit.
func (l *Loop) lookRules(ctx context.Context, now time.Time, at gitops.Commit) error {
	files, err := l.Repo.Files(ctx, at, l.RulesDir, "")
	if err != nil {
		return err
	}
	ruling, err := l.Rules.Rules(files, now)
	if err != nil {
		return fmt.Errorf("read the rules of %s: %w", at.Short(), err)
	}
	for _, p := range ruling.Problems {
		l.Log.WarnContext(ctx, "a rule is broken and holds what it covers", "problem", p)
	}
	l.ruling = ruling
	for _, r := range ruling.Routes {
		for _, w := range r.Waves {
			for _, stop := range w.Stops {
				if l.lanes[stop.Lane] == nil {
					l.lanes[stop.Lane] = l.recallLane(ctx, stop.Lane)
				}
			}
		}
		if l.versions[r.Artifact] == nil {
			l.versions[r.Artifact] = l.recallVersions(ctx, r.Artifact)
		}
	}
	return nil
}

// lookForge reads proposals and pauses. What cannot be read counts as held.
func (l *Loop) lookForge(ctx context.Context) {
	pauses, err := l.Forge.Pauses(ctx)
	l.world.PausesUnread = ""
	if l.speak(sourcePauses, err) {
		l.world.Pauses = pauses
	} else {
		l.world.PausesUnread = err.Error()
	}
	if l.Paused != "" {
		l.world.Pauses = append(slices.Clip(l.world.Pauses), gitops.Pause{ID: "the kill switch", Title: l.Paused})
	}
	if l.me.Name == "" {
		me, err := l.Forge.Whoami(ctx)
		if !l.speak(sourceForge, err) {
			l.unread(err)
			return
		}
		l.me = me
	}
	list, next, err := l.Forge.Proposals(ctx, l.cursor)
	if !l.speak(sourceForge, err) {
		l.unread(err)
		return
	}
	l.cursor = next
	l.sortProposals(ctx, list)
}

// unread marks every open proposal as held, because nobody knows.
func (l *Loop) unread(err error) {
	for _, k := range l.lanes {
		for i := range k.proposals {
			k.proposals[i].Unread = err.Error()
		}
	}
	if l.world.PausesUnread == "" {
		l.world.PausesUnread = err.Error()
	}
}

// sortProposals gives every lane the proposals that are ours.
func (l *Loop) sortProposals(ctx context.Context, list []gitops.Proposal) {
	open := map[gitops.Lane][]gitops.Proposal{}
	l.orphans = nil
	for _, p := range list {
		p.Lane.Repository = l.Repository
		if p.Author.Name != l.me.Name {
			l.stranger(p)
			continue
		}
		k := l.lanes[p.Lane]
		if _, _, ruled := l.find(p.Lane); k == nil || !ruled {
			if p.State == gitops.Open {
				l.orphans = append(l.orphans, p)
			}
			continue
		}
		if p.State == gitops.Open {
			open[p.Lane] = append(open[p.Lane], l.examine(ctx, k, p))
			continue
		}
		if _, known := l.ended[p.ID]; !known {
			p = l.examine(ctx, k, p)
			l.ended[p.ID] = p
			k.ended = append([]gitops.Proposal{p}, k.ended...)
		}
	}
	for at, k := range l.lanes {
		k.proposals = open[at]
	}
}

// stranger reports a proposal of somebody else on a branch of our name.
func (l *Loop) stranger(p gitops.Proposal) {
	if p.State != gitops.Open {
		return
	}
	source := "branch " + p.Branch
	if l.silent[source] == "" {
		l.speak(source, fmt.Errorf("proposal %s on %s is by %s, not by us: it is left alone", p.ID, p.Branch, p.Author.Name))
	}
}

// lookVersions reads the tags of an artifact and notes first sights.
func (l *Loop) lookVersions(ctx context.Context, now time.Time, r promoter.Route) {
	found, err := l.Registry.Versions(ctx, r.Image, r.Selector.Selects)
	if !l.speak(sourceVersions+r.Artifact, err) {
		return
	}
	l.versions[r.Artifact].merge(found, now)
}

// merge notes what is new, and what no longer stands.
func (v *versions) merge(found []signals.Version, now time.Time) {
	standing := map[string]signals.Version{}
	for _, f := range found {
		standing[f.Tag] = f
	}
	for i, old := range v.All {
		f, ok := standing[old.Tag]
		switch {
		case ok && f.Digest == old.Digest:
			f.FirstSeen = old.FirstSeen
			v.All[i] = f
			delete(standing, old.Tag)
		case old.Gone.IsZero():
			v.All[i].Gone = now
		}
	}
	for _, f := range found {
		if s, fresh := standing[f.Tag]; fresh && s.Digest == f.Digest {
			f.FirstSeen = now
			v.All = append(v.All, f)
			delete(standing, f.Tag)
		}
	}
}

// lookHealth reads a lane's signals and moves its soak clock.
func (l *Loop) lookHealth(ctx context.Context, now time.Time, stop promoter.Stop) {
	k := l.lanes[stop.Lane]
	if k == nil || len(stop.Signals) == 0 {
		return
	}
	list, err := l.Health.Health(ctx, stop.Lane)
	if !l.speak(sourceHealth+stop.Lane.String(), err) {
		list = nil
	}
	for i, h := range list {
		if was, ok := (signals.Facts{Health: k.health}).Signal(h.Name); ok && was.State == h.State && was.Digest == h.Digest && !was.Since.IsZero() {
			list[i].Since = was.Since
		}
	}
	k.health = list
	k.Streak = k.Streak.Observe(stop.Pulse(k.desired, k.facts(), now, l.Poll.Gap))
}

// prove reads the evidence about every version that wants to move, and says
// whether it learnt anything.
func (l *Loop) prove(ctx context.Context, now time.Time, r promoter.Route, p promoter.Plan) bool {
	learnt := false
	stops := map[gitops.Lane]promoter.Stop{}
	for _, w := range r.Waves {
		for _, stop := range w.Stops {
			stops[stop.Lane] = stop
		}
	}
	for _, lp := range p.Lanes {
		k := l.lanes[lp.Lane]
		if k == nil {
			continue
		}
		var proofs []signals.Proof
		for _, d := range movers(lp) {
			proofs = append(proofs, l.proofs(ctx, now, ask{r.Image, d, stops[lp.Lane], k, lp})...)
		}
		if len(proofs) > 0 {
			k.proofs = proofs
			learnt = true
		}
	}
	return learnt
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

// ask is one question to the prover.
type ask struct {
	image  string
	digest signals.Digest
	stop   promoter.Stop
	lane   *lane
	plan   promoter.LanePlan
}

// proofs are those about one digest: as remembered, or read anew if they are
// missing, due, or about to be acted on.
func (l *Loop) proofs(ctx context.Context, now time.Time, q ask) []signals.Proof {
	var have []signals.Proof
	for _, p := range q.lane.proofs {
		if p.Digest == q.digest {
			have = append(have, p)
		}
	}
	source := sourceProofs + q.plan.Lane.String()
	turn := source + " " + string(q.digest)
	advances := q.plan.Change != nil && advance(*q.plan.Change)
	if len(have) > 0 && !advances && now.Before(l.due[turn]) {
		return have
	}
	l.due[turn] = now.Add(l.Poll.Versions)
	again := q.plan.Change != nil && q.plan.Change.Kind == gitops.MergeProposal
	proofs, err := l.Prover.Proofs(ctx, q.image, q.digest, q.stop, again)
	if !l.speak(source, err) {
		return []signals.Proof{{Kind: signals.ProofSignature, Digest: q.digest, Reason: err.Error(), At: now}}
	}
	return proofs
}

// advance says that a change moves a version forward, so that everything it
// rests on must have been read in this look.
func advance(c gitops.Change) bool {
	switch c.Kind {
	case gitops.OpenProposal, gitops.UpdateProposal, gitops.MergeProposal:
		return true
	case gitops.SetCheck:
		return c.Check.State == gitops.CheckSuccess
	case gitops.CloseProposal, gitops.RemoveLabel:
	}
	return false
}
