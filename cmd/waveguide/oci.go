package main

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/promoter/store"
	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/registry"
	"github.com/waveguide-dev/waveguide/signals/sigstore"
)

// maxVersions bounds how many selected tags of one artifact are followed.
const maxVersions = 500

// uncollected is what evidence says that no adapter reads.
const uncollected = "not collected by this build"

// oci reads versions and proofs from the registries of the daemon's file.
type oci struct {
	daemon *config.Daemon
	store  *store.Store // nil: nothing is cached
	// secrets learns with what the registries are asked; it may be nil.
	secrets *secrets

	mu         sync.Mutex
	registries map[string]*registryClient
	trusted    *trust
	guarded    map[string]string // why a policy is not used, by its shape
}

// trusts has those believed from now on whom the daemon's file names.
func (o *oci) trusts(t config.Trust) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.trusted = &trust{Trust: t}
}

// trust is who is believed now. What a digest has to prove is read from one
// trust and not from two.
func (o *oci) trust() *trust {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.trusted
}

var (
	_ loop.Registry = (*oci)(nil)
	_ loop.Prover   = (*oci)(nil)
)

// open finds or makes the client of an image's registry.
func (o *oci) open(image string) (*registry.Registry, string, error) {
	host, repository, ok := strings.Cut(image, "/")
	if !ok || !strings.ContainsAny(host, ".:") && host != "localhost" {
		return nil, "", usage{fmt.Errorf("image %s names no registry: write registry.example.com/team/app", image)}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	c := o.configured(image)
	if c == nil {
		return nil, "", hinted{usage{fmt.Errorf("no registry of the daemon's file matches %s", image)}, "add it to `registries`, for example {match: " + host + "/**}"}
	}
	if r := o.registries[host+" "+c.Match]; r != nil {
		return r, repository, nil
	}
	client, err := newHTTPClient(httpLimits{Timeout: time.Minute, AllowHosts: []string{hostname(host)}, Secrets: o.secrets})
	if err != nil {
		return nil, "", err
	}
	r, err := registry.New(registry.Options{
		Host: host, HTTP: client.Transport, PlainHTTP: c.PlainHTTP,
		RequestsPerSecond: float64(c.MaxRequestsPerSecond), Credentials: credentials(c.Credentials),
	})
	if err != nil {
		return nil, "", err
	}
	o.registries[host+" "+c.Match] = r
	return r, repository, nil
}

// configured is the first registry of the daemon's file that matches.
func (o *oci) configured(image string) *config.Registry {
	for i, c := range o.daemon.Registries {
		pattern := regexp.QuoteMeta(c.Match)
		pattern = strings.ReplaceAll(strings.ReplaceAll(pattern, `\*\*`, `.*`), `\*`, `[^/]*`)
		if ok, err := regexp.MatchString("^"+pattern+"$", image); err == nil && ok {
			return &o.daemon.Registries[i]
		}
	}
	return nil
}

func credentials(c *config.RegistryCredentials) registry.Credentials {
	switch {
	case c == nil:
		return registry.Credentials{}
	case !c.Token.IsZero():
		return registry.Credentials{Bearer: func() (string, error) { return secret(c.Token) }}
	case !c.Username.IsZero():
		return registry.Credentials{Basic: func() (string, string, error) {
			user, err := secret(c.Username)
			if err != nil {
				return "", "", err
			}
			password, err := secret(c.Password)
			return user, password, err
		}}
	}
	return registry.Credentials{Docker: c.DockerConfig != ""}
}

// Versions reads what every selected tag names now.
func (o *oci) Versions(ctx context.Context, image string, selects func(string) bool) ([]signals.Version, error) {
	r, repository, err := o.open(image)
	if err != nil {
		return nil, err
	}
	tags, err := r.Tags(ctx, repository)
	if err != nil {
		return nil, err
	}
	var versions []signals.Version
	for _, tag := range tags {
		if !selects(tag) {
			continue
		}
		if len(versions) == maxVersions {
			return nil, fmt.Errorf("more than %d tags of %s are selected: narrow its `versions`, for example to >=2.0.0", maxVersions, image)
		}
		v, err := r.Resolve(ctx, repository, tag)
		if err != nil {
			return nil, fmt.Errorf("tag %s: %w", tag, err)
		}
		versions = append(versions, v)
	}
	return versions, nil
}

func (o *oci) cache() sigstore.Cache {
	if o.store == nil {
		return nil
	}
	return evidenceCache{o.store}
}

// evidenceCache keeps evidence and verdicts in the store's memory.
type evidenceCache struct{ *store.Store }

const (
	bucketEvidence = "evidence"
	evidenceTTL    = 30 * 24 * time.Hour
)

func (c evidenceCache) Get(ctx context.Context, key string) ([]byte, bool, error) {
	r, ok, err := c.Store.Get(ctx, bucketEvidence, key)
	if err != nil || !ok {
		return nil, false, err
	}
	v, err := store.Recall[[]byte](r)
	return v, err == nil, err
}

func (c evidenceCache) Put(ctx context.Context, key string, value []byte) error {
	r, err := store.Remember(bucketEvidence, key, value, time.Now().Add(evidenceTTL))
	if err != nil {
		return err
	}
	return c.Store.Put(ctx, r)
}

// hostname is a host without its port.
func hostname(host string) string {
	if i := strings.LastIndexByte(host, ':'); i > 0 && !strings.HasSuffix(host, "]") {
		return host[:i]
	}
	return host
}

// registryClient is the reader of one registry.
type registryClient = registry.Registry
