package gate

import (
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/signals"
)

// Health asks whether every signal that the target environment names holds
// now. No data waits, old data waits, and so does an answer about another
// version than the one Git names.
//
//	health:
//	  - {name: smoke, signal: probe, url: "https://app.example.com/healthz"}
//
// It blocks when a signal is unhealthy, and when another environment of the
// same wave turned unhealthy on the candidate (`onFailure: stopWave`).
type Health struct{}

// Check implements [Gate].
func (Health) Check(c Case) Verdict {
	if len(c.Failing) > 0 {
		return block("", "%s turned unhealthy on %s, so the wave stops", c.Failing[0], c.Candidate)
	}
	if len(c.Signals) == 0 {
		return pass("no signal is named for %s", c.Lane.Environment)
	}
	var vs []Verdict
	var until time.Time
	var silent strings.Builder
	for _, s := range c.Signals {
		v := s.check(c)
		until = sooner(until, v.Until)
		vs = append(vs, v)
		if h, ok := c.Facts.Signal(s.Name); v.Answer == Pass && (!ok || h.State == signals.StateUnknown) {
			silent.WriteString("; " + v.Reason)
		}
	}
	v := worst(vs)
	if v.Answer == Pass {
		// Silence that counts as health is said to whoever reviews.
		v.Reason = "all signals of " + c.Lane.Environment + " are healthy" + silent.String()
		v.Until = until
	}
	return v
}

// Says is what a signal's answer counts for about a version, and since when the
// source vouches for it: unknown where it is missing, about another version, or
// not fresh. Silence is healthy where the rules call it so.
func (s Signal) Says(f signals.Facts, about signals.Digest, now time.Time) (signals.State, time.Time) {
	h, ok := f.Signal(s.Name)
	switch {
	case ok && !h.About(about):
		return signals.StateUnknown, time.Time{}
	case (!ok || h.State == signals.StateUnknown) && s.NoDataHealthy:
		return signals.StateHealthy, time.Time{}
	case !ok, !s.Fresh(h, now):
		return signals.StateUnknown, time.Time{}
	}
	return h.State, h.Proof()
}

// Fresh says that an answer is neither too old nor dated later than clocks may
// differ.
func (s Signal) Fresh(h signals.Health, now time.Time) bool {
	return now.Before(h.At.Add(s.MaxAge)) && !early(h, now)
}

// early says that an answer is dated in the future.
func early(h signals.Health, now time.Time) bool { return h.At.After(now.Add(signals.Skew)) }

// check asks one signal.
func (s Signal) check(c Case) Verdict {
	h, ok := c.Facts.Signal(s.Name)
	where := s.Name + " of " + c.Lane.Environment
	switch {
	case ok && h.Uncollected:
		return wait("", never, "%s is not collected by this build", where)
	case ok && !h.About(signals.Digest(c.Current.Version.Digest)):
		return wait("", never, "%s was asked about %s, which Git no longer names", where, h.For.Short())
	case s.NoDataHealthy && (!ok || h.State == signals.StateUnknown):
		return pass("%s has no data, which the rules call healthy", where)
	case !ok || h.State == signals.StateUnknown:
		return wait("", never, "%s has no data%s", where, because(h.Reason))
	case early(h, c.Now):
		return wait("", never, "%s is dated %s, which is in the future: compare the clocks", where, stamp(h.At))
	case !s.Fresh(h, c.Now):
		return wait("", never, "%s was last read at %s, too long ago", where, stamp(h.At))
	}
	fresh := h.At.Add(s.MaxAge)
	v := Verdict{Until: fresh}
	switch h.State {
	case signals.StateHealthy:
		v = pass("%s is healthy", where)
	case signals.StateUnhealthy:
		v = block("", "%s is unhealthy%s%s", where, since(h.Since), because(h.Reason))
	case signals.StateProgressing:
		return wait("", never, "%s is progressing%s%s", where, since(h.Since), because(h.Reason))
	case signals.StateUnknown:
	default:
		return wait("", never, "%s says %.40q, which is no state", where, h.State)
	}
	v.Until = fresh
	return v
}
