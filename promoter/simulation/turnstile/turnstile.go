// Package turnstile makes a crowd of goroutines deterministic without changing
// them: whoever wants to touch the world waits at the turnstile, and one at a
// time, chosen by whoever turns it, goes on until everything waits again. It
// works only inside a testing/synctest bubble.
//
// To change who may go next, change the caller of [Turnstile.Next]; nothing
// here draws lots.
package turnstile

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"testing/synctest"
	"time"
)

// Call is one goroutine that waits with what it wants to do. A fate of type F
// tells it how that goes.
type Call[F any] struct {
	Who, What string

	fate chan F
}

// Turnstile holds the calls that wait. The zero value is not usable.
type Turnstile[F any] struct {
	mu      sync.Mutex
	waiting []*Call[F]
	came    chan struct{}
}

// New makes a turnstile in front of which nobody waits.
func New[F any]() *Turnstile[F] { return &Turnstile[F]{came: make(chan struct{}, 1)} }

// Pass waits for the caller's turn and returns the fate that it was let
// through with. When the context ends first, the caller leaves.
func (t *Turnstile[F]) Pass(ctx context.Context, who, what string) (F, error) {
	c := &Call[F]{Who: who, What: what, fate: make(chan F, 1)}
	var none F
	if err := ctx.Err(); err != nil {
		return none, err
	}
	t.mu.Lock()
	t.waiting = append(t.waiting, c)
	t.mu.Unlock()
	select {
	case t.came <- struct{}{}:
	default:
	}
	select {
	case f := <-c.fate:
		return f, nil
	case <-ctx.Done():
		t.leave(c)
		return none, ctx.Err()
	}
}

func (t *Turnstile[F]) leave(c *Call[F]) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if i := slices.Index(t.waiting, c); i >= 0 {
		t.waiting = slices.Delete(t.waiting, i, i+1)
	}
}

// Waiting are the calls that wait when nothing moves any more, in an order that
// does not depend on which came first.
func (t *Turnstile[F]) Waiting() []*Call[F] {
	synctest.Wait()
	t.mu.Lock()
	defer t.mu.Unlock()
	select {
	case <-t.came:
	default:
	}
	all := slices.Clone(t.waiting)
	slices.SortStableFunc(all, func(a, b *Call[F]) int { return cmp.Or(cmp.Compare(a.Who, b.Who), cmp.Compare(a.What, b.What)) })
	return all
}

// Next lets one call go on with its fate and returns when nothing moves any
// more.
func (t *Turnstile[F]) Next(c *Call[F], fate F) {
	t.leave(c)
	c.fate <- fate
	synctest.Wait()
}

// Settle returns when nothing moves any more.
func (t *Turnstile[F]) Settle() { synctest.Wait() }

// Idle lets time pass until somebody comes or so much of it is over.
func (t *Turnstile[F]) Idle(most time.Duration) {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-t.came:
	case <-timer.C:
	}
}
