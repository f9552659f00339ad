package simulation

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/simulation/world"
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
	// name is what the story calls it.
	name Fault
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

// sky is the weather of a seed: some are calm so that much happens, some wild.
func (s *sim) sky() weather {
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
	local := slices.Contains([]string{"files", "compose", "point"}, word)
	if local {
		f.late = 0
	}
	if time.Now().Before(s.weather.until) && word == s.weather.outage {
		f.before = s.careless(word, errBroken)
		s.fired(Outage)
		return f
	}
	lot := s.rng.IntN(1000)
	switch w := s.weather; {
	case lot < w.dies:
		f.die = 1 + s.rng.IntN(2)
		s.report.Crashes++
		s.fired(Death)
		if strings.HasPrefix(what, "point intent") || strings.HasPrefix(what, "point outcome") {
			s.fired(DeathCommit)
		}
		s.tell("%s dies at %s", who, what)
	case local:
	case lot < w.dies+w.fails:
		s.report.Faults++
		f = s.fault(word, f)
		if f.after != nil && !slices.Contains(writes(), word) {
			f.before, f.after, f.name = f.after, nil, ErrorBefore // a reader that was not told anything has not read
		}
		s.fired(f.name)
		s.tell("%s: %s %s", who, what, f)
	case lot < w.dies+w.fails+s.lag(word):
		f.stale = time.Duration(1+s.rng.IntN(60)) * time.Second
		s.fired(StaleRead)
	}
	return f
}

// lag is how often, in tenths of a percent, a reader is shown an old page: lists
// follow what was just opened after a while.
func (s *sim) lag(word string) int {
	switch {
	case word == "issues", word == "proposals" && time.Since(s.opened) > time.Minute:
		return s.weather.stale
	case word == "proposals":
		return 6 * s.weather.stale
	}
	return 0
}

// careless has a server repeat what it was called with, sometimes.
func (s *sim) careless(word string, err error) error {
	if err == nil || s.rng.IntN(3) > 0 {
		return err
	}
	s.fired(SecretEcho)
	return fmt.Errorf("%s: %w", world.Echo(word, s.rng.IntN(3)), err)
}

// writes are the first words of the calls that change the world.
func writes() []string {
	return []string{"push", "open", "update", "close", "merge", "enqueue", "check", "unlabel", "request", "answer", "mend", "report", "publish"}
}

// fault draws what goes wrong with a call.
func (s *sim) fault(word string, f fate) fate {
	long := func(least, most int) time.Duration { return time.Duration(least+s.rng.IntN(most)) * time.Second }
	switch s.rng.IntN(7) {
	case 0:
		f.before, f.name = errRefused, ErrorBefore
	case 1:
		f.before, f.late, f.name = errTimeout, long(2, 20), TimeOut
	case 2:
		f.after, f.name = errLost, LostResponse
	case 3:
		f.after, f.late, f.name = errTimeout, long(2, 20), TimeOut
	case 4:
		f.before, f.name = errLimited, RateLimit
		if s.rng.IntN(2) == 0 {
			f.before = &gitops.LimitError{Until: time.Now().Add(long(5, 120))}
		}
	case 5:
		f.late, f.name = long(1, 40), SlowAnswer
	case 6:
		f.after, f.name = errBroken, ErrorAfter
	}
	f.before, f.after = s.careless(word, f.before), s.careless(word, f.after)
	return f
}
