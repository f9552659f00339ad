package sigstore_test

import (
	"testing"

	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/registry/registrytest"
	"github.com/waveguide-dev/waveguide/signals/sigstore/signer"
)

func TestDockerRegistry(t *testing.T) {
	t.Parallel()
	h := &registrytest.Registry{Address: registrytest.Debian(t)}
	release, stranger := newSigner(t), newSigner(t)
	v := trust(t, nil, map[string]*signer.Signer{"release": release})
	f := fetcher(t)
	unsigned, legacy, bundle, strange := h.Image(t, "team/app"), h.Image(t, "team/app"), h.Image(t, "team/app"), h.Image(t, "team/app")
	must(t, release.Sign(t.Context(), legacy))
	must(t, stranger.SignBundle(t.Context(), bundle))
	must(t, release.SignBundle(t.Context(), bundle))
	must(t, stranger.SignBundle(t.Context(), strange))
	if got := prove(t, f, v, unsigned); got.Outcome != signals.OutcomeAbsent {
		t.Errorf("unsigned: %+v", got)
	}
	if got := prove(t, f, v, legacy); got.Outcome != signals.OutcomeVerified || got.Repository != h.Address+"/team/app" {
		t.Errorf("legacy: %+v", got)
	}
	if got := prove(t, f, v, bundle); got.Outcome != signals.OutcomeVerified || len(got.Evidence) != 1 {
		t.Errorf("bundle: %+v", got)
	}
	if got := prove(t, f, v, strange); got.Outcome != signals.OutcomeRefused {
		t.Errorf("stranger's bundle: %+v", got)
	}
}
