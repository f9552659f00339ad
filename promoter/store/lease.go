package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// leaseTime is how long a lease lasts without being renewed.
const leaseTime = 15 * time.Second

// clock is the database's own clock in milliseconds: the only one that all
// holders of a lease share.
const clock = `CAST(unixepoch('subsec') * 1000 AS INTEGER)`

// lease is this process's right to write. Its epoch grows whenever the holder
// changes, so that an earlier holder that wakes up is refused.
type lease struct {
	holder string
	epoch  int64
}

// acquire takes the lease. alone says that no other holder can be alive; else
// a lease that has not run out is respected.
func acquire(ctx context.Context, db *sql.DB, holder string, alone bool) (lease, error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return lease{}, err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after Commit
	var other string
	var epoch, left int64
	err = tx.QueryRowContext(ctx, `SELECT holder, epoch, expires - `+clock+` FROM lease WHERE name = 'daemon'`).Scan(&other, &epoch, &left)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return lease{}, err
	}
	if left > 0 && !alone {
		return lease{}, fmt.Errorf("%w by %q: stop it, or wait %s for its lease to run out", ErrHeld, other, time.Duration(left)*time.Millisecond)
	}
	const take = `INSERT INTO lease (name, holder, epoch, expires) VALUES ('daemon', $1, $2, ` + clock + ` + $3)
		ON CONFLICT (name) DO UPDATE SET holder = $1, epoch = $2, expires = excluded.expires`
	if _, err := tx.ExecContext(ctx, take, holder, epoch+1, leaseTime.Milliseconds()); err != nil {
		return lease{}, err
	}
	return lease{holder: holder, epoch: epoch + 1}, tx.Commit()
}

// fence refuses the transaction of a holder that was replaced, and renews the
// lease when half of it is over.
func (l lease) fence(ctx context.Context, tx *sql.Tx) error {
	var holder string
	var epoch, left int64
	err := tx.QueryRowContext(ctx, `SELECT holder, epoch, expires - `+clock+` FROM lease WHERE name = 'daemon'`).Scan(&holder, &epoch, &left)
	if err != nil {
		return err
	}
	if epoch != l.epoch || holder != l.holder {
		return fmt.Errorf("%w by %q (epoch %d; ours was %d): stop this process", ErrFenced, holder, epoch, l.epoch)
	}
	if left > leaseTime.Milliseconds()/2 {
		return nil
	}
	_, err = tx.ExecContext(ctx, `UPDATE lease SET expires = `+clock+` + $1 WHERE name = 'daemon'`, leaseTime.Milliseconds())
	return err
}

// release ends the lease if it is still ours. A full disk must not keep the
// store open: the lease runs out by itself.
func (l lease) release(db *sql.DB) error {
	_, err := db.ExecContext(context.Background(), `UPDATE lease SET expires = 0 WHERE name = 'daemon' AND epoch = $1`, l.epoch)
	return err
}

// heldBy tells who holds the store, as far as that can be read.
func heldBy(ctx context.Context, o Options) error {
	holder := "another process"
	if db, err := connect(o, "ro", "query_only(1)"); err == nil {
		var name string
		if db.QueryRowContext(ctx, `SELECT holder FROM lease WHERE name = 'daemon'`).Scan(&name) == nil {
			holder = fmt.Sprintf("%q", name)
		}
		_ = db.Close() // only read
	}
	return fmt.Errorf("%w by %s: stop it, or give this process a store of its own", ErrHeld, holder)
}
