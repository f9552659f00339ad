// Package registrytest has registries for tests: one in memory, in which the
// test may answer first, and Debian's.
//
// What a registry in memory counts is in registry.go; how Debian's is started,
// and how to give it other settings, in debian.go.
package registrytest

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Registry is a registry in memory.
type Registry struct {
	// Address is its host and port.
	Address string
	// Inner answers what the test does not, and counts nothing.
	Inner http.Handler

	mu       sync.Mutex
	requests []string
	answer   func(w http.ResponseWriter, r *http.Request) bool
}

// New starts a registry that ends with the test.
func New(tb testing.TB, options ...registry.Option) *Registry {
	tb.Helper()
	quiet := slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	r := &Registry{Inner: registry.New(append([]registry.Option{registry.Logger(quiet)}, options...)...)}
	server := httptest.NewServer(r)
	tb.Cleanup(server.Close)
	r.Address = strings.TrimPrefix(server.URL, "http://")
	return r
}

// ServeHTTP implements [http.Handler].
func (r *Registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	r.requests = append(r.requests, req.Method+" "+req.URL.Path)
	answer := r.answer
	r.mu.Unlock()
	if answer == nil || !answer(w, req) {
		r.Inner.ServeHTTP(w, req)
	}
}

// Answer lets a function answer first, which says whether it did; nil lets the
// registry answer all. Requests are counted anew.
func (r *Registry) Answer(answer func(w http.ResponseWriter, r *http.Request) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer, r.requests = answer, nil
}

// Requests are those that came since [Registry.Answer].
func (r *Registry) Requests() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.requests)
}

// Image pushes an image that no other is like.
func (r *Registry) Image(tb testing.TB, repository string) name.Digest {
	tb.Helper()
	image, err := random.Image(64, 1)
	if err != nil {
		tb.Fatal(err)
	}
	return r.Push(tb, repository, image)
}

// Push pushes an image by its digest.
func (r *Registry) Push(tb testing.TB, repository string, image v1.Image) name.Digest {
	tb.Helper()
	repo, err := name.NewRepository(r.Address + "/" + repository)
	if err != nil {
		tb.Fatal(err)
	}
	digest, err := image.Digest()
	if err != nil {
		tb.Fatal(err)
	}
	ref := repo.Digest(digest.String())
	if err := remote.Write(ref, image); err != nil {
		tb.Fatal(err)
	}
	return ref
}
