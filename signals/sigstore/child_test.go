package sigstore_test

import (
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/registry/registrytest"
	"github.com/waveguide-dev/waveguide/signals/sigstore/signer"
)

// TestChildOfAnIndex holds that evidence on one platform says nothing of the
// index that lists it, nor the other way round.
func TestChildOfAnIndex(t *testing.T) {
	t.Parallel()
	forms(t, func(t *testing.T, h *registrytest.Registry) {
		t.Helper()
		release := newSigner(t)
		v := trust(t, nil, map[string]*signer.Signer{"release": release})
		for signed, want := range map[string][2]signals.Outcome{
			"the child": {signals.OutcomeAbsent, signals.OutcomeVerified},
			"the index": {signals.OutcomeVerified, signals.OutcomeAbsent},
		} {
			index, err := random.Index(64, 1, 2)
			must(t, err)
			digest, err := index.Digest()
			must(t, err)
			list, err := index.IndexManifest()
			must(t, err)
			repository, err := name.NewRepository(h.Address + "/team/app")
			must(t, err)
			parent, child := repository.Digest(digest.String()), repository.Digest(list.Manifests[0].Digest.String())
			must(t, remote.WriteIndex(parent, index))
			subject := child
			if signed == "the index" {
				subject = parent
			}
			must(t, release.Sign(t.Context(), subject))
			must(t, release.SignBundle(t.Context(), subject))
			got := [2]signals.Outcome{prove(t, fetcher(t), v, parent).Outcome, prove(t, fetcher(t), v, child).Outcome}
			if got != want {
				t.Errorf("%s is signed: index and child are %q, want %q", signed, got, want)
			}
		}
	})
}
