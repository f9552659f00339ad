package signals

import (
	"strconv"
	"time"
)

// maxLimit bounds for how long a source may ask to be left alone.
const maxLimit = 10 * time.Minute

// LimitError says that a source asks to be left alone until a time.
type LimitError struct {
	Err   error
	Until time.Time
}

// Error implements error.
func (e *LimitError) Error() string { return e.Err.Error() }

// Unwrap is what went wrong.
func (e *LimitError) Unwrap() error { return e.Err }

// Limited is the error of an answer with the time at which it says to come
// back, in seconds or as a date, as the header Retry-After does; without a time
// it is the error itself.
func Limited(err error, retryAfter string, now time.Time) error {
	var until time.Time
	if n, bad := strconv.Atoi(retryAfter); bad == nil && n > 0 {
		until = now.Add(time.Duration(min(n, int(maxLimit/time.Second))) * time.Second)
	} else if at, bad := time.Parse("Mon, 02 Jan 2006 15:04:05 GMT", retryAfter); bad == nil {
		until = at
	}
	if latest := now.Add(maxLimit); until.After(latest) {
		until = latest
	}
	if !until.After(now) {
		return err
	}
	return &LimitError{Err: err, Until: until}
}
