// Package wire is how requests travel to GitHub: with whose token, within which
// budget, how often again after a failure, and with what is known already so
// that an unchanged answer costs nothing. Tokens of apps are in app.go.
package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
)

const (
	maxAnswer = 16 << 20
	// maxKept bounds how many answers are kept for conditional requests.
	maxKept  = 512
	maxKeep  = 1 << 20
	maxTries = 3
	// maxWait bounds what a server can make us wait.
	maxWait = 2 * time.Hour
)

// Source gives tokens. Renew forgets the last one, because it was refused.
type Source interface {
	Token(ctx context.Context) (string, error)
	Renew()
}

// Static is a token that is read anew for every request.
type Static func(ctx context.Context) (string, error)

// Token implements [Source].
func (s Static) Token(ctx context.Context) (string, error) { return s(ctx) }

// Renew implements [Source]; there is nothing to forget.
func (Static) Renew() {}

// Transport sends requests to one host of GitHub.
type Transport struct {
	next   http.RoundTripper
	host   string
	source Source
	state  *state
}

// state is what several transports of one account share.
type state struct {
	mu      sync.Mutex
	until   map[string]time.Time // by resource; "" is all of them
	budgets map[string]gitops.Budget
	kept    map[string]kept
}

type kept struct {
	tag    string
	header http.Header
	body   []byte
}

// New makes a transport that gives tokens to that host and to no other.
func New(next http.RoundTripper, host string) *Transport {
	if next == nil {
		next = http.DefaultTransport
	}
	return &Transport{next: next, host: host, state: &state{
		until: map[string]time.Time{}, budgets: map[string]gitops.Budget{}, kept: map[string]kept{},
	}}
}

// With is the same transport with tokens of a source.
func (t *Transport) With(s Source) *Transport {
	out := *t
	out.source = s
	return &out
}

// Budget is what is left of "core" or "graphql", or of the scarcer if the name
// is empty.
func (t *Transport) Budget(resource string) gitops.Budget {
	t.state.mu.Lock()
	defer t.state.mu.Unlock()
	if resource != "" {
		return t.state.budgets[resource]
	}
	var least gitops.Budget
	for _, b := range t.state.budgets {
		if least.Limit == 0 || b.Remaining*least.Limit < least.Remaining*b.Limit {
			least = b
		}
	}
	return least
}

// Wait notes that nothing may be sent for a resource before that time.
func (t *Transport) Wait(resource string, until time.Time) *gitops.LimitError {
	until = earlier(until, time.Now().Add(maxWait))
	t.state.mu.Lock()
	defer t.state.mu.Unlock()
	if until.After(t.state.until[resource]) {
		t.state.until[resource] = until
	}
	return &gitops.LimitError{Until: t.state.until[resource]}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// RoundTrip implements [http.RoundTripper]. Reads are tried again after a
// failure that may pass; writes are not, because they may have been done.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := drain(req)
	if err != nil {
		return nil, err
	}
	reads := req.Method == http.MethodGet || graphQL(req) && !bytes.Contains(body, []byte(`"mutation `))
	renewed := false
	for try := 1; ; try++ {
		resp, err := t.once(req, body)
		switch {
		case err == nil && resp.StatusCode == http.StatusUnauthorized && t.source != nil && !renewed:
			renewed = true
			t.source.Renew()
			continue
		case !reads || try == maxTries || !passing(resp, err):
			return resp, err
		}
		if err := pause(req.Context(), try); err != nil {
			return nil, err
		}
	}
}

func graphQL(req *http.Request) bool { return strings.HasSuffix(req.URL.Path, "/graphql") }

func drain(req *http.Request) ([]byte, error) {
	if req.Body == nil {
		return nil, nil
	}
	body, err := io.ReadAll(req.Body)
	return body, errors.Join(err, req.Body.Close())
}

// passing says that a failure may be gone in a moment.
func passing(resp *http.Response, err error) bool {
	if err != nil {
		_, limited := errors.AsType[*gitops.LimitError](err)
		return !limited && !errors.Is(err, gitops.ErrDenied) && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
	}
	return resp.StatusCode >= http.StatusInternalServerError
}

// pause waits a little longer every time, never the same.
func pause(ctx context.Context, try int) error {
	base := time.Duration(try) * 150 * time.Millisecond
	timer := time.NewTimer(base/2 + rand.N(base)) //nolint:gosec // jitter is no secret
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// once sends the request one time, with what is known already.
func (t *Transport) once(req *http.Request, body []byte) (*http.Response, error) {
	resource := "core"
	if graphQL(req) {
		resource = "graphql"
	}
	if err := t.waiting(resource); err != nil {
		return nil, err
	}
	out := req.Clone(req.Context())
	out.Body, out.ContentLength = http.NoBody, int64(len(body))
	if len(body) > 0 {
		out.Body = io.NopCloser(bytes.NewReader(body))
	}
	if err := t.authorize(out); err != nil {
		return nil, err
	}
	key := req.URL.String() + "\n" + req.Header.Get("Accept")
	old, known := t.recall(key)
	if known && req.Method == http.MethodGet {
		out.Header.Set("If-None-Match", old.tag)
	}
	resp, data, err := t.send(out)
	if err != nil {
		return nil, err
	}
	if err := t.note(resource, resp, data); err != nil {
		return nil, err
	}
	switch {
	case resp.StatusCode == http.StatusNotModified && known:
		old.stand(resp)
	case resp.StatusCode == http.StatusOK && req.Method == http.MethodGet:
		t.keep(key, kept{resp.Header.Get("ETag"), resp.Header.Clone(), data})
	}
	return resp, nil
}

// send is one exchange, with the whole answer in memory behind it.
func (t *Transport) send(req *http.Request) (*http.Response, []byte, error) {
	resp, err := t.next.RoundTrip(req)
	if err != nil {
		return nil, nil, err
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return nil, nil, fmt.Errorf("read GitHub's answer: %w", err)
	}
	if len(data) > maxAnswer {
		return nil, nil, fmt.Errorf("GitHub's answer is longer than %d MiB", maxAnswer>>20)
	}
	if len(data) == 0 && (resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusCreated) {
		return nil, nil, errors.New("GitHub's answer is empty") // which would read as: there is none
	}
	resp.Body = io.NopCloser(bytes.NewReader(data))
	return resp, data, nil
}

// stand puts a known answer in the place of one that says: not modified.
func (k kept) stand(resp *http.Response) {
	date := resp.Header.Get("Date")
	resp.StatusCode, resp.Status, resp.Header = http.StatusOK, "200 OK", k.header.Clone()
	resp.Header.Set("Date", date)
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(k.body)), int64(len(k.body))
}

// authorize adds the token, to our host alone: a redirect does not get it.
func (t *Transport) authorize(req *http.Request) error {
	if t.source == nil || !strings.EqualFold(req.URL.Host, t.host) {
		return nil
	}
	token, err := t.source.Token(req.Context())
	if err != nil {
		return fmt.Errorf("read GitHub's token: %w", err)
	}
	if token == "" || strings.ContainsAny(token, "\r\n") {
		return fmt.Errorf("%w: GitHub's token is empty or has more than one line", gitops.ErrDenied)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	return nil
}

func (t *Transport) waiting(resource string) error {
	t.state.mu.Lock()
	defer t.state.mu.Unlock()
	until := t.state.until[""]
	if u := t.state.until[resource]; u.After(until) {
		until = u
	}
	if time.Now().Before(until) {
		return &gitops.LimitError{Until: until}
	}
	return nil
}

// note reads the budget off an answer, and whether it asks us to wait.
func (t *Transport) note(resource string, resp *http.Response, data []byte) error {
	h := resp.Header
	limit, errLimit := strconv.Atoi(h.Get("X-RateLimit-Limit"))
	remaining, errRemaining := strconv.Atoi(h.Get("X-RateLimit-Remaining"))
	reset, errReset := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64)
	told := errLimit == nil && errRemaining == nil && errReset == nil
	if told {
		t.state.mu.Lock()
		t.state.budgets[resource] = gitops.Budget{Limit: limit, Remaining: remaining, Reset: time.Unix(reset, 0).UTC()}
		t.state.mu.Unlock()
	}
	refused := resp.StatusCode == http.StatusForbidden || resp.StatusCode == http.StatusTooManyRequests
	seconds, err := strconv.Atoi(h.Get("Retry-After"))
	switch {
	case refused && err == nil:
		return t.Wait("", time.Now().Add(time.Duration(max(seconds, 1))*time.Second))
	case told && remaining == 0 && refused:
		return t.Wait(resource, time.Unix(reset, 0))
	case told && remaining == 0:
		_ = t.Wait(resource, time.Unix(reset, 0)) // what was asked for was given
	case resp.StatusCode == http.StatusTooManyRequests, refused && bytes.Contains(data, []byte("secondary rate limit")):
		return t.Wait("", time.Now().Add(time.Minute))
	}
	return nil
}

func (t *Transport) recall(key string) (kept, bool) {
	t.state.mu.Lock()
	defer t.state.mu.Unlock()
	k, ok := t.state.kept[key]
	return k, ok
}

func (t *Transport) keep(key string, k kept) {
	if k.tag == "" || len(k.body) > maxKeep {
		return
	}
	t.state.mu.Lock()
	defer t.state.mu.Unlock()
	if len(t.state.kept) >= maxKept {
		clear(t.state.kept)
	}
	t.state.kept[key] = k
}
