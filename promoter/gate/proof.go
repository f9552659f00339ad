package gate

import (
	"slices"
	"time"

	"github.com/waveguide-dev/waveguide/signals"
)

// never is the time of answers that only an event can change.
var never time.Time //nolint:gochecknoglobals // a name for the zero time, never written

// proven asks for verified evidence of one kind about the candidate.
func proven(c Case, kind signals.ProofKind) (signals.Proof, Verdict) {
	if c.Candidate.Digest == "" {
		return signals.Proof{}, wait("", never, "no version to look for a %s of", kind)
	}
	p, ok := c.Facts.Proof(kind, c.Candidate.Digest)
	if !ok && slices.Contains(c.Uncollected, kind) {
		return p, wait("", never, "the %s of %s is not collected by this build", kind, c.Candidate)
	}
	if !ok {
		return p, wait("", never, "the %s of %s was not looked at yet", kind, c.Candidate)
	}
	switch p.Outcome {
	case signals.OutcomeVerified:
		return p, pass("%s has a verified %s by %s", c.Candidate.Digest.Short(), kind, orElse(p.By, "an unnamed signer"))
	case signals.OutcomeRefused:
		return p, block("the build", "the %s of %s does not hold: %s", kind, c.Candidate, orElse(p.Reason, "no reason given"))
	case signals.OutcomeAbsent:
		return p, block("the build", "%s has no %s", c.Candidate, kind)
	case signals.OutcomeUnknown:
	}
	return p, wait("", never, "the %s of %s could not be read: %s", kind, c.Candidate, orElse(p.Reason, "no reason given"))
}

// Mode says what the no of a gate about evidence is worth: enforce, which is
// what an empty one means, warn, or unsafe-off.
type Mode string

// The modes.
const (
	Enforce   Mode = "enforce"
	Warn      Mode = "warn"
	UnsafeOff Mode = "unsafe-off"
)

// Off says that nobody needs to look.
func (m Mode) Off() bool { return m == UnsafeOff }

// weigh is what is left of a verdict. A word that nobody knows enforces.
func (m Mode) weigh(v Verdict) Verdict {
	switch {
	case m == UnsafeOff:
		return pass("the rules switched it off (unsafe-off)")
	case m == Warn && v.Answer != Pass:
		until := v.Until
		v = pass("would %s, but the rules only warn: %s", v.Answer, v.Reason)
		v.Until = until
	}
	return v
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
