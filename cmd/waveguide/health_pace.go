package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/waveguide-dev/waveguide/signals"
)

const (
	// patience is how many failures in a row are taken before a source is asked
	// less often: first after shortRest, twice as long each time, up to longRest.
	patience  = 3
	shortRest = 5 * time.Second
	longRest  = 2 * time.Minute
)

// breaker keeps a sick source from being asked by everybody: while it rests,
// its lanes wait at once, and one question at a time tries it again.
type breaker struct {
	mu    sync.Mutex
	fails int
	until time.Time
	why   string
}

// resting says why a source is not asked now; empty if it may be. Who may ask
// after a rest is alone until it knows more.
func (b *breaker) resting(now time.Time, trial time.Duration) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.fails < patience:
		return ""
	case now.Before(b.until):
		return fmt.Sprintf("it is asked less often until it answers: %s", b.why)
	}
	b.until = now.Add(trial)
	return ""
}

// note takes how a question went; an empty reason is well. A source that asks
// to be left alone is, at once and for as long as it says.
func (b *breaker) note(now time.Time, why string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if why == "" {
		b.fails, b.why = 0, ""
		return
	}
	b.fails, b.why = b.fails+1, why
	if b.fails >= patience {
		b.until = now.Add(min(shortRest<<min(b.fails-patience, 10), longRest))
	}
	if limit, ok := errors.AsType[*signals.LimitError](err); ok {
		b.fails = max(b.fails, patience)
		if limit.Until.After(b.until) {
			b.until = limit.Until
		}
	}
}

// pace spreads questions over time.
type pace struct {
	every time.Duration
	mu    sync.Mutex
	next  time.Time
}

// wait waits for the turn of one question.
func (p *pace) wait(ctx context.Context) error {
	p.mu.Lock()
	now := time.Now()
	if p.next.Before(now) {
		p.next = now
	}
	at := p.next
	p.next = at.Add(p.every)
	p.mu.Unlock()
	t := time.NewTimer(at.Sub(now))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
