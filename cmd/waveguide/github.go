package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/gitops/github"
	"github.com/waveguide-dev/waveguide/gitops/github/hook"
)

var _ forge = (*github.Client)(nil)

// newGitHub makes the client of a repository of GitHub: github.com, or the
// Enterprise Server that forge.url names. It acts as the app of the daemon's
// file, or with its token; both are read again when they are rotated.
func newGitHub(r config.Repository, client *http.Client, token func(context.Context) (string, error)) (*github.Client, error) {
	o := github.Options{URL: forgeURL(r), Repository: forgePath(r), Name: r.Name, Branch: r.Branch, HTTP: client, Token: token}
	if a := r.Forge.App; a != nil {
		o.Token = nil
		o.App = &github.App{
			ID: int64(a.ID), Installation: int64(a.Installation),
			Key: func(context.Context) (string, error) { return secret(a.PrivateKey) },
		}
	}
	return github.New(o)
}

// appGit gives Git the same tokens that the app's installation has.
func appGit(r config.Repository, kept *secrets) func(context.Context) (string, string, error) {
	open := sync.OnceValues(func() (*github.Client, error) {
		client, err := forgeHTTP(r, kept)
		if err != nil {
			return nil, err
		}
		return newGitHub(r, client, nil)
	})
	return func(ctx context.Context) (string, string, error) {
		git, err := url.Parse(r.URL)
		if err != nil || !sameHost(git.Hostname(), githubHost(r)) {
			return "", "", fmt.Errorf("the app's token is for %s alone, not for the host of %s", githubHost(r), r.Name)
		}
		c, err := open()
		if err != nil {
			return "", "", err
		}
		return c.Credentials(ctx)
	}
}

// githubHook reads GitHub's webhooks with the secret of the daemon's file.
func githubHook(h *config.Webhook) *hook.Hook {
	return &hook.Hook{Secret: func() (string, error) { return secret(h.Secret) }, Now: time.Now}
}

// githubHost is where GitHub serves Git: beside its API, and for github.com on
// a host of its own.
func githubHost(r config.Repository) string {
	u, err := url.Parse(forgeURL(r))
	if err != nil {
		return ""
	}
	if host := u.Hostname(); host == "github.com" || strings.HasSuffix(host, ".github.com") {
		return "github.com"
	}
	return u.Hostname()
}
