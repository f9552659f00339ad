package registry

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

const (
	// mostPages bounds the pages of one list of referrers.
	mostPages = 32
	// withoutAPI is how long a registry is remembered to have no referrers API.
	withoutAPI = time.Hour
)

// lists makes lists of referrers whole: the library above reads the first page
// of them, and asks every time whether a registry has them at all.
type lists struct {
	mu      sync.Mutex
	without time.Time
}

func isReferrers(req *http.Request) bool {
	return req.Method == http.MethodGet && strings.Contains(req.URL.Path, "/referrers/sha256:")
}

// absent answers for a registry that said a while ago that it has no such
// lists. What such a registry keeps lies under tags, which are asked for next.
func (l *lists) absent(req *http.Request, now time.Time) *http.Response {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !isReferrers(req) || !now.Before(l.without) {
		return nil
	}
	return &http.Response{
		Status: "404 Not Found", StatusCode: http.StatusNotFound, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: http.NoBody, Request: req,
	}
}

// note remembers that there is no such list. A registry that has the API
// answers with an empty list instead.
func (l *lists) note(req *http.Request, status int, now time.Time) {
	if isReferrers(req) && status == http.StatusNotFound {
		l.mu.Lock()
		l.without = now.Add(withoutAPI)
		l.mu.Unlock()
	}
}

// whole adds the further pages to the first page of a list of referrers.
func (w *wire) whole(req *http.Request, resp *http.Response, first []byte) ([]byte, error) {
	next := nextPage(req.URL, resp.Header)
	if !isReferrers(req) || resp.StatusCode != http.StatusOK || next == nil {
		return first, nil
	}
	var list map[string]json.RawMessage
	var all []json.RawMessage
	if err := json.Unmarshal(first, &list); err != nil {
		return nil, fmt.Errorf("read the referrers of %s: %w", w.host, err)
	}
	if err := json.Unmarshal(list["manifests"], &all); err != nil {
		return nil, fmt.Errorf("read the referrers of %s: %w", w.host, err)
	}
	size := int64(len(first))
	for page := 1; next != nil; page++ {
		if page >= mostPages {
			return nil, fmt.Errorf("%w: more than %d pages of referrers at %s", ErrLimit, mostPages, w.host)
		}
		if next.Host != req.URL.Host || next.Scheme != req.URL.Scheme || next.Path != req.URL.Path {
			return nil, fmt.Errorf("registry %s continues its list of referrers elsewhere, at %s%s", w.host, next.Host, next.Path)
		}
		var more struct {
			Manifests []json.RawMessage `json:"manifests"`
		}
		header, read, err := w.page(req, next, w.limit-size, &more)
		if err != nil {
			return nil, err
		}
		size += read
		all = append(all, more.Manifests...)
		next = nextPage(next, header)
	}
	joined, err := json.Marshal(all)
	if err != nil {
		return nil, fmt.Errorf("join the referrers of %s: %w", w.host, err)
	}
	list["manifests"] = joined
	resp.Header.Del("Link")
	return json.Marshal(list)
}

// page reads one further page with the credentials of the first.
func (w *wire) page(first *http.Request, at *url.URL, limit int64, into any) (http.Header, int64, error) {
	if err := w.budget.wait(first.Context()); err != nil {
		return nil, 0, err
	}
	req := first.Clone(first.Context())
	req.URL = at
	resp, err := w.next.RoundTrip(req)
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	if err := w.throttle(resp); err != nil {
		return nil, 0, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, 0, fmt.Errorf("registry %s answered %d for a further page of referrers", w.host, resp.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	switch {
	case err != nil:
		return nil, 0, fmt.Errorf("read the referrers of %s: %w", w.host, err)
	case int64(len(body)) > limit:
		return nil, 0, fmt.Errorf("%w: registry %s sent more than %d bytes of referrers", ErrLimit, w.host, w.limit)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return nil, 0, fmt.Errorf("read the referrers of %s: %w", w.host, err)
	}
	return resp.Header, int64(len(body)), nil
}

// nextPage is where a list goes on (RFC 8288); nil if it does not.
func nextPage(from *url.URL, header http.Header) *url.URL {
	for _, link := range header.Values("Link") {
		target, attributes, ok := strings.Cut(link, ">")
		if !ok || !strings.HasPrefix(target, "<") || !strings.Contains(attributes, `rel="next"`) && !strings.Contains(attributes, "rel=next") {
			continue
		}
		if next, err := from.Parse(target[1:]); err == nil {
			return next
		}
	}
	return nil
}
