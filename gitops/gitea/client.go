package gitea

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/keep"
	"github.com/waveguide-dev/waveguide/gitops/limit"
)

// Options say which repository of which server a client speaks to.
type Options struct {
	// URL is the server, Repository the path on it, "owner/name".
	URL, Repository string
	// Name is what lanes call the repository; Repository if empty.
	Name string
	// Branch is the protected branch; "main" if empty.
	Branch string
	// Token is asked before every request, so that a new one is used at once.
	Token func(ctx context.Context) (string, error)
	HTTP  *http.Client
}

// Client is a Gitea repository as the loop sees it.
type Client struct {
	options Options
	api     string
	limit   *limit.Transport
	memory  keep.Memory

	mu      sync.Mutex
	me      string
	ahead   time.Duration // how far the server's clock is before ours
	repo    cached[repository]
	rule    cached[branch]
	threads map[int64]*thread
	heads   map[string]*statuses
	granted map[string]cached[gitops.Permission]
	teams   cached[map[string][]string]
	labels  map[string][]int64
	paused  map[int64]bool
	pages   int
}

// cached is something that was read and when.
type cached[T any] struct {
	value T
	at    time.Time
}

func (c cached[T]) fresh(now time.Time, life time.Duration) bool {
	return !c.at.IsZero() && now.Sub(c.at) < life
}

const (
	pageSize = 50
	maxPages = 400
	// rulesLife is how long what the repository demands and allows is believed.
	rulesLife = time.Minute
	// peopleLife is how long permissions and teams are believed.
	peopleLife = 5 * time.Minute
	maxCached  = 20_000
)

// New makes a client. It does not connect.
func New(o Options) *Client {
	if o.Name == "" {
		o.Name = o.Repository
	}
	if o.Branch == "" {
		o.Branch = "main"
	}
	owner, name, _ := strings.Cut(o.Repository, "/")
	c := &Client{
		api:     strings.TrimRight(o.URL, "/") + "/api/v1",
		threads: map[int64]*thread{}, heads: map[string]*statuses{}, paused: map[int64]bool{},
		granted: map[string]cached[gitops.Permission]{}, labels: map[string][]int64{}, memory: keep.Nothing{},
	}
	c.options = o
	c.options.Repository = url.PathEscape(owner) + "/" + url.PathEscape(name)
	c.options.HTTP, c.limit = limit.Client(o.HTTP)
	return c
}

// KeepIn says where to keep what was read; it comes before the first look.
func (c *Client) KeepIn(m keep.Memory) { c.memory = m }

// Budget is what the server said is left; Gitea itself sets none.
func (c *Client) Budget() gitops.Budget { return c.limit.Budget() }

// Limits are how long texts may be.
func (c *Client) Limits() gitops.Limits {
	return gitops.Limits{Title: 255, Body: 65_000, Label: 50, Check: 255}
}

// clock is the server's time, which its answers are compared with.
func (c *Client) clock() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

// failure is an answer that is no success.
type failure struct {
	status int
	text   string
}

func (f *failure) Error() string { return fmt.Sprintf("the forge says %d: %s", f.status, f.text) }

// Unwrap lets callers tell what they act on.
func (f *failure) Unwrap() error {
	switch f.status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusLocked:
		return gitops.ErrDenied
	}
	return nil
}

func is(err error, status ...int) bool {
	f, ok := errors.AsType[*failure](err)
	return ok && slices.Contains(status, f.status)
}

// inRepo is a path of the API below the repository.
func (c *Client) inRepo(format string, args ...any) string {
	return "/repos/" + c.options.Repository + fmt.Sprintf(format, args...)
}

// call sends one request and decodes its answer into a value, unless that is
// nil.
func (c *Client) call(ctx context.Context, method, path string, body, into any) error {
	_, err := c.ask(ctx, method, path, body, into)
	return err
}

func (c *Client) ask(ctx context.Context, method, path string, body, into any) (http.Header, error) {
	var in io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("encode the request: %w", err)
		}
		in = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.api+path, in)
	if err != nil {
		return nil, fmt.Errorf("make the request: %w", err)
	}
	token, err := c.options.Token(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the forge's token: %w", err)
	}
	req.Header.Set("Authorization", "token "+token)
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.options.HTTP.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the forge: %w", err)
	}
	defer func() { _ = resp.Body.Close() }() // nothing is lost
	if at, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		c.mu.Lock()
		c.ahead = time.Until(at)
		c.mu.Unlock()
	}
	data, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the forge's answer: %w", err)
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return nil, failed(resp.StatusCode, data)
	case into == nil:
		return resp.Header, nil
	}
	if err := json.Unmarshal(data, into); err != nil {
		return nil, fmt.Errorf("the forge's answer is not the JSON that is expected: %w", err)
	}
	return resp.Header, nil
}

// failed names the status and the server's own message.
func failed(status int, data []byte) error {
	var p struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(data, &p) != nil || p.Message == "" {
		p.Message = http.StatusText(status)
	}
	return &failure{status: status, text: gitops.CutLine(p.Message, 300)}
}

// pages reads a list to its end: until a page is empty, or as many were read
// as the server counts. Servers cut pages shorter than asked if they are told
// to, so a short page says nothing. Of a list that is filtered after it was
// cut into pages neither the count nor an empty page says anything: the caller
// says when it ends.
func pages[T any](ctx context.Context, c *Client, path string, filtered bool, each func([]T) (more bool)) error {
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	read := 0
	for page := 1; page <= maxPages; page++ {
		var list []T
		header, err := c.ask(ctx, http.MethodGet, path+sep+"limit="+strconv.Itoa(pageSize)+"&page="+strconv.Itoa(page), nil, &list)
		if err != nil {
			return err
		}
		read += len(list)
		total, err := strconv.Atoi(header.Get("X-Total-Count"))
		if !each(list) || !filtered && (len(list) == 0 || err == nil && read >= total) {
			return nil
		}
	}
	return fmt.Errorf("the pages of %s do not end", path)
}

// number reads an id of ours.
func number(id string) (int64, error) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil || n <= 0 {
		return 0, fmt.Errorf("%.20q is no number of a proposal or an issue", id)
	}
	return n, nil
}

// cut splits "@owner/name" or "owner/name".
func cut(path string) (owner, name string, ok bool) {
	return strings.Cut(strings.TrimPrefix(path, "@"), "/")
}
