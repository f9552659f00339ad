package storetest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/waveguide-dev/waveguide/promoter/store"
)

// disarm drops what makes the ledger append-only.
func disarm() []string {
	var all []string
	for _, trigger := range []string{"ledger_no_update", "ledger_no_delete", "ledger_in_order", "ledger_hash_no_update", "ledger_hash_no_delete", "ledger_hash_in_order"} {
		all = append(all, "DROP TRIGGER "+trigger)
	}
	return all
}

// filled makes a closed ledger of n entries and returns its checkpoints, one
// per entry.
func filled(t *testing.T, o store.Options, n int) []store.Checkpoint {
	t.Helper()
	s := open(t, o)
	first, err := s.Checkpoint(t.Context())
	must(t, err)
	all := []store.Checkpoint{first}
	for i := 2; i <= n; i++ {
		c, err := s.Append(t.Context(), entry(store.Note, fmt.Sprint(i), fmt.Sprintf(`{"n":%d}`, i)))
		must(t, err)
		all = append(all, c)
	}
	must(t, s.Verify(t.Context(), all...))
	must(t, s.Close())
	return all
}

func (b Backend) tampered(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name        string
		attack      string
		first, last int64
	}{
		{"body", `UPDATE ledger SET body = '{"n":0}' WHERE seq = 9`, 9, 9},
		{"a space in a body", `UPDATE ledger SET body = '{"n": 9}' WHERE seq = 9`, 9, 9},
		{"time", `UPDATE ledger SET at = '2026-11-21T08:00:00.000000002Z' WHERE seq = 3`, 3, 3},
		{"time that is none", `UPDATE ledger SET at = 'yesterday' WHERE seq = 3`, 3, 3},
		{"subject", `UPDATE ledger SET subject = 'x' WHERE seq = 4`, 4, 4},
		{"key", `UPDATE ledger SET key = 'x' WHERE seq = 5`, 5, 5},
		{"kind", `UPDATE ledger SET kind = 'evidence' WHERE seq = 6`, 6, 6},
		{"entry removed", `DELETE FROM ledger WHERE seq = 7`, 7, 7},
		{"last entry removed", `DELETE FROM ledger WHERE seq = 20`, 20, 20},
		{"entry added", `INSERT INTO ledger (seq, at, kind, subject, key, body) SELECT 21, at, kind, subject, key, body FROM ledger WHERE seq = 20`, 21, 21},
		{"entry before the first", `INSERT INTO ledger (seq, at, kind, subject, key, body) SELECT 0, at, kind, subject, key, body FROM ledger WHERE seq = 20`, 21, 0},
		{"inner hash that no proof reads", `UPDATE ledger_hash SET hash = (SELECT hash FROM ledger_hash WHERE idx = 0) WHERE idx = 2`, 1, 2},
		{"hash removed", `DELETE FROM ledger_hash WHERE idx = 7`, 5, 5},
		{"checkpoint of another ledger", `UPDATE checkpoint SET note = replace(note, 'example', 'counterexample')`, 1, 1},
		{"checkpoint removed", `DELETE FROM checkpoint`, 1, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := b.New(t)
			o.Origin = "example.com/ledger"
			filled(t, o, 20)
			b.Attack(t, o, append(disarm(), c.attack)...)
			o.ReadOnly = true
			err := open(t, o).Verify(t.Context())
			var bad *store.TamperError
			if !errors.As(err, &bad) || bad.First != c.first || bad.Last != c.last {
				t.Errorf("Verify = %v, want entries %d to %d in doubt", err, c.first, c.last)
			}
		})
	}
	t.Run("refused while the triggers stand", func(t *testing.T) {
		t.Parallel()
		o := b.New(t)
		checkpoints := filled(t, o, 20)
		for _, attack := range []string{`UPDATE ledger SET body = '{}'`, `DELETE FROM ledger`, `UPDATE ledger_hash SET hash = hash`, `DELETE FROM ledger_hash`} {
			t.Run(attack, func(t *testing.T) {
				b.Attack(t, o, "! "+attack)
			})
		}
		must(t, open(t, o).Verify(t.Context(), checkpoints...))
	})
}

// rewritten makes another history under the same name, consistent in itself:
// only a checkpoint kept outside can tell.
func (b Backend) rewritten(t *testing.T) {
	t.Parallel()
	truth := b.New(t)
	truth.Origin = "example.com/ledger"
	published := filled(t, truth, 20)

	forged := b.New(t)
	forged.Origin = truth.Origin
	s := open(t, forged)
	for i := 2; i <= 30; i++ {
		_, err := s.Append(t.Context(), entry(store.Note, fmt.Sprint(i), fmt.Sprintf(`{"n":%d}`, i*i)))
		must(t, err)
	}
	must(t, s.Verify(t.Context()))
	for _, c := range published[1:] {
		var bad *store.TamperError
		if err := s.Verify(t.Context(), c); !errors.As(err, &bad) || bad.First != 1 || bad.Last != c.Size {
			t.Errorf("Verify of a forged history against %s = %v, want entries 1 to %d in doubt", c, err, c.Size)
		}
	}
	own, err := s.Append(t.Context(), entry(store.Note, "", "{}"))
	must(t, err)
	ahead := own
	ahead.Size++
	var bad *store.TamperError
	if err := s.Verify(t.Context(), own, ahead); !errors.As(err, &bad) || bad.First != own.Size+1 {
		t.Errorf("Verify against a checkpoint of more entries = %v, want entry %d in doubt", err, ahead.Size)
	}
	ahead.Size = 15
	if err := s.Verify(t.Context(), own, ahead); !errors.As(err, &bad) || bad.Last != 15 {
		t.Errorf("Verify against a wrong root = %v, want entries to 15 in doubt", err)
	}
}

// succeeded lets a ledger take the place of one that was lost.
func (b Backend) succeeded(t *testing.T) {
	t.Parallel()
	old := b.New(t)
	lost := filled(t, old, 5)
	o := b.New(t)
	o.Previous = []store.Checkpoint{lost[3]}
	s := open(t, o)
	if err := s.Verify(t.Context(), lost[0], lost[3]); err != nil {
		t.Errorf("Verify with checkpoints of the ledger before = %v, want none", err)
	}
	forked := lost[3]
	forked.Root[0]++
	for name, c := range map[string]store.Checkpoint{
		"one that the epoch does not cover": lost[4],
		"one with another root":             forked,
		"one of a stranger":                 {Origin: "example.com/stranger", Size: 1},
	} {
		var bad *store.TamperError
		if err := s.Verify(t.Context(), c); !errors.As(err, &bad) {
			t.Errorf("%s: Verify = %v, want it refused", name, err)
		}
	}
}
