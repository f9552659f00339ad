package sigstore_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/registry/registrytest"
	"github.com/waveguide-dev/waveguide/signals/sigstore"
	"github.com/waveguide-dev/waveguide/signals/sigstore/signer"
)

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
				subject := h.Image(t, "team/app")
				must(t, release.SignBundle(t.Context(), subject))
				h.Answer(func(w http.ResponseWriter, r *http.Request) bool {
					path := strings.Replace(r.Method+" "+r.URL.Path, "/v2/team/app/", "", 1)
					if strings.Contains(path, part) || strings.Contains(r.Method+" "+r.URL.Path, part) {
						w.WriteHeader(status)
						return true
					}
					return false
				})
				f := fetcher(t)
				f.Subject = true
				evidence, err := f.Fetch(t.Context(), subject)
				if err == nil || !strings.Contains(err.Error(), "could not look") {
					t.Errorf("Fetch = %+v, %v, want an error", evidence, err)
				}
			})
		}
	}
}

// TestCut cuts the connection in the middle of each answer.
func TestCut(t *testing.T) {
	t.Parallel()
	for place, part := range map[string]string{".sig tag": ".sig", "referrers": "/referrers/", "manifest": "/manifests/sha256:", "blob": "/blobs/"} {
		t.Run(place, func(t *testing.T) {
			t.Parallel()
			h := serve(t, true)
			release := newSigner(t)
			subject := h.Image(t, "team/app")
			must(t, release.SignBundle(t.Context(), subject))
			h.Answer(func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.Contains(r.URL.Path, part) {
					return false
				}
				w.Header().Set("Content-Type", string(types.OCIManifestSchema1))
				w.Header().Set("Content-Length", "1000")
				_, _ = w.Write([]byte(`{"schemaVersion":2,`))
				panic(http.ErrAbortHandler)
			})
			if evidence, err := fetcher(t).Fetch(t.Context(), subject); err == nil || !strings.Contains(err.Error(), "could not look") {
				t.Errorf("Fetch = %+v, %v, want an error", evidence, err)
			}
		})
	}
}

func TestCouldNotLookFallback(t *testing.T) {
	t.Parallel()
	h := serve(t, false)
	subject := h.Image(t, "team/app")
	fallback := "/manifests/" + strings.Replace(subject.DigestStr(), ":", "-", 1)
	h.Answer(func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, fallback) {
			w.WriteHeader(http.StatusBadGateway)
			return true
		}
		return false
	})
	if evidence, err := fetcher(t).Fetch(t.Context(), subject); err == nil {
		t.Errorf("Fetch = %+v, want an error", evidence)
	}
}

func TestCouldNotLookInTime(t *testing.T) {
	t.Parallel()
	h := serve(t, true)
	subject := h.Image(t, "team/app")
	h.Answer(func(_ http.ResponseWriter, r *http.Request) bool { <-r.Context().Done(); return true })
	f := fetcher(t)
	f.Limits.Timeout = 1
	if evidence, err := f.Fetch(t.Context(), subject); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Fetch = %+v, %v, want the deadline", evidence, err)
	}
}

func TestSubjectMissing(t *testing.T) {
	t.Parallel()
	h := serve(t, true)
	subject := h.Image(t, "team/app").Context().Digest("sha256:" + strings.Repeat("0", 64))
	if _, err := fetcher(t).Fetch(t.Context(), subject); !errors.Is(err, sigstore.ErrSubjectMissing) {
		t.Errorf("Fetch = %v, want ErrSubjectMissing", err)
	}
	subject = h.Image(t, "team/app")
	must(t, newSigner(t).SignBundle(t.Context(), subject))
	h.Answer(func(w http.ResponseWriter, r *http.Request) bool {
		gone := strings.HasSuffix(r.URL.Path, "/manifests/"+subject.DigestStr())
		if gone {
			w.WriteHeader(http.StatusNotFound)
		}
		return gone
	})
	f := fetcher(t)
	f.Subject = true
	if _, err := f.Fetch(t.Context(), subject); !errors.Is(err, sigstore.ErrSubjectMissing) {
		t.Errorf("Fetch beside evidence about it = %v, want ErrSubjectMissing", err)
	}
}

// TestGzipBomb attaches half a megabyte that inflates to half a gigabyte.
func TestGzipBomb(t *testing.T) { //nolint:paralleltest // it measures the memory of the process
	h := serve(t, true)
	release := newSigner(t)
	subject := h.Image(t, "team/app")
	var member bytes.Buffer
	z := gzip.NewWriter(&member)
	_, err := z.Write(make([]byte, 1<<20))
	must(t, err)
	must(t, z.Close())
	bomb := bytes.Repeat(member.Bytes(), 512) // members of a gzip file follow each other
	must(t, signer.Refer(t.Context(), subject, bomb, signer.SignPredicate))
	must(t, attach(t.Context(), subject, bomb, nil))
	v := trust(t, nil, map[string]*signer.Signer{"release": release})
	f := fetcher(t)
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
	subject := h.Image(t, "team/app")
	large := bytes.Repeat([]byte("x"), 4096)
	must(t, attach(t.Context(), subject, large, nil))
	must(t, release.SignBundle(t.Context(), subject))
	v := trust(t, nil, map[string]*signer.Signer{"release": release})
	f := fetcher(t)
	f.Limits.Blob = 2048
	h.Answer(nil)
	if got := prove(t, f, v, subject); got.Outcome != signals.OutcomeVerified {
		t.Errorf("beside a piece that is too large: %+v, want verified", got)
	}
	if requests := strings.Join(h.Requests(), " "); strings.Contains(requests, fmt.Sprintf("%x", sha256.Sum256(large))) {
		t.Errorf("the piece that is too large was asked for: %s", requests)
	}
	h.Answer(func(w http.ResponseWriter, r *http.Request) bool {
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
	subject := h.Image(t, "team/app")
	h.Answer(func(w http.ResponseWriter, r *http.Request) bool {
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
	_, err := fetcher(t).Fetch(t.Context(), subject)
	if !errors.Is(err, sigstore.ErrLimit) || !strings.Contains(err.Error(), "more than 64 referrers") {
		t.Errorf("Fetch = %v, want ErrLimit", err)
	}
	if got := len(h.Requests()); got > 80 {
		t.Errorf("%d requests before giving up", got)
	}
}

func TestDanglingAndMisplacedReferrers(t *testing.T) {
	t.Parallel()
	forms(t, func(t *testing.T, h *registrytest.Registry) {
		t.Helper()
		release := newSigner(t)
		v := trust(t, nil, map[string]*signer.Signer{"release": release})
		one, two := h.Image(t, "team/app"), h.Image(t, "team/app")
		must(t, release.SignBundle(t.Context(), one))
		foreign := descriptors(t, one)[0]
		h.Answer(func(w http.ResponseWriter, r *http.Request) bool {
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
		got := prove(t, fetcher(t), v, two)
		if got.Outcome != signals.OutcomeRefused || !strings.Contains(got.Reason, "about another digest") {
			t.Errorf("proof = %+v, want the misplaced bundle refused", got)
		}
	})
}

// TestRequests counts what a look at one digest costs once the registry was
// spoken to: four requests for an unsigned image, one and two for each bundle
// where only bundles are accepted. Older forms lie under two tags of their own,
// which have to be read besides: a newer scan or a signed version may be there.
func TestRequests(t *testing.T) {
	t.Parallel()
	const bundles = 5
	for label, c := range map[string]struct {
		referrers, bundlesOnly bool
		bundles, cold, known   int
	}{
		"unsigned":                             {referrers: true, cold: 4, known: 4},
		"unsigned, fallback":                   {cold: 4, known: 4},
		"unsigned, bundles only":               {referrers: true, bundlesOnly: true, cold: 2, known: 2},
		"five bundles":                         {referrers: true, bundles: bundles, cold: 3 + 2*bundles, known: 3},
		"five bundles, fallback":               {bundles: bundles, cold: 3 + 2*bundles, known: 3},
		"five bundles, bundles only":           {referrers: true, bundlesOnly: true, bundles: bundles, cold: 1 + 2*bundles, known: 1},
		"five bundles, fallback, bundles only": {bundlesOnly: true, bundles: bundles, cold: 1 + 2*bundles, known: 1},
	} {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			h := serve(t, c.referrers)
			release := newSigner(t)
			v := trust(t, nil, map[string]*signer.Signer{"release": release})
			first, second := h.Image(t, "team/app"), h.Image(t, "team/app")
			for range c.bundles {
				must(t, release.SignBundle(t.Context(), first))
				must(t, release.SignBundle(t.Context(), second))
			}
			f, subject := wired(t, h, first)
			f.BundlesOnly = c.bundlesOnly
			prove(t, f, v, subject) // it learns what the registry has
			for _, look := range []struct {
				what    string
				subject name.Digest
				merging bool
				want    int
			}{
				{"a new digest", subject.Context().Digest(second.DigestStr()), false, c.cold},
				{"a known digest", subject, false, c.known},
				{"a known digest before a merge", subject, true, min(c.known+1, 4)},
			} {
				h.Answer(nil)
				f.Subject = look.merging
				proof := prove(t, f, v, look.subject)
				if (proof.Outcome == signals.OutcomeVerified) != (c.bundles > 0) || len(proof.Evidence) != c.bundles {
					t.Errorf("%s: %+v", look.what, proof)
				}
				if c.bundles == 0 && look.merging {
					look.want = c.known // it was asked for anyway
				}
				if got := len(h.Requests()); got != look.want {
					t.Errorf("%s took %d requests, want %d: %q", look.what, got, look.want, h.Requests())
				}
			}
		})
	}
}

// TestOlderForms holds that where only bundles are accepted a signature of the
// older form is neither read nor believed when it comes from somewhere else.
func TestOlderForms(t *testing.T) {
	t.Parallel()
	h := serve(t, true)
	release := newSigner(t)
	subject := h.Image(t, "team/app")
	must(t, release.Sign(t.Context(), subject))
	pem, err := release.PublicKey()
	must(t, err)
	v, err := sigstore.New(sigstore.Options{Keys: []sigstore.Key{{Name: "release", PEM: pem}}, BundlesOnly: true})
	must(t, err)
	f := fetcher(t)
	evidence, err := f.Fetch(t.Context(), subject)
	must(t, err)
	if got := only(t)(v.Verify(t.Context(), evidence)); got.Outcome != signals.OutcomeRefused || !strings.Contains(got.Reason, "only bundles are accepted") {
		t.Errorf("proof = %+v, want it refused", got)
	}
	if v.Policy() == trust(t, nil, map[string]*signer.Signer{"release": release}).Policy() {
		t.Error("two policies have one name")
	}
	f.BundlesOnly = true
	if got := prove(t, f, v, subject); got.Outcome != signals.OutcomeAbsent {
		t.Errorf("proof = %+v, want none", got)
	}
}
