package sigstore_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/registry/registrytest"
	"github.com/waveguide-dev/waveguide/signals/sigstore"
	"github.com/waveguide-dev/waveguide/signals/sigstore/signer"
)

func TestSignedImages(t *testing.T) {
	t.Parallel()
	forms(t, func(t *testing.T, h *registrytest.Registry) {
		t.Helper()
		ctx := t.Context()
		release, old, stranger := newSigner(t), newSigner(t), newSigner(t)
		v := trust(t, nil, map[string]*signer.Signer{"release": release, "old": old})
		here := h.Address + "/team/app"
		cases := map[string]struct {
			sign                    func(t *testing.T, d name.Digest)
			outcome                 signals.Outcome
			by, repository, version string
			reason                  string
			evidence                int
		}{
			"unsigned": {
				sign: func(*testing.T, name.Digest) {}, outcome: signals.OutcomeAbsent, reason: "no signature",
			},
			"legacy": {
				sign:    func(t *testing.T, d name.Digest) { t.Helper(); must(t, release.Sign(ctx, d)) },
				outcome: signals.OutcomeVerified, by: "release", repository: here, reason: "signed by release", evidence: 1,
			},
			"legacy that names the version": {
				sign:    func(t *testing.T, d name.Digest) { t.Helper(); must(t, release.SignAs(ctx, d, here+":1.2.3")) },
				outcome: signals.OutcomeVerified, by: "release", repository: here, version: "1.2.3", reason: "signed by release", evidence: 1,
			},
			"bundle": {
				sign:    func(t *testing.T, d name.Digest) { t.Helper(); must(t, release.SignBundle(ctx, d)) },
				outcome: signals.OutcomeVerified, by: "release", reason: "signed by release", evidence: 1,
			},
			"bundle that names the repository": {
				sign: func(t *testing.T, d name.Digest) {
					t.Helper()
					must(t, release.Attest(ctx, d, signer.Statement{PredicateType: signer.SignPredicate, Name: here}))
				},
				outcome: signals.OutcomeVerified, by: "release", repository: here, reason: "signed by release", evidence: 1,
			},
			"old key during a rotation": {
				sign:    func(t *testing.T, d name.Digest) { t.Helper(); must(t, old.SignBundle(ctx, d)) },
				outcome: signals.OutcomeVerified, by: "old", reason: "signed by old", evidence: 1,
			},
			"both forms, and a stranger's": {
				sign: func(t *testing.T, d name.Digest) {
					t.Helper()
					must(t, stranger.Sign(ctx, d))
					must(t, release.Sign(ctx, d))
					must(t, release.SignBundle(ctx, d))
				},
				outcome: signals.OutcomeVerified, by: "release", repository: here, reason: "signed by release", evidence: 2,
			},
			"stranger's legacy": {
				sign:    func(t *testing.T, d name.Digest) { t.Helper(); must(t, stranger.Sign(ctx, d)) },
				outcome: signals.OutcomeRefused, reason: "signed by an unknown key, which is none of the trusted keys (release, old)",
			},
			"stranger's bundle": {
				sign:    func(t *testing.T, d name.Digest) { t.Helper(); must(t, stranger.SignBundle(ctx, d)) },
				outcome: signals.OutcomeRefused, reason: "signed by the key \"",
			},
			"legacy of another team": {
				sign:    func(t *testing.T, d name.Digest) { t.Helper(); must(t, release.SignAs(ctx, d, h.Address+"/other/app")) },
				outcome: signals.OutcomeRefused, repository: h.Address + "/other/app",
				reason: fmt.Sprintf("signed by release for %q, not for %q", h.Address+"/other/app", here),
			},
			"bundle of another team": {
				sign: func(t *testing.T, d name.Digest) {
					t.Helper()
					must(t, release.Attest(ctx, d, signer.Statement{PredicateType: signer.SignPredicate, Name: h.Address + "/other/app"}))
				},
				outcome: signals.OutcomeRefused, repository: h.Address + "/other/app",
				reason: fmt.Sprintf("signed by release for %q, not for %q", h.Address+"/other/app", here),
			},
			"legacy of another team beside a bundle without a name": {
				sign: func(t *testing.T, d name.Digest) {
					t.Helper()
					must(t, release.SignBundle(ctx, d))
					must(t, release.SignAs(ctx, d, h.Address+"/other/app"))
				},
				outcome: signals.OutcomeRefused, repository: h.Address + "/other/app",
				reason: fmt.Sprintf("signed by release for %q, not for %q", h.Address+"/other/app", here),
			},
			"legacy for here and for another team": {
				sign: func(t *testing.T, d name.Digest) {
					t.Helper()
					must(t, release.SignAs(ctx, d, h.Address+"/other/app"))
					must(t, release.SignAs(ctx, d, strings.ToUpper(h.Address)+"/team/app@"+d.DigestStr()))
				},
				outcome: signals.OutcomeVerified, by: "release", repository: here, reason: "signed by release", evidence: 1,
			},
			"bundle about another digest": {
				sign: func(t *testing.T, d name.Digest) {
					t.Helper()
					must(t, release.Attest(ctx, d, signer.Statement{PredicateType: signer.SignPredicate, Digest: "sha256:" + strings.Repeat("0", 64)}))
				},
				outcome: signals.OutcomeRefused, reason: "is for another digest",
			},
			"legacy about another digest": {
				sign: func(t *testing.T, d name.Digest) {
					t.Helper()
					payload, sig, err := release.Payload("sha256:"+strings.Repeat("0", 64), here, nil)
					must(t, err)
					must(t, attach(ctx, d, payload, map[string]string{"dev.cosignproject.cosign/signature": sig}))
				},
				outcome: signals.OutcomeRefused, reason: "not for this one",
			},
			"a failed test is no signature": {
				sign: func(t *testing.T, d name.Digest) {
					t.Helper()
					must(t, release.Attest(ctx, d, signer.Statement{PredicateType: "https://in-toto.io/attestation/test-result/v0.1", Predicate: map[string]string{"result": "FAILED"}}))
				},
				outcome: signals.OutcomeAbsent, reason: "no signature, only other evidence (1)",
			},
			"a stranger's test is no signature either": {
				sign: func(t *testing.T, d name.Digest) {
					t.Helper()
					must(t, stranger.Attest(ctx, d, signer.Statement{PredicateType: "https://in-toto.io/attestation/test-result/v0.1"}))
				},
				outcome: signals.OutcomeAbsent, reason: "no signature, only other evidence (1)",
			},
			"legacy of another type": {
				sign: func(t *testing.T, d name.Digest) {
					t.Helper()
					payload, sig, err := release.Payload(d.DigestStr(), here, nil)
					must(t, err)
					payload = bytes.Replace(payload, []byte("cosign container image signature"), []byte("atomic"), 1)
					must(t, attach(ctx, d, payload, map[string]string{"dev.cosignproject.cosign/signature": sig}))
				},
				outcome: signals.OutcomeRefused, reason: "is not of the form",
			},
			"hostile log entry": {
				sign: func(t *testing.T, d name.Digest) {
					t.Helper()
					payload, sig, err := release.Payload(d.DigestStr(), here, nil)
					must(t, err)
					must(t, attach(ctx, d, payload, map[string]string{
						"dev.cosignproject.cosign/signature": sig,
						"dev.sigstore.cosign/bundle":         `{"SignedEntryTimestamp":"AA==","Payload":{"body":42,"integratedTime":1,"logIndex":1,"logID":"00"}}`,
					}))
				},
				outcome: signals.OutcomeRefused, reason: "log entry whose body is not a string",
			},
			"garbage": {
				sign: func(t *testing.T, d name.Digest) {
					t.Helper()
					must(t, signer.Refer(ctx, d, []byte("<html>"), signer.SignPredicate))
					must(t, attach(ctx, d, []byte("\x00\x01"), nil))
				},
				outcome: signals.OutcomeRefused, reason: "is not of the form",
			},
		}
		for label, c := range cases {
			t.Run(label, func(t *testing.T) {
				t.Parallel()
				subject := h.Image(t, "team/app")
				c.sign(t, subject)
				got := prove(t, fetcher(t), v, subject)
				if got.Outcome != c.outcome || got.By != c.by || got.Repository != c.repository || got.Tag != c.version || len(got.Evidence) != c.evidence {
					t.Errorf("proof = %+v, want %s by %q for %q at %q with %d pieces", got, c.outcome, c.by, c.repository, c.version, c.evidence)
				}
				if !strings.Contains(got.Reason, c.reason) && label != "garbage" || got.Reason == "" {
					t.Errorf("reason = %q, want %q", got.Reason, c.reason)
				}
			})
		}
	})
}

// TestCopied copies an image with all its evidence to another repository, as
// somebody who may push there would.
func TestCopied(t *testing.T) {
	t.Parallel()
	h := serve(t, true)
	release := newSigner(t)
	image, err := random.Image(64, 1)
	must(t, err)
	theirs := h.Push(t, "other/app", image)
	must(t, release.Sign(t.Context(), theirs))
	ours := h.Push(t, "team/app", image)
	tag := strings.Replace(theirs.DigestStr(), ":", "-", 1) + ".sig"
	signatures, err := remote.Image(theirs.Context().Tag(tag))
	must(t, err)
	must(t, remote.Write(ours.Context().Tag(tag), signatures))
	v := trust(t, nil, map[string]*signer.Signer{"release": release})
	if got := prove(t, fetcher(t), v, theirs); got.Outcome != signals.OutcomeVerified {
		t.Errorf("at home: %+v, want verified", got)
	}
	got := prove(t, fetcher(t), v, ours)
	if got.Outcome != signals.OutcomeRefused || !strings.Contains(got.Reason, "other/app") || !strings.Contains(got.Reason, "team/app") {
		t.Errorf("copied: %+v, want refused with both names", got)
	}
}

func TestRecordedCosign(t *testing.T) {
	t.Parallel()
	read := func(file string) []byte {
		raw, err := os.ReadFile("testdata/cosign/" + file)
		must(t, err)
		return raw
	}
	var manifest v1.Manifest
	must(t, json.Unmarshal(read("dot-sig-manifest.json"), &manifest))
	layer := manifest.Layers[0]
	subject := fmt.Sprintf("sha256:%x", sha256.Sum256(read("image-manifest.json")))
	v, err := sigstore.New(sigstore.Options{Keys: []sigstore.Key{{Name: "ci", PEM: read("cosign.pub")}}})
	must(t, err)
	items := map[string]sigstore.Item{
		"legacy": {Kind: sigstore.Legacy, Blob: layer.Digest, Annotations: layer.Annotations, Raw: read("dot-sig-payload.json")},
		"bundle": {Kind: sigstore.Bundle, Blob: layer.Digest, Raw: read("bundle-v0.3-key.json")},
	}
	want := map[string]string{"127.0.0.1:25000/team/app": "verified", "127.0.0.1:25000/other/app": "refused"}
	for label, item := range items {
		for repository, outcome := range want {
			ref, err := name.NewDigest(repository + "@" + subject)
			must(t, err)
			proof := only(t)(v.Verify(t.Context(), sigstore.Evidence{Subject: ref, Items: []sigstore.Item{item}}))
			if label == "bundle" { // cosign's bundles name no repository
				outcome = "verified"
				if proof.Repository != "" {
					t.Errorf("%s in %s names %q", label, repository, proof.Repository)
				}
			}
			if string(proof.Outcome) != outcome {
				t.Errorf("%s in %s: %+v, want %s", label, repository, proof, outcome)
			}
		}
	}
}

// TestTampered flips a bit of every byte of good evidence. Left alone are the
// parts that nobody signs (the hint at the key, the version of the format) and
// the padding of base64, whose bits mean nothing.
func TestTampered(t *testing.T) {
	t.Parallel()
	release := newSigner(t)
	v := trust(t, nil, map[string]*signer.Signer{"release": release})
	digest := "sha256:" + strings.Repeat("a", 64)
	subject, err := name.NewDigest("registry.example.org/team/app@" + digest)
	must(t, err)
	payload, sig, err := release.Payload(digest, "registry.example.org/team/app", nil)
	must(t, err)
	raw, err := release.Bundle(signer.Statement{PredicateType: signer.SignPredicate, Digest: digest})
	must(t, err)
	unsigned := bytes.Index(raw, []byte(`"mediaType"`))
	for i := range max(len(payload), len(raw)) {
		var items []sigstore.Item
		if i < len(payload) {
			flipped := bytes.Clone(payload)
			flipped[i] ^= 1
			items = append(items, sigstore.Item{Kind: sigstore.Legacy, Raw: flipped, Annotations: map[string]string{"dev.cosignproject.cosign/signature": sig}})
		}
		if i < unsigned && raw[i+1] != '=' {
			flipped := bytes.Clone(raw)
			flipped[i] ^= 1
			items = append(items, sigstore.Item{Kind: sigstore.Bundle, Raw: flipped})
		}
		proof := only(t)(v.Verify(t.Context(), sigstore.Evidence{Subject: subject, Items: items}))
		if proof.Outcome == signals.OutcomeVerified {
			t.Errorf("byte %d flipped and still verified: %+v", i, proof)
		}
	}
}

func TestCache(t *testing.T) {
	t.Parallel()
	h := serve(t, true)
	release, other := newSigner(t), newSigner(t)
	subject := h.Image(t, "team/app")
	must(t, release.SignBundle(t.Context(), subject))
	cache := newStore()
	f := fetcher(t)
	f.Cache = cache
	want := prove(t, f, trust(t, cache, map[string]*signer.Signer{"release": release}), subject)
	if got := prove(t, f, trust(t, cache, map[string]*signer.Signer{"release": other}), subject); got.Outcome != signals.OutcomeRefused {
		t.Errorf("a verdict under other keys was used: %+v", got)
	}

	for key, value := range cache.values { // a lying verdict shows that it is used, and by whom
		if strings.HasPrefix(key, "sigstore/verdict/") {
			cache.values[key] = bytes.ReplaceAll(value, []byte(`"release"`), []byte(`"changed"`))
		}
	}
	evidence, err := f.Fetch(t.Context(), subject)
	must(t, err)
	v := trust(t, cache, map[string]*signer.Signer{"release": release})
	if got := only(t)(v.Verify(t.Context(), evidence)); got.By != "changed" {
		t.Errorf("Verify = %+v, want the remembered verdict", got)
	}
	got := only(t)(v.Reverify(t.Context(), evidence))
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(signals.Proof{}, "At")); diff != "" {
		t.Errorf("Reverify (-want +got):\n%s", diff)
	}

	for key := range cache.values { // spoilt content is read again
		if !strings.HasPrefix(key, "sigstore/verdict/") {
			cache.values[key] = []byte("{}")
		}
	}
	if got, err := f.Fetch(t.Context(), subject); err != nil || !bytes.Equal(got.Items[0].Raw, evidence.Items[0].Raw) {
		t.Errorf("Fetch with a spoilt cache = %+v, %v", got, err)
	}
	cache.broken = errors.New("disk full")
	if _, err := v.Verify(t.Context(), evidence); !errors.Is(err, cache.broken) {
		t.Errorf("Verify with a broken cache = %v, want its error", err)
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	public, err := newSigner(t).PublicKey()
	must(t, err)
	another, err := newSigner(t).PublicKey()
	must(t, err)
	cases := map[string]struct {
		keys []sigstore.Key
		want string
	}{
		"none":       {nil, "no trusted key"},
		"no name":    {[]sigstore.Key{{PEM: public}}, "no name"},
		"no key":     {[]sigstore.Key{{Name: "a", PEM: []byte("hello")}}, `key "a": no public key in PEM form`},
		"same name":  {[]sigstore.Key{{Name: "a", PEM: public}, {Name: "a", PEM: another}}, "given twice"},
		"same key":   {[]sigstore.Key{{Name: "a", PEM: public}, {Name: "b", PEM: public}}, "given twice"},
		"large file": {[]sigstore.Key{{Name: "a", PEM: make([]byte, 1<<20)}}, "is this a public key?"},
	}
	for label, c := range cases {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			if _, err := sigstore.New(sigstore.Options{Keys: c.keys}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("New = %v, want %q", err, c.want)
			}
		})
	}
}
