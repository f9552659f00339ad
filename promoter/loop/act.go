package loop

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/edit"
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
func (l *Loop) act(ctx context.Context, now time.Time, plans []promoter.Plan) (bool, error) {
	acted := false
	deeds := l.deeds(now, plans)
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
func (l *Loop) deeds(now time.Time, plans []promoter.Plan) []deed {
	var all []deed
	for i := range plans {
		if _, ok := l.queue.decided[i]; !ok {
			continue
		}
		for _, lp := range plans[i].Lanes {
			if lp.Change != nil && !l.braked(now, i, *lp.Change) {
				all = append(all, deed{change: *lp.Change, lane: lp, route: l.ruling.Routes[i], stop: l.atlas.stops[lp.Lane].stop, seen: l.queue.seen[i]})
			}
		}
	}
	for _, p := range l.orphans {
		if d, ok := orphaned(p); ok && !l.braked(now, -1, d.change) {
			all = append(all, d)
		}
	}
	slices.SortStableFunc(all, func(a, b deed) int { return cmp.Compare(rank(a.change), rank(b.change)) })
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
	b := l.brakes[c.Lane]
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
	b := l.brakes[c.Lane]
	if b.what != wish(c) {
		b = brake{what: wish(c)}
	}
	b.until = now.Add(backoff(shortest, b.tries))
	b.tries++
	l.brakes[c.Lane] = b
	s, ok := l.atlas.stops[c.Lane]
	switch {
	case !ok:
	case err == nil:
		l.queue.add(s.route)
	default:
		l.queue.retry(s.route, b.until)
	}
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
	case gitops.CloseProposal:
		return 1
	case gitops.MergeProposal:
		return 3
	case gitops.RemoveLabel:
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
		// Whoever cannot see Git does not know what a step forward would change.
		if advance(d.change) && l.silent[sourceGit] != "" {
			continue
		}
		if d.change.Kind == gitops.OpenProposal || d.change.Kind == gitops.UpdateProposal {
			d.change.Base = l.head
			err := l.compose(ctx, now, cp, &d)
			if !l.speak(sourceEdit+d.change.Lane.String(), err) {
				l.tried(now, d.change, err)
				continue
			}
		}
		ready = append(ready, d)
	}
	return ready, nil
}

// compose computes the edit of a deed and makes its commit.
func (l *Loop) compose(ctx context.Context, now time.Time, cp store.Checkpoint, d *deed) error {
	c := d.change
	files, err := l.Repo.Files(ctx, c.Base, d.stop.Path, string(edit.Needle(d.route.Image)))
	if err != nil {
		return err
	}
	d.files, err = edited(files, d.route, d.stop, c.To)
	var refused *edit.Refusal
	switch {
	case errors.As(err, &refused) && refused.Hint != "":
		return fmt.Errorf("%w; %s", err, refused.Hint)
	case err != nil:
		return err
	case len(d.files) == 0:
		return fmt.Errorf("nothing to write: %s names %s already", d.stop.Path, c.To.Tag)
	}
	if d.move, err = l.branch(ctx, *d); err != nil {
		return err
	}
	message := fmt.Sprintf("%s\n\nWaveguide-Artifact: %s\nWaveguide-Environment: %s\nWaveguide-Digest: %s\nWaveguide-From: %s\nWaveguide-Class: %s\nWaveguide-Checkpoint: %s\n",
		l.Writer.Title(d.lane), c.Lane.Artifact, c.Lane.Environment, c.To.Digest, c.From.Digest, c.Class, cp)
	d.move.New, err = l.Repo.Compose(ctx, Draft{Base: c.Base, Files: d.files, Message: message, Time: now.Truncate(time.Second)})
	return err
}

// maxNumbered bounds how many branches of strangers are passed by.
const maxNumbered = 9

// branch finds the branch to move: that of the living proposal, or for a new
// one the lane's own. Where a stranger has a branch of that name it is left
// alone, and a numbered name is used.
func (l *Loop) branch(ctx context.Context, d deed) (Move, error) {
	if d.change.Kind == gitops.UpdateProposal {
		return Move{Branch: l.branchOf(d.change), Old: d.change.Head}, nil
	}
	for n := 1; n <= maxNumbered; n++ {
		name := d.change.Lane.NumberedBranch(n)
		head, exists := l.Branches.Branch(name)
		if !exists {
			return Move{Branch: name}, nil
		}
		left, err := l.Repo.Delta(ctx, head)
		if err != nil {
			return Move{}, fmt.Errorf("read branch %s: %w", name, err)
		}
		if left.Author == l.Email {
			return Move{Branch: name, Old: head}, nil
		}
		l.Log.WarnContext(ctx, "a branch of our name holds a commit that is not ours: it is left alone", "branch", name, "author", left.Author)
	}
	return Move{}, fmt.Errorf("branches %s to %s all hold commits that are not ours: delete or rename them",
		d.change.Lane.NumberedBranch(1), d.change.Lane.NumberedBranch(maxNumbered))
}

// branchOf is the branch of the proposal that a change is about.
func (l *Loop) branchOf(c gitops.Change) string {
	if k := l.lanes[c.Lane]; k != nil {
		for _, p := range k.proposals {
			if p.ID == c.Proposal && p.Branch != "" {
				return p.Branch
			}
		}
	}
	return c.Lane.Branch()
}

// record is the body of a ledger entry.
type record struct {
	Change   gitops.Change     `json:"change"`
	Lane     promoter.LanePlan `json:"decision,omitzero"`
	Snapshot string            `json:"snapshot,omitempty"`
	Result   string            `json:"result,omitempty"`
}

// intend writes the intents with the decisions and the snapshots they came
// from, and remembers the commits that are about to be pushed.
func (l *Loop) intend(ctx context.Context, now time.Time, batch []deed) error {
	cp, err := l.Store.Checkpoint(ctx)
	if err != nil {
		return err
	}
	_, err = l.Store.Write(ctx, func(tx *store.Tx) error {
		for i := range batch {
			d := &batch[i]
			slice, err := json.Marshal(d.seen)
			if err != nil {
				return err
			}
			id, err := tx.PutBlob(ctx, slice)
			if err != nil {
				return err
			}
			body, err := json.Marshal(record{Change: d.change, Lane: d.lane, Snapshot: id})
			if err != nil {
				return err
			}
			// The ledger's size makes the key of a repeated wish another one.
			sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %d %s", cp, i, now.UnixNano(), body))
			d.key = hex.EncodeToString(sum[:])
			if err := tx.Append(ctx, store.Entry{At: now, Kind: store.Intent, Subject: d.change.Lane.String(), Key: d.key, Body: body}); err != nil {
				return err
			}
			if err := l.claim(ctx, tx, *d); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

// claim remembers what a commit was made for before anybody can see it.
func (l *Loop) claim(ctx context.Context, tx *store.Tx, d deed) error {
	k := l.lanes[d.change.Lane]
	if d.move.New == "" || k == nil {
		return nil
	}
	k.Pushed = append(k.Pushed, pushed{Head: d.move.New, Class: d.change.Class, From: d.change.From, To: d.change.To})
	k.Pushed = slices.Clone(k.Pushed[max(0, len(k.Pushed)-maxLeft):])
	r, err := store.Remember(bucketLane, d.change.Lane.String(), k, time.Time{})
	if err != nil {
		return err
	}
	k.kept = string(r.Value)
	return tx.Put(ctx, r)
}

// outcome writes what became of an intent. A failure is an outcome too: the
// lane is decided again after a rest.
func (l *Loop) outcome(ctx context.Context, now time.Time, d deed) error {
	result := "done"
	source := sourceWrite + d.change.Lane.String()
	switch {
	case errors.Is(d.err, gitops.ErrMoved):
		result = "refused: the premise moved"
		l.Log.DebugContext(ctx, "premise moved", "lane", d.change.Lane.String(), "change", string(d.change.Kind))
		l.schedule.set(sourceGit, now)
		l.schedule.set(sourceForge, now)
	case d.err != nil:
		result = "failed: " + d.err.Error()
		l.speak(source, d.err)
	default:
		l.speak(source, nil)
		l.Log.InfoContext(ctx, "did", "change", d.change.String())
	}
	l.tried(now, d.change, d.err)
	body, err := json.Marshal(record{Change: d.change, Result: result})
	if err != nil {
		return err
	}
	// The outcome is kept even when the process was asked to stop meanwhile.
	_, err = l.Store.Append(context.WithoutCancel(ctx), store.Entry{At: now, Kind: store.Outcome, Subject: d.change.Lane.String(), Key: d.key, Body: body})
	return err
}

// push moves the branches of a batch together.
func (l *Loop) push(ctx context.Context, batch []deed) {
	var moves []Move
	var movers []*deed
	for i := range batch {
		if batch[i].move.New != "" {
			moves, movers = append(moves, batch[i].move), append(movers, &batch[i])
		}
	}
	if len(moves) == 0 {
		return
	}
	for i, err := range l.Branches.Push(ctx, moves) {
		if err != nil {
			movers[i].err = fmt.Errorf("push %s: %w", moves[i].Branch, err)
		}
	}
	l.Crash("pushed")
}

// effect makes the change, after its branch was moved. Every effect may be
// repeated: branches move by compare-and-swap, proposals are found before they
// are created, a merge names its head.
func (l *Loop) effect(ctx context.Context, d deed) error {
	c := d.change
	switch c.Kind {
	case gitops.OpenProposal:
		return l.open(ctx, d)
	case gitops.UpdateProposal:
		return l.Proposer.Update(ctx, c.Proposal, l.Writer.Title(d.lane), l.body(d))
	case gitops.MergeProposal:
		_, err := l.Proposer.Merge(ctx, c.Proposal, c.Head)
		return err
	case gitops.CloseProposal:
		if err := l.Proposer.Close(ctx, c.Proposal, c.Why); err != nil {
			return err
		}
		return errors.Join(l.Branches.Push(ctx, []Move{{Branch: l.branchOf(c), Old: c.Head}})...)
	case gitops.SetCheck:
		if err := l.describe(ctx, d); err != nil {
			return err
		}
		return l.Marker.SetCheck(ctx, c.Head, c.Check)
	case gitops.RemoveLabel:
		return l.Marker.RemoveLabel(ctx, c.Proposal, c.Label)
	}
	return fmt.Errorf("unknown change %q", c.Kind)
}

// open opens the proposal of a branch.
func (l *Loop) open(ctx context.Context, d deed) error {
	p, err := l.Proposer.Open(ctx, gitops.Proposal{
		Lane: d.change.Lane, Branch: d.move.Branch, Head: d.move.New, Title: l.Writer.Title(d.lane), Body: l.body(d),
	}, []string{"waveguide", "env/" + d.change.Lane.Environment, "wave/" + d.lane.Wave})
	if err != nil {
		return err
	}
	l.Crash("opened")
	return l.Marker.SetCheck(ctx, d.move.New, gitops.Check{Name: gitops.CheckName, State: gitops.CheckPending, Text: "proposal " + p.ID + " is being read"})
}

// describe brings the proposal's text up to date, if it differs.
func (l *Loop) describe(ctx context.Context, d deed) error {
	k := l.lanes[d.change.Lane]
	if k == nil || d.lane.Proposal == "" {
		return nil
	}
	title, body := l.Writer.Title(d.lane), l.body(d)
	for _, p := range k.proposals {
		if p.ID == d.change.Proposal && (p.Title != title || p.Body != body) {
			return l.Proposer.Update(ctx, p.ID, title, body)
		}
	}
	return nil
}

func (l *Loop) body(d deed) string {
	k := l.lanes[d.change.Lane]
	return l.Writer.Body(d.lane, d.route, k.desired, k.proofs)
}

// resume looks at every intent without an outcome: effects may be repeated
// safely, so it is enough to say that the world is looked at again.
func (l *Loop) resume(ctx context.Context) error {
	open, err := l.Store.Unfinished(ctx)
	if err != nil {
		return err
	}
	for _, e := range open {
		l.Log.WarnContext(ctx, "an intent has no outcome: the world is looked at before anything else", "lane", e.Subject, "intent", e.Key)
		body, err := json.Marshal(map[string]string{"result": "unknown: stopped before the outcome was written; decided again from what the world shows"})
		if err != nil {
			return err
		}
		entry := store.Entry{At: time.Now().UTC(), Kind: store.Outcome, Subject: e.Subject, Key: e.Key, Body: body}
		if _, err := l.Store.Append(ctx, entry); err != nil {
			return err
		}
	}
	return nil
}
