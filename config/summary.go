package config

import (
	"slices"

	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/signals"
)

// What a guardrail says of summaries. Without a word, what it demands itself
// has to be there: a summary does not stand in for it.
const (
	// SummaryForbidden lets summaries stand in for nothing.
	SummaryForbidden = "forbidden"
	// SummaryAccepted lets them stand in for what the guardrail demands.
	SummaryAccepted = "accepted"
	// SummaryRequired demands one, and lets it stand in too.
	SummaryRequired = "required"
)

// standing are the kinds of evidence that a summary may stand in for.
func standing() []signals.ProofKind {
	return []signals.ProofKind{signals.ProofProvenance, signals.ProofSBOM, signals.ProofVulnerabilities, signals.ProofTests}
}

// checkSummary reports a rule about summaries that nobody could go by.
func (v *Verify) checkSummary(d *document, with RepositoryRules, at []any) {
	s := v.Summary
	if s == nil {
		return
	}
	d.checkKnown("signer", s.By, with.Signers, append(slices.Clip(at), "by"))
	switch {
	case with.Verifier != "" && s.Verifier == with.Verifier:
		d.reportAt(append(slices.Clip(at), "verifier"), "name another verifier", "%q is this daemon itself, whose word proves nothing to it", clip(s.Verifier))
	case s.Policy != "" && !isDigest(s.Policy):
		d.reportAt(append(slices.Clip(at), "policy"), "write sha256: and 64 digits", "%q is not the digest of a policy", clip(s.Policy))
	case slices.Contains(s.Levels, ""):
		d.reportAt(append(slices.Clip(at), "levels"), "", "a level without a name")
	}
	for i, kind := range s.For {
		switch {
		case kind == signals.ProofSignature:
			d.reportAt(append(slices.Clip(at), "for", i), "", "nothing stands in for a signature")
		case !slices.Contains(standing(), kind):
			d.reportAt(append(slices.Clip(at), "for", i), nearest(string(kind), words(standing())), "a summary cannot stand in for %q", clip(string(kind)))
		}
	}
}

func isDigest(s string) bool {
	_, err := signals.ParseDigest(s)
	return err == nil
}

func words(kinds []signals.ProofKind) []string {
	out := make([]string, len(kinds))
	for i, k := range kinds {
		out[i] = string(k)
	}
	return out
}

// idle says that a summary is good for nothing that the rules ask.
func (v *Verify) idle() bool {
	s := v.summary()
	if s == nil || s.Required {
		return false
	}
	asked := gate.Set{Provenance: v.Provenance, Vulnerabilities: v.Vulnerabilities, Tests: v.Tests}
	if v.SBOM != nil {
		asked.SBOM = &v.SBOM.SBOM
	}
	kinds := asked.Proofs()
	return !slices.ContainsFunc(s.For, func(k signals.ProofKind) bool {
		return slices.Contains(kinds, k) || !slices.Contains(standing(), k) // which is reported itself
	})
}

// summary is the rule with its default: it stands in for provenance.
func (v *Verify) summary() *gate.Summary {
	if v.Summary == nil {
		return nil
	}
	s := *v.Summary
	if len(s.For) == 0 {
		s.For = []signals.ProofKind{signals.ProofProvenance}
	}
	return &s
}

// tightenSummary leaves a summary what a guardrail lets it stand in for.
func tightenSummary(s *gate.Summary, r Require) *gate.Summary {
	if s == nil {
		return nil
	}
	out := *s
	out.Required = s.Required || r.Summary == SummaryRequired
	demanded := map[signals.ProofKind]bool{
		signals.ProofProvenance: r.Provenance, signals.ProofSBOM: r.SBOM,
		signals.ProofVulnerabilities: r.Vulnerabilities != nil && !r.Vulnerabilities.Off, signals.ProofTests: r.Tests != nil && !r.Tests.Off,
	}
	out.For = slices.DeleteFunc(slices.Clone(s.For), func(k signals.ProofKind) bool {
		return r.Summary == SummaryForbidden || r.Summary == "" && demanded[k]
	})
	return &out
}
