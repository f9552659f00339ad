// Package github makes proposals as pull requests, on github.com and on GitHub
// Enterprise Server. It acts as a GitHub App, or as an account with a token.
//
// One look at a repository is a few GraphQL queries (look.go, issue.go); what
// is written goes through REST (proposal.go, mark.go, talk.go) and, where only
// GraphQL names the expected head, through GraphQL (queue.go). What the branch
// demands is in rules.go and protection.go. How requests travel is in package
// wire, webhooks are read in package hook, and package githubtest is a GitHub
// to test against.
package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
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

// Limits of GitHub, in characters.
const (
	maxTitle  = 256
	maxBody   = 65536
	maxLabel  = 50
	maxStatus = 140
	maxRun    = 255
)

// Bounds of what is read in one go.
const (
	perPage  = 100
	maxPages = 100
	// fresh is how long people, teams and rules are remembered between looks.
	fresh = 5 * time.Minute
)

// Client is one repository on GitHub.
type Client struct {
	o           Options
	owner, name string
	web         string // where people look
	graphql     string
	rest        *gogithub.Client
	app         *wire.App // nil with a token
	asApp       *gogithub.Client
	transport   *wire.Transport
	source      wire.Source
	people      people

	mu   sync.Mutex
	size int // proposals per page; shrinks when GitHub gives up on a page
	me   remembered[gitops.Actor]
	repo remembered[settings]
	need remembered[[]gitops.RequiredCheck]
	runs map[string]run
	// seenOpen and seenIssues are the last looks.
	seenOpen   seen[[]gitops.Proposal]
	seenIssues seen[[]gitops.Issue]
	// labels are those that the repository is known to have.
	labels map[string]bool
	// paused are the issues that were ever seen with the label of pauses.
	paused map[string]bool
}

// remembered is something that was read a while ago.
type remembered[T any] struct {
	value T
	at    time.Time
}

// recall is the value, if it is younger than that.
func (r *remembered[T]) recall(mu *sync.Mutex, age time.Duration) (T, bool) {
	mu.Lock()
	defer mu.Unlock()
	return r.value, !r.at.IsZero() && time.Since(r.at) < age
}

func (r *remembered[T]) keep(mu *sync.Mutex, v T) {
	mu.Lock()
	defer mu.Unlock()
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
	if o.Name == "" {
		o.Name = o.Repository
	}
	web, rest, graphql, err := addresses(o.URL)
	if err != nil {
		return nil, err
	}
	c := &Client{
		o: o, owner: owner, name: name, web: web, graphql: graphql, size: 40,
		runs: map[string]run{}, labels: map[string]bool{}, paused: map[string]bool{},
	}
	u, err := url.Parse(rest)
	if err != nil {
		return nil, fmt.Errorf("forge.url: %w", err)
	}
	t := wire.New(o.HTTP.Transport, u.Host)
	c.source = wire.Static(o.Token)
	if o.App != nil {
		app := *o.App
		app.Repository = name
		c.app = wire.NewApp(app, strings.TrimSuffix(rest, "/"), t)
		c.source = c.app
		if c.asApp, err = speaker(o.HTTP, c.app, rest); err != nil {
			return nil, err
		}
	}
	c.transport = t.With(c.source)
	c.rest, err = speaker(o.HTTP, c.transport, rest)
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

// Whoami is who we are here, and what we may do.
func (c *Client) Whoami(ctx context.Context) (gitops.Actor, error) {
	me, err := c.whoami(ctx)
	if err != nil {
		return gitops.Actor{}, fmt.Errorf("ask GitHub who we are: %w", problem(err))
	}
	c.me.keep(&c.mu, me)
	return me, nil
}

func (c *Client) whoami(ctx context.Context) (gitops.Actor, error) {
	if c.app != nil {
		return c.appAccount(ctx)
	}
	u, _, err := c.rest.Users.Get(ctx, "")
	if err != nil {
		return gitops.Actor{}, err
	}
	r, _, err := c.rest.Repositories.Get(ctx, c.owner, c.name)
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
	in, _, err := c.asApp.Apps.GetInstallation(ctx, c.o.App.Installation)
	if err != nil {
		return gitops.Actor{}, err
	}
	me := gitops.Actor{Name: a.GetSlug() + node.BotEnding, Bot: true, Permission: gitops.PermissionRead}
	if in.GetPermissions().GetContents() == "write" && in.GetPermissions().GetPullRequests() == "write" {
		me.Permission = gitops.PermissionWrite
	}
	return me, nil
}

// self is who we are, as remembered.
func (c *Client) self(ctx context.Context) (gitops.Actor, error) {
	if me, ok := c.me.recall(&c.mu, fresh); ok {
		return me, nil
	}
	return c.Whoami(ctx)
}

// Credentials open the repository over HTTPS with the same rights.
func (c *Client) Credentials(ctx context.Context) (user, pass string, err error) {
	token, err := c.source.Token(ctx)
	if err != nil {
		return "", "", fmt.Errorf("credentials for Git: %w", err)
	}
	return "x-access-token", token, nil
}

// Budget is what GitHub still lets us ask: of requests or of queries, whichever
// is scarcer.
func (c *Client) Budget() gitops.Budget { return c.transport.Budget("") }

// Limits are how long GitHub lets texts be.
func (c *Client) Limits() gitops.Limits {
	l := gitops.Limits{Title: maxTitle, Body: maxBody, Label: maxLabel, Check: maxStatus}
	if c.app != nil {
		l.Check = maxRun
	}
	return l
}

// number is a proposal's or issue's number.
func number(id string) (int, error) {
	n, err := strconv.Atoi(id)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%.40q is no number of a proposal or issue", id)
	}
	return n, nil
}

// problem turns what GitHub said into words that callers act on.
func problem(err error) error {
	if limit, ok := errors.AsType[*gitops.LimitError](err); ok {
		return limit
	}
	e, ok := errors.AsType[*gogithub.ErrorResponse](err)
	if !ok || e.Response == nil {
		return err
	}
	said := []string{e.Message}
	for _, one := range e.Errors {
		if one.Message != "" && !slices.Contains(said, one.Message) {
			said = append(said, one.Message)
		} else if one.Code != "" && one.Code != "custom" {
			said = append(said, one.Field+" "+one.Code)
		}
	}
	text := fmt.Sprintf("GitHub says %d: %s", e.Response.StatusCode, gitops.CutLine(strings.Join(said, "; "), 300))
	switch e.Response.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("%w: %s", gitops.ErrDenied, text)
	case http.StatusGone:
		return fmt.Errorf("%w: %s", gitops.ErrDisabled, text)
	case http.StatusNotFound:
		text += " (it is not there, or the credentials may not see it)"
	}
	return &answered{text: text, status: e.Response.StatusCode}
}

// answered is an answer of GitHub that is no success.
type answered struct {
	text   string
	status int
}

func (a *answered) Error() string { return a.text }

// status is what GitHub answered, or 0 if nothing came.
func status(err error) int {
	if e, ok := errors.AsType[*gogithub.ErrorResponse](err); ok && e.Response != nil {
		return e.Response.StatusCode
	}
	if e, ok := errors.AsType[*answered](err); ok {
		return e.status
	}
	return 0
}
