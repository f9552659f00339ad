// Package github makes proposals as pull requests, on github.com and on GitHub
// Enterprise Server. It acts as a GitHub App, or as an account with a token.
//
// One look at a repository is a few GraphQL queries (look.go, issue.go); what
// is written goes through REST (proposal.go, mark.go, talk.go) and, where only
// GraphQL names the expected head, through GraphQL (queue.go). What the branch
// demands is in package guard. How GitHub is asked is in package api, webhooks
// are read in package hook, and package githubtest is a GitHub to test against.
package github

import (
	"context"
	"fmt"
	"strconv"
	"sync"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/github/api"
	"github.com/waveguide-dev/waveguide/gitops/github/guard"
)

// Options say which repository is spoken to, and as whom.
type Options = api.Options

// App names a GitHub App and where it is installed.
type App = api.App

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
)

// Client is one repository on GitHub.
type Client struct {
	api    *api.Client
	lanes  string // what lanes call the repository
	guard  *guard.Branch
	people people

	mu   sync.Mutex
	size int // proposals per page; shrinks when GitHub gives up on a page
	runs map[string]run
	// seenOpen and seenIssues are the last looks.
	seenOpen   seen[[]gitops.Proposal]
	seenIssues seen[[]gitops.Issue]
	// labels are those that the repository is known to have.
	labels map[string]bool
	// paused are the issues that were ever seen with the label of pauses.
	paused map[string]bool
}

// New makes a client. It does not connect.
func New(o Options) (*Client, error) {
	a, err := api.New(o)
	if err != nil {
		return nil, err
	}
	c := &Client{api: a, lanes: o.Name, guard: guard.New(a), size: 40, runs: map[string]run{}, labels: map[string]bool{}, paused: map[string]bool{}}
	if c.lanes == "" {
		c.lanes = o.Repository
	}
	return c, nil
}

// Whoami is who we are here, and what we may do.
func (c *Client) Whoami(ctx context.Context) (gitops.Actor, error) { return c.api.Whoami(ctx) }

// Credentials open the repository over HTTPS with the same rights.
func (c *Client) Credentials(ctx context.Context) (user, pass string, err error) {
	return c.api.Credentials(ctx)
}

// Protection reads what guards the protected branch, and what the bot may do.
func (c *Client) Protection(ctx context.Context) (gitops.Protection, error) {
	return c.guard.Protection(ctx)
}

// Budget is what GitHub still lets us ask: of requests or of queries, whichever
// is scarcer.
func (c *Client) Budget() gitops.Budget { return c.api.Transport.Budget("") }

// Limits are how long GitHub lets texts be.
func (c *Client) Limits() gitops.Limits {
	l := gitops.Limits{Title: maxTitle, Body: maxBody, Label: maxLabel, Check: maxStatus}
	if c.api.AppID != 0 {
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
