package main

import (
	"context"
	"sync"
	"time"

	"github.com/waveguide-dev/waveguide/promoter/loop"
)

// showing hands the newest view of every loop to those who show them. A loop
// never waits for a page: views that nobody had time for are passed over.
type showing struct {
	mu     sync.Mutex
	newest map[int]loop.View
	wake   chan struct{}
}

func newShowing() *showing {
	return &showing{newest: map[int]loop.View{}, wake: make(chan struct{}, 1)}
}

// put keeps a loop's view until it is shown.
func (s *showing) put(i int, v loop.View) {
	s.mu.Lock()
	was, waits := s.newest[i]
	v.Quiet = v.Quiet && (!waits || was.Quiet)
	s.newest[i] = v
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// share bounds the part of the time that is spent on showing: after each
// showing this many times its length is rested.
const share = 4

// run shows what was put until the context ends.
func (s *showing) run(ctx context.Context, show func(loop.View)) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.wake:
		}
		s.mu.Lock()
		views := s.newest
		s.newest = map[int]loop.View{}
		s.mu.Unlock()
		began := time.Now()
		for _, v := range views {
			show(v)
		}
		t := time.NewTimer(share * time.Since(began))
		select {
		case <-ctx.Done():
		case <-t.C:
		}
		t.Stop()
	}
}
