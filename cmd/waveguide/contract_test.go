package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/promoter/loop/looptest"
	"github.com/waveguide-dev/waveguide/promoter/store"
	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/sigstore/signer"
)

// The adapters, as the daemon wires them, are held to the contracts that the
// models of promoter/simulation are held to.

// images are those that one point of a contract has to itself in a registry,
// and the daemon's reader of that registry.
type images struct {
	oci                   *oci
	image, other, nowhere string
}

// points counts them, so that no two have an image in common.
var points atomic.Int64

// newImages makes a reader that believes a key of the name release.
func newImages(t *testing.T, address, key string) images {
	t.Helper()
	d, err := config.ParseDaemon("waveguide.yaml", fmt.Appendf(nil, `apiVersion: waveguide.dev/v1alpha1
kind: Daemon
repositories: [{name: env, url: "https://git.example.com/env.git", forge: {kind: local, url: "https://git.example.com"}}]
registries: [{match: "%s/**", plainHTTP: true, maxRequestsPerSecond: 1000}]
trust: {keys: [{name: release, file: %q}]}
`, address, key))
	need(t, err)
	s, err := store.Open(t.Context(), store.Options{Path: filepath.Join(t.TempDir(), "waveguide.db"), Holder: "test"})
	need(t, err)
	t.Cleanup(func() { _ = s.Close() })
	own := fmt.Sprintf("%s/point-%d/", address, points.Add(1))
	return images{newOCI(d, s), own + "shop", own + "other", own + "nowhere"}
}

func need(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// push puts a new build under a tag.
func (i images) push(t *testing.T, image, tag string) signals.Digest {
	t.Helper()
	build, err := random.Image(64, 1)
	need(t, err)
	ref, err := name.NewTag(image + ":" + tag)
	need(t, err)
	need(t, remote.Write(ref, build, remote.WithContext(t.Context())))
	d, err := build.Digest()
	need(t, err)
	return signals.Digest(d.String())
}

// at names a digest of the image.
func (i images) at(t *testing.T, d signals.Digest) name.Digest {
	t.Helper()
	ref, err := name.NewDigest(i.image + "@" + string(d))
	need(t, err)
	return ref
}

func (i images) tag(t *testing.T, tag string, d signals.Digest) {
	t.Helper()
	build, err := remote.Get(i.at(t, d))
	need(t, err)
	need(t, remote.Tag(i.at(t, d).Context().Tag(tag), build))
}

func (i images) erase(t *testing.T, d signals.Digest) {
	t.Helper()
	need(t, remote.Delete(i.at(t, d)))
}

// sign has a key sign a digest for an image.
func (i images) sign(by *signer.Signer) func(t *testing.T, d signals.Digest, image string) {
	return func(t *testing.T, d signals.Digest, image string) {
		t.Helper()
		need(t, by.SignAs(t.Context(), i.at(t, d), image))
	}
}

func TestRegistryKeepsTheContract(t *testing.T) {
	t.Parallel()
	for where, open := range map[string]func(*testing.T) string{"in this process": memoryRegistry, "docker-registry": dockerRegistry} {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			address := open(t)
			looptest.RegistryContract(t, func(t *testing.T) looptest.Registry {
				t.Helper()
				i := newImages(t, address, "release.pub")
				r := looptest.Registry{Registry: i.oci, Image: i.image, Other: i.other, Nowhere: i.nowhere, Push: i.push, Tag: i.tag}
				if where == "docker-registry" {
					r.Erase = i.erase
					// It deletes no tags, but a tag goes with the digest that it names.
					r.Untag = func(t *testing.T, tag string) {
						t.Helper()
						i.erase(t, i.push(t, i.image, tag))
					}
					return r
				}
				r.Untag = func(t *testing.T, tag string) {
					t.Helper()
					ref, err := name.NewTag(i.image + ":" + tag)
					need(t, err)
					need(t, remote.Delete(ref))
				}
				return r
			})
		})
	}
}

// releaseKey is a signing key whose public half is in a file.
func releaseKey(t *testing.T) (*signer.Signer, string) {
	t.Helper()
	w := newShelf(t, "registry.example.com")
	return w.signer, filepath.Join(w.dir, "release.pub")
}

func TestProofsKeepTheContract(t *testing.T) {
	t.Parallel()
	release, file := releaseKey(t)
	stranger, err := signer.Generate()
	need(t, err)
	stop := promoter.Stop{
		Lane: gitops.Lane{Repository: "env", Environment: "dev", Artifact: "shop"}, Gates: gate.Set{Signature: &gate.Signature{Key: "release"}},
	}
	for where, open := range map[string]func(*testing.T) string{"in this process": memoryRegistry, "docker-registry": dockerRegistry} {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			address := open(t)
			looptest.ProofsContract(t, func(t *testing.T) looptest.Proofs {
				t.Helper()
				i := newImages(t, address, file)
				builds := 0
				return looptest.Proofs{
					Prover: i.oci, Stop: stop, Key: "release", Image: i.image, Other: i.other, Now: time.Now,
					Push: func(t *testing.T) signals.Digest {
						t.Helper()
						builds++
						return i.push(t, i.image, fmt.Sprint("build-", builds))
					},
					Sign: i.sign(release),
					Forge: func(t *testing.T, d signals.Digest) {
						t.Helper()
						i.sign(stranger)(t, d, i.image)
					},
					Erase: i.erase,
					Revoke: func(_ *testing.T, d signals.Digest) {
						trust := i.oci.trust().Trust
						trust.Revoked.Digests = append(trust.Revoked.Digests, string(d))
						i.oci.trusts(trust)
					},
				}
			})
		})
	}
}

func TestPublisherKeepsTheContract(t *testing.T) {
	t.Parallel()
	release, file := releaseKey(t)
	lists, bare := referrersRegistry(t), memoryRegistry(t)
	about := func(t *testing.T, i images) loop.Publication {
		t.Helper()
		d := i.push(t, i.image, "1.1.0")
		i.sign(release)(t, d, i.image)
		now := time.Now().UTC()
		return loop.Publication{
			Merit: loop.Merit{Version: gitops.Version{Tag: "1.1.0", Digest: string(d)}, Entered: now.Add(-time.Hour), Earned: now},
			Image: i.image, Wave: "dev", Entry: "e1", Ledger: "l1",
			Stop: promoter.Stop{
				Lane:  gitops.Lane{Repository: "env", Environment: "dev", Artifact: "shop"},
				Gates: gate.Set{Signature: &gate.Signature{Key: "release"}, Soak: gate.Soak{For: time.Hour}},
			},
		}
	}
	looptest.PublisherContract(t, func(t *testing.T) looptest.Publisher {
		t.Helper()
		i, other := newImages(t, lists, file), newImages(t, bare, file)
		key, ours := signingKey(t)
		i.oci.daemon.Registries = append(i.oci.daemon.Registries, other.oci.daemon.Registries...)
		i.oci.daemon.Publish = &config.Publish{Verifier: ourVerifier, Key: config.Secret{File: key}}
		return looptest.Publisher{
			Publisher: publishing(i.oci.daemon, i.oci), About: about(t, i), Erase: i.erase,
			Said: func(t *testing.T, d signals.Digest) int {
				t.Helper()
				place, fetcher, err := i.oci.place(t.Context(), i.image, d)
				need(t, err)
				evidence, err := fetcher.Fetch(t.Context(), place.Subject)
				need(t, err)
				n := 0
				for _, item := range evidence.Items {
					if _, mine := ours.Open(item.Raw); mine {
						n++
					}
				}
				return n
			},
			Push: func(t *testing.T) signals.Digest {
				t.Helper()
				return i.push(t, i.image, "1.2.0")
			},
			Never: func(t *testing.T) loop.Publication {
				t.Helper()
				return about(t, other)
			},
		}
	})
}

// applications report what they run and how they are, by the name of their
// environment.
type applications struct {
	mu  sync.Mutex
	are map[string]application
}

type application struct {
	status string // empty: it does not answer
	digest signals.Digest
}

func (a *applications) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	is := a.are[strings.TrimPrefix(r.URL.Path, "/")]
	a.mu.Unlock()
	if is.status == "" {
		panic(http.ErrAbortHandler)
	}
	rw.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(rw, `{"status":%q,"digest":%q}`, is.status, is.digest)
}

func (a *applications) set(environment, status string, d signals.Digest) func(*testing.T) {
	return func(*testing.T) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.are[environment] = application{status, d}
	}
}

// TestHealthKeepsTheContract has real rules ask a probe over HTTP.
func TestHealthKeepsTheContract(t *testing.T) {
	t.Parallel()
	looptest.HealthContract(t, func(t *testing.T, point func(*testing.T, looptest.Health)) {
		t.Helper()
		a := &applications{are: map[string]application{}}
		server := httptest.NewServer(a)
		t.Cleanup(server.Close)
		signal := func(environment string) string {
			return fmt.Sprintf(`{name: ready, signal: web, url: "%s/%s", json: {path: status, value: ok}, progressing: {path: status, value: starting}, digestFrom: digest}`, server.URL, environment)
		}
		b := wired(t, fmt.Sprintf("  - {name: web, kind: probe, url: %q}\n", server.URL), map[string]string{"dev": signal("dev"), "prod": signal("prod")})
		lane := func(environment string) gitops.Lane {
			return gitops.Lane{Repository: "env", Environment: environment, Artifact: "shop"}
		}
		heal := a.set("dev", "ok", oldDigest)
		heal(t)
		a.set("prod", "ok", oldDigest)(t)
		point(t, looptest.Health{
			Health: b, Lane: lane("dev"), Beside: lane("prod"), Unwatched: lane("nowhere"), Signal: "ready", Running: oldDigest, Newer: newDigest, Now: time.Now,
			Sicken: a.set("dev", "failing", oldDigest), Silence: a.set("dev", "", ""), Heal: heal,
			Roll: a.set("dev", "starting", newDigest), Arrive: a.set("dev", "ok", newDigest), Drift: a.set("dev", "ok", newDigest),
		})
	})
}
