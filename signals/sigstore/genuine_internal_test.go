package sigstore

import (
	"encoding/hex"
	"os"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/sigstore/sigstore-go/pkg/verify"

	"github.com/waveguide-dev/waveguide/signals"
)

func genuine(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/genuine/" + file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func publicGood(t *testing.T) *Root {
	t.Helper()
	root, err := NewRoot(genuine(t, "public-good.json"))
	if err != nil {
		t.Fatal(err)
	}
	if in := root.instances[0]; len(in.witnesses) != 2 || in.witnesses[0] != WitnessReceipt || in.witnesses[1] != WitnessLog {
		t.Errorf("public Sigstore demands %v, want a receipt and a log", in.witnesses)
	}
	return root
}

// TestGenuineAttestation is evidence of an image by public Sigstore. Its kind
// has no gate, so it is asked for by no name.
func TestGenuineAttestation(t *testing.T) {
	t.Parallel()
	const who, issuer = "cody@soyland.com", "https://github.com/login/oauth"
	subject, err := name.NewDigest("127.0.0.1:60943/repo@sha256:732112270d7e59418a8c080b134b24cabd67d250d0d0147a97ed95ba5c280aa4")
	if err != nil {
		t.Fatal(err)
	}
	evidence := Evidence{Subject: subject, Items: []Item{{Kind: Bundle, Raw: genuine(t, "oci-attestation.json")}}}
	for subject, want := range map[string]signals.Outcome{who: signals.OutcomeVerified, "somebody@soyland.com": signals.OutcomeRefused} {
		v, err := New(Options{Identities: []Identity{{Subject: subject, Issuer: issuer}}, Roots: []*Root{publicGood(t)}, Kinds: []signals.ProofKind{""}})
		if err != nil {
			t.Fatal(err)
		}
		proofs, err := v.Verify(t.Context(), evidence)
		if err != nil {
			t.Fatal(err)
		}
		if got := proofs[0]; got.Outcome != want || want == signals.OutcomeVerified && (got.Identity != who || !got.Signed.Equal(time.Unix(1740770291, 0))) {
			t.Errorf("%s: %+v, want %s", subject, got, want)
		}
	}
}

// TestGenuineProvenance is what GitHub made for a package of npm, whose digest
// is of an algorithm that images do not have.
func TestGenuineProvenance(t *testing.T) {
	t.Parallel()
	raw := genuine(t, "npm-provenance.json")
	l, err := open(raw)
	if err != nil {
		t.Fatal(err)
	}
	digest, err := hex.DecodeString(l.Subject[0].Digest["sha512"])
	if err != nil {
		t.Fatal(err)
	}
	const workflow = "https://github.com/sigstore/sigstore-js/.github/workflows/release.yml@refs/heads/main"
	v, err := New(Options{
		Identities: []Identity{{Subject: workflow, Issuer: "https://token.actions.githubusercontent.com"}},
		Roots:      []*Root{publicGood(t)}, Kinds: []signals.ProofKind{signals.ProofProvenance},
	})
	if err != nil {
		t.Fatal(err)
	}
	found := v.certified(raw, l.leaf, verify.WithArtifactDigest("sha512", digest))
	if found.Standing != verified {
		t.Fatalf("verdict = %+v", found)
	}
	found = provenance(l.Statement, found.about(signals.ProofProvenance))
	want := signals.Build{
		Builder: "https://github.com/actions/runner/github-hosted", Type: "https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1",
		Source: "https://github.com/sigstore/sigstore-js", Revision: "f0b49a04e5a62250e0f60fb128004a73110fe311", Ref: "refs/heads/main",
		Trigger: "push", Runner: "github-hosted", Run: "https://github.com/sigstore/sigstore-js/actions/runs/5904696764/attempts/1", Certified: true,
	}
	if found.Standing != verified || found.Build == nil || *found.Build != want {
		t.Errorf("verdict = %+v, build = %+v", found, found.Build)
	}
	if wrong := v.certified(raw, l.leaf, verify.WithArtifactDigest("sha512", make([]byte, 64))); wrong.Standing != strange || wrong.Reason == "" {
		t.Errorf("another digest: %+v", wrong)
	}
}
