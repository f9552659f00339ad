package sigstore_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/sigstore"
)

// recorded reads evidence that the cosign command made.
func recorded(t *testing.T, file string) sigstore.Evidence {
	t.Helper()
	data, err := os.ReadFile("testdata/" + file)
	must(t, err)
	var r struct {
		Subject string
		Items   []struct {
			Kind        sigstore.Kind
			Blob        string
			Annotations map[string]string
			Raw         []byte
		}
	}
	must(t, json.Unmarshal(data, &r))
	e := sigstore.Evidence{}
	e.Subject, err = name.NewDigest(r.Subject)
	must(t, err)
	for _, i := range r.Items {
		blob, err := v1.NewHash(i.Blob)
		must(t, err)
		e.Items = append(e.Items, sigstore.Item{Kind: i.Kind, Blob: blob, Annotations: i.Annotations, Raw: i.Raw})
	}
	return e
}

func recordedKey(t *testing.T, name string) []sigstore.Key {
	t.Helper()
	pem, err := os.ReadFile("testdata/recorded/" + name + ".pub")
	must(t, err)
	return []sigstore.Key{{Name: name, PEM: pem}}
}

// TestRecordedSignatures are those of every kind of key, in both forms, and of
// no other key.
func TestRecordedSignatures(t *testing.T) {
	t.Parallel()
	keys := []string{"p256", "p384", "rsa", "ed25519"}
	for i, key := range keys {
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			e := recorded(t, "recorded/signed-"+key+".json")
			v, err := sigstore.New(sigstore.Options{Keys: recordedKey(t, key)})
			must(t, err)
			got := only(t)(v.Verify(t.Context(), e))
			if got.Outcome != signals.OutcomeVerified || len(got.Evidence) != 2 || got.Repository != e.Subject.Context().Name() {
				t.Errorf("proof = %+v, want both forms verified", got)
			}
			v, err = sigstore.New(sigstore.Options{Keys: recordedKey(t, keys[(i+1)%len(keys)])})
			must(t, err)
			if got := only(t)(v.Verify(t.Context(), e)); got.Outcome != signals.OutcomeRefused {
				t.Errorf("under another key: %+v", got)
			}
		})
	}
}

// TestRecordedAttestations are of every kind, as .att layers and as bundles.
func TestRecordedAttestations(t *testing.T) {
	t.Parallel()
	build := signals.Build{Builder: "https://builder.example", Type: "https://example.com/make", Source: source, Revision: revision, Ref: "refs/heads/main"}
	scan := signals.Finding{ID: "CVE-2026-1", Severity: "high", Unaffected: "not affected: component_not_present"}
	for _, file := range []string{"attested-v2.json", "attested-v3.json"} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			v, err := sigstore.New(sigstore.Options{Keys: recordedKey(t, "p256"), Kinds: []signals.ProofKind{
				signals.ProofSignature, signals.ProofProvenance, signals.ProofSBOM, signals.ProofVulnerabilities, signals.ProofTests,
			}})
			must(t, err)
			proofs, err := v.Verify(t.Context(), recorded(t, "recorded/"+file))
			must(t, err)
			for i, evidence := range []int{0, 2, 2, 3, 1} {
				p := proofs[i]
				if (p.Outcome == signals.OutcomeVerified) != (evidence > 0) || len(p.Evidence) != evidence {
					t.Errorf("%s: %+v, want %d pieces", p.Kind, p, evidence)
				}
			}
			if diff := cmp.Diff([]signals.Build{build}, proofs[1].Builds); diff != "" {
				t.Errorf("builds (-want +got):\n%s", diff)
			}
			if b := proofs[2].Bill; b == nil || b.Components != 1 {
				t.Errorf("bill = %+v", b)
			}
			if s := proofs[3].Scan; s == nil || len(s.Findings) != 1 || s.Findings[0] != scan || s.Finished.IsZero() {
				t.Errorf("scan = %+v", s)
			}
			if s := proofs[4].Suites; len(s) != 2 || !s[0].Passed || s[1].Name != "unit" {
				t.Errorf("suites = %+v", s)
			}
		})
	}
}

// TestRecordedKeyless is what the cosign command signed with certificates of a
// virtual Sigstore, in both forms: a signature and a test result each.
func TestRecordedKeyless(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/keyless/trusted_root.json")
	must(t, err)
	strict, err := sigstore.NewRoot(data, sigstore.WitnessReceipt, sigstore.WitnessLog, sigstore.WitnessStamp)
	must(t, err)
	plain, err := sigstore.NewRoot(data)
	must(t, err)
	const issuer = "https://token.actions.githubusercontent.com"
	for file, roots := range map[string]struct{ signature, tests *sigstore.Root }{
		"bundle.json": {strict, strict},
		// The older form of an attestation stamps other bytes; its log entry counts.
		"older.json": {strict, plain},
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			e := recorded(t, "keyless/"+file)
			ask := func(kind signals.ProofKind, root *sigstore.Root, identity string) signals.Proof {
				t.Helper()
				v, err := sigstore.New(sigstore.Options{
					Identities: []sigstore.Identity{{Subject: identity, Issuer: issuer}}, Roots: []*sigstore.Root{root}, Kinds: []signals.ProofKind{kind},
				})
				must(t, err)
				return only(t)(v.Verify(t.Context(), e))
			}
			signature := ask(signals.ProofSignature, roots.signature, workflow)
			if signature.Outcome != signals.OutcomeVerified || len(signature.Builds) != 1 || signature.Builds[0].Source != source || signature.Signed.IsZero() {
				t.Errorf("signature = %+v", signature)
			}
			tests := ask(signals.ProofTests, roots.tests, workflow)
			if tests.Outcome != signals.OutcomeVerified || len(tests.Suites) != 1 || !tests.Suites[0].Passed {
				t.Errorf("tests = %+v", tests)
			}
			for _, kind := range []signals.ProofKind{signals.ProofSignature, signals.ProofTests} {
				if got := ask(kind, plain, workflow+"-stranger"); got.Outcome != signals.OutcomeRefused {
					t.Errorf("%s of a near miss = %+v", kind, got)
				}
			}
		})
	}
}
