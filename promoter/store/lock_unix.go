//go:build unix

package store

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// takeLock locks a file beside the database. The system drops the lock with the
// process, so that a killed daemon can be started again at once: whoever has
// the lock knows that no holder of the lease lives on this machine. A nil file
// means that the volume has no locks, and that only the lease counts.
func takeLock(path string) (*os.File, bool, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, false, fmt.Errorf("%w: check that its folder exists and that this user may write there", err)
	}
	switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
	case err == nil:
		return f, true, nil
	case errors.Is(err, syscall.EWOULDBLOCK):
		return f, false, nil
	default:
		return nil, false, f.Close()
	}
}
