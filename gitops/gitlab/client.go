package gitlab

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/keep"
	"github.com/waveguide-dev/waveguide/gitops/limit"
)

// Options say which project of which GitLab a client speaks to.
type Options struct {
	// BaseURL is GitLab's address, with the path it is installed under.
	BaseURL string
	// Project is the full path, "group/subgroup/project".
	Project string
	// Name is what lanes call the repository; Project if empty.
	Name string
	// Branch is the protected branch; main if empty.
	Branch string
	// Token is asked before every request, so that it may rotate.
	Token func(ctx context.Context) (string, error)
	HTTP  *http.Client
	// Now is the clock; nil is the machine's.
	Now func() time.Time
}

// Client is the loop's side of one GitLab project.
type Client struct {
	options Options
	api     *gitlab.Client
	wire    *transport
	people  *people
	memory  keep.Memory

	mu sync.Mutex
	// me is who the token belongs to, as of meAt.
	me   gitops.Actor
	meAt time.Time
	// open are the open merge requests as last read; known are the issues
	// that were pauses when they were last read.
	open     map[int64]*seen
	issues   map[int64]*seenIssue
	external external
	// settings are the project's, as of settingsAt.
	settings   *gitlab.Project
	settingsAt time.Time
}

// Bounds of one reading.
const (
	pageSize = 100
	maxPages = 50
	// fewPages bounds what belongs to one merge request or issue.
	fewPages = 20
	// identityAge is how long we believe who we are and how the project is set.
	identityAge = 10 * time.Minute
)

// limits are GitLab's, in characters.
func limits() gitops.Limits { return gitops.Limits{Title: 255, Body: 1 << 20, Label: 255, Check: 255} }

// New makes a client. It does not connect.
func New(o Options) (*Client, error) {
	if o.Name == "" {
		o.Name = o.Project
	}
	if o.Branch == "" {
		o.Branch = "main"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	wire := &transport{next: limit.New(o.HTTP.Transport), kept: map[string]kept{}}
	own := *o.HTTP
	own.Transport = wire
	api, err := gitlab.NewAuthSourceClient(bearer{o.Token},
		gitlab.WithBaseURL(o.BaseURL), gitlab.WithHTTPClient(&own), gitlab.WithoutRetries(),
		gitlab.WithCustomLimiter(unlimited{}), gitlab.WithUserAgent("waveguide"))
	if err != nil {
		return nil, fmt.Errorf("make a client of GitLab: %w", err)
	}
	c := &Client{options: o, api: api, wire: wire, memory: keep.Nothing{}, open: map[int64]*seen{}, issues: map[int64]*seenIssue{}}
	c.people = newPeople(api, o)
	return c, nil
}

// KeepIn says where to keep what was read; it comes before the first look.
func (c *Client) KeepIn(m keep.Memory) { c.memory = m }

// Init implements [gitlab.AuthSource].
func (bearer) Init(context.Context, *gitlab.Client) error { return nil }

// Header implements [gitlab.AuthSource].
func (b bearer) Header(ctx context.Context) (key, value string, err error) {
	token, err := b.token(ctx)
	if err != nil {
		return "", "", fmt.Errorf("read GitLab's token: %w", err)
	}
	if token == "" {
		return "", "", errors.New("GitLab's token is empty: give forge.tokenFile or forge.tokenEnv")
	}
	return "Authorization", "Bearer " + token, nil
}

// Budget is what GitLab still lets us ask; zero if it does not say.
func (c *Client) Budget() gitops.Budget {
	return c.wire.next.Budget()
}

// Limits are how long GitLab lets texts be.
func (c *Client) Limits() gitops.Limits { return limits() }

// Whoami is who the token belongs to, with the permission in the project.
func (c *Client) Whoami(ctx context.Context) (gitops.Actor, error) {
	c.mu.Lock()
	me, at := c.me, c.meAt
	c.mu.Unlock()
	if me.Name != "" && c.options.Now().Sub(at) < identityAge {
		return me, nil
	}
	u, _, err := c.api.Users.CurrentUser(gitlab.WithContext(ctx))
	if err == nil && u.Username == "" {
		err = errors.New("the answer names nobody")
	}
	if err != nil {
		return gitops.Actor{}, failed("ask GitLab who we are", err)
	}
	me = gitops.Actor{Name: u.Username, Bot: u.Bot}
	level, err := c.people.level(ctx, u.ID)
	if err != nil {
		return gitops.Actor{}, failed("ask GitLab for our role in "+c.options.Project, err)
	}
	me.Permission = permission(level)
	c.mu.Lock()
	c.me, c.meAt = me, c.options.Now()
	c.mu.Unlock()
	return me, nil
}

// failed says what was being done, and of which kind the failure is.
func failed(doing string, err error) error {
	if err == nil {
		return nil
	}
	bad, ok := errors.AsType[*gitlab.ErrorResponse](err)
	if !ok {
		return fmt.Errorf("%s: %w", doing, err)
	}
	said := fmt.Errorf("GitLab says %d: %s", bad.StatusCode, gitops.CutLine(bad.Message, 300))
	switch bad.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("%s: %w: %w", doing, gitops.ErrDenied, said)
	case http.StatusConflict:
		return fmt.Errorf("%s: %w: %w", doing, gitops.ErrMoved, said)
	}
	return fmt.Errorf("%s: %w", doing, said)
}

// status is the HTTP status of a failure; zero if it is of another kind.
func status(err error) int {
	if errors.Is(err, gitlab.ErrNotFound) {
		return http.StatusNotFound
	}
	if bad, ok := errors.AsType[*gitlab.ErrorResponse](err); ok {
		return bad.StatusCode
	}
	return 0
}

// Merge requests and issues are numbered apart, so their ids say which they are.
const (
	mergeMark = "!"
	issueMark = "#"
)

func mergeID(iid int64) string { return mergeMark + strconv.FormatInt(iid, 10) }
func issueID(iid int64) string { return issueMark + strconv.FormatInt(iid, 10) }

// number reads an id of the kind that the mark says; the mark may be missing.
func number(id, mark string) (int64, error) {
	n, err := strconv.ParseInt(strings.TrimPrefix(id, mark), 10, 64)
	if err != nil || n <= 0 {
		return 0, fmt.Errorf("%.40q is no id such as %s7", id, mark)
	}
	return n, nil
}

// pages reads a whole list; a list without an end is an error.
func pages[T any](most int, read func(gitlab.ListOptions) ([]T, *gitlab.Response, error)) ([]T, error) {
	var all []T
	at := gitlab.ListOptions{PerPage: pageSize, Page: 1}
	for range most {
		items, resp, err := read(at)
		if err != nil {
			return nil, err
		}
		all = append(all, items...)
		if resp.NextPage == 0 {
			return all, nil
		}
		at.Page = resp.NextPage
	}
	return nil, fmt.Errorf("the list has more than %d entries", most*pageSize)
}
