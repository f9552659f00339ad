package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/gitea"
	"github.com/waveguide-dev/waveguide/gitops/local"
	"github.com/waveguide-dev/waveguide/promoter/loop"
)

// forge is what the program asks of a forge of any kind; the contract is in
// gitops/gitopstest.
type forge interface {
	loop.Forge
	changer
	issuer
	inspector
}

// changer is how the loop writes to a forge.
type changer interface {
	loop.Proposer
	loop.Marker
	loop.Talker
	loop.Queue
}

// issuer opens, lists and closes issues: those that ask people for something,
// and the pauses of the command line.
type issuer interface {
	loop.Reporter
	Pauses(ctx context.Context) ([]gitops.Pause, error)
	OpenIssue(ctx context.Context, title, body string, labels []string) (string, error)
	CloseIssue(ctx context.Context, id string) error
}

// inspector says what a forge allows.
type inspector interface {
	Protection(ctx context.Context) (gitops.Protection, error)
	Budget() gitops.Budget
	Limits() gitops.Limits
}

var errForgeKind = errors.New("is not spoken by this build")

// openForge makes the client of a repository's forge. Nothing is asked yet. The
// secrets may be nil.
func openForge(r config.Repository, kept *secrets) (forge, error) {
	client, err := forgeHTTP(r, kept)
	if err != nil {
		return nil, err
	}
	token := func(context.Context) (string, error) { return secret(r.Forge.Token) }
	switch r.Forge.Kind {
	case "local":
		return local.NewClient(local.ClientOptions{BaseURL: r.Forge.URL, Repository: forgeName(r), Name: r.Name, HTTP: client, Token: token}), nil
	case "github":
		return newGitHub(r, client, token)
	case "gitlab":
		return newGitLab(r, client, token)
	case "gitea":
		return gitea.New(gitea.Options{URL: forgeURL(r), Repository: forgePath(r), Name: r.Name, Branch: r.Branch, HTTP: client, Token: token}), nil
	}
	return nil, fmt.Errorf("forge %s %w", r.Forge.Kind, errForgeKind)
}

// forgeHTTP is the HTTP client for a forge: its own host may be a private one.
func forgeHTTP(r config.Repository, kept *secrets) (*http.Client, error) {
	u, err := url.Parse(forgeURL(r))
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("forge.url %q is no address", r.Forge.URL)
	}
	return newHTTPClient(httpLimits{CAFile: r.Forge.CAFile, AllowHosts: []string{u.Hostname()}, Secrets: kept})
}

// forgeGit are the credentials for Git, from the same source as the forge's:
// the token, under the name that its kind of forge expects beside one. They go
// to the forge's own host alone; GitHub has its API on another.
func forgeGit(r config.Repository) (user, password string, err error) {
	git, errGit := url.Parse(r.URL)
	api, errAPI := url.Parse(forgeURL(r))
	if errGit != nil || errAPI != nil || r.Forge.Token.IsZero() || !sameHost(git.Hostname(), api.Hostname()) && (r.Forge.Kind != "github" || !sameHost(git.Hostname(), githubHost(r))) {
		return "", "", nil //nolint:nilerr // no credentials: Git says what it needs
	}
	password, err = secret(r.Forge.Token)
	return map[string]string{"gitea": "waveguide", "gitlab": "oauth2", "github": "x-access-token"}[r.Forge.Kind], password, err
}

// forgeURL is where the forge is: as written, or the host of the repository.
func forgeURL(r config.Repository) string {
	if r.Forge.URL != "" {
		return strings.TrimRight(r.Forge.URL, "/")
	}
	host, _ := forgePlace(r.URL)
	return "https://" + host
}

// forgePath is the repository's path on its forge, such as owner/name.
func forgePath(r config.Repository) string {
	_, path := forgePlace(r.URL)
	if u, err := url.Parse(r.Forge.URL); err == nil && r.Forge.URL != "" {
		path = strings.TrimPrefix(path, strings.Trim(u.Path, "/")+"/") // a forge below a path of its host
	}
	return path
}

// forgePlace splits the URL of a repository, also one as ssh writes it.
func forgePlace(repository string) (host, path string) {
	if u, err := url.Parse(repository); err == nil && u.Host != "" {
		host, path = u.Host, u.Path
		if u.Scheme == "ssh" {
			host = u.Hostname()
		}
	} else if before, after, ok := strings.Cut(repository, ":"); ok {
		host, path = before[strings.LastIndexByte(before, '@')+1:], after
	}
	return host, strings.TrimSuffix(strings.Trim(path, "/"), ".git")
}
