package sigstore

import (
	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/sigstore/statement"
)

// Claim is what a bundle says it is. Nobody checked it.
type Claim struct {
	PredicateType string
	// Policy is the name of the policy that its predicate names, if it does.
	Policy string
	// Summary is what it says, if it is a summary that can be read.
	Summary *signals.Summary
}

// Claimed reads what a piece of evidence says without believing it; it is false
// for what is no bundle, or is about another digest.
func Claimed(e Evidence, item Item) (Claim, bool) {
	if item.Kind != Bundle || item.Problem != "" {
		return Claim{}, false
	}
	l, err := open(item.Raw)
	if err != nil || !l.About(e.Subject.DigestStr()[len("sha256:"):]) {
		return Claim{}, false
	}
	out := Claim{PredicateType: l.PredicateType, Policy: l.Policy().URI}
	if s, err := l.Summary(); err == nil && l.PredicateType == statement.Summary {
		out.Summary = &s
	}
	return out, true
}
