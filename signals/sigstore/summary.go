package sigstore

import (
	"fmt"
	"slices"

	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/sigstore/statement"
)

// Own is who we are when we publish summaries. What we said ourselves proves
// nothing to us.
type Own struct {
	// Verifier is the name that stands in our summaries.
	Verifier string
	// Key is our public key as PEM; empty if we have none.
	Key []byte
}

// own is [Own] ready for use.
type own struct {
	verifier, hint string
}

func loadOwn(o Own) (own, error) {
	out := own{verifier: o.Verifier}
	if len(o.Key) == 0 {
		return out, nil
	}
	key, err := Key{Name: "our own", PEM: o.Key}.load()
	if err != nil {
		return own{}, fmt.Errorf("our own key: %w", err)
	}
	out.hint = key.hint
	return out, nil
}

// ours says why a summary is our own, whoever it says it is of.
func (v *Verifier) ours(s signals.Summary, found verdict) string {
	if v.own.verifier != "" && s.Verifier == v.own.verifier {
		return fmt.Sprintf("is of the verifier %.200q, which is ourselves", s.Verifier)
	}
	for _, k := range v.keys {
		if found.Identity == "" && v.own.hint != "" && k.name == found.By && k.hint == v.own.hint {
			return "is signed with our own key"
		}
	}
	return ""
}

// summarise takes from a verified letter what a verifier says.
func (v *Verifier) summarise(l letter, found verdict, e Evidence) verdict {
	s, err := l.Summary()
	if err != nil {
		return refuse(malformed, "signed by %s, but %v", found.By, err).about(found.Kind)
	}
	if why := v.ours(s, found); why != "" {
		return refuse(revoked, "the summary %s: our own word proves nothing to us", why).about(found.Kind)
	}
	reference, digest := statement.Repository(s.Resource)
	if digest != "" && digest != e.Subject.DigestStr() {
		return refuse(misplaced, "the summary is about %.200q, which is another digest", s.Resource).about(found.Kind)
	}
	if reference != "" {
		s.Repository, _ = bound(reference)
	}
	found.Summary = &s
	return found
}

// mostSummaries bounds how many summaries of one digest are told.
const mostSummaries = 16

// summaries are what verifiers say, the newest first by their own word: a
// signature that nobody timed says nothing of when it was made.
func summaries(good []verdict) []signals.Summary {
	var out []signals.Summary
	for _, g := range good {
		if g.Summary != nil {
			out = append(out, *g.Summary)
		}
	}
	slices.SortStableFunc(out, func(a, b signals.Summary) int { return b.At.Compare(a.At) })
	return out[:min(len(out), mostSummaries)]
}
