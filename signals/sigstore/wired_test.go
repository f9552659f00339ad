package sigstore_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/registry"
	"github.com/waveguide-dev/waveguide/signals/registry/registrytest"
	"github.com/waveguide-dev/waveguide/signals/sigstore"
	"github.com/waveguide-dev/waveguide/signals/sigstore/signer"
)

// TestWired uses the client of package registry, as the command does.
func TestWired(t *testing.T) {
	t.Parallel()
	forms(t, func(t *testing.T, h *registrytest.Registry) {
		t.Helper()
		release := newSigner(t)
		pushed := h.Image(t, "team/app")
		must(t, release.Sign(t.Context(), pushed))
		must(t, release.SignBundle(t.Context(), pushed))
		r, err := registry.New(registry.Options{
			Host: h.Address, HTTP: http.DefaultTransport.(*http.Transport).Clone(), PlainHTTP: true, RequestsPerSecond: 10_000,
		})
		must(t, err)
		subject, err := r.Reference("team/app", signals.Digest(pushed.DigestStr()))
		must(t, err)
		f := sigstore.Fetcher{Puller: r.Puller(), Cache: newStore()}
		got := prove(t, f, trust(t, nil, map[string]*signer.Signer{"release": release}), subject)
		if got.Outcome != signals.OutcomeVerified || got.Repository != h.Address+"/team/app" || len(got.Evidence) != 2 {
			t.Errorf("proof = %+v, want both forms verified", got)
		}
		h.Answer(func(w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(http.StatusTooManyRequests)
			return true
		})
		_, err = f.Fetch(t.Context(), subject)
		if _, ok := errors.AsType[*registry.Throttled](err); !ok {
			t.Errorf("Fetch = %v, want the registry's pause in the chain", err)
		}
	})
}
