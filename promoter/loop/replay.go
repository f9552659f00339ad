package loop

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/store"
)

// Blobs are where the snapshots of decisions are: [store.Store] is one.
type Blobs interface {
	Blob(ctx context.Context, id string) ([]byte, error)
}

// Replay decides again what an entry of the ledger says was decided, from the
// snapshot that it names, and compares the bytes. It is false for an entry that
// carries no decision, and an error if the answer is another one, or is written
// in another way.
func Replay(ctx context.Context, from Blobs, e store.Entry) (bool, error) {
	var body struct {
		Change   gitops.Change   `json:"change"`
		Decision json.RawMessage `json:"decision"`
		Snapshot string          `json:"snapshot"`
	}
	if err := json.Unmarshal(e.Body, &body); err != nil {
		return false, fmt.Errorf("entry %d is no record: %w", e.Seq, err)
	}
	if len(body.Decision) == 0 {
		return false, nil
	}
	data, err := from.Blob(ctx, body.Snapshot)
	if err != nil {
		return false, fmt.Errorf("entry %d: %w", e.Seq, err)
	}
	var seen promoter.Snapshot
	if err := json.Unmarshal(data, &seen); err != nil {
		return false, fmt.Errorf("entry %d: snapshot %s: %w", e.Seq, body.Snapshot, err)
	}
	for _, lp := range promoter.Decide(seen).Lanes {
		if lp.Lane != body.Change.Lane {
			continue
		}
		again, err := kept(lp)
		if err != nil {
			return false, err
		}
		if !bytes.Equal(again, body.Decision) {
			return false, fmt.Errorf("entry %d: decided again it is %s, stored is %s", e.Seq, again, body.Decision)
		}
		return true, nil
	}
	return false, fmt.Errorf("entry %d: decided again, there is no lane %s", e.Seq, body.Change.Lane)
}

// kept are the bytes of a decision in the ledger.
func kept(lp promoter.LanePlan) ([]byte, error) {
	data, err := json.Marshal(lp)
	if err != nil {
		return nil, err
	}
	return store.Canonical(data)
}
