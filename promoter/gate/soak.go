package gate

import (
	"fmt"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/signals"
)

// Soak is the clock that earns: how long a version must be healthy in this
// wave's environments, on this digest and without bad news, before it may go
// on. A gap in observation pauses the clock, unless the signals prove what was
// in it; bad news that outlasts the signal's `tolerate` starts it anew.
//
//	soak: 24h
//
// For the candidate of a later wave it waits until every earlier environment's
// clock has run.
type Soak struct {
	For time.Duration `yaml:"for" json:"for"`
}

// Check implements [Gate].
func (Soak) Check(c Case) Verdict {
	if f := c.Finishing; f != nil {
		until := f.Streak.Until(f.Soak)
		if until.IsZero() {
			return wait("", never, "%s in %s has not finished its soak for the next wave; %s follows", f.Desired.Short(), f.Environment, c.Candidate)
		}
		if !c.Now.Before(until) {
			return wait("", never, "the clock of %s in %s was to run out at %s; the next look there says whether it did", f.Desired.Short(), f.Environment, stamp(until))
		}
		return wait("", until, "%s soaks in %s for the next wave until %s%s; %s follows", f.Desired.Short(), f.Environment, stamp(until), turns(f.Streak), c.Candidate)
	}
	for _, u := range c.Upstream {
		switch {
		case u.Presence == gitops.Absent && u.Optional, !u.Earned.IsZero():
			continue
		case u.Desired != c.Candidate.Digest || u.Streak.Digest != c.Candidate.Digest:
			return wait("", never, "the clock of %s in %s has not begun", c.Candidate, u.Environment)
		}
		until := u.Streak.Until(u.Soak)
		if until.IsZero() {
			return wait("", never, "the clock of %s in %s stands: it is not healthy there%s", c.Candidate, u.Environment, turns(u.Streak))
		}
		if !c.Now.Before(until) {
			return wait("", never, "the clock of %s in %s was to run out at %s; the next look there says whether it did", c.Candidate, u.Environment, stamp(until))
		}
		return wait("", until, "%s soaks in %s until %s%s", c.Candidate, u.Environment, stamp(until), turns(u.Streak))
	}
	if len(c.Upstream) == 0 {
		return pass("nothing comes before the first wave")
	}
	return pass("%s has soaked in every earlier wave", c.Candidate)
}

// turns shows flapping: how often bad news came, and how often it counted.
func turns(k signals.Streak) string {
	switch {
	case k.Turns < 2:
		return ""
	case k.Resets == 0:
		return fmt.Sprintf(", after %d times of bad news that passed in time", k.Turns)
	}
	return fmt.Sprintf(", after %d times of bad news, %d of which began the clock anew", k.Turns, k.Resets)
}

// Earns says whether a version's clock has run for the soak of its own wave.
func (s Soak) Earns(k signals.Streak) bool {
	return !k.Began.IsZero() && k.Bad.IsZero() && k.Healthy >= s.For
}

// Tighten is the longer of the two soaks.
func (s Soak) Tighten(floor Soak) Soak {
	if floor.For > s.For {
		return floor
	}
	return s
}
