package loop

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
)

// question is a source that is read beside others. One without a reader only
// has its route decided again: what it asks is asked there.
type question struct {
	source string
	route  int
	every  time.Duration
	// read says, when it is asked, what to do beside the loop.
	read func() reading
	take func(found any, now time.Time)
}

// reading asks a source. It runs beside the loop and knows nothing of it.
type reading func(context.Context) (any, error)

// answer is what a source said.
type answer struct {
	source string
	found  any
	err    error
}

// gather asks sources side by side and takes what they answer within patience.
// A slow source holds up nobody: its answer is taken by a later look.
func (l *Loop) gather(ctx context.Context, now time.Time, due []string) {
	waiting := map[string]struct{}{}
	turns := make(chan struct{}, sideBySide)
	// Those that failed come last, so that they keep nobody waiting.
	slices.SortStableFunc(due, func(a, b string) int { return cmp.Compare(l.fails[a], l.fails[b]) })
	for _, source := range due {
		q, ok := l.questions[source]
		switch {
		case !ok || l.asked[source]:
			continue
		case q.read == nil:
			l.queue.add(q.route)
			continue
		}
		l.asked[source] = true
		waiting[source] = struct{}{}
		read := q.read()
		l.readers.Go(func() { l.ask(ctx, source, read, turns) })
	}
	var got []answer
	enough := time.NewTimer(patience)
	defer enough.Stop()
	for len(waiting) > 0 {
		select {
		case a := <-l.answers:
			delete(waiting, a.source)
			got = append(got, a)
			continue
		case <-enough.C:
		case <-ctx.Done():
		}
		break
	}
	slices.SortFunc(got, func(a, b answer) int { return cmp.Compare(a.source, b.source) })
	for _, a := range got {
		l.take(a, now)
	}
}

// ask reads one source; its time is bounded.
func (l *Loop) ask(ctx context.Context, source string, read reading, turns chan struct{}) {
	timed, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	turns <- struct{}{}
	found, err := read(timed)
	<-turns
	select {
	case l.answers <- answer{source, found, err}:
	case <-ctx.Done():
	}
}

// take makes an answer known and gives its source the next turn.
func (l *Loop) take(a answer, now time.Time) {
	delete(l.asked, a.source)
	q, ok := l.questions[a.source]
	if !ok {
		return // the rules do not ask any more
	}
	if !l.speak(a.source, a.err) {
		a.found = nil
	}
	l.schedule.set(a.source, now.Add(l.rest(a.source, q.every)))
	q.take(a.found, now)
}

// forget asks a source no more, and is not silent about it any more either.
func (l *Loop) forget(source string) {
	if _, asked := l.questions[source]; asked {
		delete(l.questions, source)
		l.speak(source, nil)
	}
}

// rest is how long a source is left alone: longer the more often it failed.
func (l *Loop) rest(source string, every time.Duration) time.Duration {
	return backoff(every, max(0, l.fails[source]-1))
}

// limited is when a source that failed asks to be left alone until; zero if it
// does not say.
func limited(err error) time.Time {
	if limit, ok := errors.AsType[*gitops.LimitError](err); ok {
		return limit.Until
	}
	return time.Time{}
}

// speak notes whether a source could be read; a source that fails is silence,
// warned about once.
func (l *Loop) speak(source string, err error) bool {
	was, silent := l.silent[source]
	if err == nil {
		delete(l.silent, source)
		delete(l.fails, source)
		delete(l.gists, source)
		l.queue.news = l.queue.news || silent
		return true
	}
	l.fails[source]++
	why := l.gist(source, err)
	l.silent[source] = why
	if was != why {
		l.queue.news = true
		l.Log.Warn("source is silent", "silent", source, "error", err.Error())
	}
	return false
}
