package loop

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/store"
)

// maxSubject bounds, in characters, what the ledger calls a subject.
const maxSubject = 200

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
			// The ledger's size makes the key of a repeated wish another one.
			premise := fmt.Sprintf("%s %d %d", cp, i, now.UnixNano())
			if err := l.announce(ctx, tx, now, premise, &batch[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

// announce writes one intent.
func (l *Loop) announce(ctx context.Context, tx *store.Tx, now time.Time, premise string, d *deed) error {
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
	sum := sha256.Sum256(append([]byte(premise), body...))
	d.key = hex.EncodeToString(sum[:])
	err = tx.Append(ctx, store.Entry{At: now, Kind: store.Intent, Subject: gitops.CutLine(subject(d.change), maxSubject), Key: d.key, Body: body})
	if err != nil {
		return err
	}
	return l.claim(ctx, tx, *d)
}

// claim remembers what a commit was made for before anybody can see it.
func (l *Loop) claim(ctx context.Context, tx *store.Tx, d deed) error {
	k := l.lanes[d.change.Lane]
	if d.move.New == "" || k == nil {
		return nil
	}
	k.Pushed = append(k.Pushed, pushed{Head: d.move.New, Class: d.change.Class, From: d.change.From, To: d.change.To})
	k.Pushed = slices.Clone(k.Pushed[max(0, len(k.Pushed)-maxLeft):])
	r, err := store.Remember(bucketLane, l.laneKey(d.change.Lane), k, time.Time{})
	if err != nil {
		return err
	}
	k.kept = sha256.Sum256(r.Value)
	return tx.Put(ctx, r)
}

// outcome writes what became of an intent. A failure is an outcome too: the
// lane is decided again after a rest.
func (l *Loop) outcome(ctx context.Context, now time.Time, d deed) error {
	result := "done"
	source := sourceWrite + subject(d.change)
	switch {
	case errors.Is(d.err, gitops.ErrMoved):
		result = "refused: the premise moved"
		l.Log.DebugContext(ctx, "premise moved", "lane", subject(d.change), "change", string(d.change.Kind))
		l.schedule.set(sourceGit, now)
		l.schedule.set(sourceForge, now)
	case d.err != nil:
		result = "failed: " + d.err.Error()
		l.speak(source, d.err)
	default:
		l.speak(source, nil)
		l.turned(now, d.change)
		l.told(d.change)
		l.Log.InfoContext(ctx, "did", "change", d.change.String())
	}
	l.tried(now, d.change, d.err)
	body, err := json.Marshal(record{Change: d.change, Result: result})
	if err != nil {
		return err
	}
	// The outcome is kept even when the process was asked to stop meanwhile.
	_, err = l.Store.Append(context.WithoutCancel(ctx), store.Entry{At: now, Kind: store.Outcome, Subject: gitops.CutLine(subject(d.change), maxSubject), Key: d.key, Body: body})
	return err
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
		entry := store.Entry{At: l.now(), Kind: store.Outcome, Subject: e.Subject, Key: e.Key, Body: body}
		if _, err := l.Store.Append(ctx, entry); err != nil {
			return err
		}
	}
	return nil
}

// witness compares the ledger with what Git knows of it and of earlier ones,
// once: a new ledger names the newest checkpoints of those before it, and one
// that is shorter than Git says was cut or is a copy.
func (l *Loop) witness(ctx context.Context, now time.Time) error {
	if l.witnessed || l.Witness == nil {
		return nil
	}
	subject := "ledger of " + l.Repository
	known, err := l.Store.Entries(ctx, store.Filter{Kind: store.Note, Subject: subject}, 1)
	if err != nil {
		return err
	}
	own, err := l.Store.Checkpoint(ctx)
	if err != nil {
		return err
	}
	earlier := []string{}
	for _, cp := range l.Witness(ctx) {
		switch {
		case cp.Origin != own.Origin:
			earlier = append(earlier, cp.String())
		case cp.Size > own.Size:
			l.Log.ErrorContext(ctx, "the ledger is shorter than Git has seen it: it was cut, or restored from a copy", "origin", own.Origin, "size", own.Size, "seen", cp.Size)
		}
	}
	l.witnessed = true
	if len(known) > 0 {
		return nil
	}
	body, err := json.Marshal(map[string][]string{"previous": earlier})
	if err != nil {
		return err
	}
	_, err = l.Store.Append(ctx, store.Entry{At: now, Kind: store.Note, Subject: subject, Body: body})
	return err
}
