package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"os"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// Options say which store to open and as whom.
type Options struct {
	// Path is the database file. Its folder must exist.
	Path string
	// Holder names this process to people who find the store in use, and must
	// be its own: host and process number, for example.
	Holder string
	// ReadOnly opens beside a running daemon, to look only.
	ReadOnly bool
	// Origin names a new ledger, as one word; empty means a random name. An
	// existing ledger keeps its own.
	Origin string
	// Previous are the newest checkpoints of earlier ledgers, one per origin,
	// as found in Git. A new ledger's first entry names them.
	Previous []Checkpoint
	// Signer signs checkpoints; nil leaves them unsigned.
	Signer note.Signer
	// MaxBytes bounds the database file; 0 means no bound.
	MaxBytes int64
	// Patience is how long a write waits for another program's lock; 0 means
	// five seconds.
	Patience time.Duration
}

// Store is an open store. Its methods may be called at the same time.
type Store struct {
	path   string
	signer note.Signer
	lease  lease
	lock   *os.File // nil where the system has none

	writer *sql.DB // one connection; nil when read-only
	reader *sql.DB
	turn   chan struct{} // held by the one who writes

	// What the last writer left, so that the next need not read it again.
	origin string
	tree   edge
}

// errReadOnly is what a reader gets for writing.
var errReadOnly = errors.New("the store was opened for reading only")

// Tx is one transaction: all of it is kept, durably, or nothing. When one
// step fails, all fail. It must not be used after the function it was given to.
type Tx struct {
	tx     *sql.Tx
	store  *Store
	origin string
	tree   edge
	loaded bool
	grown  bool
	failed error // of any step, even if the caller forgot it
}

// Write runs do in one transaction and returns the ledger's checkpoint after
// it. When do or the database fails, nothing is changed. Writers queue: do
// must be quick, and must not call Write.
func (s *Store) Write(ctx context.Context, do func(*Tx) error) (Checkpoint, error) {
	if s.writer == nil {
		return Checkpoint{}, explain(errReadOnly, "write to", s.path)
	}
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return Checkpoint{}, explain(ctx.Err(), "wait to write to", s.path)
	}
	tx, err := s.writer.BeginTx(ctx, nil)
	if err != nil {
		return Checkpoint{}, explain(err, "write to", s.path)
	}
	defer func() { _ = tx.Rollback() }() // does nothing after Commit
	if err := s.lease.fence(ctx, tx); err != nil {
		return Checkpoint{}, explain(err, "write to", s.path)
	}
	t := &Tx{tx: tx, store: s, origin: s.origin, tree: s.tree.clone()}
	err = do(t)
	if err := cmp.Or(err, t.failed); err != nil {
		return Checkpoint{}, explain(err, "write to", s.path)
	}
	at, err := t.seal(ctx)
	if err != nil {
		return Checkpoint{}, explain(err, "write to", s.path)
	}
	if err := tx.Commit(); err != nil {
		return Checkpoint{}, explain(err, "commit to", s.path)
	}
	if t.grown {
		s.origin, s.tree = t.origin, t.tree
	}
	return at, nil
}

// Append adds entries in the order given, all or none, and returns the
// checkpoint that covers them. See [Tx.Append].
func (s *Store) Append(ctx context.Context, entries ...Entry) (Checkpoint, error) {
	return s.Write(ctx, func(tx *Tx) error { return tx.Append(ctx, entries...) })
}

// Renew keeps the lease of an idle store. Writing renews it as well.
func (s *Store) Renew(ctx context.Context) error {
	_, err := s.Write(ctx, func(*Tx) error { return nil })
	return err
}

// Close gives the lease back and closes the files. It waits for a write that
// is under way.
func (s *Store) Close() error {
	var errs []error
	if s.writer != nil {
		s.turn <- struct{}{}
		errs = append(errs, s.lease.release(s.writer))
		<-s.turn
	}
	errs = append(errs, s.shut())
	return explain(errors.Join(errs...), "close", s.path)
}

// shut closes what is open, the lock last.
func (s *Store) shut() error {
	var errs []error
	if s.reader != nil {
		errs = append(errs, s.reader.Close())
	}
	if s.writer != nil {
		errs = append(errs, s.writer.Close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}
