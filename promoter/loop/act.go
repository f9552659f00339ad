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
	// files are the edited files of a change that writes some.
	files map[string][]byte
}

// act does what the plans wish, red before green: the intent is in the ledger
// before the effect and the outcome after it. It says whether anything was done.
func (l *Loop) act(ctx context.Context, now time.Time, plans []promoter.Plan) (bool, error) {
	acted := false
	for _, d := range l.deeds(plans) {
		if ctx.Err() != nil {
			return acted, nil //nolint:nilerr // asked to stop: the rest is decided again
		}
		// Whoever cannot see Git does not know what a step forward would change.
		if advance(d.change) && (l.silent[sourceGit] != "" || !l.ready(ctx, &d)) {
			continue
		}
		key, err := l.intend(ctx, now, d)
		if err != nil {
			return acted, err
		}
		l.Crash("intent-" + string(d.change.Kind))
		err = l.effect(ctx, now, d)
		l.Crash("effect-" + string(d.change.Kind))
		if err := l.outcome(ctx, now, key, d, err); err != nil {
			return acted, err
		}
		l.Crash("outcome-" + string(d.change.Kind))
		l.Metrics.deed(d.change, err)
		acted = acted || err == nil
	}
	return acted, nil
}

// deeds are the wished changes in the order in which they are done.
func (l *Loop) deeds(plans []promoter.Plan) []deed {
	var all []deed
	for _, p := range plans {
		for _, lp := range p.Lanes {
			if lp.Change == nil {
				continue
			}
			if r, s, ok := l.find(lp.Lane); ok {
				all = append(all, deed{change: *lp.Change, lane: lp, route: r, stop: s})
			}
		}
	}
	for _, p := range l.orphans {
		if d, ok := orphaned(p); ok {
			all = append(all, d)
		}
	}
	slices.SortStableFunc(all, func(a, b deed) int { return cmp.Compare(rank(a.change), rank(b.change)) })
	return all
}

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

// ready prepares a change that advances: its edit is computed and proven
// before anybody is told of an intent.
func (l *Loop) ready(ctx context.Context, d *deed) bool {
	source := "edit of " + d.change.Lane.String()
	if d.change.Kind != gitops.OpenProposal && d.change.Kind != gitops.UpdateProposal {
		return true
	}
	files, err := l.Repo.Files(ctx, d.change.Base, d.stop.Path, string(edit.Needle(d.route.Image)))
	if err == nil {
		d.files, err = edited(files, d.route, d.stop, d.change.To)
	}
	if err == nil && d.change.Kind == gitops.OpenProposal {
		err = l.free(ctx, d.change.Lane.Branch())
	}
	if err == nil && len(d.files) == 0 {
		err = fmt.Errorf("nothing to write: %s names %s already", d.stop.Path, d.change.To.Tag)
	}
	var refused *edit.Refusal
	if errors.As(err, &refused) && refused.Hint != "" {
		err = fmt.Errorf("%w; %s", err, refused.Hint)
	}
	return l.speak(source, err)
}

// free says that a branch is not there, or is one that we left behind.
func (l *Loop) free(ctx context.Context, branch string) error {
	head, exists := l.Branches.Branch(branch)
	if !exists {
		return nil
	}
	left, err := l.Repo.Delta(ctx, head)
	if err != nil {
		return fmt.Errorf("read branch %s: %w", branch, err)
	}
	if left.Author != l.Email {
		return fmt.Errorf("branch %s holds a commit of %s, not of ours: delete or rename it", branch, left.Author)
	}
	return nil
}

// record is the body of a ledger entry.
type record struct {
	Change   gitops.Change     `json:"change"`
	Lane     promoter.LanePlan `json:"decision,omitzero"`
	Snapshot string            `json:"snapshot,omitempty"`
	Result   string            `json:"result,omitempty"`
}

// intend writes the intent with the decision and the snapshot it came from.
func (l *Loop) intend(ctx context.Context, now time.Time, d deed) (string, error) {
	slice, err := json.Marshal(l.snapshot(now, d.route))
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(struct {
		C gitops.Change
		T time.Time
	}{d.change, now})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	key := hex.EncodeToString(sum[:])
	_, err = l.Store.Write(ctx, func(tx *store.Tx) error {
		id, err := tx.PutBlob(ctx, slice)
		if err != nil {
			return err
		}
		body, err := json.Marshal(record{Change: d.change, Lane: d.lane, Snapshot: id})
		if err != nil {
			return err
		}
		return tx.Append(ctx, store.Entry{At: now, Kind: store.Intent, Subject: d.change.Lane.String(), Key: key, Body: body})
	})
	return key, err
}

// outcome writes what became of an intent. A failure is an outcome too: the
// next look decides again.
func (l *Loop) outcome(ctx context.Context, now time.Time, key string, d deed, failed error) error {
	result := "done"
	source := "write of " + d.change.Lane.String()
	switch {
	case errors.Is(failed, gitops.ErrMoved):
		result = "refused: the premise moved"
		l.Log.DebugContext(ctx, "premise moved", "lane", d.change.Lane.String(), "change", string(d.change.Kind))
	case failed != nil:
		result = "failed: " + failed.Error()
		l.speak(source, failed)
	default:
		l.speak(source, nil)
		l.Log.InfoContext(ctx, "did", "change", d.change.String())
	}
	body, err := json.Marshal(record{Change: d.change, Result: result})
	if err != nil {
		return err
	}
	// The outcome is kept even when the process was asked to stop meanwhile.
	_, err = l.Store.Append(context.WithoutCancel(ctx), store.Entry{At: now, Kind: store.Outcome, Subject: d.change.Lane.String(), Key: key, Body: body})
	return err
}

// effect makes the change. Every effect may be repeated: branches move by
// compare-and-swap, proposals are found before they are created, a merge names
// its head.
func (l *Loop) effect(ctx context.Context, now time.Time, d deed) error {
	c := d.change
	switch c.Kind {
	case gitops.OpenProposal:
		return l.open(ctx, now, d)
	case gitops.UpdateProposal:
		return l.update(ctx, now, d)
	case gitops.MergeProposal:
		_, err := l.Proposer.Merge(ctx, c.Proposal, c.Head)
		return err
	case gitops.CloseProposal:
		if err := l.Proposer.Close(ctx, c.Proposal, c.Why); err != nil {
			return err
		}
		return l.Branches.Delete(ctx, c.Lane.Branch(), c.Head)
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

// open pushes the branch and opens the proposal.
func (l *Loop) open(ctx context.Context, now time.Time, d deed) error {
	branch := d.change.Lane.Branch()
	old, _ := l.Branches.Branch(branch) // ours, or not there: see free
	head, err := l.push(ctx, now, d, old)
	if err != nil {
		return err
	}
	l.Crash("pushed")
	p, err := l.Proposer.Open(ctx, gitops.Proposal{
		Lane: d.change.Lane, Branch: branch, Head: head, Title: l.Writer.Title(d.lane), Body: l.body(d),
	}, []string{"waveguide", "env/" + d.change.Lane.Environment, "wave/" + d.lane.Wave})
	if err != nil {
		return err
	}
	l.Crash("opened")
	return l.Marker.SetCheck(ctx, head, gitops.Check{Name: gitops.CheckName, State: gitops.CheckPending, Text: "proposal " + p.ID + " is being read"})
}

// update pushes a new head to the living proposal.
func (l *Loop) update(ctx context.Context, now time.Time, d deed) error {
	if _, err := l.push(ctx, now, d, d.change.Head); err != nil {
		return err
	}
	l.Crash("pushed")
	return l.Proposer.Update(ctx, d.change.Proposal, l.Writer.Title(d.lane), l.body(d))
}

// push composes the commit and moves the lane's branch from old to it.
func (l *Loop) push(ctx context.Context, now time.Time, d deed, old gitops.Commit) (gitops.Commit, error) {
	cp, err := l.Store.Checkpoint(ctx)
	if err != nil {
		return "", err
	}
	message := fmt.Sprintf("%s\n\nWaveguide-Artifact: %s\nWaveguide-Environment: %s\nWaveguide-Digest: %s\nWaveguide-From: %s\nWaveguide-Class: %s\nWaveguide-Checkpoint: %s\n",
		l.Writer.Title(d.lane), d.change.Lane.Artifact, d.change.Lane.Environment, d.change.To.Digest, d.change.From.Digest, d.change.Class, cp)
	head, err := l.Repo.Push(ctx, Draft{Branch: d.change.Lane.Branch(), Old: old, Base: d.change.Base, Files: d.files, Message: message, Time: now.Truncate(time.Second)})
	if err != nil {
		return "", fmt.Errorf("push %s: %w", d.change.Lane.Branch(), err)
	}
	k := l.lanes[d.change.Lane]
	k.Pushed = append(k.Pushed, pushed{Head: head, Class: d.change.Class, From: d.change.From, To: d.change.To})
	k.Pushed = k.Pushed[max(0, len(k.Pushed)-maxLeft):]
	r, err := store.Remember(bucketLane, d.change.Lane.String(), k, time.Time{})
	if err != nil {
		return "", err
	}
	k.kept = string(r.Value)
	return head, l.Store.Put(ctx, r)
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
