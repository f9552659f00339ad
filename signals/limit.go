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
// back, as the header Retry-After does; without a time it is the error itself.
func Limited(err error, retryAfter string, now time.Time) error {
	until, _ := RetryAfter(retryAfter, now)
	if latest := now.Add(maxLimit); until.After(latest) {
		until = latest
	}
	if !until.After(now) {
		return err
	}
	return &LimitError{Err: err, Until: until}
}

// RetryAfter reads what the header Retry-After says: a number of seconds from
// now, a year at most, or a date.
func RetryAfter(text string, now time.Time) (time.Time, bool) {
	const year = 365 * 24 * 60 * 60
	if seconds, err := strconv.Atoi(text); err == nil {
		return now.Add(time.Duration(min(max(seconds, 0), year)) * time.Second), true
	}
	for _, layout := range []string{"Mon, 02 Jan 2006 15:04:05 GMT", time.RFC850, time.ANSIC} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}
