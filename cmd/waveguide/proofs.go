package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/promoter/store"
	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/sigstore"
)

// demand is what one signer is asked for.
type demand struct {
	signer named
	kinds  []signals.ProofKind
}

// demands says whom the gates ask for what. Evidence that names nobody must be
// signed by whoever signs the artifact.
func demands(g gate.Set) []demand {
	var out []demand
	add := func(kind signals.ProofKind, n named) {
		i := slices.IndexFunc(out, func(d demand) bool { return d.signer == n })
		if i < 0 {
			out = append(out, demand{signer: n})
			i = len(out) - 1
		}
		out[i].kinds = append(out[i].kinds, kind)
	}
	var common named
	if g.Signature != nil {
		common = signatureSigner(g.Signature)
		add(signals.ProofSignature, common)
	}
	by := func(name string) named {
		if name == "" {
			return common
		}
		return named{by: name}
	}
	if g.Provenance != nil && !g.Provenance.Mode.Off() {
		add(signals.ProofProvenance, by(g.Provenance.By))
	}
	if g.SBOM != nil && !g.SBOM.Mode.Off() {
		add(signals.ProofSBOM, by(g.SBOM.By))
	}
	if g.Vulnerabilities != nil && !g.Vulnerabilities.Mode.Off() {
		add(signals.ProofVulnerabilities, by(g.Vulnerabilities.By))
	}
	if g.Tests != nil && !g.Tests.Mode.Off() {
		add(signals.ProofTests, by(g.Tests.By))
	}
	if g.Summary.Asked() {
		add(signals.ProofSummary, by(g.Summary.By))
	}
	return out
}

// Proofs verifies what a stop's gates ask for. The list of evidence is read
// once for all of them.
func (o *oci) Proofs(ctx context.Context, image string, d signals.Digest, s promoter.Stop, again bool) ([]signals.Proof, error) {
	asked := demands(s.Gates)
	if len(asked) == 0 {
		return nil, nil
	}
	t := o.trust()
	if slices.Contains(t.Revoked.Digests, string(d)) {
		return all(asked, d, signals.OutcomeRefused, "the digest is revoked in the daemon's file"), nil
	}
	if why, err := o.guard(ctx, t, image, s); err != nil || why != "" {
		return all(asked, d, signals.OutcomeUnknown, why), err
	}
	evidence, err := o.evidence(ctx, image, d, asked, sigstore.Fetcher{BundlesOnly: t.bundlesOnly(), Subject: again})
	if err != nil {
		return nil, err
	}
	var proofs []signals.Proof
	for _, a := range asked {
		got, err := o.ask(ctx, t, a, evidence, again)
		if err != nil {
			return nil, err
		}
		proofs = append(proofs, got...)
	}
	return o.remembered(ctx, image, proofs)
}

// guard says why a policy is not used: one that does not refuse strangers
// protects nobody. Each shape of policy is tried once.
func (o *oci) guard(ctx context.Context, t *trust, image string, s promoter.Stop) (string, error) {
	if s.Lane.Artifact == "" {
		return "", nil
	}
	g := t.askable(s.Gates)
	shape, err := json.Marshal([]any{g.Signature, g.Provenance, g.SBOM, g.Vulnerabilities, g.Tests, g.Summary, t.Trust})
	if err != nil {
		return "", err
	}
	key := strings.ReplaceAll(string(shape), s.Lane.Artifact, "${artifact}")
	o.mu.Lock()
	why, known := o.guarded[key]
	o.mu.Unlock()
	if known {
		return why, nil
	}
	trials, err := selfTest(ctx, t, g, image)
	if err != nil {
		return "", fmt.Errorf("try the rules with strangers: %w", err)
	}
	for _, trial := range trials {
		if trial.Accepted && !trial.Honest {
			why = fmt.Sprintf("the rules are not used, because they accept %s; `waveguide verify --self-test` shows it", trial.Who)
			break
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.guarded == nil || len(o.guarded) > mostGuarded {
		o.guarded = map[string]string{}
	}
	o.guarded[key] = why
	return why, nil
}

// askable leaves out what nobody can prove because its signer is unknown or
// revoked: asking says so, and the rest is tried all the same.
func (t *trust) askable(g gate.Set) gate.Set {
	for _, d := range demands(g) {
		if _, _, err := t.resolve(d.signer); err == nil {
			continue
		}
		for _, kind := range d.kinds {
			switch kind {
			case signals.ProofSignature:
				g.Signature = nil
			case signals.ProofProvenance:
				g.Provenance = nil
			case signals.ProofSBOM:
				g.SBOM = nil
			case signals.ProofVulnerabilities:
				g.Vulnerabilities = nil
			case signals.ProofTests:
				g.Tests = nil
			case signals.ProofSummary:
				g.Summary = nil
			}
		}
	}
	return g
}

// mostGuarded bounds how many shapes of policies are remembered.
const mostGuarded = 10_000

// evidence reads everything that the registry holds about a digest.
func (o *oci) evidence(ctx context.Context, image string, d signals.Digest, asked []demand, f sigstore.Fetcher) (sigstore.Evidence, error) {
	r, repository, err := o.open(image)
	if err != nil {
		return sigstore.Evidence{}, err
	}
	subject, err := r.Reference(repository, d)
	if err != nil {
		return sigstore.Evidence{}, err
	}
	f.Puller, f.Cache = r.Puller(), o.cache()
	for _, a := range asked {
		f.Attestations = f.Attestations || slices.ContainsFunc(a.kinds, func(k signals.ProofKind) bool { return k != signals.ProofSignature })
	}
	return f.Fetch(ctx, subject)
}

// ask verifies what one signer is asked for.
func (o *oci) ask(ctx context.Context, t *trust, a demand, e sigstore.Evidence, again bool) ([]signals.Proof, error) {
	options, err := t.signer(a.signer)
	if gone, ok := errors.AsType[revokedSigner](err); ok {
		return all([]demand{a}, signals.Digest(e.Subject.DigestStr()), signals.OutcomeRefused, gone.Error()), nil
	}
	if err != nil {
		return all([]demand{a}, signals.Digest(e.Subject.DigestStr()), signals.OutcomeUnknown, err.Error()), nil
	}
	if slices.Contains(a.kinds, signals.ProofSummary) {
		// Who does not know himself cannot tell his own word from another's.
		if options.Own, err = ourselves(o.daemon.Publish); err != nil {
			return all([]demand{a}, signals.Digest(e.Subject.DigestStr()), signals.OutcomeUnknown, err.Error()), nil
		}
	}
	options.Kinds, options.Cache = a.kinds, o.cache()
	v, err := sigstore.New(options)
	if err != nil {
		return nil, err
	}
	if again {
		return v.Reverify(ctx, e)
	}
	return v.Verify(ctx, e)
}

// all is the same answer to everything that is asked.
func all(asked []demand, d signals.Digest, outcome signals.Outcome, why string) []signals.Proof {
	var out []signals.Proof
	for _, a := range asked {
		for _, kind := range a.kinds {
			out = append(out, signals.Proof{Kind: kind, Digest: d, Outcome: outcome, Reason: why, At: time.Now().UTC()})
		}
	}
	return out
}

const (
	bucketProven = "proven"
	provenTTL    = 90 * 24 * time.Hour
)

// proven is what was verified once under a policy.
type proven struct {
	Signed time.Time `json:"signed,omitzero"`
}

// remembered notes what was verified, and does not take it for absent when it
// disappears: evidence that was there and is gone, or was newer, is no evidence
// and no lack of it.
func (o *oci) remembered(ctx context.Context, image string, proofs []signals.Proof) ([]signals.Proof, error) {
	if o.store == nil {
		return proofs, nil
	}
	for i, p := range proofs {
		key := fmt.Sprintf("%s@%s %s %s", image, p.Digest, p.Kind, p.Policy)
		r, known, err := o.store.Get(ctx, bucketProven, key)
		if err != nil {
			return nil, err
		}
		was, err := store.Recall[proven](r)
		known = known && err == nil
		if known {
			proofs[i] = was.outlast(p)
		}
		if p.Outcome != signals.OutcomeVerified || known && !p.Signed.After(was.Signed) {
			continue
		}
		if r, err = store.Remember(bucketProven, key, proven{p.Signed}, time.Now().Add(provenTTL)); err != nil {
			return nil, err
		}
		if err := o.store.Put(ctx, r); err != nil {
			return nil, err
		}
	}
	return proofs, nil
}

// outlast is a proof in the light of what was there before.
func (was proven) outlast(p signals.Proof) signals.Proof {
	switch {
	case p.Outcome == signals.OutcomeAbsent:
		p.Outcome, p.Reason = signals.OutcomeUnknown, "it was there and is gone from the registry"
	case p.Outcome == signals.OutcomeVerified && p.Signed.Before(was.Signed):
		p.Outcome = signals.OutcomeUnknown
		p.Reason = fmt.Sprintf("the one of %s is gone from the registry, and only older ones are left", was.Signed.Format(time.RFC3339))
	}
	return p
}
