package world

import (
	"fmt"
	"time"
)

// Guard is what a guardrail demands of production, whatever teams write; the
// zero value demands nothing.
type Guard struct {
	// Soak is of production and of the wave before it.
	Soak      time.Duration
	Approvals int
}

// Excuse is where somebody wrote down that production need not wait for its
// window; neither place gives them the right.
type Excuse string

// The places of an excuse.
const (
	// Misplaced stands among a team's own rules.
	Misplaced Excuse = "misplaced"
	// Unconfirmed stands where excuses belong, and nobody approved it.
	Unconfirmed Excuse = "unconfirmed"
)

// SoakOf is how long a version must be healthy in a wave.
func (s Spec) SoakOf(wave string) time.Duration {
	if wave == Stops()[0].Wave {
		return s.Soak[wave]
	}
	return max(s.Soak[wave], s.Guard.Soak)
}

// Owed is how many owners must approve in production.
func (s Spec) Owed() int { return max(s.Approvals, s.Guard.Approvals) }

// guardrail is the document of the guardrail; empty if there is none.
func (s Spec) guardrail() string {
	if s.Guard == (Guard{}) {
		return ""
	}
	doc := header + "kind: Guardrail\nname: production\nmatch: {stage: prod}\nexceptionsFrom: [\"" + Owners + "\"]\nrequire:\n"
	doc += fmt.Sprintf("  minSoak: %s\n", s.Guard.Soak)
	if s.Guard.Approvals > 0 {
		doc += fmt.Sprintf("  approvals: [{from: %q, count: %d, ttl: %s}]\n", Owners, s.Guard.Approvals, s.TTL)
	}
	return doc
}

// excused is the document of an excuse that stands in one place; empty if none
// does.
func (s Spec) excused(place Excuse) string {
	if s.Excuse != place {
		return ""
	}
	return header + "kind: Exception\nname: hurry\ngate: window\nmatch: {stage: prod}\nreason: it has to go out today\nexpires: 2100-01-01T00:00:00Z\n"
}
