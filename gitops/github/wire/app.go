package wire

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"
	"github.com/google/go-github/v88/github"

	"github.com/waveguide-dev/waveguide/gitops"
)

// early is how long before its end a token is renewed.
const early = 5 * time.Minute

// App makes the tokens of an installation of a GitHub App. Its key is read
// anew for every token.
type App struct {
	id, installation int64
	key              func(ctx context.Context) (string, error)
	base             string
	repository       string
	transport        *Transport

	mu      sync.Mutex
	token   string
	expires time.Time
}

// AppOptions name an app and where it is installed.
type AppOptions struct {
	ID, Installation int64
	// Repository is the one that tokens open, without its owner.
	Repository string
	// Key reads the private key as PEM.
	Key func(ctx context.Context) (string, error)
}

// NewApp makes an app that is asked at an API's address.
func NewApp(o AppOptions, base string, t *Transport) *App {
	return &App{id: o.ID, installation: o.Installation, key: o.Key, repository: o.Repository, base: base, transport: t.With(nil)}
}

// Token implements [Source].
func (a *App) Token(ctx context.Context) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.token != "" && time.Now().Add(early).Before(a.expires) {
		return a.token, nil
	}
	apps, err := a.signed(ctx)
	if err != nil {
		return "", err
	}
	installation := ghinstallation.NewFromAppsTransport(apps, a.installation)
	installation.BaseURL = a.base
	// The token opens this repository alone, whatever else the app may do.
	installation.InstallationTokenOptions = &github.InstallationTokenOptions{Repositories: []string{a.repository}}
	token, err := installation.Token(ctx)
	if err != nil {
		return "", refusal(err)
	}
	if a.expires, _, err = installation.Expiry(); err != nil {
		return "", fmt.Errorf("read when the app's token ends: %w", err)
	}
	a.token = token
	return token, nil
}

// Renew implements [Source].
func (a *App) Renew() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.token = ""
}

// RoundTrip sends a request as the app itself, not as its installation.
func (a *App) RoundTrip(req *http.Request) (*http.Response, error) {
	if !strings.EqualFold(req.URL.Host, a.transport.host) {
		return nil, fmt.Errorf("%s is not where the app's key is shown", req.URL.Host)
	}
	apps, err := a.signed(req.Context())
	if err != nil {
		return nil, err
	}
	return apps.RoundTrip(req.Clone(req.Context()))
}

func (a *App) signed(ctx context.Context) (*ghinstallation.AppsTransport, error) {
	key, err := a.key(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the app's private key: %w", err)
	}
	apps, err := ghinstallation.NewAppsTransport(a.transport, a.id, []byte(key))
	if err != nil {
		// The error of the parser is left out: it may quote what it read.
		return nil, fmt.Errorf("%w: the app's private key is no RSA key in PEM form; download a new one from the app's page", gitops.ErrDenied)
	}
	return apps, nil
}

// refusal names what a token was refused for.
func refusal(err error) error {
	var e *ghinstallation.HTTPError
	if limit, ok := errors.AsType[*gitops.LimitError](err); ok {
		return limit
	}
	if !errors.As(err, &e) || e.Response == nil {
		return fmt.Errorf("ask for the app's token: %w", err)
	}
	switch e.Response.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("%w: GitHub says %d to the app: compare forge.app.id with its key", gitops.ErrDenied, e.Response.StatusCode)
	case http.StatusNotFound:
		return fmt.Errorf("%w: the app has no such installation: compare forge.app.installation with the app's page", gitops.ErrDenied)
	}
	return fmt.Errorf("GitHub says %d to the app", e.Response.StatusCode)
}
