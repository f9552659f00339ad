// Package gitops names what is written and where: lanes, what Git desires in
// them, proposals with their labels, reviews and checks, pauses, and changes.
// It holds nouns only; its subpackages edit bytes, make commits and speak to
// forges.
//
// What people can do is read in pause.go (titles of issues), command.go (words
// in comments), stop.go and stand.go (which stop is in force, and what has to
// be put back); what a branch demands is judged in protection.go, and who owns
// a file is read in owners.go. A new effect on the world starts as a kind of
// [Change].
package gitops

import (
	"errors"
	"fmt"
	"time"
)

var (
	// ErrMoved says that the premise of a write no longer holds: look again.
	ErrMoved = errors.New("the premise moved")
	// ErrDenied says that credentials or protection rules refuse the write.
	ErrDenied = errors.New("not permitted")
	// ErrDisabled says that the repository has no such thing switched on.
	ErrDisabled = errors.New("switched off on this forge")
	// ErrUnsupported says that this kind of forge has no such thing.
	ErrUnsupported = errors.New("not known to this kind of forge")
)

// LimitError says that a forge asks us to wait. Nothing is sent before Until.
type LimitError struct{ Until time.Time }

func (e *LimitError) Error() string {
	return fmt.Sprintf("the forge asks to wait until %s", e.Until.UTC().Format(time.RFC3339))
}
