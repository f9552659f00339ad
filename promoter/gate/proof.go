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

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
