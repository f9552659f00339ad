package store

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// auditStep is how many entries are read at a time.
const auditStep = 2000

// Verify reads the whole ledger and computes its tree again from the entries.
// It compares the result with every stored hash, with the stored checkpoint,
// and with each checkpoint kept outside: only those show that the history as a
// whole is the one that was published. What does not fit is a [TamperError].
func (s *Store) Verify(ctx context.Context, outside ...Checkpoint) error {
	tx, err := s.reader.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return explain(err, "verify", s.path)
	}
	defer func() { _ = tx.Rollback() }() // only read
	return explain(audit(ctx, tx, outside), "verify", s.path)
}

func audit(ctx context.Context, tx *sql.Tx, outside []Checkpoint) error {
	stated, err := checkpoint(ctx, tx)
	if err != nil {
		return &TamperError{First: 1, Reason: "no checkpoint can be read: " + err.Error()}
	}
	ours, err := related(ctx, tx, stated, outside)
	if err != nil {
		return err
	}
	a := auditor{expect: append(ours, stated)}
	slices.SortStableFunc(a.expect, func(x, y Checkpoint) int { return cmp.Compare(x.Size, y.Size) })
	for more := true; more; {
		if more, err = a.step(ctx, tx); err != nil {
			return err
		}
	}
	switch {
	case a.tree.size < stated.Size:
		return &TamperError{First: a.tree.size + 1, Last: stated.Size, Reason: "missing"}
	case a.tree.size > stated.Size:
		return &TamperError{First: stated.Size + 1, Last: a.tree.size, Reason: "not covered by the checkpoint"}
	case len(a.expect) > 0:
		return &TamperError{First: a.tree.size + 1, Last: a.expect[len(a.expect)-1].Size, Reason: "published once, and missing"}
	}
	return a.excess(ctx, tx)
}

// related returns the outside checkpoints that speak of this ledger. Those of
// an earlier one must be covered by what the first entry names.
func related(ctx context.Context, tx *sql.Tx, stated Checkpoint, outside []Checkpoint) ([]Checkpoint, error) {
	first, err := entries(ctx, tx, `WHERE seq = 1`)
	if err != nil {
		return nil, err
	}
	var body epoch
	if len(first) != 1 || first[0].Kind != Epoch || json.Unmarshal(first[0].Body, &body) != nil || body.Origin != stated.Origin {
		return nil, &TamperError{First: 1, Last: 1, Reason: fmt.Sprintf("it does not open ledger %s", stated.Origin)}
	}
	var ours []Checkpoint
	for _, c := range outside {
		if c.Origin == stated.Origin {
			ours = append(ours, c)
			continue
		}
		named := slices.ContainsFunc(body.Previous, func(line string) bool {
			p, err := ParseCheckpoint(line)
			return err == nil && p.Origin == c.Origin && (c.Size < p.Size || c.Size == p.Size && c.Root == p.Root)
		})
		if !named {
			return nil, &TamperError{First: 1, Reason: fmt.Sprintf("checkpoint %s is of another ledger, which this one does not succeed", c)}
		}
	}
	return ours, nil
}

// auditor computes a tree again, entry by entry.
type auditor struct {
	tree   edge
	expect []Checkpoint // to be met, the smallest first
	met    int64        // the size of the last one that was
}

// step audits some entries and says whether there may be more.
func (a *auditor) step(ctx context.Context, tx *sql.Tx) (bool, error) {
	from := a.tree.size
	batch, err := entries(ctx, tx, `WHERE seq > $1 ORDER BY seq LIMIT $2`, from, auditStep)
	if err != nil {
		return false, err
	}
	stored, err := hashes(ctx, tx, tlog.StoredHashCount(from), tlog.StoredHashCount(from+int64(len(batch))))
	if err != nil {
		return false, err
	}
	for _, e := range batch {
		if e.Seq != a.tree.size+1 {
			return false, &TamperError{First: a.tree.size + 1, Last: e.Seq - 1, Reason: "missing"}
		}
		for level, want := range a.tree.push(tlog.RecordHash(e.leaf())) {
			if len(stored) == 0 || !bytes.Equal(stored[0], want[:]) {
				return false, &TamperError{First: e.Seq - 1<<level + 1, Last: e.Seq, Reason: "what is stored does not have its hash"}
			}
			stored = stored[1:]
		}
		if err := a.meet(); err != nil {
			return false, err
		}
	}
	return len(batch) == auditStep, nil
}

// meet compares the tree with the checkpoints of its size.
func (a *auditor) meet() error {
	for len(a.expect) > 0 && a.expect[0].Size <= a.tree.size {
		c := a.expect[0]
		if c.Size > 0 && c.Root != a.tree.root() {
			return &TamperError{First: a.met + 1, Last: c.Size, Reason: fmt.Sprintf("not what was published as checkpoint %s", c)}
		}
		a.met, a.expect = c.Size, a.expect[1:]
	}
	return nil
}

// excess finds rows that the tree does not reach.
func (a *auditor) excess(ctx context.Context, tx *sql.Tx) error {
	const query = `SELECT idx FROM ledger_hash WHERE idx < 0 OR idx >= $1 UNION ALL SELECT seq FROM ledger WHERE seq < 1 LIMIT 1`
	var idx int64
	err := tx.QueryRowContext(ctx, query, tlog.StoredHashCount(a.tree.size)).Scan(&idx)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	return &TamperError{First: a.tree.size + 1, Reason: "rows are stored that belong to no entry"}
}

func hashes(ctx context.Context, tx *sql.Tx, from, to int64) ([][]byte, error) {
	rows, err := tx.QueryContext(ctx, `SELECT idx, hash FROM ledger_hash WHERE idx >= $1 AND idx < $2 ORDER BY idx`, from, to)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	var all [][]byte
	for rows.Next() {
		var idx int64
		var hash []byte
		if err := rows.Scan(&idx, &hash); err != nil {
			return nil, err
		}
		if idx != from+int64(len(all)) {
			break // a gap: the comparison names the entry
		}
		all = append(all, hash)
	}
	return all, rows.Err()
}
