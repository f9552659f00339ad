package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/sigstore/attest"
	"github.com/waveguide-dev/waveguide/signals/sigstore/signer"
)

const ourVerifier = "https://waveguide.acme.example"

// signingKey writes a signing key to a file.
func signingKey(t *testing.T) (string, *signer.Signer) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	file := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := signer.Load(text, "")
	if err != nil {
		t.Fatal(err)
	}
	return file, s
}

// publishes gives the world's daemon a signing key.
func (k *keyless) publishes() *publisher {
	k.t.Helper()
	file, _ := signingKey(k.t)
	k.oci.daemon.Publish = &config.Publish{
		Verifier: ourVerifier, Key: config.Secret{File: file}, Builders: []config.TrustedBuilder{{Builder: "https://github.com/actions/runner/*", Level: 2}},
	}
	p, ok := publishing(k.oci.daemon, k.oci).(*publisher)
	if !ok {
		k.t.Fatal("nothing is published")
	}
	return p
}

// publication is that the world's image earned its environment.
func (k *keyless) publication() loop.Publication {
	k.t.Helper()
	proofs, err := k.oci.Proofs(k.t.Context(), k.subject.Context().Name(), signals.Digest(k.subject.DigestStr()), k.stop, true)
	k.must(err)
	at := time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)
	return loop.Publication{
		Merit: loop.Merit{
			Version: gitops.Version{Tag: "1.1.0", Digest: k.subject.DigestStr()}, From: gitops.Version{Tag: "1.0.0"}, Earned: at, Entered: at.Add(-time.Hour),
			Proposal: "https://forge.example/1", Merged: "abc", Approvals: []loop.Approval{{By: "ann", At: at}},
		},
		Image: k.subject.Context().Name(), Wave: "dev", Stop: k.stop, Proofs: proofs, Entry: "e1", Ledger: "l1",
	}
}

// statements reads what lies beside the image, by predicate type.
func (k *keyless) statements(s *signer.Signer) map[string]map[string]any {
	k.t.Helper()
	place, fetcher, err := k.oci.place(k.t.Context(), k.subject.Context().Name(), signals.Digest(k.subject.DigestStr()))
	k.must(err)
	evidence, err := fetcher.Fetch(k.t.Context(), place.Subject)
	k.must(err)
	out := map[string]map[string]any{}
	for _, item := range evidence.Items {
		payload, mine := s.Open(item.Raw)
		if !mine {
			continue
		}
		var st struct {
			PredicateType string
			Predicate     map[string]any
		}
		k.must(json.Unmarshal(payload, &st))
		if out[st.PredicateType] != nil {
			k.t.Errorf("%s is there twice", st.PredicateType)
		}
		out[st.PredicateType] = st.Predicate
	}
	return out
}

// TestPublisher holds what is said of a version, and that it is said once.
func TestPublisher(t *testing.T) {
	t.Parallel()
	k := newKeyless(t)
	p := k.publishes()
	const source = "https://github.com/acme/shop"
	k.stop.Gates = gate.Set{
		Signature: k.stop.Gates.Signature, Provenance: &gate.Provenance{Source: source, Branch: "main"}, SBOM: &gate.SBOM{Mode: gate.Warn}, Soak: gate.Soak{For: time.Hour},
	}
	k.attest(time.Minute, signer.Statement{PredicateType: signer.SignPredicate})
	k.attest(time.Minute, signer.Statement{PredicateType: "https://slsa.dev/provenance/v1", Predicate: map[string]any{
		"buildDefinition": map[string]any{"externalParameters": map[string]any{"workflow": map[string]any{"repository": source, "ref": "refs/heads/main"}}},
		"runDetails":      map[string]any{"builder": map[string]any{"id": "https://github.com/actions/runner/github-hosted"}},
	}})
	about := k.publication()
	types := []string{"https://slsa.dev/verification_summary/v1", attest.RecordType}
	for round, want := range [][]string{types, nil, nil} {
		missing, err := p.Missing(t.Context(), about)
		if err != nil || !slices.Equal(missing, want) {
			t.Fatalf("missing %v, %v; want %v", missing, err, want)
		}
		about.Entry, about.Ledger = "e2", "l2" // another try, told otherwise
		if round < 2 {
			k.must(p.Publish(t.Context(), about))
		}
	}
	key, err := ourKey(k.oci.daemon.Publish)
	k.must(err)
	said := k.statements(key)
	summary, record := said[types[0]], said[types[1]]
	if len(summary["inputAttestations"].([]any)) != 2 {
		t.Errorf("inputs %v", summary["inputAttestations"])
	}
	policy := map[string]any{"uri": ourVerifier + "/policy/env/dev/shop", "digest": summary["policy"].(map[string]any)["digest"]}
	if _, err := time.Parse(time.RFC3339, summary["timeVerified"].(string)); err != nil {
		t.Error(err)
	}
	delete(summary, "inputAttestations")
	delete(summary, "timeVerified")
	image := k.subject.Context().Name()
	if diff := cmp.Diff(map[string]any{
		"verifier": map[string]any{"id": ourVerifier, "version": map[string]any{"waveguide": version}}, "resourceUri": "oci://" + image, "policy": policy,
		"verificationResult": "PASSED", "slsaVersion": "1.0",
		"verifiedLevels": []any{"SLSA_BUILD_LEVEL_2", "WAVEGUIDE_SOAK", "WAVEGUIDE_SIGNATURE", "WAVEGUIDE_PROVENANCE"},
	}, summary); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]any{
		"recorder": ourVerifier, "artifact": "shop", "image": image, "environment": "dev", "wave": "dev", "repository": "env",
		"version": map[string]any{"tag": "1.1.0", "digest": k.subject.DigestStr()}, "from": map[string]any{"tag": "1.0.0"},
		"proposal": "https://forge.example/1", "merged": "abc", "entry": "e2", "ledger": "l2", "policy": policy,
		"approvals": []any{map[string]any{"by": "ann", "at": "2026-11-21T08:00:00Z"}},
		"times":     map[string]any{"earned": "2026-11-21T08:00:00Z", "entered": "2026-11-21T07:00:00Z"},
	}, record); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
	if digest := "sha256:" + policy["digest"].(map[string]any)["sha256"].(string); digest != string(policyOf(ourVerifier, k.stop.Lane, k.stop.Gates).Digest) {
		t.Errorf("the policy's digest is %s", digest)
	}
}

// TestLevelsClaimNoMoreThanIsThere holds for what modes and summaries let pass.
func TestLevelsClaimNoMoreThanIsThere(t *testing.T) {
	t.Parallel()
	const digest = signals.Digest("sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
	proof := func(kind signals.ProofKind, o signals.Outcome) signals.Proof {
		return signals.Proof{Kind: kind, Digest: digest, Outcome: o, Repository: "x.example/a", Builds: []signals.Build{{Source: "https://s", Builder: "https://b"}}}
	}
	about := loop.Publication{Merit: loop.Merit{Version: gitops.Version{Digest: string(digest)}}, Image: "x.example/a"}
	about.Stop.Gates = gate.Set{
		Signature: &gate.Signature{Key: "k"}, Provenance: &gate.Provenance{Source: "https://other", Mode: gate.Warn}, SBOM: &gate.SBOM{Mode: gate.UnsafeOff}, Tests: &gate.Tests{},
		Summary: &gate.Summary{For: []signals.ProofKind{signals.ProofTests}},
	}
	about.Proofs = []signals.Proof{
		proof(signals.ProofSignature, signals.OutcomeVerified), proof(signals.ProofProvenance, signals.OutcomeVerified), proof(signals.ProofTests, signals.OutcomeAbsent),
	}
	want := []string{"SLSA_BUILD_LEVEL_0", "WAVEGUIDE_SOAK", "WAVEGUIDE_SIGNATURE"}
	if got := levels(&config.Publish{}, about, time.Now()); !slices.Equal(got, want) {
		t.Errorf("levels %v, want %v", got, want)
	}
	about.Stop.Gates.Provenance.Source = "https://s"
	for builder, level := range map[string]string{"https://*": "SLSA_BUILD_LEVEL_3", "https://c": "SLSA_BUILD_LEVEL_1", "b": "SLSA_BUILD_LEVEL_1"} {
		if got := levels(&config.Publish{Builders: []config.TrustedBuilder{{Builder: builder, Level: 3}}}, about, time.Now()); got[0] != level {
			t.Errorf("trusting %s the level is %s, want %s", builder, got[0], level)
		}
	}
}

// TestSummaryFromAnotherDaemon has one daemon accept in place of provenance what
// another one published, and refuse what it published itself.
func TestSummaryFromAnotherDaemon(t *testing.T) {
	t.Parallel()
	k := newKeyless(t)
	p := k.publishes()
	k.stop.Gates = gate.Set{Signature: k.stop.Gates.Signature}
	k.attest(time.Minute, signer.Statement{PredicateType: signer.SignPredicate})
	about := k.publication()
	k.must(p.Publish(t.Context(), about))
	key, err := ourKey(k.oci.daemon.Publish)
	k.must(err)
	public, err := key.PublicKey()
	k.must(err)
	file := filepath.Join(t.TempDir(), "platform.pub")
	k.must(os.WriteFile(file, public, 0o600))
	trusted := k.oci.trust().Trust
	trusted.Keys, trusted.Signers = []config.Key{{Name: "platform", File: file}}, []config.Signer{{Name: "platform", Key: "platform"}}

	ask := func(d *config.Daemon, change func(s *gate.Summary)) gate.Verdict {
		t.Helper()
		o := newOCI(d, nil)
		o.trusts(trusted)
		stop := k.stop
		stop.Lane = gitops.Lane{} // a policy without a lane is not tried with strangers
		stop.Gates.Provenance = &gate.Provenance{Source: "https://github.com/acme/shop"}
		stop.Gates.Summary = &gate.Summary{
			By: "platform", Verifier: ourVerifier, Policy: string(policyOf(ourVerifier, k.stop.Lane, k.stop.Gates).Digest), Levels: []string{"WAVEGUIDE_SOAK"},
			MaxAge: time.Hour, For: []signals.ProofKind{signals.ProofProvenance},
		}
		change(stop.Gates.Summary)
		proofs, err := o.Proofs(t.Context(), about.Image, signals.Digest(about.Version.Digest), stop, false)
		k.must(err)
		for _, v := range stop.Gates.Evidence(gate.Case{
			Now: time.Now(), Image: about.Image, Facts: signals.Facts{Proofs: proofs}, Candidate: signals.Version{Tag: "1.1.0", Digest: signals.Digest(about.Version.Digest)},
		}) {
			if v.Gate == "provenance" {
				return v
			}
		}
		t.Fatal("provenance is not asked")
		return gate.Verdict{}
	}
	other := *k.oci.daemon
	other.Publish = nil
	broken := *k.oci.daemon.Publish
	broken.Key.File = filepath.Join(t.TempDir(), "none")
	keyless := other
	keyless.Publish = &broken
	renamed := *k.oci.daemon.Publish
	renamed.Verifier = "https://else.acme.example"
	hidden := other
	hidden.Publish = &renamed
	for name, tt := range map[string]struct {
		daemon *config.Daemon
		change func(s *gate.Summary)
		want   gate.Answer
		says   string
	}{
		"another daemon":     {&other, func(*gate.Summary) {}, gate.Pass, "the verifier " + ourVerifier + " verified"},
		"ourselves":          {k.oci.daemon, func(*gate.Summary) {}, gate.Block, "which is ourselves"},
		"our own key":        {&hidden, func(*gate.Summary) {}, gate.Block, "is signed with our own key"},
		"who does not know":  {&keyless, func(*gate.Summary) {}, gate.Wait, "key of publish"},
		"another policy":     {&other, func(s *gate.Summary) { s.Policy = "sha256:" + strings.Repeat("0", 64) }, gate.Block, "it was made by the policy"},
		"another verifier":   {&other, func(s *gate.Summary) { s.Verifier += "/x" }, gate.Block, "it is of the verifier"},
		"another level":      {&other, func(s *gate.Summary) { s.Levels = []string{"SLSA_BUILD_LEVEL_1"} }, gate.Block, "but not as SLSA_BUILD_LEVEL_1"},
		"too old":            {&other, func(s *gate.Summary) { s.MaxAge = time.Nanosecond }, gate.Wait, "older than the rules allow"},
		"an unknown signer":  {&other, func(s *gate.Summary) { s.By = "stranger" }, gate.Wait, "no signer stranger"},
		"not for provenance": {&other, func(s *gate.Summary) { s.For, s.Required = nil, true }, gate.Block, "has no provenance"},
	} {
		if v := ask(tt.daemon, tt.change); v.Answer != tt.want || !strings.Contains(v.Reason, tt.says) {
			t.Errorf("%s: %q, want %s with %q", name, v, tt.want, tt.says)
		}
	}
}

// TestPublisherIsHopeless holds that where nothing can be put safely this is
// said without trying again.
func TestPublisherIsHopeless(t *testing.T) {
	t.Parallel()
	w := newShelf(t, memoryRegistry(t))
	digest := w.push("1.0.0")
	w.sign(digest)
	k := newKeyless(t)
	p := k.publishes()
	host, _, _ := strings.Cut(w.image, "/")
	k.oci.daemon.Registries = append(k.oci.daemon.Registries, config.Registry{Match: host + "/**", PlainHTTP: true, MaxRequestsPerSecond: 1000})
	about := k.publication()
	about.Image, about.Version.Digest = w.image, digest
	if missing, err := p.Missing(t.Context(), about); err != nil || len(missing) != 2 {
		t.Errorf("missing %v, %v", missing, err)
	}
	for range 2 {
		if err := p.Publish(t.Context(), about); !errors.Is(err, loop.ErrUnpublishable) || !strings.Contains(err.Error(), "evidence of others could be lost") {
			t.Errorf("publish: %v", err)
		}
	}
	if _, err := p.Missing(t.Context(), about); !errors.Is(err, loop.ErrUnpublishable) {
		t.Errorf("it is asked for again: %v", err)
	}
}

// TestVerifyShowsSummaries holds what verify says of summaries and records that
// lie beside an image, whether anybody asked for them or not.
func TestVerifyShowsSummaries(t *testing.T) {
	t.Parallel()
	k := newKeyless(t)
	p := k.publishes()
	k.stop.Gates = gate.Set{Signature: k.stop.Gates.Signature}
	k.attest(time.Minute, signer.Statement{PredicateType: signer.SignPredicate})
	about := k.publication()
	k.must(p.Publish(t.Context(), about))
	k.attest(time.Minute, signer.Statement{PredicateType: "https://slsa.dev/verification_summary/v1", Predicate: map[string]any{
		"verifier": map[string]any{"id": "https://v.example/\x1b[31m"}, "timeVerified": "2026-11-21T08:00:00Z", "resourceUri": "x",
		"policy": map[string]any{"uri": "https://p.example"}, "verificationResult": "FAILED", "verifiedLevels": []string{"FAILED"},
	}})
	k.attest(time.Minute, signer.Statement{PredicateType: "https://slsa.dev/verification_summary/v1", Predicate: map[string]any{}})
	list, err := k.oci.beside(t.Context(), about.Image, signals.Digest(about.Version.Digest), nil)
	k.must(err)
	var text strings.Builder
	verification{Told: list}.print(&text)
	for _, want := range []string{
		"beside it: summary of https://v.example/", " at 2026-11-21T08:00:00Z: FAILED FAILED, policy https://p.example (not verified)",
		"beside it: summary that cannot be read, policy unnamed (not verified)", "beside it: promotion record, policy " + ourVerifier + "/policy/env/dev/shop (ours)",
		": PASSED SLSA_BUILD_LEVEL_0 WAVEGUIDE_SOAK WAVEGUIDE_SIGNATURE, policy " + ourVerifier + "/policy/env/dev/shop " + string(policyOf(ourVerifier, k.stop.Lane, k.stop.Gates).Digest) + " (ours)",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%s does not say %q", text.String(), want)
		}
	}
	if len(list) != 4 || strings.Contains(text.String(), "\x1b") {
		t.Errorf("%d lines: %q", len(list), text.String())
	}
}
