package registry

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// Options are those of this registry's client, with its credentials, budget and
// bounds.
func (r *Registry) Options() []remote.Option {
	return slices.Clone(r.options)
}

// Client makes requests to one repository, with the right to push if the
// credentials have it. Like all clients of the registry it retries nothing.
func (r *Registry) Client(ctx context.Context, repository string) (http.RoundTripper, error) {
	return r.client(ctx, repository, r.wire)
}

func (r *Registry) client(ctx context.Context, repository string, inner http.RoundTripper) (http.RoundTripper, error) {
	repo, err := r.repository(repository)
	if err != nil {
		return nil, err
	}
	auth, err := r.credentials.authenticator(repo)
	if err != nil {
		return nil, fmt.Errorf("registry %s: %w", r.host.RegistryStr(), err)
	}
	ctx, cancel := context.WithTimeout(ctx, r.limits.Timeout)
	defer cancel()
	t, err := transport.NewWithContext(ctx, repo.Registry, auth, transport.NewUserAgent(inner, UserAgent), []string{repo.Scope(transport.PushScope)})
	if err != nil {
		return nil, r.explain(err)
	}
	return t, nil
}

func (c Credentials) authenticator(target authn.Resource) (authn.Authenticator, error) {
	switch {
	case c.Docker:
		return authn.DefaultKeychain.Resolve(target)
	case c.Basic == nil && c.Bearer == nil:
		return authn.Anonymous, nil
	}
	return authenticator{c}, nil
}

// MayPush reads whether the credentials may push to a repository, where the
// registry's token says so; nothing is tried. Known is false where only trying
// would tell.
func (r *Registry) MayPush(ctx context.Context, repository string) (may, known bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, r.limits.Timeout)
	defer cancel()
	seen := &listener{next: r.wire}
	t, err := r.client(ctx, repository, seen)
	if err != nil {
		return false, false, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.host.Scheme()+"://"+r.host.RegistryStr()+"/v2/"+repository+"/tags/list", nil)
	if err != nil {
		return false, false, err
	}
	resp, err := t.RoundTrip(req)
	if err != nil {
		return false, false, r.explain(err)
	}
	if err := resp.Body.Close(); err != nil {
		return false, false, err
	}
	actions, known := granted(seen.token(), repository)
	return slices.Contains(actions, "push") || slices.Contains(actions, "*"), known, nil
}

// listener remembers with which token requests were made.
type listener struct {
	next http.RoundTripper

	mu     sync.Mutex
	header string
}

// RoundTrip implements [http.RoundTripper].
func (l *listener) RoundTrip(req *http.Request) (*http.Response, error) {
	l.mu.Lock()
	if h := req.Header.Get("Authorization"); strings.Contains(req.URL.Path, "/v2/") && h != "" {
		l.header = h
	}
	l.mu.Unlock()
	return l.next.RoundTrip(req)
}

func (l *listener) token() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	token, _ := strings.CutPrefix(l.header, "Bearer ")
	return token
}

// granted reads what a token of the distribution's kind allows. It is our own
// token and is not verified: it only tells what to expect.
func granted(token, repository string) (actions []string, known bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, false
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return nil, false
	}
	var claims struct {
		Access *[]struct {
			Type    string   `json:"type"`
			Name    string   `json:"name"`
			Actions []string `json:"actions"`
		} `json:"access"`
	}
	if json.Unmarshal(raw, &claims) != nil || claims.Access == nil {
		return nil, false
	}
	for _, a := range *claims.Access {
		if a.Type == "repository" && a.Name == repository {
			actions = append(actions, a.Actions...)
		}
	}
	return actions, true
}
