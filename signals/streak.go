package signals

import "time"

// Streak is the soak clock of one digest in one lane: how long it has been
// healthy without bad news. A gap in observation pauses it, unless the signals
// themselves prove what was in the gap; bad news that outlasts the tolerance,
// or another digest, starts it anew.
type Streak struct {
	Digest Digest `json:"digest" yaml:"digest"`
	// Began is the first observation of desired, running and healthy.
	Began time.Time `json:"began,omitzero" yaml:"began,omitempty"`
	// Healthy is the time that counts.
	Healthy time.Duration `json:"healthy" yaml:"healthy"`
	// Last is the newest observation, good or bad.
	Last time.Time `json:"last,omitzero" yaml:"last,omitempty"`
	// Bad is when bad news began that has not ended; zero while all is well.
	Bad time.Time `json:"bad,omitzero" yaml:"bad,omitempty"`
	// Resets counts how often bad news began the clock anew.
	Resets int `json:"resets,omitempty" yaml:"resets,omitempty"`
	// Turns counts how often bad news came, what was tolerated included.
	Turns int `json:"turns,omitempty" yaml:"turns,omitempty"`
}

// Pulse is what one look at a lane adds to its [Streak].
type Pulse struct {
	At     time.Time
	Digest Digest
	// State folds all signals of the lane; only healthy counts.
	State State
	// Since is since when the signals prove that the state holds, also where
	// nobody looked; zero if they prove nothing.
	Since time.Time
	// Tolerate is how long bad news may last before it counts.
	Tolerate time.Duration
	// Gap is the longest distance of two observations that still counts as
	// having looked all the time.
	Gap time.Duration
}

// Observe is the streak after one more pulse. Pulses of the past change
// nothing. It is pure: the same pulses give the same streak.
func (s Streak) Observe(p Pulse) Streak {
	if p.Digest != s.Digest {
		s = Streak{Digest: p.Digest, Last: p.At}
		if p.State == StateHealthy {
			s.Began = p.At
		}
		return s
	}
	if !p.At.After(s.Last) {
		return s
	}
	switch p.State {
	case StateHealthy:
		return s.good(p)
	case StateUnhealthy:
		return s.bad(p)
	case StateUnknown, StateProgressing:
		// Nothing was learnt: the clock stands, and Last stays so that the
		// distance to the next good look shows the gap.
	}
	return s
}

func (s Streak) good(p Pulse) Streak {
	switch {
	case s.Began.IsZero():
		s.Began = p.At
	case s.covers(p):
		s.Healthy += p.At.Sub(s.Last)
	}
	s.Bad, s.Last = time.Time{}, p.At
	return s
}

func (s Streak) bad(p Pulse) Streak {
	began := p.At
	if p.Since.After(s.Last) && p.Since.Before(p.At) {
		began = p.Since
	}
	switch {
	case s.Bad.IsZero():
		s.Bad = began
		s.Turns++
	case !s.covers(p):
		// Only bad news that was observed counts.
		s.Bad = began
	}
	if p.At.Sub(s.Bad) >= p.Tolerate && !s.Began.IsZero() {
		s.Began, s.Healthy, s.Resets = time.Time{}, 0, s.Resets+1
	}
	s.Last = p.At
	return s
}

// covers says that the time since the last observation is known: it is short,
// or the signals prove it. A proof must begin before it by more than clocks may
// differ.
func (s Streak) covers(p Pulse) bool {
	return p.At.Sub(s.Last) <= p.Gap || !p.Since.IsZero() && !p.Since.After(s.Last.Add(-Skew))
}

// Until is when the clock reaches d if it goes on as it does; zero if it is
// not running.
func (s Streak) Until(d time.Duration) time.Time {
	if s.Began.IsZero() || !s.Bad.IsZero() {
		return time.Time{}
	}
	return s.Last.Add(d - s.Healthy)
}
