package sigstore

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/waveguide-dev/waveguide/signals"
)

// fold makes one proof of each kind out of what all pieces came to.
func (v *Verifier) fold(e Evidence, verdicts []verdict) []signals.Proof {
	proofs := make([]signals.Proof, len(v.kinds))
	for i, kind := range v.kinds {
		proofs[i] = v.proof(e, kind, verdicts)
	}
	return proofs
}

// mostBuilds bounds how many builds of one digest are told.
const mostBuilds = 16

func (v *Verifier) proof(e Evidence, kind signals.ProofKind, verdicts []verdict) signals.Proof {
	proof := signals.Proof{
		Kind: kind, Digest: signals.Digest(e.Subject.DigestStr()),
		Outcome: signals.OutcomeAbsent, Reason: "no " + string(kind), At: e.At, Policy: v.policy,
	}
	var best verdict
	var good []verdict
	unrelatedItems := 0
	for i, found := range verdicts {
		switch {
		case found.Standing == unrelated || found.Kind != "" && found.Kind != kind:
			unrelatedItems++
			continue
		case found.Standing.holds():
			proof.Evidence = append(proof.Evidence, signals.Digest(e.Items[i].Blob.String()))
			good = append(good, found)
		}
		if better(found, best) {
			best = found
		}
	}
	slices.Sort(proof.Evidence)
	proof.Evidence = slices.Compact(proof.Evidence)
	if c := contradiction(verdicts, kind); c.Standing != unread {
		best = c
	}
	switch {
	case best.Standing.holds():
		proof.Outcome = signals.OutcomeVerified
		fill(&proof, newest(good), best)
	case best.Standing > unrelated:
		proof.Outcome, proof.Evidence = signals.OutcomeRefused, nil
		proof.Repository, proof.Reason = best.Repository, best.Reason
	case unrelatedItems > 0:
		proof.Reason = fmt.Sprintf("no %s, only other evidence (%d)", kind, unrelatedItems)
	}
	return proof
}

// contradiction is evidence of a trusted signer that says something else than
// its certificate: other evidence beside it does not make that good.
func contradiction(verdicts []verdict, kind signals.ProofKind) verdict {
	for _, v := range verdicts {
		if v.Standing == contradicts && v.Kind == kind {
			return v
		}
	}
	return verdict{}
}

// better prefers what stands higher, among equals what names a version, and
// then the newest.
func better(a, b verdict) bool {
	return cmp.Or(
		cmp.Compare(a.Standing, b.Standing),
		cmp.Compare(min(len(a.Tag), 1), min(len(b.Tag), 1)),
		a.made().Compare(b.made()),
	) > 0
}

// newest orders by when the evidence was made: the verified time, else the
// word of the signer, which comes after.
func newest(good []verdict) []verdict {
	slices.SortStableFunc(good, func(a, b verdict) int { return b.made().Compare(a.made()) })
	return good
}

// made is the verified time of evidence, or what its signer says.
func (v verdict) made() time.Time {
	switch {
	case !v.Signed.IsZero():
		return v.Signed
	case v.Scan != nil:
		return v.Scan.Finished
	}
	return v.ExemptAt
}

// fill tells what the good pieces say, of which the newest comes first.
func fill(proof *signals.Proof, good []verdict, best verdict) {
	if proof.Kind != signals.ProofSignature {
		best = good[0]
	}
	if proof.Kind == signals.ProofVulnerabilities {
		scan(proof, good)
		return
	}
	by(proof, best)
	for _, g := range good {
		if g.Build != nil && !slices.Contains(proof.Builds, *g.Build) && len(proof.Builds) < mostBuilds {
			proof.Builds = append(proof.Builds, *g.Build)
		}
		if proof.Bill == nil {
			proof.Bill = g.Bill
		}
	}
	suites(proof, good)
	proof.Summaries = summaries(good)
}

// by says who signed and when.
func by(proof *signals.Proof, v verdict) {
	proof.By, proof.Repository, proof.Tag = v.By, v.Repository, v.Tag
	proof.Identity, proof.Issuer, proof.Signed = v.Identity, v.Issuer, v.Signed
	proof.Reason = "signed by " + v.By
}

// scan takes the newest scan, and lets what signed OpenVEX documents exempt
// not count. A document alone is no scan.
func scan(proof *signals.Proof, good []verdict) {
	var chosen *verdict
	exempt := map[string]string{}
	for i := range slices.Backward(good) { // newer documents come last and win
		g := &good[i]
		if g.Scan != nil {
			chosen = g
		}
		maps.Copy(exempt, g.Exempt)
	}
	if chosen == nil {
		proof.Outcome, proof.Evidence = signals.OutcomeAbsent, nil
		proof.Reason = "there are OpenVEX documents, but no scan"
		return
	}
	by(proof, *chosen)
	s := *chosen.Scan
	s.Findings = slices.Clone(s.Findings)
	for i, f := range s.Findings {
		s.Findings[i].Unaffected = exempt[f.ID]
	}
	proof.Scan = &s
}

// suites takes the newest result of every suite; of two that are equally new,
// the one that failed.
func suites(proof *signals.Proof, good []verdict) {
	results := map[string]signals.Suite{}
	for _, g := range good {
		for _, s := range g.Suites {
			s.At = g.Signed
			known, ok := results[s.Name]
			if !ok || s.At.Equal(known.At) && !s.Passed {
				results[s.Name] = s
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(results)) {
		proof.Suites = append(proof.Suites, results[name])
	}
}
