package sigstore_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/registry"
	"github.com/waveguide-dev/waveguide/signals/registry/registrytest"
	"github.com/waveguide-dev/waveguide/signals/sigstore"
	"github.com/waveguide-dev/waveguide/signals/sigstore/signer"
)

// wired reads a host through the client of package registry.
func wired(t *testing.T, h *registrytest.Registry, pushed name.Digest) (sigstore.Fetcher, name.Digest) {
	t.Helper()
	r, err := registry.New(registry.Options{
		Host: h.Address, HTTP: http.DefaultTransport.(*http.Transport).Clone(), PlainHTTP: true, RequestsPerSecond: 10_000,
	})
	must(t, err)
	subject, err := r.Reference(pushed.Context().RepositoryStr(), signals.Digest(pushed.DigestStr()))
	must(t, err)
	return sigstore.Fetcher{Puller: r.Puller(), Cache: newStore(), Attestations: true}, subject
}

// paged serves lists of referrers one entry at a time.
func paged(h *registrytest.Registry, next func(r *http.Request, page int) string) {
	h.Answer(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "/referrers/") {
			return false
		}
		whole := httptest.NewRecorder()
		h.Inner.ServeHTTP(whole, r)
		var list v1.IndexManifest
		if json.Unmarshal(whole.Body.Bytes(), &list) != nil {
			return false
		}
		// The registry lists in no order, and pages need one.
		slices.SortFunc(list.Manifests, func(a, b v1.Descriptor) int { return strings.Compare(a.Digest.String(), b.Digest.String()) })
		page, _ := strconv.Atoi(r.URL.Query().Get("page"))
		if page < len(list.Manifests) {
			if page+1 < len(list.Manifests) {
				w.Header().Set("Link", fmt.Sprintf("<%s>; rel=\"next\"", next(r, page+1)))
			}
			list.Manifests = list.Manifests[page : page+1]
		}
		w.Header().Set("Content-Type", "application/vnd.oci.image.index.v1+json")
		_ = json.NewEncoder(w).Encode(list)
		return true
	})
}

// TestPagesOfReferrers holds that evidence on a later page is found, and that
// pages have an end.
func TestPagesOfReferrers(t *testing.T) {
	t.Parallel()
	h := serve(t, true)
	release, stranger := newSigner(t), newSigner(t)
	pushed := h.Image(t, "team/app")
	for range 7 {
		must(t, stranger.SignBundle(t.Context(), pushed))
	}
	must(t, release.SignBundle(t.Context(), pushed))
	f, subject := wired(t, h, pushed)
	v := trust(t, nil, map[string]*signer.Signer{"release": release})
	paged(h, func(r *http.Request, page int) string { return fmt.Sprintf("%s?page=%d", r.URL.Path, page) })
	if got := prove(t, f, v, subject); got.Outcome != signals.OutcomeVerified {
		t.Errorf("over eight pages: %+v", got)
	}
	paged(h, func(r *http.Request, _ int) string { return r.URL.Path + "?page=0" })
	if _, err := f.Fetch(t.Context(), subject); !errors.Is(err, registry.ErrLimit) {
		t.Errorf("pages without end: %v, want ErrLimit", err)
	}
	paged(h, func(r *http.Request, _ int) string { return "http://evil.example" + r.URL.Path })
	if _, err := f.Fetch(t.Context(), subject); err == nil || !strings.Contains(err.Error(), "elsewhere") {
		t.Errorf("a page elsewhere: %v", err)
	}
}

func fetch(t *testing.T, f sigstore.Fetcher, d name.Digest) error {
	t.Helper()
	_, err := f.Fetch(t.Context(), d)
	return err
}

// TestManyLayers is a .att tag with more layers than anybody reads.
func TestManyLayers(t *testing.T) {
	t.Parallel()
	for _, suffix := range []string{".sig", ".att"} {
		t.Run(suffix, func(t *testing.T) {
			t.Parallel()
			h := serve(t, true)
			pushed := h.Image(t, "team/app")
			f, subject := wired(t, h, pushed)
			h.Answer(func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.HasSuffix(r.URL.Path, suffix) {
					return false
				}
				layers := make([]v1.Descriptor, 1000)
				for i := range layers {
					layers[i] = v1.Descriptor{MediaType: "application/octet-stream", Size: 1, Digest: v1.Hash{Algorithm: "sha256", Hex: fmt.Sprintf("%064x", i)}}
				}
				w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
				_ = json.NewEncoder(w).Encode(v1.Manifest{SchemaVersion: 2, MediaType: "application/vnd.oci.image.manifest.v1+json", Config: layers[0], Layers: layers})
				return true
			})
			if err := fetch(t, f, subject); !errors.Is(err, sigstore.ErrLimit) || len(h.Requests()) > 10 {
				t.Errorf("Fetch = %v after %d requests, want ErrLimit", err, len(h.Requests()))
			}
		})
	}
}
