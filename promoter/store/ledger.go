package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// querier is what a transaction and a pool of connections have in common.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Append adds entries in the order given. It refuses an intent or outcome that
// its key has already with [ErrKnown], and an outcome without an intent.
func (t *Tx) Append(ctx context.Context, entries ...Entry) (err error) {
	if len(entries) == 0 {
		return nil
	}
	defer func() { t.failed = cmp.Or(t.failed, err) }()
	if err := t.load(ctx); err != nil {
		return err
	}
	rows, err := t.tx.PrepareContext(ctx, `INSERT INTO ledger (seq, at, kind, subject, key, body) VALUES ($1, $2, $3, $4, $5, $6)`)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // the transaction owns it
	hashes, err := t.tx.PrepareContext(ctx, `INSERT INTO ledger_hash (idx, hash) VALUES ($1, $2)`)
	if err != nil {
		return err
	}
	defer func() { _ = hashes.Close() }() // the transaction owns it
	for _, e := range entries {
		if err := t.add(ctx, e, rows, hashes); err != nil {
			return err
		}
	}
	t.grown = true
	return nil
}

// add writes one entry and the hashes that it completes.
func (t *Tx) add(ctx context.Context, e Entry, row, hash *sql.Stmt) error {
	e, err := e.check()
	if err != nil {
		return err
	}
	if err := t.allow(ctx, e); err != nil {
		return err
	}
	idx := tlog.StoredHashCount(t.tree.size)
	stored := t.tree.push(tlog.RecordHash(e.leaf()))
	if _, err := row.ExecContext(ctx, t.tree.size, e.At.Format(instant), string(e.Kind), e.Subject, e.Key, string(e.Body)); err != nil {
		return err
	}
	for i, h := range stored {
		if _, err := hash.ExecContext(ctx, idx+int64(i), h[:]); err != nil {
			return err
		}
	}
	return nil
}

// load makes sure that the tree in hand is the tree in the database: after a
// commit whose answer was lost it is not.
func (t *Tx) load(ctx context.Context) error {
	if t.loaded {
		return nil
	}
	var size int64
	err := t.tx.QueryRowContext(ctx, `SELECT size FROM checkpoint`).Scan(&size)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	t.loaded = true
	if size == t.tree.size {
		return nil
	}
	t.tree = edge{size: size}
	for _, idx := range edgeIndexes(size) {
		var hash []byte
		if err := t.tx.QueryRowContext(ctx, `SELECT hash FROM ledger_hash WHERE idx = $1`, idx).Scan(&hash); err != nil {
			return fmt.Errorf("ledger hash %d: %w", idx, err)
		}
		if len(hash) != tlog.HashSize {
			return fmt.Errorf("ledger hash %d is damaged: verify the ledger", idx)
		}
		t.tree.roots = append(t.tree.roots, tlog.Hash(hash))
	}
	return nil
}

// allow asks what the order of entries demands.
func (t *Tx) allow(ctx context.Context, e Entry) error {
	switch e.Kind {
	case Intent:
		return t.once(ctx, `SELECT seq FROM ledger WHERE kind = 'intent' AND key = $1`, e)
	case Outcome:
		var seq int64
		err := t.tx.QueryRowContext(ctx, `SELECT seq FROM ledger WHERE kind = 'intent' AND key = $1`, e.Key).Scan(&seq)
		if errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("outcome %q has no intent: write the intent before acting", e.Key)
		}
		if err != nil {
			return err
		}
		return t.once(ctx, `SELECT seq FROM ledger WHERE kind = 'outcome' AND key = $1`, e)
	case Epoch:
		if t.tree.size > 0 {
			return errors.New("an epoch only opens a new ledger")
		}
	case Decision, Evidence, Note:
	}
	return nil
}

func (t *Tx) once(ctx context.Context, query string, e Entry) error {
	var seq int64
	switch err := t.tx.QueryRowContext(ctx, query, e.Key).Scan(&seq); {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return err
	}
	return fmt.Errorf("%s %q is entry %d: %w", e.Kind, e.Key, seq, ErrKnown)
}

// seal writes the checkpoint that covers what was appended.
func (t *Tx) seal(ctx context.Context) (Checkpoint, error) {
	if !t.grown {
		return checkpoint(ctx, t.tx)
	}
	c, err := publish(t.origin, t.tree, t.store.signer)
	if err != nil {
		return Checkpoint{}, err
	}
	const query = `INSERT INTO checkpoint (id, size, note) VALUES (1, $1, $2) ON CONFLICT (id) DO UPDATE SET size = $1, note = $2`
	_, err = t.tx.ExecContext(ctx, query, c.Size, c.Text)
	return c, err
}

// Checkpoint returns the newest checkpoint.
func (s *Store) Checkpoint(ctx context.Context) (Checkpoint, error) {
	c, err := checkpoint(ctx, s.reader)
	return c, explain(err, "read the checkpoint of", s.path)
}

func checkpoint(ctx context.Context, q querier) (Checkpoint, error) {
	var text string
	if err := q.QueryRowContext(ctx, `SELECT note FROM checkpoint`).Scan(&text); err != nil {
		return Checkpoint{}, err
	}
	return ParseCheckpoint(text)
}

// Filter chooses entries. Empty fields choose all.
type Filter struct {
	// After leaves out entries up to this Seq.
	After int64
	// Kind, Subject and Key are compared whole.
	Kind    Kind
	Subject string
	Key     string
	// Newest asks for the last entries first.
	Newest bool
}

// Entries returns at most limit entries that the filter chooses, in the order
// in which they were appended or, if asked, backwards.
func (s *Store) Entries(ctx context.Context, f Filter, limit int) ([]Entry, error) {
	where, order := []string{"seq > $1"}, "seq"
	args := []any{f.After, max(limit, 0), string(f.Kind), f.Subject, f.Key}
	if f.Kind != "" {
		where = append(where, "kind = $3")
	}
	if f.Subject != "" {
		where = append(where, "subject = $4")
	}
	if f.Key != "" {
		where = append(where, "key = $5 AND key <> ''") // the second half names the index
	}
	if f.Newest {
		order = "seq DESC"
	}
	query := "WHERE " + strings.Join(where, " AND ") + " ORDER BY " + order + " LIMIT $2"
	entries, err := entries(ctx, s.reader, query, args...)
	return entries, explain(err, "read the ledger of", s.path)
}

// Unfinished returns the intents that have no outcome, the oldest first. After
// a crash, look at the world for each before doing anything else.
func (s *Store) Unfinished(ctx context.Context) ([]Entry, error) {
	const query = `WHERE kind = 'intent' AND NOT EXISTS
		(SELECT 1 FROM ledger o WHERE o.kind = 'outcome' AND o.key = ledger.key) ORDER BY seq`
	entries, err := entries(ctx, s.reader, query)
	return entries, explain(err, "read the ledger of", s.path)
}

func entries(ctx context.Context, q querier, where string, args ...any) ([]Entry, error) {
	rows, err := q.QueryContext(ctx, `SELECT seq, at, kind, subject, key, body FROM ledger `+where, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	var all []Entry
	for rows.Next() {
		var e Entry
		var at, body string
		if err := rows.Scan(&e.Seq, &at, &e.Kind, &e.Subject, &e.Key, &body); err != nil {
			return nil, err
		}
		if e.At, err = time.Parse(instant, at); err != nil || e.At.Format(instant) != at {
			return nil, &TamperError{First: e.Seq, Last: e.Seq, Reason: "its time was changed to one that is none"}
		}
		e.Body = []byte(body)
		all = append(all, e)
	}
	return all, rows.Err()
}
