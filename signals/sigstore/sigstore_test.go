package sigstore_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/go-containerregistry/pkg/name"
	memory "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/sigstore"
	"github.com/waveguide-dev/waveguide/signals/sigstore/signer"
)

// host is a registry whose requests are counted and may be answered by the
// test instead.
type host struct {
	inner   http.Handler
	address string

	mu       sync.Mutex
	requests []string
	answer   func(w http.ResponseWriter, r *http.Request) bool
}

func (h *host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	h.requests = append(h.requests, r.Method+" "+r.URL.Path)
	answer := h.answer
	h.mu.Unlock()
	if answer == nil || !answer(w, r) {
		h.inner.ServeHTTP(w, r)
	}
}

func (h *host) set(answer func(w http.ResponseWriter, r *http.Request) bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answer, h.requests = answer, nil
}

func (h *host) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.requests)
}

func serve(t *testing.T, referrers bool) *host {
	t.Helper()
	quiet := slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	h := &host{inner: memory.New(memory.Logger(quiet), memory.WithReferrersSupport(referrers))}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	h.address = strings.TrimPrefix(server.URL, "http://")
	return h
}

// image pushes an image and returns its digest.
func (h *host) image(t *testing.T, repository string) name.Digest {
	t.Helper()
	image, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	return h.write(t, repository, image)
}

func (h *host) write(t *testing.T, repository string, image v1.Image) name.Digest {
	t.Helper()
	repo, err := name.NewRepository(h.address + "/" + repository)
	if err != nil {
		t.Fatal(err)
	}
	digest, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	ref := repo.Digest(digest.String())
	if err := remote.Write(ref, image); err != nil {
		t.Fatal(err)
	}
	return ref
}

func (h *host) fetcher(t *testing.T) sigstore.Fetcher {
	t.Helper()
	puller, err := remote.NewPuller(remote.WithRetryStatusCodes(), remote.WithRetryPredicate(func(error) bool { return false }))
	if err != nil {
		t.Fatal(err)
	}
	return sigstore.Fetcher{Puller: puller}
}

func newSigner(t *testing.T) *signer.Signer {
	t.Helper()
	s, err := signer.Generate()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// trust makes a verifier that trusts the signers under the given names.
func trust(t *testing.T, cache sigstore.Cache, named map[string]*signer.Signer) *sigstore.Verifier {
	t.Helper()
	var keys []sigstore.Key
	for _, name := range []string{"release", "old"} {
		if s := named[name]; s != nil {
			public, err := s.PublicKey()
			must(t, err)
			keys = append(keys, sigstore.Key{Name: name, PEM: public})
		}
	}
	v, err := sigstore.New(sigstore.Options{Keys: keys, Cache: cache, Program: "test"})
	must(t, err)
	return v
}

func prove(t *testing.T, f sigstore.Fetcher, v *sigstore.Verifier, subject name.Digest) signals.Proof {
	t.Helper()
	evidence, err := f.Fetch(t.Context(), subject)
	must(t, err)
	proof, err := v.Verify(t.Context(), evidence)
	must(t, err)
	again, err := v.Reverify(t.Context(), evidence)
	must(t, err)
	if diff := cmp.Diff(proof, again); diff != "" {
		t.Errorf("Reverify differs from Verify (-first +again):\n%s", diff)
	}
	if proof.At.IsZero() || proof.Policy != v.Policy() || proof.Kind != signals.ProofSignature || proof.Digest != signals.Digest(subject.DigestStr()) {
		t.Errorf("proof does not say what it is about: %+v", proof)
	}
	return proof
}

// forms runs a test against registries with and without the referrers API.
func forms(t *testing.T, test func(t *testing.T, h *host)) {
	t.Helper()
	for name, referrers := range map[string]bool{"referrers API": true, "fallback tag": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, serve(t, referrers))
		})
	}
}

func TestSignedImages(t *testing.T) {
	t.Parallel()
	forms(t, func(t *testing.T, h *host) {
		ctx := t.Context()
		release, old, stranger := newSigner(t), newSigner(t), newSigner(t)
		v := trust(t, nil, map[string]*signer.Signer{"release": release, "old": old})
		here := h.address + "/team/app"
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
				sign:    func(t *testing.T, d name.Digest) { t.Helper(); must(t, release.SignAs(ctx, d, h.address+"/other/app")) },
				outcome: signals.OutcomeRefused, repository: h.address + "/other/app",
				reason: fmt.Sprintf("signed by release for %q, not for %q", h.address+"/other/app", here),
			},
			"bundle of another team": {
				sign: func(t *testing.T, d name.Digest) {
					t.Helper()
					must(t, release.Attest(ctx, d, signer.Statement{PredicateType: signer.SignPredicate, Name: h.address + "/other/app"}))
				},
				outcome: signals.OutcomeRefused, repository: h.address + "/other/app",
				reason: fmt.Sprintf("signed by release for %q, not for %q", h.address+"/other/app", here),
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
					payload, sig, err := release.Payload("sha256:"+strings.Repeat("0", 64), here)
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
			"hostile log entry": {
				sign: func(t *testing.T, d name.Digest) {
					t.Helper()
					payload, sig, err := release.Payload(d.DigestStr(), here)
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
				subject := h.image(t, "team/app")
				c.sign(t, subject)
				got := prove(t, h.fetcher(t), v, subject)
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

func attach(ctx context.Context, d name.Digest, payload []byte, annotations map[string]string) error {
	layer := static.NewLayer(payload, types.MediaType("application/vnd.dev.cosign.simplesigning.v1+json"))
	return signer.Attach(ctx, d, layer, annotations)
}

// TestCopied copies an image with all its evidence to another repository, as
// somebody who may push there would.
func TestCopied(t *testing.T) {
	t.Parallel()
	h := serve(t, true)
	release := newSigner(t)
	image, err := random.Image(64, 1)
	must(t, err)
	theirs := h.write(t, "other/app", image)
	must(t, release.Sign(t.Context(), theirs))
	ours := h.write(t, "team/app", image)
	tag := strings.Replace(theirs.DigestStr(), ":", "-", 1) + ".sig"
	signatures, err := remote.Image(theirs.Context().Tag(tag))
	must(t, err)
	must(t, remote.Write(ours.Context().Tag(tag), signatures))
	v := trust(t, nil, map[string]*signer.Signer{"release": release})
	if got := prove(t, h.fetcher(t), v, theirs); got.Outcome != signals.OutcomeVerified {
		t.Errorf("at home: %+v, want verified", got)
	}
	got := prove(t, h.fetcher(t), v, ours)
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
			proof, err := v.Verify(t.Context(), sigstore.Evidence{Subject: ref, Items: []sigstore.Item{item}})
			must(t, err)
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
	payload, sig, err := release.Payload(digest, "registry.example.org/team/app")
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
		proof, err := v.Verify(t.Context(), sigstore.Evidence{Subject: subject, Items: items})
		must(t, err)
		if proof.Outcome == signals.OutcomeVerified {
			t.Errorf("byte %d flipped and still verified: %+v", i, proof)
		}
	}
}

// TestCouldNotLook breaks each place that is read, one at a time: that is an
// error, never "unsigned".
func TestCouldNotLook(t *testing.T) {
	t.Parallel()
	places := map[string]string{"subject": "HEAD ", ".sig tag": ".sig", "referrers": "/referrers/", "manifest": "GET manifests/sha256:", "blob": "/blobs/"}
	for place, part := range places {
		for _, status := range []int{401, 403, 408, 429, 500, 502, 503} {
			t.Run(fmt.Sprintf("%s %d", place, status), func(t *testing.T) {
				t.Parallel()
				h := serve(t, true)
				release := newSigner(t)
				subject := h.image(t, "team/app")
				must(t, release.SignBundle(t.Context(), subject))
				h.set(func(w http.ResponseWriter, r *http.Request) bool {
					path := strings.Replace(r.Method+" "+r.URL.Path, "/v2/team/app/", "", 1)
					if strings.Contains(path, part) || strings.Contains(r.Method+" "+r.URL.Path, part) {
						w.WriteHeader(status)
						return true
					}
					return false
				})
				evidence, err := h.fetcher(t).Fetch(t.Context(), subject)
				if err == nil || !strings.Contains(err.Error(), "could not look") {
					t.Errorf("Fetch = %+v, %v, want an error", evidence, err)
				}
			})
		}
	}
}

func TestCouldNotLookFallback(t *testing.T) {
	t.Parallel()
	h := serve(t, false)
	subject := h.image(t, "team/app")
	fallback := "/manifests/" + strings.Replace(subject.DigestStr(), ":", "-", 1)
	h.set(func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, fallback) {
			w.WriteHeader(http.StatusBadGateway)
			return true
		}
		return false
	})
	if evidence, err := h.fetcher(t).Fetch(t.Context(), subject); err == nil {
		t.Errorf("Fetch = %+v, want an error", evidence)
	}
}

func TestCouldNotLookInTime(t *testing.T) {
	t.Parallel()
	h := serve(t, true)
	subject := h.image(t, "team/app")
	h.set(func(_ http.ResponseWriter, r *http.Request) bool { <-r.Context().Done(); return true })
	f := h.fetcher(t)
	f.Limits.Timeout = 1
	if evidence, err := f.Fetch(t.Context(), subject); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Fetch = %+v, %v, want the deadline", evidence, err)
	}
}

func TestSubjectMissing(t *testing.T) {
	t.Parallel()
	h := serve(t, true)
	subject := h.image(t, "team/app").Context().Digest("sha256:" + strings.Repeat("0", 64))
	if _, err := h.fetcher(t).Fetch(t.Context(), subject); !errors.Is(err, sigstore.ErrSubjectMissing) {
		t.Errorf("Fetch = %v, want ErrSubjectMissing", err)
	}
}

// TestGzipBomb attaches half a megabyte that inflates to half a gigabyte.
func TestGzipBomb(t *testing.T) { //nolint:paralleltest // it measures the memory of the process
	h := serve(t, true)
	release := newSigner(t)
	subject := h.image(t, "team/app")
	var member bytes.Buffer
	z := gzip.NewWriter(&member)
	_, err := z.Write(make([]byte, 1<<20))
	must(t, err)
	must(t, z.Close())
	bomb := bytes.Repeat(member.Bytes(), 512) // members of a gzip file follow each other
	must(t, signer.Refer(t.Context(), subject, bomb, signer.SignPredicate))
	must(t, attach(t.Context(), subject, bomb, nil))
	v := trust(t, nil, map[string]*signer.Signer{"release": release})
	f := h.fetcher(t)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got := prove(t, f, v, subject)
	runtime.ReadMemStats(&after)
	if got.Outcome != signals.OutcomeRefused {
		t.Errorf("proof = %+v, want refused", got)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 64<<20 {
		t.Errorf("%d MiB were allocated for %d KiB", used>>20, len(bomb)>>10)
	}
}

func TestTooLargeAndMissingPieces(t *testing.T) {
	t.Parallel()
	h := serve(t, true)
	release := newSigner(t)
	subject := h.image(t, "team/app")
	must(t, attach(t.Context(), subject, bytes.Repeat([]byte("x"), 4096), nil))
	must(t, release.SignBundle(t.Context(), subject))
	v := trust(t, nil, map[string]*signer.Signer{"release": release})
	f := h.fetcher(t)
	f.Limits.Blob = 2048
	if got := prove(t, f, v, subject); got.Outcome != signals.OutcomeVerified {
		t.Errorf("beside a piece that is too large: %+v, want verified", got)
	}
	h.set(func(w http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.URL.Path, "/blobs/") {
			w.WriteHeader(http.StatusNotFound)
			return true
		}
		return false
	})
	if got := prove(t, f, v, subject); got.Outcome != signals.OutcomeRefused {
		t.Errorf("with its content missing: %+v, want refused", got)
	}
}

func TestTooManyReferrers(t *testing.T) {
	t.Parallel()
	h := serve(t, true)
	subject := h.image(t, "team/app")
	h.set(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "/referrers/") {
			return false
		}
		index := v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex}
		for i := range 10_000 {
			index.Manifests = append(index.Manifests, v1.Descriptor{
				MediaType: types.OCIManifestSchema1, Size: 1, Digest: v1.Hash{Algorithm: "sha256", Hex: fmt.Sprintf("%064x", i)},
			})
		}
		w.Header().Set("Content-Type", string(types.OCIImageIndex))
		_ = json.NewEncoder(w).Encode(index)
		return true
	})
	_, err := h.fetcher(t).Fetch(t.Context(), subject)
	if !errors.Is(err, sigstore.ErrLimit) || !strings.Contains(err.Error(), "more than 64 referrers") {
		t.Errorf("Fetch = %v, want ErrLimit", err)
	}
	if got := h.count(); got > 80 {
		t.Errorf("%d requests before giving up", got)
	}
}

func TestDanglingAndMisplacedReferrers(t *testing.T) {
	t.Parallel()
	forms(t, func(t *testing.T, h *host) {
		release := newSigner(t)
		v := trust(t, nil, map[string]*signer.Signer{"release": release})
		one, two := h.image(t, "team/app"), h.image(t, "team/app")
		must(t, release.SignBundle(t.Context(), one))
		foreign := descriptors(t, one)[0]
		h.set(func(w http.ResponseWriter, r *http.Request) bool {
			fallback := strings.Replace(two.DigestStr(), ":", "-", 1)
			if !strings.HasSuffix(r.URL.Path, "/referrers/"+two.DigestStr()) && !strings.HasSuffix(r.URL.Path, "/manifests/"+fallback) {
				return false
			}
			dangling := foreign
			dangling.Digest = v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("0", 64)}
			w.Header().Set("Content-Type", string(types.OCIImageIndex))
			_ = json.NewEncoder(w).Encode(v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: []v1.Descriptor{dangling, foreign}})
			return true
		})
		got := prove(t, h.fetcher(t), v, two)
		if got.Outcome != signals.OutcomeRefused || !strings.Contains(got.Reason, "about another digest") {
			t.Errorf("proof = %+v, want the misplaced bundle refused", got)
		}
	})
}

func descriptors(t *testing.T, d name.Digest) []v1.Descriptor {
	t.Helper()
	index, err := remote.Referrers(d)
	must(t, err)
	list, err := index.IndexManifest()
	must(t, err)
	return list.Manifests
}

// store is a cache in memory.
type store struct {
	mu     sync.Mutex
	values map[string][]byte
	broken error
}

func newStore() *store { return &store{values: map[string][]byte{}} }

func (s *store) Get(_ context.Context, key string) ([]byte, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	value, ok := s.values[key]
	return value, ok, s.broken
}

func (s *store) Put(_ context.Context, key string, value []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.values[key] = value
	return s.broken
}

func TestRequests(t *testing.T) {
	t.Parallel()
	const bundles = 5
	cases := map[string]struct {
		referrers        bool
		bundles          int
		cold, fresh, hot int
	}{
		// A ping opens each connection; then subject, .sig tag, referrers.
		"unsigned":                        {referrers: true, cold: 4, fresh: 3, hot: 3},
		"unsigned, fallback":              {cold: 5, fresh: 4, hot: 4},
		"five bundles":                    {referrers: true, bundles: bundles, cold: 4 + 2*bundles, fresh: 3 + 2*bundles, hot: 3},
		"five bundles under the fallback": {bundles: bundles, cold: 5 + 2*bundles, fresh: 4 + 2*bundles, hot: 4},
	}
	for label, c := range cases {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			h := serve(t, c.referrers)
			release := newSigner(t)
			v := trust(t, nil, map[string]*signer.Signer{"release": release})
			first, second := h.image(t, "team/app"), h.image(t, "team/app")
			for range c.bundles {
				must(t, release.SignBundle(t.Context(), first))
				must(t, release.SignBundle(t.Context(), second))
			}
			f := h.fetcher(t)
			f.Cache = newStore()
			for _, look := range []struct {
				what    string
				subject name.Digest
				want    int
			}{{"the first look", first, c.cold}, {"a new digest", second, c.fresh}, {"a known digest", first, c.hot}} {
				h.set(nil)
				proof := prove(t, f, v, look.subject)
				if (proof.Outcome == signals.OutcomeVerified) != (c.bundles > 0) || len(proof.Evidence) != c.bundles {
					t.Errorf("%s: %+v", look.what, proof)
				}
				if got := h.count(); got != look.want {
					t.Errorf("%s took %d requests, want %d: %q", look.what, got, look.want, h.requests)
				}
			}
		})
	}
}

func TestCache(t *testing.T) {
	t.Parallel()
	h := serve(t, true)
	release, other := newSigner(t), newSigner(t)
	subject := h.image(t, "team/app")
	must(t, release.SignBundle(t.Context(), subject))
	cache := newStore()
	f := h.fetcher(t)
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
	if got, err := v.Verify(t.Context(), evidence); err != nil || got.By != "changed" {
		t.Errorf("Verify = %+v, %v, want the remembered verdict", got, err)
	}
	got, err := v.Reverify(t.Context(), evidence)
	must(t, err)
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
	cases := map[string]struct {
		keys []sigstore.Key
		want string
	}{
		"none":       {nil, "no trusted key"},
		"no name":    {[]sigstore.Key{{PEM: public}}, "no name"},
		"no key":     {[]sigstore.Key{{Name: "a", PEM: []byte("hello")}}, `key "a": no public key in PEM form`},
		"same name":  {[]sigstore.Key{{Name: "a", PEM: public}, {Name: "a", PEM: public}}, "given twice"},
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
