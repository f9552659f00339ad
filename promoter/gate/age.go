package gate

import (
	"cmp"
	"time"

	"github.com/waveguide-dev/waveguide/signals"
)

// Age asks whether the version has existed long enough, and not too long. It
// counts from the earliest of the verified signing time, the registry's push
// time and our own first sight; the artifact's own claim never counts.
//
//	age: {min: 72h, max: 2160h}
//
// It blocks when the version is too old.
type Age struct {
	Min time.Duration `yaml:"min,omitempty" json:"min,omitempty"`
	Max time.Duration `yaml:"max,omitempty" json:"max,omitempty"`
}

// Check implements [Gate].
func (s *Age) Check(c Case) Verdict {
	born := c.Candidate.Known()
	if p, ok := c.Facts.Proof(signals.ProofSignature, c.Candidate.Digest); ok && p.Outcome == signals.OutcomeVerified &&
		!p.Signed.IsZero() && (born.IsZero() || p.Signed.Before(born)) {
		born = p.Signed
	}
	if born.IsZero() {
		return wait("", never, "nobody knows since when %s exists", c.Candidate)
	}
	end := born.Add(s.Max)
	if s.Max > 0 && !c.Now.Before(end) {
		return block("the build", "%s is known since %s, too old since %s", c.Candidate, stamp(born), stamp(end))
	}
	if ripe := born.Add(s.Min); c.Now.Before(ripe) {
		until := ripe
		if s.Max > 0 {
			until = sooner(ripe, end)
		}
		return wait("", until, "%s is known since %s and old enough at %s", c.Candidate, stamp(born), stamp(ripe))
	}
	v := pass("%s is known since %s", c.Candidate, stamp(born))
	if s.Max > 0 {
		v.Until = end
	}
	return v
}

// Tighten is the longer of the two least ages and the shorter of the two
// greatest.
func (s *Age) Tighten(floor *Age) *Age {
	if s == nil || floor == nil {
		return cmp.Or(s, floor)
	}
	return &Age{Min: max(s.Min, floor.Min), Max: shorter(s.Max, floor.Max)}
}
