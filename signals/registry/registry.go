// Package registry finds out which versions of an artifact exist: it lists the
// tags of a repository in an OCI registry and resolves a tag to the digest,
// platforms and annotations behind it. It believes no digest that it did not
// compute from the bytes, and bounds everything that a registry may send.
//
// Listing is in tags.go, resolving in resolve.go, what is refused or remembered
// on the wire in wire.go, and push notifications in hints.go.
package registry

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/waveguide-dev/waveguide/signals"
)

// UserAgent is how Waveguide names itself to registries; notifications that
// its own reads cause are known by it.
const UserAgent = "waveguide"

// Limits bound what is accepted from a registry. A zero field takes its
// default.
type Limits struct {
	// Tags of one repository that name versions, 10,000 by default.
	Tags int
	// Pages of one tag list, 1,000 by default.
	Pages int
	// Children of one image index, 64 by default.
	Children int
	// Manifest is the size in bytes of a manifest or any other answer that is
	// not a blob, 4 MiB by default.
	Manifest int64
	// Timeout of one call, 1 minute by default.
	Timeout time.Duration
}

func (l Limits) withDefaults() Limits {
	if l.Tags == 0 {
		l.Tags = 10_000
	}
	if l.Pages == 0 {
		l.Pages = 1_000
	}
	if l.Children == 0 {
		l.Children = 64
	}
	if l.Manifest == 0 {
		l.Manifest = 4 << 20
	}
	if l.Timeout == 0 {
		l.Timeout = time.Minute
	}
	return l
}

// Credentials say who we are. At most one field may be set; with none the
// registry is read anonymously. The functions are called whenever a token is
// asked for, so rotation needs no restart.
type Credentials struct {
	// Basic returns a user name and a password.
	Basic func() (username, password string, err error)
	// Bearer returns a token that the registry accepts as it is.
	Bearer func() (string, error)
	// Docker uses the docker configuration file of the running user and the
	// credential helpers it names.
	Docker bool
}

// Options configure a [Registry].
type Options struct {
	// Host is the registry's host, with its port unless that is the default.
	Host string
	// HTTP makes the requests. It is required.
	HTTP http.RoundTripper
	// Credentials for this host.
	Credentials Credentials
	// Realms are further hosts that may be this registry's token server.
	Realms []string
	// RequestsPerSecond is the budget of this registry, 10 by default.
	RequestsPerSecond float64
	// PlainHTTP speaks HTTP without TLS, which is otherwise refused.
	PlainHTTP bool
	Limits    Limits
}

// Registry reads one OCI registry. It is safe for concurrent use.
type Registry struct {
	host   name.Registry
	puller *remote.Puller
	wire   *wire
	// options and credentials are those of clients that push.
	options     []remote.Option
	credentials Credentials
	limits      Limits
	mu          sync.Mutex
	details     map[string]signals.Version
}

var (
	// ErrNotFound says that the registry was read and does not have the thing.
	ErrNotFound = errors.New("not found")
	// ErrLimit says that the registry holds or sends more than is accepted.
	ErrLimit = errors.New("limit exceeded")
)

// New returns a reader of one registry. It makes no request.
func New(o Options) (*Registry, error) {
	if o.HTTP == nil {
		return nil, errors.New("registry: no HTTP transport was given")
	}
	var opts []name.Option
	if o.PlainHTTP {
		opts = append(opts, name.Insecure)
	}
	host, err := name.NewRegistry(o.Host, append(opts, name.StrictValidation)...)
	if err != nil {
		return nil, fmt.Errorf("registry host %.100q: %w", o.Host, err)
	}
	limits := o.Limits.withDefaults()
	w := newWire(o, host.RegistryStr(), limits.Manifest)
	auth, err := o.Credentials.option()
	if err != nil {
		return nil, fmt.Errorf("registry %s: %w", o.Host, err)
	}
	options := []remote.Option{
		auth, remote.WithTransport(w), remote.WithUserAgent(UserAgent),
		remote.WithRetryStatusCodes(), remote.WithRetryPredicate(func(error) bool { return false }),
	}
	puller, err := remote.NewPuller(options...)
	if err != nil {
		return nil, fmt.Errorf("registry %s: %w", o.Host, err)
	}
	return &Registry{
		host: host, puller: puller, wire: w, options: options, credentials: o.Credentials, limits: limits, details: map[string]signals.Version{},
	}, nil
}

// Puller is the shared client of this registry, with its credentials, budget
// and bounds.
func (r *Registry) Puller() *remote.Puller { return r.puller }

// Reference names a digest in a repository of this registry.
func (r *Registry) Reference(repository string, d signals.Digest) (name.Digest, error) {
	repo, err := r.repository(repository)
	if err != nil {
		return name.Digest{}, err
	}
	if _, err := signals.ParseDigest(string(d)); err != nil {
		return name.Digest{}, err
	}
	return repo.Digest(string(d)), nil
}

var (
	repositoryPath = regexp.MustCompile(`^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$`)
	tagName        = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`)
)

func (r *Registry) repository(path string) (name.Repository, error) {
	if len(path) > 255 || !repositoryPath.MatchString(path) {
		return name.Repository{}, fmt.Errorf("repository %.100q is not a path of lower-case words separated by slashes", path)
	}
	return r.host.Repo(strings.Split(path, "/")...), nil
}

func (c Credentials) option() (remote.Option, error) {
	set := 0
	for _, is := range []bool{c.Basic != nil, c.Bearer != nil, c.Docker} {
		if is {
			set++
		}
	}
	switch {
	case set > 1:
		return nil, errors.New("more than one kind of credentials; choose one")
	case c.Docker:
		return remote.WithAuthFromKeychain(authn.RefreshingKeychain(authn.DefaultKeychain, 5*time.Minute)), nil
	case set == 0:
		return remote.WithAuth(authn.Anonymous), nil
	}
	return remote.WithAuth(authenticator{c}), nil
}

type authenticator struct{ credentials Credentials }

// Authorization implements [authn.Authenticator]. It asks anew each time.
func (a authenticator) Authorization() (*authn.AuthConfig, error) {
	if a.credentials.Bearer != nil {
		token, err := a.credentials.Bearer()
		return &authn.AuthConfig{RegistryToken: token}, err
	}
	username, password, err := a.credentials.Basic()
	return &authn.AuthConfig{Username: username, Password: password}, err
}
