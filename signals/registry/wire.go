package registry

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// wire is what lies between the registry library and the network. It
// spends the budget, keeps requests and credentials with the hosts they are
// meant for, bounds every answer that is not a blob, remembers entity tags,
// and turns "come back later" into [Throttled].
type wire struct {
	next      http.RoundTripper
	host      string
	realms    []string
	plainHTTP bool
	limit     int64
	budget    *budget
	answers   *answers
	lists     lists

	mu    sync.Mutex
	until time.Time
}

const mostErrorText = 4 << 10

func newWire(o Options, host string, limit int64) *wire {
	rate := o.RequestsPerSecond
	if rate <= 0 {
		rate = 10
	}
	realms := slices.Clone(o.Realms)
	switch host { // registries whose token server is known to be elsewhere
	case "index.docker.io":
		realms = append(realms, "auth.docker.io")
	case "registry.gitlab.com":
		realms = append(realms, "gitlab.com")
	}
	return &wire{
		next: o.HTTP, host: host, realms: realms, plainHTTP: o.PlainHTTP, limit: limit,
		budget:  &budget{interval: time.Duration(float64(time.Second) / rate), burst: max(1, int(rate))},
		answers: &answers{kept: map[string]answer{}},
	}
}

// RoundTrip implements [http.RoundTripper].
func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := w.permit(req); err != nil {
		return nil, err
	}
	if until := w.throttled(); time.Now().Before(until) {
		return nil, &Throttled{Host: w.host, Until: until}
	}
	if resp := w.lists.absent(req, time.Now()); resp != nil {
		return resp, nil
	}
	if err := w.budget.wait(req.Context()); err != nil {
		return nil, err
	}
	known, ok := w.answers.get(req)
	if ok {
		req = req.Clone(req.Context())
		req.Header.Set("If-None-Match", known.header.Get("Etag"))
	}
	resp, err := w.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if err := w.throttle(resp); err != nil {
		return nil, errors.Join(err, resp.Body.Close())
	}
	if ok && resp.StatusCode == http.StatusNotModified {
		return known.response(req), resp.Body.Close()
	}
	if isBlob(req) && resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	return w.bounded(req, resp)
}

// bounded reads an answer whole, so that nothing behind it can be made to read
// more, and remembers it if the registry named an entity tag.
func (w *wire) bounded(req *http.Request, resp *http.Response) (*http.Response, error) {
	body, err := io.ReadAll(io.LimitReader(resp.Body, w.limit+1))
	err = errors.Join(err, resp.Body.Close())
	if err != nil {
		return nil, fmt.Errorf("read the answer of %s: %w", w.host, err)
	}
	if int64(len(body)) > w.limit || req.Method == http.MethodHead && strings.Contains(req.URL.Path, "/manifests/") && resp.ContentLength > w.limit {
		return nil, fmt.Errorf("%w: registry %s sent more than %d bytes for %s (limit manifest)", ErrLimit, w.host, w.limit, req.URL.Path)
	}
	if resp.StatusCode >= http.StatusBadRequest && len(body) > mostErrorText {
		body = body[:mostErrorText]
	}
	w.lists.note(req, resp.StatusCode, time.Now())
	if body, err = w.whole(req, resp, body); err != nil {
		return nil, err
	}
	if isReferrers(req) {
		resp.ContentLength = int64(len(body))
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	w.answers.put(req, resp, body)
	return resp, nil
}

// permit refuses requests that leave the registry: tokens are asked for only
// at known hosts, redirects are followed only for blobs and without
// credentials, and plain HTTP is spoken only where it was configured.
func (w *wire) permit(req *http.Request) error {
	if w.plainHTTP && req.URL.Scheme == "https" && req.URL.Host == w.host {
		return fmt.Errorf("registry %s is configured for plain http", w.host)
	}
	if !w.plainHTTP && req.URL.Scheme != "https" {
		return fmt.Errorf("registry %s wants plain http at %s; refused unless plainHTTP is configured", w.host, req.URL.Host)
	}
	if req.URL.Host == w.host {
		return nil
	}
	if req.Response == nil {
		if slices.Contains(w.realms, req.URL.Host) || slices.Contains(w.realms, req.URL.Hostname()) {
			return nil
		}
		return fmt.Errorf("registry %s names the token server %s, which is not configured; add it to the realms of this registry if it is yours", w.host, req.URL.Host)
	}
	if !strings.Contains(firstRequest(req).URL.Path, "/blobs/") {
		return fmt.Errorf("registry %s redirects %s to %s; only blobs may be served from elsewhere", w.host, firstRequest(req).URL.Path, req.URL.Host)
	}
	if req.Header.Get("Authorization") != "" {
		return fmt.Errorf("registry %s redirects to %s; credentials do not follow", w.host, req.URL.Host)
	}
	return nil
}

// firstRequest walks a chain of redirects back to its beginning.
func firstRequest(req *http.Request) *http.Request {
	for req.Response != nil && req.Response.Request != nil {
		req = req.Response.Request
	}
	return req
}

func isBlob(req *http.Request) bool {
	return strings.Contains(firstRequest(req).URL.Path, "/blobs/")
}

func (w *wire) throttled() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.until
}

// throttle remembers that the registry asked for a pause.
func (w *wire) throttle(resp *http.Response) error {
	later := resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") != ""
	if resp.StatusCode != http.StatusTooManyRequests && !later {
		return nil
	}
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.until = now.Add(pauseOf(resp.Header, now))
	return &Throttled{Host: w.host, Until: w.until}
}
