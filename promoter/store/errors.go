package store

import (
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// What callers act on. Everything else is to be reported and tried again later.
var (
	// ErrKnown says that the key has this intent or outcome already: look at
	// the world, and at the ledger, before doing anything again.
	ErrKnown = errors.New("already in the ledger")
	// ErrHeld says that another process holds the store.
	ErrHeld = errors.New("the store is in use")
	// ErrFenced says that another process took the store over: stop, and
	// write nothing more anywhere.
	ErrFenced = errors.New("the store was taken over")
)

// TamperError says that the ledger is not what was once written or published.
type TamperError struct {
	// First and Last bound the entries that are in doubt. Last may be 0 when
	// nothing after First can be trusted.
	First, Last int64
	// Reason is what was found.
	Reason string
}

// Error names the entries in doubt.
func (e *TamperError) Error() string {
	switch {
	case e.First == e.Last:
		return fmt.Sprintf("ledger entry %d: %s", e.First, e.Reason)
	case e.Last == 0:
		return fmt.Sprintf("ledger from entry %d on: %s", e.First, e.Reason)
	default:
		return fmt.Sprintf("ledger entries %d to %d: %s", e.First, e.Last, e.Reason)
	}
}

// explain wraps an error of the database with what was done to which file, and
// with what to try.
func explain(err error, doing, path string) error {
	if err == nil {
		return nil
	}
	var db *sqlite.Error
	if !errors.As(err, &db) {
		return fmt.Errorf("%s %s: %w", doing, path, err)
	}
	if hint := remedy(db.Code()); hint != "" {
		return fmt.Errorf("%s %s: %w: %s", doing, path, err, hint)
	}
	return fmt.Errorf("%s %s: %w", doing, path, err)
}

// remedy says what a person can do about a result code of SQLite.
func remedy(code int) string {
	switch code & 0xff {
	case sqlite3.SQLITE_FULL:
		return "nothing was changed; free space on its volume or raise the store's size limit, then try again"
	case sqlite3.SQLITE_IOERR:
		return "the write may not have reached the disk; check the volume's free space and health, then start again"
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM:
		return "the file, its folder or its volume cannot be written by this user; correct the permissions or the mount"
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return "another program keeps the file locked; close it (a database shell, a backup) and try again"
	case sqlite3.SQLITE_CANTOPEN:
		return "check that its folder exists and that this user may read and write there"
	case sqlite3.SQLITE_NOTADB:
		return "this is not a store; name another file"
	case sqlite3.SQLITE_CORRUPT:
		return "the file is damaged; keep a copy, then restore a backup or start with an empty store"
	default:
		return ""
	}
}
