package registry_test

import (
	"net/http"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/waveguide-dev/waveguide/signals/registry"
	"github.com/waveguide-dev/waveguide/signals/registry/registrytest"
)

func serve(t *testing.T) (*registrytest.Registry, string) {
	t.Helper()
	h := registrytest.New(t)
	return h, h.Address
}

func open(t *testing.T, address string, change func(*registry.Options)) *registry.Registry {
	t.Helper()
	o := registry.Options{Host: address, HTTP: http.DefaultTransport.(*http.Transport).Clone(), PlainHTTP: true, RequestsPerSecond: 10_000}
	if change != nil {
		change(&o)
	}
	r, err := registry.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func push(t *testing.T, reference string, image v1.Image) v1.Hash {
	t.Helper()
	ref, err := name.ParseReference(reference)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, image); err != nil {
		t.Fatal(err)
	}
	digest, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return digest
}

func image(t *testing.T) v1.Image {
	t.Helper()
	image, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Variant = "linux", "arm64", "v8"
	config.Config.Labels = map[string]string{"org.opencontainers.image.source": "https://example.org/app"}
	image, err = mutate.ConfigFile(image, config)
	if err != nil {
		t.Fatal(err)
	}
	return mutate.Annotations(image, map[string]string{
		"org.opencontainers.image.created":  "2026-01-02T03:04:05Z",
		"org.opencontainers.image.revision": "4f2a",
	}).(v1.Image)
}
