package signals

import "time"

// Streak is the soak clock of one digest in one lane: how long it has been
// healthy without bad news. A gap in observation pauses it; bad news that
// outlasts the tolerance, or another digest, starts it anew.
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
}

// Pulse is what one look at a lane adds to its [Streak].
type Pulse struct {
	At     time.Time
	Digest Digest
	// State folds all signals of the lane; only healthy counts.
	State State
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
	step := p.At.Sub(s.Last)
	switch p.State {
	case StateHealthy:
		switch {
		case s.Began.IsZero():
			s.Began = p.At
		case step <= p.Gap:
			s.Healthy += step
		}
		s.Bad = time.Time{}
		s.Last = p.At
	case StateUnhealthy:
		if s.Bad.IsZero() {
			s.Bad = p.At
		}
		if p.At.Sub(s.Bad) >= p.Tolerate && !s.Began.IsZero() {
			s.Began, s.Healthy, s.Resets = time.Time{}, 0, s.Resets+1
		}
		s.Last = p.At
	case StateUnknown, StateProgressing:
		// Nothing was learnt: the clock stands, and Last stays so that the
		// distance to the next good look shows the gap.
	}
	return s
}

// Until is when the clock reaches d if it goes on as it does; zero if it is
// not running.
func (s Streak) Until(d time.Duration) time.Time {
	if s.Began.IsZero() || !s.Bad.IsZero() {
		return time.Time{}
	}
	return s.Last.Add(d - s.Healthy)
}
