package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/sigstore"
	"github.com/waveguide-dev/waveguide/signals/sigstore/attest"
	"github.com/waveguide-dev/waveguide/signals/sigstore/signer"
)

// publisher puts summaries and promotion records beside images.
type publisher struct {
	oci *oci

	mu sync.Mutex
	// never are the repositories that cannot take anything safely, and why.
	never map[string]error
}

var _ loop.Publisher = (*publisher)(nil)

// publishing is the publisher of a daemon; nil if its file names no key.
func publishing(d *config.Daemon, o *oci) loop.Publisher {
	if d.Publish == nil {
		return nil
	}
	return &publisher{oci: o, never: map[string]error{}}
}

// ourKey reads the signing key anew, so that a rotation needs no restart.
func ourKey(p *config.Publish) (*signer.Signer, error) {
	pem, err := secret(p.Key)
	if err != nil {
		return nil, fmt.Errorf("key of publish: %w", err)
	}
	password, err := secret(p.Password)
	if err != nil {
		return nil, fmt.Errorf("password of publish: %w", err)
	}
	s, err := signer.Load([]byte(pem+"\n"), password)
	if err != nil {
		return nil, fmt.Errorf("key of publish: %w", err)
	}
	return s, nil
}

// ourselves are who we are in summaries.
func ourselves(p *config.Publish) (sigstore.Own, error) {
	if p == nil {
		return sigstore.Own{}, nil
	}
	s, err := ourKey(p)
	if err != nil {
		return sigstore.Own{}, err
	}
	key, err := s.PublicKey()
	return sigstore.Own{Verifier: p.Verifier, Key: key}, err
}

// place is where statements about a digest of an image are put.
func (o *oci) place(ctx context.Context, image string, d signals.Digest) (attest.Place, sigstore.Fetcher, error) {
	r, repository, err := o.open(image)
	if err != nil {
		return attest.Place{}, sigstore.Fetcher{}, err
	}
	subject, err := r.Reference(repository, d)
	if err != nil {
		return attest.Place{}, sigstore.Fetcher{}, err
	}
	client, err := r.Client(ctx, repository)
	if err != nil {
		return attest.Place{}, sigstore.Fetcher{}, err
	}
	return attest.Place{Subject: subject, Client: client, Options: r.Options()}, sigstore.Fetcher{Puller: r.Puller(), Cache: o.cache()}, nil
}

// Missing implements [loop.Publisher].
func (p *publisher) Missing(ctx context.Context, about loop.Publication) ([]string, error) {
	p.mu.Lock()
	never := p.never[about.Image]
	p.mu.Unlock()
	if never != nil {
		return nil, never
	}
	_, _, missing, err := p.left(ctx, about)
	return attest.Types(missing), p.hopeless(about.Image, err)
}

// Publish implements [loop.Publisher].
func (p *publisher) Publish(ctx context.Context, about loop.Publication) error {
	place, key, missing, err := p.left(ctx, about)
	if err == nil {
		err = place.Put(ctx, key, missing)
	}
	return p.hopeless(about.Image, err)
}

// left is what was not put yet, and where it belongs.
func (p *publisher) left(ctx context.Context, about loop.Publication) (attest.Place, *signer.Signer, []signer.Statement, error) {
	key, err := ourKey(p.oci.daemon.Publish)
	if err != nil {
		return attest.Place{}, nil, nil, err
	}
	place, fetcher, err := p.oci.place(ctx, about.Image, signals.Digest(about.Version.Digest))
	if err != nil {
		return attest.Place{}, nil, nil, err
	}
	missing, err := place.Missing(ctx, fetcher, key, statements(p.oci.daemon.Publish, about, time.Now().UTC()))
	return place, key, missing, err
}

// hopeless marks errors that trying again does not change, and remembers the
// repositories where that will be so for every digest.
func (p *publisher) hopeless(image string, err error) error {
	switch {
	case errors.Is(err, attest.ErrUnsafe):
		err = fmt.Errorf("%w: %w", loop.ErrUnpublishable, err)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.never[image] = err
	case errors.Is(err, attest.ErrCrowded):
		err = fmt.Errorf("%w: %w", loop.ErrUnpublishable, err)
	}
	return err
}

// policyOf names the rules of a lane about evidence and soak: who wants to
// demand our summary pins this digest.
func policyOf(verifier string, at gitops.Lane, g gate.Set) attest.Policy {
	raw, err := json.Marshal(struct {
		Signature       *gate.Signature       `json:"signature,omitempty"`
		Provenance      *gate.Provenance      `json:"provenance,omitempty"`
		SBOM            *gate.SBOM            `json:"sbom,omitempty"`
		Vulnerabilities *gate.Vulnerabilities `json:"vulnerabilities,omitempty"`
		Tests           *gate.Tests           `json:"tests,omitempty"`
		Summary         *gate.Summary         `json:"summary,omitempty"`
		Soak            time.Duration         `json:"soak"`
	}{g.Signature, g.Provenance, g.SBOM, g.Vulnerabilities, g.Tests, g.Summary, g.Soak.For})
	if err != nil { // texts, numbers and times always can be written
		panic(err)
	}
	sum := sha256.Sum256(raw)
	return attest.Policy{
		URI:    strings.TrimSuffix(verifier, "/") + "/policy/" + at.Repository + "/" + at.Environment + "/" + at.Artifact,
		Digest: signals.Digest("sha256:" + hex.EncodeToString(sum[:])),
	}
}

// statements are what is said of a version that earned an environment.
func statements(p *config.Publish, about loop.Publication, now time.Time) []signer.Statement {
	digest, policy := signals.Digest(about.Version.Digest), policyOf(p.Verifier, about.Stop.Lane, about.Stop.Gates)
	record := attest.Record{
		Verifier: p.Verifier, Artifact: about.Stop.Lane.Artifact, Image: about.Image, Environment: about.Stop.Lane.Environment, Wave: about.Wave,
		Repository: about.Stop.Lane.Repository, Version: attest.Version{Tag: about.Version.Tag, Digest: digest},
		From:     attest.Version{Tag: about.From.Tag, Digest: signals.Digest(about.From.Digest)},
		Proposal: about.Proposal, Merged: string(about.Merged), Entry: about.Entry, Ledger: about.Ledger, Policy: policy,
		Times: attest.Times{Proposed: about.Proposed.UTC(), Merged: about.MergedAt.UTC(), Entered: about.Entered.UTC(), Earned: about.Earned.UTC()},
	}
	for _, a := range about.Approvals {
		record.Approvals = append(record.Approvals, attest.Approval{By: a.By, At: a.At.UTC()})
	}
	summary := attest.Summary{
		Verifier: p.Verifier, Version: version, At: now, Image: about.Image, Digest: digest, Policy: policy, Levels: levels(p, about, now),
	}
	for _, proof := range about.Proofs {
		if proof.Outcome == signals.OutcomeVerified {
			summary.Inputs = append(summary.Inputs, proof.Evidence...)
		}
	}
	slices.Sort(summary.Inputs)
	summary.Inputs = slices.Compact(summary.Inputs)
	return []signer.Statement{summary.Statement(), record.Statement()}
}

// ownTrack begins the levels that SLSA does not have.
const ownTrack = "WAVEGUIDE_"

// levels are what was verified: the level of SLSA's build track, and a level of
// our own for each gate that passed on evidence that is there, whatever its mode
// would let pass.
func levels(p *config.Publish, about loop.Publication, now time.Time) []string {
	strict := enforced(about.Stop.Gates)
	facts := signals.Facts{Proofs: about.Proofs}
	digest := signals.Digest(about.Version.Digest)
	out := []string{"SLSA_BUILD_LEVEL_0", ownTrack + "SOAK"}
	for _, v := range strict.Evidence(gate.Case{
		Now: now, Lane: about.Stop.Lane, Image: about.Image, Facts: facts, Candidate: signals.Version{Tag: about.Version.Tag, Digest: digest},
	}) {
		proof, ok := facts.Proof(signals.ProofKind(v.Gate), digest)
		if v.Answer != gate.Pass || !ok || proof.Outcome != signals.OutcomeVerified {
			continue
		}
		out = append(out, ownTrack+strings.ToUpper(v.Gate))
		if v.Gate == string(signals.ProofProvenance) {
			out[0] = fmt.Sprintf("SLSA_BUILD_LEVEL_%d", buildLevel(p.Builders, proof.Builds))
		}
	}
	return out
}

// enforced are the gates about evidence without their modes.
func enforced(g gate.Set) *gate.Set {
	out := gate.Set{Signature: g.Signature}
	if g.Provenance != nil {
		p := *g.Provenance
		p.Mode, out.Provenance = "", &p
	}
	if g.SBOM != nil {
		out.SBOM = &gate.SBOM{By: g.SBOM.By}
	}
	if g.Vulnerabilities != nil {
		v := *g.Vulnerabilities
		v.Mode, out.Vulnerabilities = "", &v
	}
	if g.Tests != nil {
		t := *g.Tests
		t.Mode, out.Tests = "", &t
	}
	return &out
}

// buildLevel is the least that all builds of a digest reach: 1 if there is
// provenance, more if the daemon's file trusts the builder.
func buildLevel(trusted []config.TrustedBuilder, builds []signals.Build) int {
	least := 0
	for i, b := range builds {
		level := 1
		for _, t := range trusted {
			if pattern, err := sigstore.Pattern(t.Builder); err == nil && pattern.MatchString(b.Builder) {
				level = max(level, t.Level)
			}
		}
		if i == 0 || level < least {
			least = level
		}
	}
	return max(least, 1)
}
