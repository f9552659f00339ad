package registry

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/waveguide-dev/waveguide/signals"
)

// Throttled says that the registry asked us to stay away for a while. Until
// then no request is sent to it.
type Throttled struct {
	Host  string
	Until time.Time
}

// Error implements error.
func (t *Throttled) Error() string {
	return fmt.Sprintf("registry %s asks us to wait until %s", t.Host, t.Until.UTC().Format(time.RFC3339))
}

const (
	defaultPause = 30 * time.Second
	longestPause = time.Hour
)

// pauseOf is for how long a registry sends us away: for an hour at most.
func pauseOf(header http.Header, now time.Time) time.Duration {
	pause := defaultPause
	if at, ok := signals.RetryAfter(header.Get("Retry-After"), now); ok {
		pause = at.Sub(now)
	}
	return min(max(pause, time.Second), longestPause)
}

// budget is a token bucket: burst requests at once, then one each interval.
type budget struct {
	mu       sync.Mutex
	interval time.Duration
	burst    int
	next     time.Time
}

// reserve takes a place and returns how long to wait for it.
func (b *budget) reserve(now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if earliest := now.Add(-time.Duration(b.burst) * b.interval); b.next.Before(earliest) {
		b.next = earliest
	}
	b.next = b.next.Add(b.interval)
	return max(0, b.next.Sub(now))
}

func (b *budget) wait(ctx context.Context) error {
	pause := b.reserve(time.Now())
	if pause == 0 {
		return nil
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for the registry's request budget: %w", context.Cause(ctx))
	}
}
