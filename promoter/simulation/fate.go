package simulation

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// fate is how one call goes.
type fate struct {
	// late is how long the answer takes.
	late time.Duration
	// before fails the call before its effect, after loses its answer.
	before, after error
	// stale is how old the page is that a reader is shown.
	stale time.Duration
	// die ends the process before the effect (1) or after it (2).
	die int
}

func (f fate) String() string {
	s := f.late.String()
	if f.before != nil {
		s += " fails: " + f.before.Error()
	}
	if f.after != nil {
		s += " answer lost: " + f.after.Error()
	}
	if f.stale > 0 {
		s += " stale " + f.stale.String()
	}
	if f.die > 0 {
		s += fmt.Sprintf(" dies %d", f.die)
	}
	return s
}

var (
	errRefused = errors.New("connection refused")
	errLost    = errors.New("connection reset by peer")
	errTimeout = errors.New("i/o timeout")
	errLimited = errors.New("answers 429: rate limit exceeded, retry later")
	errBroken  = errors.New("answers 502")
)

// weather is how often calls go wrong, in tenths of a percent.
type weather struct {
	fails, dies, stale int
	// outage is the first word of the calls that all fail, until when.
	outage string
	until  time.Time
}

// draw is the weather of a seed: some are calm so that much happens, some wild.
func (s *sim) draw() weather {
	switch s.rng.IntN(4) {
	case 0:
		return weather{}
	case 1:
		return weather{fails: 10, dies: 1, stale: 10}
	case 2:
		return weather{fails: 30, dies: 2, stale: 50}
	}
	return weather{fails: 100, dies: 5, stale: 30}
}

// fate draws how a call goes. All lots of a run are drawn here and in people.go,
// by the one goroutine that turns the turnstile.
func (s *sim) fate(who, what string) fate {
	f := fate{late: time.Duration(1+s.rng.IntN(900)) * time.Millisecond / 2}
	f.late += time.Duration(s.rng.IntN(1000)) * time.Microsecond
	word, _, _ := strings.Cut(what, " ")
	local := word == "files" || word == "compose" || word == "point"
	if local {
		f.late = 0
	}
	if time.Now().Before(s.weather.until) && word == s.weather.outage {
		f.before = errBroken
		return f
	}
	lot := s.rng.IntN(1000)
	switch w := s.weather; {
	case lot < w.dies:
		f.die = 1 + s.rng.IntN(2)
		s.report.Crashes++
		s.tell("%s dies at %s", who, what)
	case local:
	case lot < w.dies+w.fails:
		s.report.Faults++
		switch s.rng.IntN(6) {
		case 0:
			f.before = errRefused
		case 1:
			f.before, f.late = errTimeout, time.Duration(2+s.rng.IntN(20))*time.Second
		case 2:
			f.after = errLost
		case 3:
			f.after, f.late = errTimeout, time.Duration(2+s.rng.IntN(20))*time.Second
		case 4:
			f.before = errLimited
		case 5:
			f.late = time.Duration(1+s.rng.IntN(40)) * time.Second
		}
		if f.after != nil && !slices.Contains([]string{"push", "open", "update", "close", "merge", "check", "unlabel", "request", "answer", "mend"}, word) {
			f.before, f.after = f.after, nil // a reader that was not told anything has not read
		}
		s.tell("%s: %s %s", who, what, f)
	case lot < w.dies+w.fails+w.stale && (word == "proposals" || word == "issues"):
		f.stale = time.Duration(1+s.rng.IntN(60)) * time.Second
	}
	return f
}
