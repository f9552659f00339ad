package signals_test

import (
	"errors"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/signals"
)

func TestLimited(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	cause := errors.New("the source answers 429")
	for header, want := range map[string]time.Duration{
		"":                              0,
		"soon":                          0,
		"0":                             0,
		"-5":                            0,
		"30":                            30 * time.Second,
		"99999999999999":                10 * time.Minute,
		"Sat, 21 Nov 2026 12:01:00 GMT": time.Minute,
		"Sat, 21 Nov 2026 11:00:00 GMT": 0,
		"Sat Nov 21 12:01:00 2026":      time.Minute,
		"Sat, 21 Nov 2099 12:00:00 GMT": 10 * time.Minute,
	} {
		err := signals.Limited(cause, header, now)
		limit, limited := errors.AsType[*signals.LimitError](err)
		if !errors.Is(err, cause) || err.Error() != cause.Error() || limited != (want != 0) || limited && !limit.Until.Equal(now.Add(want)) {
			t.Errorf("Retry-After %q: %+v, want %s", header, err, want)
		}
	}
}
