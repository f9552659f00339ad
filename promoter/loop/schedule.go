package loop

import (
	"cmp"
	"container/heap"
	"time"
)

// schedule says when each source is read next. What is due is found without
// looking at what is not, however many sources there are.
type schedule struct {
	turns turns
	next  map[string]time.Time
}

// turn is a source's place in the queue. It is void when the schedule has
// another time for the source by now.
type turn struct {
	at     time.Time
	source string
}

// set gives a source its next turn in place of the one it had.
func (s *schedule) set(source string, at time.Time) {
	if was, ok := s.next[source]; ok && was.Equal(at) {
		return
	}
	if s.next == nil {
		s.next = map[string]time.Time{}
	}
	s.next[source] = at
	heap.Push(&s.turns, turn{at, source})
}

// sooner gives a source a turn at that time unless it has an earlier one.
func (s *schedule) sooner(source string, at time.Time) {
	if was, ok := s.next[source]; !ok || at.Before(was) {
		s.set(source, at)
	}
}

// due takes the sources whose turn has come, in the order of their turns.
func (s *schedule) due(now time.Time) []string {
	var due []string
	for first := s.first(); !first.IsZero() && !first.After(now); first = s.first() {
		source := s.turns[0].source
		delete(s.next, source)
		due = append(due, source)
	}
	return due
}

// first is the time of the next turn; zero if there is none.
func (s *schedule) first() time.Time {
	for len(s.turns) > 0 {
		t := s.turns[0]
		if at, ok := s.next[t.source]; ok && at.Equal(t.at) {
			return t.at
		}
		heap.Pop(&s.turns)
	}
	return time.Time{}
}

// turns is a heap, the earliest first; names decide between equal times, so
// that the order never depends on chance.
type turns []turn

func (t *turns) Len() int      { return len(*t) }
func (t *turns) Swap(i, j int) { (*t)[i], (*t)[j] = (*t)[j], (*t)[i] }
func (t *turns) Less(i, j int) bool {
	a, b := (*t)[i], (*t)[j]
	return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.source, b.source)) < 0
}

// Push implements [heap.Interface].
func (t *turns) Push(x any) { *t = append(*t, x.(turn)) }

// Pop implements [heap.Interface].
func (t *turns) Pop() any {
	last := len(*t) - 1
	x := (*t)[last]
	*t = (*t)[:last]
	return x
}

// The rests after failures: the first is the shortest, each is twice the one
// before, and none is longer than the longest.
const (
	shortest = time.Second
	longest  = 5 * time.Minute
)

// backoff is how long to rest after n failures in a row.
func backoff(first time.Duration, n int) time.Duration {
	rest := first
	for range n {
		if rest >= longest {
			break
		}
		rest *= 2
	}
	return max(first, min(rest, longest))
}

// later is the later of two times.
func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
