package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/sigstore"
	"github.com/waveguide-dev/waveguide/signals/sigstore/attest"
	"github.com/waveguide-dev/waveguide/signals/sigstore/signer"
	"github.com/waveguide-dev/waveguide/signals/sigstore/statement"
)

// told is a summary or a promotion record that lies beside an image.
type told struct {
	Type     string           `json:"type"`
	Evidence signals.Digest   `json:"evidence"`
	Policy   string           `json:"policy,omitempty"`
	Summary  *signals.Summary `json:"summary,omitempty"`
	// Standing is ours, verified (by the signer that the rules name), or not
	// verified.
	Standing string `json:"standing"`
}

// The standings of what was told.
const (
	toldByUs     = "ours"
	toldVerified = "verified"
	toldBy       = "not verified"
)

// String is a line for people.
func (t told) String() string {
	if t.Summary == nil {
		what := "summary that cannot be read"
		if t.Type == attest.RecordType {
			what = "promotion record"
		}
		return fmt.Sprintf("beside it: %s, policy %s (%s)", what, cmp.Or(t.Policy, "unnamed"), t.Standing)
	}
	s, result := t.Summary, "FAILED"
	if s.Passed {
		result = "PASSED"
	}
	return fmt.Sprintf("beside it: summary of %s at %s: %s %s, policy %s (%s)", s.Verifier, s.At.Format(time.RFC3339), result, strings.Join(s.Levels, " "),
		strings.TrimSpace(s.PolicyURI+" "+string(s.Policy)), t.Standing)
}

// beside finds the summaries and records beside an image, believed or not.
func (o *oci) beside(ctx context.Context, image string, d signals.Digest, proofs []signals.Proof) ([]told, error) {
	evidence, err := o.evidence(ctx, image, d, nil, sigstore.Fetcher{BundlesOnly: true})
	if err != nil {
		return nil, err
	}
	var key *signer.Signer
	if o.daemon.Publish != nil {
		if key, err = ourKey(o.daemon.Publish); err != nil {
			return nil, err
		}
	}
	var out []told
	for _, item := range evidence.Items {
		claim, ok := sigstore.Claimed(evidence, item)
		if !ok || claim.PredicateType != statement.Summary && claim.PredicateType != attest.RecordType {
			continue
		}
		t := told{Type: claim.PredicateType, Evidence: signals.Digest(item.Blob.String()), Policy: claim.Policy, Summary: claim.Summary}
		t.Standing = standing(t.Evidence, item.Raw, key, proofs)
		out = append(out, t)
	}
	return out, nil
}

// standing says whose word a bundle is; the key may be nil.
func standing(evidence signals.Digest, raw []byte, key *signer.Signer, proofs []signals.Proof) string {
	if key != nil {
		if _, mine := key.Open(raw); mine {
			return toldByUs
		}
	}
	for _, p := range proofs {
		if p.Kind == signals.ProofSummary && slices.Contains(p.Evidence, evidence) {
			return toldVerified
		}
	}
	return toldBy
}
