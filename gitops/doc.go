// Package gitops names what is written and where: lanes, what Git desires in
// them, proposals with their labels, reviews and checks, pauses, and changes.
// It holds nouns only; its subpackages edit bytes, make commits and speak to
// forges.
//
// What people can do with labels and issues is parsed in pause.go; a new
// effect on the world starts as a kind of [Change].
package gitops

import "errors"

var (
	// ErrMoved says that the premise of a write no longer holds: look again.
	ErrMoved = errors.New("the premise moved")
	// ErrDenied says that credentials or protection rules refuse the write.
	ErrDenied = errors.New("not permitted")
)
