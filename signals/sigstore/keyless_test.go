package sigstore_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/sigstore"
	"github.com/waveguide-dev/waveguide/signals/sigstore/virtual"
)

const (
	github   = "https://token.actions.githubusercontent.com"
	source   = "https://github.com/acme/app"
	workflow = source + "/.github/workflows/release.yaml@refs/heads/main"
	revision = "0123456789abcdef0123456789abcdef01234567"
	subject  = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	here     = "registry.example.org/team/app"
)

// job is the identity that the rules of these tests trust.
var job = virtual.Identity{
	Name: workflow, Issuer: github, Source: source, Revision: revision, Ref: "refs/heads/main",
	Trigger: "push", Runner: "github-hosted", Builder: workflow, Run: source + "/actions/runs/1",
}

// lab is a virtual Sigstore and a verifier that trusts the job under it.
type lab struct {
	t   *testing.T
	now time.Time
	*virtual.Instance
}

func newLab(t *testing.T) *lab {
	t.Helper()
	now := time.Now().Truncate(time.Second)
	i, err := virtual.New(now)
	must(t, err)
	return &lab{t, now, i}
}

func (l *lab) root(p virtual.Parts, w ...sigstore.Witness) *sigstore.Root {
	l.t.Helper()
	data, err := l.Root(p)
	must(l.t, err)
	r, err := sigstore.NewRoot(data, w...)
	must(l.t, err)
	return r
}

// options trust the job for all kinds of evidence.
func (l *lab) options() sigstore.Options {
	l.t.Helper()
	return sigstore.Options{
		Identities: []sigstore.Identity{{Subject: workflow, Issuer: github}}, Roots: []*sigstore.Root{l.root(virtual.Parts{})},
		Kinds: []signals.ProofKind{
			signals.ProofSignature, signals.ProofProvenance, signals.ProofSBOM, signals.ProofVulnerabilities, signals.ProofTests,
		},
	}
}

// says is a statement about the digest.
func says(predicateType string, predicate any) []byte {
	return about(subject, predicateType, predicate)
}

func about(digest, predicateType string, predicate any) []byte {
	raw, err := json.Marshal(map[string]any{
		"_type": "https://in-toto.io/Statement/v1", "predicateType": predicateType, "predicate": predicate,
		"subject": []any{map[string]any{"name": here, "digest": map[string]string{"sha256": strings.TrimPrefix(digest, "sha256:")}}},
	})
	if err != nil {
		panic(err)
	}
	return raw
}

const signType = "https://sigstore.dev/cosign/sign/v1"

// bundle signs as somebody, a minute ago.
func (l *lab) bundle(who virtual.Identity, statement []byte, w virtual.Witnesses) sigstore.Item {
	l.t.Helper()
	if w.At.IsZero() {
		w.At = l.now.Add(-time.Minute)
	}
	raw, err := l.Bundle(who, statement, w)
	must(l.t, err)
	return sigstore.Item{Kind: sigstore.Bundle, Raw: raw, Blob: v1.Hash{Algorithm: "sha256", Hex: fmt.Sprintf("%064x", len(raw))}}
}

func (l *lab) legacy(who virtual.Identity, payload string, w virtual.Witnesses) sigstore.Item {
	l.t.Helper()
	if w.At.IsZero() {
		w.At = l.now.Add(-time.Minute)
	}
	annotations, err := l.Signature(who, []byte(payload), w)
	must(l.t, err)
	return sigstore.Item{Kind: sigstore.Legacy, Raw: []byte(payload), Annotations: annotations}
}

func (l *lab) attestation(who virtual.Identity, statement []byte, w virtual.Witnesses) sigstore.Item {
	l.t.Helper()
	if w.At.IsZero() {
		w.At = l.now.Add(-time.Minute)
	}
	raw, annotations, err := l.Attestation(who, statement, w)
	must(l.t, err)
	return sigstore.Item{Kind: sigstore.Attestation, Raw: raw, Annotations: annotations}
}

func simple(digest, repository string) string {
	return fmt.Sprintf(`{"critical":{"identity":{"docker-reference":%q},"image":{"docker-manifest-digest":%q},"type":"cosign container image signature"},"optional":null}`, repository, digest)
}

// judge verifies items and returns the proof of one kind.
func judge(t *testing.T, o sigstore.Options, kind signals.ProofKind, items ...sigstore.Item) signals.Proof {
	t.Helper()
	v, err := sigstore.New(o)
	must(t, err)
	ref, err := name.NewDigest(here + "@" + subject)
	must(t, err)
	proofs, err := v.Verify(t.Context(), sigstore.Evidence{Subject: ref, Items: items, At: time.Now()})
	must(t, err)
	for _, p := range proofs {
		if p.Kind == kind {
			return p
		}
	}
	t.Fatalf("no proof of %s in %+v", kind, proofs)
	return signals.Proof{}
}

// TestKeyless holds for every way in which parties witness a signature.
func TestKeyless(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	private := l.root(virtual.Parts{WithoutLogs: true})
	second := virtual.Witnesses{Second: true, Stamp: true}
	for label, c := range map[string]struct {
		item sigstore.Item
		root *sigstore.Root
	}{
		"bundle":                            {item: l.bundle(job, says(signType, nil), virtual.Witnesses{})},
		"bundle with a promise alone":       {item: l.bundle(job, says(signType, nil), virtual.Witnesses{NoProof: true})},
		"bundle with a timestamp":           {item: l.bundle(job, says(signType, nil), virtual.Witnesses{Stamp: true})},
		"bundle in the second log":          {item: l.bundle(job, says(signType, nil), second)},
		"bundle with a timestamp alone":     {item: l.bundle(job, says(signType, nil), virtual.Witnesses{Stamp: true, NoLog: true, NoReceipt: true}), root: private},
		"legacy":                            {item: l.legacy(job, simple(subject, here), virtual.Witnesses{})},
		"legacy with a timestamp":           {item: l.legacy(job, simple(subject, here), virtual.Witnesses{Stamp: true})},
		"legacy with a timestamp alone":     {item: l.legacy(job, simple(subject, here), virtual.Witnesses{Stamp: true, NoLog: true, NoReceipt: true}), root: private},
		"legacy that needs no receipt":      {item: l.legacy(job, simple(subject, here), virtual.Witnesses{NoReceipt: true}), root: l.root(virtual.Parts{}, sigstore.WitnessLog)},
		"bundle under log and timestamp":    {item: l.bundle(job, says(signType, nil), second), root: l.root(virtual.Parts{}, sigstore.WitnessLog, sigstore.WitnessStamp)},
		"attestation that is a signature":   {item: l.attestation(job, says(signType, nil), virtual.Witnesses{})},
		"bundle with a promise and no tree": {item: l.bundle(job, says(signType, nil), virtual.Witnesses{NoProof: true, Stamp: true})},
	} {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			o := l.options()
			if c.root != nil {
				o.Roots = []*sigstore.Root{c.root}
			}
			got := judge(t, o, signals.ProofSignature, c.item)
			if got.Outcome != signals.OutcomeVerified || got.Repository != here || got.Identity != workflow || got.Issuer != github {
				t.Fatalf("proof = %+v", got)
			}
			if want := l.now.Add(-time.Minute); !got.Signed.Equal(want) {
				t.Errorf("signed at %s, want %s", got.Signed, want)
			}
			want := signals.Build{Builder: workflow, Source: source, Revision: revision, Ref: "refs/heads/main", Trigger: "push", Runner: "github-hosted", Run: job.Run, Certified: true}
			if len(got.Builds) != 1 || got.Builds[0] != want {
				t.Errorf("builds = %+v, want %+v", got.Builds, want)
			}
		})
	}
}
