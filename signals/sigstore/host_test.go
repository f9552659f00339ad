package sigstore_test

import (
	"context"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	memory "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/registry/registrytest"
	"github.com/waveguide-dev/waveguide/signals/sigstore"
	"github.com/waveguide-dev/waveguide/signals/sigstore/signer"
)

// serve is a registry with or without the Referrers API.
func serve(t *testing.T, referrers bool) *registrytest.Registry {
	t.Helper()
	return registrytest.New(t, memory.WithReferrersSupport(referrers))
}

func fetcher(t *testing.T) sigstore.Fetcher {
	t.Helper()
	puller, err := remote.NewPuller(remote.WithRetryStatusCodes(), remote.WithRetryPredicate(func(error) bool { return false }))
	must(t, err)
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

// only is the one proof of a verifier that is asked for signatures.
func only(t *testing.T) func([]signals.Proof, error) signals.Proof {
	t.Helper()
	return func(proofs []signals.Proof, err error) signals.Proof {
		t.Helper()
		must(t, err)
		if len(proofs) != 1 {
			t.Fatalf("%d proofs, want one: %+v", len(proofs), proofs)
		}
		return proofs[0]
	}
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
	proof := only(t)(v.Verify(t.Context(), evidence))
	again := only(t)(v.Reverify(t.Context(), evidence))
	if diff := cmp.Diff(proof, again); diff != "" {
		t.Errorf("Reverify differs from Verify (-first +again):\n%s", diff)
	}
	if proof.At.IsZero() || proof.Policy != v.Policy() || proof.Kind != signals.ProofSignature || proof.Digest != signals.Digest(subject.DigestStr()) {
		t.Errorf("proof does not say what it is about: %+v", proof)
	}
	return proof
}

// forms runs a test against registries with and without the referrers API.
func forms(t *testing.T, test func(t *testing.T, h *registrytest.Registry)) {
	t.Helper()
	for name, referrers := range map[string]bool{"referrers API": true, "fallback tag": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, serve(t, referrers))
		})
	}
}

func attach(ctx context.Context, d name.Digest, payload []byte, annotations map[string]string) error {
	layer := static.NewLayer(payload, types.MediaType("application/vnd.dev.cosign.simplesigning.v1+json"))
	return signer.Attach(ctx, d, layer, annotations)
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
