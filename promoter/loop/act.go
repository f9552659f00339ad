package loop

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/store"
)

// deed is one wished change with what it was decided on.
type deed struct {
	change gitops.Change
	lane   promoter.LanePlan
	route  promoter.Route
	stop   promoter.Stop
	// seen is what the plan was made from.
	seen promoter.Snapshot
	// files are the edited files of a change that writes some, and move the
	// step of the lane's branch to the commit that holds them.
	files map[string][]byte
	move  Move
	// key names the intent in the ledger; err is why the effect failed.
	key string
	err error
}

// maxBatch bounds how many deeds share a transaction and a push.
const maxBatch = 100

// act does what the plans wish, red before green: the intent is in the ledger
// before the effect and the outcome after it. It says whether anything was done.
func (l *Loop) act(ctx context.Context, now time.Time) (bool, error) {
	acted := false
	deeds := l.deeds(now)
	for len(deeds) > 0 && ctx.Err() == nil { // asked to stop: the rest is decided again
		n := 1
		for n < len(deeds) && n < maxBatch && rank(deeds[n].change) == rank(deeds[0].change) {
			n++
		}
		done, err := l.do(ctx, now, deeds[:n])
		if err != nil {
			return acted, err
		}
		acted = acted || done
		deeds = deeds[n:]
	}
	return acted, nil
}

// do makes one batch of deeds of the same rank.
func (l *Loop) do(ctx context.Context, now time.Time, deeds []deed) (bool, error) {
	batch, err := l.prepare(ctx, now, deeds)
	if err != nil || len(batch) == 0 {
		return false, err
	}
	if err := l.intend(ctx, now, batch); err != nil {
		return false, err
	}
	l.crash("intent", batch[0])
	l.push(ctx, batch)
	acted := false
	for i := range batch {
		d := &batch[i]
		if d.err == nil {
			d.err = l.effect(ctx, *d)
		}
		l.crash("effect", *d)
		if err := l.outcome(ctx, now, *d); err != nil {
			return acted, err
		}
		l.crash("outcome", *d)
		l.Metrics.deed(d.change, d.err)
		acted = acted || d.err == nil
	}
	return acted, nil
}

func (l *Loop) crash(point string, d deed) { l.Crash(point + "-" + string(d.change.Kind)) }

// deeds are the changes to make now, in the order in which they are made: those
// of the plans that were made in this look, and the checks of orphans.
func (l *Loop) deeds(now time.Time) []deed {
	all := l.planned(now)
	for _, p := range l.orphans {
		if d, ok := orphaned(p); ok && !l.braked(now, -1, d.change) {
			all = append(all, d)
		}
	}
	for _, c := range slices.Concat(l.judge(now), l.answerGroups(), l.courtesies(), l.moot(), l.followUps(now)) {
		if !l.braked(now, -1, c) {
			all = append(all, deed{change: c})
		}
	}
	slices.SortStableFunc(all, func(a, b deed) int { return cmp.Compare(rank(a.change), rank(b.change)) })
	return all
}

// planned are the changes of the plans that were made in this look, and the
// texts that say something else than these.
func (l *Loop) planned(now time.Time) (all []deed) {
	for _, i := range slices.Sorted(maps.Keys(l.queue.decided)) {
		for _, lp := range l.queue.admitted[i].Lanes {
			d := deed{lane: lp, route: l.ruling.Routes[i], stop: *l.atlas.stops[lp.Lane].stop, seen: l.queue.seen[i]}
			if lp.Change != nil {
				d.change = *lp.Change
			} else if c, ok := l.outdated(d); ok {
				d.change = c
			}
			if d.change.Kind != "" && !l.braked(now, i, d.change) {
				all = append(all, d)
			}
		}
	}
	return all
}

// brake keeps a write that failed, or that does not show, from being made again
// and again.
type brake struct {
	what  string
	tries int
	until time.Time
}

// braked says that the same write was tried a moment ago: it is decided again
// later.
func (l *Loop) braked(now time.Time, route int, c gitops.Change) bool {
	b := l.brakes[subject(c)]
	if b.what != wish(c) || !now.Before(b.until) {
		return false
	}
	if route >= 0 {
		l.queue.retry(route, b.until)
	}
	return true
}

// tried puts the brake on a write. The lane is decided again at once if the
// write was made, and after a rest if not.
func (l *Loop) tried(now time.Time, c gitops.Change, err error) {
	b := l.brakes[subject(c)]
	if b.what != wish(c) {
		b = brake{what: wish(c)}
	}
	b.until = later(now.Add(backoff(shortest, b.tries)), limited(err))
	b.tries++
	l.brakes[subject(c)] = b
	s, ok := l.atlas.stops[c.Lane]
	switch {
	case !ok:
	case err == nil:
		l.queue.add(s.route)
	default:
		l.queue.retry(s.route, b.until)
	}
}

// subject names what a change is about: a lane, or an issue or proposal and what
// is put right or said there.
func subject(c gitops.Change) string {
	switch {
	case c.Mend != nil:
		return fmt.Sprintf("%s: %s %s", c.Proposal, c.Mend.Kind, c.Mend.Value)
	case c.Reply != nil:
		return fmt.Sprintf("%s: answer to %s", c.Proposal, c.Reply.Key)
	case c.Report != nil:
		return "issue: " + c.Report.Key
	}
	if c.Lane == (gitops.Lane{}) {
		return "proposal " + c.Proposal + " at " + c.Head.Short()
	}
	return c.Lane.String()
}

// wish is a change without its premises, which may move while it fails.
func wish(c gitops.Change) string { return c.String() + " of " + c.Proposal + string(c.Head) }

// orphaned turns the check of a proposal red that no rule in force names: its
// environment is gone, or its rules are broken and nobody knows what they say.
func orphaned(p gitops.Proposal) (deed, bool) {
	want := gitops.Check{
		Name: gitops.CheckName, State: gitops.CheckFailure,
		Text: fmt.Sprintf("no rule in force takes %s to %s: mend the rules, or close this proposal", p.Lane.Artifact, p.Lane.Environment),
	}
	if have, ok := p.Check(gitops.CheckName); ok && have.State == want.State && have.Text == want.Text {
		return deed{}, false
	}
	return deed{change: gitops.Change{Kind: gitops.SetCheck, Lane: p.Lane, Proposal: p.ID, Head: p.Head, Check: want}}, true
}

// rank puts what stops before what advances.
func rank(c gitops.Change) int {
	switch c.Kind {
	case gitops.SetCheck:
		if c.Check.State != gitops.CheckSuccess {
			return 0
		}
		return 4
	case gitops.MendStop:
		return 0
	case gitops.CloseProposal, gitops.FileReport:
		return 1
	case gitops.MergeProposal:
		return 3
	case gitops.DescribeProposal, gitops.RemoveLabel, gitops.AnswerPerson, gitops.EndIssue:
		return 6
	case gitops.OpenProposal, gitops.UpdateProposal:
		if c.Class == "rollback" {
			return 2
		}
	}
	return 5
}

// prepare drops the deeds that cannot be done, and composes the commits of the
// others: an edit is computed and proven before anybody is told of an intent.
func (l *Loop) prepare(ctx context.Context, now time.Time, deeds []deed) ([]deed, error) {
	cp, err := l.Store.Checkpoint(ctx)
	if err != nil {
		return nil, err
	}
	var ready []deed
	for _, d := range deeds {
		if advance(d.change) && !l.fresh(l.began) {
			// Whoever cannot see Git and the forge does not know what a step
			// forward would change.
			l.schedule.set(sourceGit, now)
			l.schedule.set(sourceForge, now)
			l.judged = time.Time{}
			continue
		}
		if l.composed(ctx, now, cp, &d) && l.unchanged(ctx, now, d.change) {
			ready = append(ready, d)
		}
	}
	return ready, nil
}

// composed says that a deed needs no commit, or has it now.
func (l *Loop) composed(ctx context.Context, now time.Time, cp store.Checkpoint, d *deed) bool {
	if !edits(&d.change) {
		return true
	}
	d.change.Base = l.head
	err := l.compose(ctx, now, cp, d)
	if l.speak(sourceEdit+d.change.Lane.String(), err) {
		return true
	}
	l.tried(now, d.change, err)
	return false
}

// unchanged says that a proposal that is to turn green or to be merged is still
// as it was decided on.
func (l *Loop) unchanged(ctx context.Context, now time.Time, c gitops.Change) bool {
	if c.Kind != gitops.MergeProposal && (c.Kind != gitops.SetCheck || !advance(c) || c.Lane == (gitops.Lane{})) {
		return true
	}
	same, err := l.stands(ctx, c)
	if l.speak(sourceProposal+c.Proposal, err) && same {
		return true
	}
	l.tried(now, c, err)
	return false
}

// stands reads a proposal anew right before it turns green or is merged, and
// says whether it is as it was decided on. If it is not it is decided again.
func (l *Loop) stands(ctx context.Context, c gitops.Change) (bool, error) {
	p, err := l.Forge.Proposal(ctx, c.Proposal)
	if err != nil {
		return false, fmt.Errorf("read proposal %s anew: %w", c.Proposal, err)
	}
	k := l.lanes[c.Lane]
	i := slices.IndexFunc(k.proposals, func(o gitops.Proposal) bool { return o.ID == c.Proposal })
	if i < 0 {
		return false, nil
	}
	p = l.received(p)
	p.Lane = c.Lane
	orders := k.Orders
	p = l.heed(l.examine(ctx, k, p))
	if bearing(p) == bearing(k.proposals[i]) && reflect.DeepEqual(orders, k.Orders) {
		return true, nil
	}
	open := slices.Clone(k.proposals)
	open[i] = p
	l.propose(c.Lane, k, open)
	return false, nil
}

// bearing is all of a proposal that bears on whether it may be merged, in one
// text.
func bearing(p gitops.Proposal) string {
	var b strings.Builder
	fmt.Fprintln(&b, p.State, p.Head, p.Unread, p.Edited, p.To, p.Queued)
	for _, name := range []string{gitops.LabelHold, gitops.LabelHoldProw} {
		_, held := p.Label(name)
		fmt.Fprintln(&b, name, held)
	}
	var lines []string
	for _, r := range p.Reviews {
		lines = append(lines, fmt.Sprintln(r.By.Name, r.State, r.Head))
	}
	for _, o := range p.Orders {
		lines = append(lines, fmt.Sprintln(o.Key, o.Command))
	}
	for _, c := range p.Checks {
		if c.Name != gitops.CheckName {
			lines = append(lines, fmt.Sprintln(c.Name, c.State))
		}
	}
	slices.Sort(lines)
	return b.String() + strings.Join(lines, "")
}
