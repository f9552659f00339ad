package gitlab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/waveguide-dev/waveguide/gitops/limit"
)

const (
	// maxKept bounds the answers kept for conditional requests.
	maxKept      = 512
	maxKeptBytes = 256 << 10
)

// transport is between the API client and the limits: it asks only for what has
// changed, and knows GitLab's clock.
type transport struct {
	next *limit.Transport

	mu    sync.Mutex
	clock time.Time // the newest date an answer bore
	kept  map[string]kept
}

// kept is an answer that the server may call unchanged.
type kept struct {
	tag    string
	header http.Header
	body   []byte
}

func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
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
	data, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return nil, fmt.Errorf("read GitLab's answer: %w", err)
	}
	t.observe(resp)
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

// observe reads GitLab's clock.
func (t *transport) observe(resp *http.Response) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if at, err := http.ParseTime(resp.Header.Get("Date")); err == nil && at.After(t.clock) {
		t.clock = at
	}
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
