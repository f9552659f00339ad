package gitlab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
)

const (
	maxAnswer = 16 << 20
	// maxKept bounds the answers kept for conditional requests.
	maxKept      = 512
	maxKeptBytes = 256 << 10
	// restless is how long we wait where GitLab does not say how long.
	restless = time.Minute
	longest  = time.Hour
)

// transport is between the API client and the network: it keeps GitLab's
// limits, bounds answers and asks only for what has changed.
type transport struct {
	next http.RoundTripper
	now  func() time.Time

	mu     sync.Mutex
	until  time.Time // nothing is sent before
	budget gitops.Budget
	clock  time.Time // the newest date an answer bore
	kept   map[string]kept
}

// kept is an answer that the server may call unchanged.
type kept struct {
	tag    string
	header http.Header
	body   []byte
}

func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := t.waiting(); err != nil {
		return nil, err
	}
	key, old := req.URL.String(), kept{}
	if req.Method == http.MethodGet {
		t.mu.Lock()
		old = t.kept[key]
		t.mu.Unlock()
		if old.tag != "" {
			req = req.Clone(req.Context())
			req.Header.Set("If-None-Match", old.tag)
		}
	}
	resp, err := t.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return nil, fmt.Errorf("read GitLab's answer: %w", err)
	}
	if len(data) > maxAnswer {
		return nil, errors.New("GitLab's answer is longer than 16 MiB")
	}
	if err := t.observe(resp); err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusNotModified && old.tag != "" {
		resp.StatusCode, resp.Status, resp.Header, data = http.StatusOK, "200 OK", old.header.Clone(), old.body
	} else if req.Method == http.MethodGet {
		t.keep(key, resp, data)
	}
	if err := plain(resp, data); err != nil {
		return nil, err
	}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(data)), int64(len(data))
	return resp, nil
}

// plain refuses a page where JSON is expected, such as that of a proxy.
func plain(resp *http.Response, data []byte) error {
	kind := resp.Header.Get("Content-Type")
	if resp.StatusCode < http.StatusMultipleChoices && len(data) > 0 && !strings.Contains(kind, "json") {
		return fmt.Errorf("the answer is %.60q and not JSON: is forge.url the address of GitLab?", kind)
	}
	return nil
}

// waiting says until when GitLab asked us to wait.
func (t *transport) waiting() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.now().Before(t.until) {
		return &gitops.LimitError{Until: t.until}
	}
	return nil
}

// observe reads the budget and turns a refusal for its sake into a limit.
func (t *transport) observe(resp *http.Response) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if at, err := http.ParseTime(resp.Header.Get("Date")); err == nil && at.After(t.clock) {
		t.clock = at
	}
	reset := time.Time{}
	if n, err := strconv.ParseInt(resp.Header.Get("RateLimit-Reset"), 10, 64); err == nil {
		reset = time.Unix(n, 0).UTC()
	}
	if n, err := strconv.Atoi(resp.Header.Get("RateLimit-Limit")); err == nil {
		left, _ := strconv.Atoi(resp.Header.Get("RateLimit-Remaining")) // none is said: none is left
		t.budget = gitops.Budget{Limit: n, Remaining: left, Reset: reset}
	}
	after, told := retryAfter(resp.Header.Get("Retry-After"), now)
	if resp.StatusCode != http.StatusTooManyRequests && (resp.StatusCode != http.StatusServiceUnavailable || !told) {
		return nil
	}
	switch {
	case told:
		t.until = after
	case reset.After(now):
		t.until = reset
	default:
		t.until = now.Add(restless)
	}
	if most := now.Add(longest); t.until.After(most) {
		t.until = most
	}
	return &gitops.LimitError{Until: t.until}
}

// retryAfter reads seconds or a date.
func retryAfter(text string, now time.Time) (time.Time, bool) {
	if n, err := strconv.Atoi(text); err == nil && n >= 0 {
		return now.Add(time.Duration(min(n, int(longest.Seconds()))) * time.Second), true
	}
	at, err := http.ParseTime(text)
	return at, err == nil
}

func (t *transport) keep(key string, resp *http.Response, data []byte) {
	tag := resp.Header.Get("Etag")
	t.mu.Lock()
	defer t.mu.Unlock()
	if tag == "" || resp.StatusCode != http.StatusOK || len(data) > maxKeptBytes {
		delete(t.kept, key)
		return
	}
	if len(t.kept) >= maxKept {
		clear(t.kept)
	}
	t.kept[key] = kept{tag, resp.Header.Clone(), data}
}

// told is the newest date an answer bore, which is GitLab's clock.
func (t *transport) told() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.clock
}

// bearer gives every request the token as it is at that moment. GitLab takes
// project, group and personal access tokens and OAuth tokens in this form.
type bearer struct {
	token func(context.Context) (string, error)
}

// unlimited leaves waiting to the transport.
type unlimited struct{}

func (unlimited) Wait(context.Context) error { return nil }
