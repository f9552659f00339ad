// Package api speaks to one repository of GitHub: where its interfaces are, as
// whom, in REST and in GraphQL, and what its refusals mean in the words that
// callers act on. What is asked in GraphQL is in package query, how requests
// travel in package wire.
package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	gogithub "github.com/google/go-github/v88/github"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/github/node"
	"github.com/waveguide-dev/waveguide/gitops/github/wire"
)

// Options say which repository is spoken to, and as whom: an app, or the owner
// of a token.
type Options struct {
	// URL is empty or https://github.com, or that of an Enterprise Server.
	URL string
	// Repository is "owner/name"; Name is what lanes call it.
	Repository, Name string
	// Branch is the protected branch.
	Branch string
	App    *App
	// Token is asked for every request, so that a rotated one is seen.
	Token func(ctx context.Context) (string, error)
	HTTP  *http.Client
}

// App names a GitHub App and where it is installed.
type App = wire.AppOptions

// Fresh is how long people, teams and rules are remembered between looks.
const Fresh = 5 * time.Minute

// Client is one repository on GitHub.
type Client struct {
	// Repository is "owner/name", Branch the protected one, Web where people
	// look.
	Repository, Owner, Name, Branch, Web string
	REST                                 *gogithub.Client
	// AppID is the app that we act as, 0 with a token.
	AppID     int64
	Transport *wire.Transport

	installation int64
	asApp        *gogithub.Client
	graphql      string
	source       wire.Source
	me           Remembered[gitops.Actor]
}

// Remembered is something that was read a while ago.
type Remembered[T any] struct {
	mu    sync.Mutex
	value T
	at    time.Time
}

// Recall is the value, if it is younger than that.
func (r *Remembered[T]) Recall(age time.Duration) (T, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.value, !r.at.IsZero() && time.Since(r.at) < age
}

// Keep remembers a value that was just read.
func (r *Remembered[T]) Keep(v T) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.value, r.at = v, time.Now()
}

// New makes a client. It does not connect.
func New(o Options) (*Client, error) {
	owner, name, ok := strings.Cut(o.Repository, "/")
	if !ok || owner == "" || name == "" || strings.Contains(name, "/") {
		return nil, fmt.Errorf("%q is no repository on GitHub: write owner/name", o.Repository)
	}
	if (o.App == nil) == (o.Token == nil) {
		return nil, errors.New("give GitHub either an app or a token")
	}
	web, rest, graphql, err := addresses(o.URL)
	if err != nil {
		return nil, err
	}
	c := &Client{Repository: o.Repository, Owner: owner, Name: name, Branch: o.Branch, Web: web, graphql: graphql}
	u, err := url.Parse(rest)
	if err != nil {
		return nil, fmt.Errorf("forge.url: %w", err)
	}
	t := wire.New(o.HTTP.Transport, u.Host)
	c.source = wire.Static(o.Token)
	if o.App != nil {
		own := *o.App
		own.Repository = name
		app := wire.NewApp(own, strings.TrimSuffix(rest, "/"), t)
		c.AppID, c.installation, c.source = own.ID, own.Installation, app
		if c.asApp, err = speaker(o.HTTP, app, rest); err != nil {
			return nil, err
		}
	}
	c.Transport = t.With(c.source)
	c.REST, err = speaker(o.HTTP, c.Transport, rest)
	return c, err
}

func speaker(h *http.Client, t http.RoundTripper, rest string) (*gogithub.Client, error) {
	own := *h
	own.Transport = t
	return gogithub.NewClient(gogithub.WithHTTPClient(&own), gogithub.WithURLs(&rest, nil),
		gogithub.WithDisableRateLimitCheck(), gogithub.WithUserAgent("waveguide"))
}

// addresses are where people look, and where REST and GraphQL are.
func addresses(base string) (web, rest, graphql string, err error) {
	if base == "" {
		base = "https://github.com"
	}
	base = strings.TrimRight(base, "/")
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.User != nil || (u.Scheme != "https" && u.Scheme != "http") {
		return "", "", "", fmt.Errorf("forge.url is no address of GitHub: write https://github.example.com")
	}
	host := strings.ToLower(u.Hostname())
	if host == "github.com" || host == "www.github.com" || host == "api.github.com" {
		return "https://github.com", "https://api.github.com/", "https://api.github.com/graphql", nil
	}
	if strings.HasSuffix(host, ".ghe.com") {
		return base, "https://api." + u.Host + "/", "https://api." + u.Host + "/graphql", nil
	}
	return base, base + "/api/v3/", base + "/api/graphql", nil
}

// Whoami is who we are here, and what we may do, read anew.
func (c *Client) Whoami(ctx context.Context) (gitops.Actor, error) {
	me, err := c.whoami(ctx)
	if err != nil {
		return gitops.Actor{}, fmt.Errorf("ask GitHub who we are: %w", Problem(err))
	}
	c.me.Keep(me)
	return me, nil
}

// Self is who we are, as remembered.
func (c *Client) Self(ctx context.Context) (gitops.Actor, error) {
	if me, ok := c.me.Recall(Fresh); ok {
		return me, nil
	}
	return c.Whoami(ctx)
}

func (c *Client) whoami(ctx context.Context) (gitops.Actor, error) {
	if c.AppID != 0 {
		return c.appAccount(ctx)
	}
	u, _, err := c.REST.Users.Get(ctx, "")
	if err != nil {
		return gitops.Actor{}, err
	}
	r, _, err := c.REST.Repositories.Get(ctx, c.Owner, c.Name)
	if err != nil {
		return gitops.Actor{}, err
	}
	if u.GetLogin() == "" {
		return gitops.Actor{}, errors.New("GitHub does not say whose token it is")
	}
	me := gitops.Actor{Name: u.GetLogin(), Bot: true}
	p := r.GetPermissions()
	switch {
	case p.GetAdmin():
		me.Permission = gitops.PermissionAdmin
	case p.GetPush(), p.GetMaintain():
		me.Permission = gitops.PermissionWrite
	case p.GetTriage():
		me.Permission = gitops.PermissionTriage
	case p.GetPull():
		me.Permission = gitops.PermissionRead
	}
	return me, nil
}

// appAccount is the account of the app, with what its installation grants.
func (c *Client) appAccount(ctx context.Context) (gitops.Actor, error) {
	a, _, err := c.asApp.Apps.Get(ctx, "")
	if err != nil {
		return gitops.Actor{}, err
	}
	if a.GetSlug() == "" {
		return gitops.Actor{}, errors.New("GitHub does not say what the app is called")
	}
	in, _, err := c.asApp.Apps.GetInstallation(ctx, c.installation)
	if err != nil {
		return gitops.Actor{}, err
	}
	me := gitops.Actor{Name: a.GetSlug() + node.BotEnding, Bot: true, Permission: gitops.PermissionRead}
	if in.GetPermissions().GetContents() == "write" && in.GetPermissions().GetPullRequests() == "write" {
		me.Permission = gitops.PermissionWrite
	}
	return me, nil
}

// Permissions are those that the app's installation grants; nil with a token.
func (c *Client) Permissions(ctx context.Context) (*gogithub.InstallationPermissions, error) {
	if c.asApp == nil {
		return nil, nil
	}
	in, _, err := c.asApp.Apps.GetInstallation(ctx, c.installation)
	if err != nil {
		return nil, Problem(err)
	}
	return in.GetPermissions(), nil
}

// Credentials open the repository over HTTPS with the same rights.
func (c *Client) Credentials(ctx context.Context) (user, pass string, err error) {
	token, err := c.source.Token(ctx)
	if err != nil {
		return "", "", fmt.Errorf("credentials for Git: %w", err)
	}
	return "x-access-token", token, nil
}
