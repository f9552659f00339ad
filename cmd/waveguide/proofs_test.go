package main

import (
	"context"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/promoter/store"
	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/sigstore/signer"
	"github.com/waveguide-dev/waveguide/signals/sigstore/virtual"
)

// keyless is a registry with one image, a virtual Sigstore and an oci that
// trusts a job under it.
type keyless struct {
	t       *testing.T
	oci     *oci
	subject name.Digest
	sigs    *virtual.Instance
	job     virtual.Identity
	root    string
	stop    promoter.Stop
}

func newKeyless(t *testing.T) *keyless {
	t.Helper()
	const source, github = "https://github.com/acme/shop", "https://token.actions.githubusercontent.com"
	k := &keyless{t: t, job: virtual.Identity{
		Name: source + "/.github/workflows/release.yaml@refs/heads/main", Issuer: github,
		Source: source, Revision: strings.Repeat("1", 40), Ref: "refs/heads/main",
	}}
	var err error
	k.sigs, err = virtual.New(time.Now())
	k.must(err)
	dir := t.TempDir()
	k.root = filepath.Join(dir, "trusted_root.json")
	k.trusts(k.sigs)
	s, err := store.Open(t.Context(), store.Options{Path: filepath.Join(dir, "w.db"), Holder: "test"})
	k.must(err)
	t.Cleanup(func() { k.must(s.Close()) })
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithReferrersSupport(true)))
	t.Cleanup(server.Close)
	address := strings.TrimPrefix(server.URL, "http://")
	repository, err := name.NewRepository(address + "/acme/shop")
	k.must(err)
	image, err := random.Image(64, 1)
	k.must(err)
	digest, err := image.Digest()
	k.must(err)
	k.subject = repository.Digest(digest.String())
	k.must(remote.Write(k.subject, image))
	k.oci = newOCI(&config.Daemon{
		Registries: []config.Registry{{Match: address + "/**", PlainHTTP: true, MaxRequestsPerSecond: 1000}},
		Trust:      config.Trust{Sigstore: config.Sigstore{TrustedRootFile: k.root}},
	}, s)
	k.stop = promoter.Stop{
		Lane:  gitops.Lane{Repository: "env", Environment: "dev", Artifact: "shop"},
		Gates: gate.Set{Signature: &gate.Signature{Identity: k.job.Name, Issuer: github}, Tests: &gate.Tests{}},
	}
	return k
}

func (k *keyless) must(err error) {
	k.t.Helper()
	if err != nil {
		k.t.Fatal(err)
	}
}

func (k *keyless) trusts(i *virtual.Instance) {
	k.t.Helper()
	data, err := i.Root(virtual.Parts{})
	k.must(err)
	k.must(os.WriteFile(k.root, data, 0o600))
}

// attest pushes a statement that the job signed some time ago.
func (k *keyless) attest(ago time.Duration, s signer.Statement) {
	k.t.Helper()
	s.Name, s.Digest = k.subject.Context().Name(), k.subject.DigestStr()
	payload, err := s.Payload()
	k.must(err)
	raw, err := k.sigs.Bundle(k.job, payload, virtual.Witnesses{At: time.Now().Add(-ago)})
	k.must(err)
	k.must(signer.Refer(k.t.Context(), k.subject, raw, s.PredicateType))
}

// forget removes all evidence from the registry.
func (k *keyless) forget() {
	k.t.Helper()
	index, err := remote.Referrers(k.subject)
	k.must(err)
	list, err := index.IndexManifest()
	k.must(err)
	for _, m := range list.Manifests {
		k.must(remote.Delete(k.subject.Context().Digest(m.Digest.String())))
	}
}

// says asks for the proofs and compares their outcomes.
func (k *keyless) says(what string, signature, tests signals.Outcome, why string) {
	k.t.Helper()
	proofs, err := k.oci.Proofs(k.t.Context(), k.subject.Context().Name(), signals.Digest(k.subject.DigestStr()), k.stop, false)
	k.must(err)
	if len(proofs) != 2 || proofs[0].Outcome != signature || proofs[1].Outcome != tests || !strings.Contains(proofs[0].Reason+proofs[1].Reason, why) {
		k.t.Errorf("%s: %+v, want %q and %q with %q", what, proofs, signature, tests, why)
	}
}

// TestProofs follows one image while its evidence, the trust and the rules
// change under a running daemon.
func TestProofs(t *testing.T) {
	t.Parallel()
	const verified, refused, absent, unknown = signals.OutcomeVerified, signals.OutcomeRefused, signals.OutcomeAbsent, signals.OutcomeUnknown
	k := newKeyless(t)
	k.says("unsigned", absent, absent, "no signature")
	k.attest(5*time.Minute, signer.Statement{PredicateType: signer.SignPredicate})
	k.says("signed", verified, absent, "no tests")
	k.attest(4*time.Minute, signer.Statement{PredicateType: "https://in-toto.io/attestation/test-result/v0.1", Predicate: map[string]any{"result": "PASSED"}})
	k.says("tested", verified, verified, "signed by")

	other, err := virtual.New(time.Now())
	k.must(err)
	k.trusts(other)
	k.says("another root in the file", refused, refused, "is not proven")
	k.trusts(k.sigs)
	k.says("the root again", verified, verified, "signed by")
	k.must(os.WriteFile(k.root, []byte("{"), 0o600))
	k.says("a broken file", unknown, unknown, "trusted root")
	k.trusts(k.sigs)

	trust := &k.oci.trusted.Revoked
	trust.Identities = []string{k.job.Name}
	k.says("the identity is revoked", refused, refused, "is revoked in the daemon's file")
	trust.Identities = []string{k.job.Source + "/**"}
	k.says("identities like it are revoked", refused, refused, "is revoked in the daemon's file")
	trust.Identities = nil
	trust.Digests = []string{k.subject.DigestStr()}
	k.says("the digest is revoked", refused, refused, "the digest is revoked")
	trust.Digests = nil
	k.says("nothing is revoked", verified, verified, "signed by")

	k.forget()
	k.says("evidence disappears", unknown, unknown, "is gone from the registry")
	k.attest(6*time.Minute, signer.Statement{PredicateType: signer.SignPredicate})
	k.says("older evidence than before", unknown, unknown, "only older ones are left")
	k.attest(time.Minute, signer.Statement{PredicateType: signer.SignPredicate})
	k.says("newer evidence", verified, unknown, "is gone from the registry")

	k.stop.Gates.Tests.By = "scanner"
	k.says("a signer that nobody knows", verified, unknown, "no signer scanner")
	k.stop.Gates.Signature.Identity = k.job.Source + "/**"
	k.says("a policy that strangers get past", unknown, unknown, "the rules are not used, because they accept")
}

// TestProofsDoNotGuess holds that a registry that cannot be read is an error.
func TestProofsDoNotGuess(t *testing.T) {
	t.Parallel()
	k := newKeyless(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	got, err := k.oci.Proofs(ctx, k.subject.Context().Name(), signals.Digest(k.subject.DigestStr()), k.stop, false)
	if err == nil {
		t.Errorf("Proofs = %+v, want an error", got)
	}
}
