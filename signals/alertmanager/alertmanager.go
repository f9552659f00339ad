// Package alertmanager says whether an alert fires that concerns an artifact in
// an environment: active, neither silenced nor inhibited. It reads Alertmanager
// or, where there is none, Prometheus' own list, which knows no silences.
//
// All alerts are read in one request and selected here, so a look costs one
// request for all lanes of a connection. Which alerts count is in [Spec]; how
// an answer is read is in api.go.
package alertmanager

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/waveguide-dev/waveguide/signals"
)

// share is how long one answer serves everybody who asks.
const share = time.Second

// Options are what a [Client] needs.
type Options struct {
	// URL is the server's address; a path before /api is kept.
	URL  string
	HTTP *http.Client
	// Authorize sets the credentials of a request, read anew each time; nil
	// sends none.
	Authorize func(*http.Request) error
	// Prometheus says that the address is a Prometheus.
	Prometheus bool
	// Timeout bounds a request; 0 means ten seconds.
	Timeout time.Duration
}

// Client reads one server. It is safe for concurrent use.
type Client struct {
	base       *url.URL
	http       *http.Client
	authorize  func(*http.Request) error
	prometheus bool
	timeout    time.Duration
	requests   atomic.Int64

	mu   sync.Mutex // held while asking, so that one request serves all
	at   time.Time
	list []alert
	err  error
}

// New makes a client; nothing is asked yet.
func New(o Options) (*Client, error) {
	u, err := url.Parse(o.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("the address of alertmanager is not absolute; write it as https://host/path")
	case u.User != nil:
		return nil, errors.New("the address of alertmanager holds credentials, which would be logged on the way; write them as secrets")
	case o.HTTP == nil:
		return nil, errors.New("alertmanager was given no HTTP client")
	}
	c := &Client{base: u, http: o.HTTP, authorize: o.Authorize, prometheus: o.Prometheus, timeout: o.Timeout}
	if c.authorize == nil {
		c.authorize = func(*http.Request) error { return nil }
	}
	if c.timeout <= 0 {
		c.timeout = 10 * time.Second
	}
	return c, nil
}

// Requests is how many were sent so far.
func (c *Client) Requests() int64 { return c.requests.Load() }

// Spec says which alerts count. At least one of Filter and Scope is set.
type Spec struct {
	// Name is the signal's name in the environment's rules.
	Name string
	// Filter are matchers that an alert must meet, see [signals.ParseMatchers].
	Filter string
	// Scope maps the labels that say what an alert is about to this lane's
	// values. An alert that says another value is about something else; one
	// that says nothing is about everything, and counts.
	Scope map[string]string
}

// alert is one that fires.
type alert struct {
	labels map[string]string
	since  time.Time
}

// Check says whether an alert counts. The error says that the server could not
// be asked.
func (c *Client) Check(ctx context.Context, s Spec, q signals.Question) (signals.Health, error) {
	h := signals.Health{Name: s.Name, For: q.Digest, Source: signals.Plain("alerts at "+c.base.Host+": "+s.String(), 300)}
	matchers, wrong := s.matchers()
	if wrong != nil {
		h.At = time.Now()
		h.Since, h.Reason = h.At, signals.Plain(wrong.Error(), 300)
		return h, nil
	}
	list, at, err := c.alerts(ctx)
	h.At, h.Since = at, at
	if err != nil {
		h.Reason = signals.Plain(err.Error(), 300)
		return h, err
	}
	h.State, h.Reason = signals.StateHealthy, "no alert fires"
	var names []string
	for _, a := range list {
		if !s.counts(a, matchers) {
			continue
		}
		if len(names) == 0 || a.since.Before(h.Since) {
			h.Since = a.since
		}
		names = append(names, s.describe(a))
	}
	if len(names) > 0 {
		h.State, h.Proven = signals.StateUnhealthy, h.Since.Before(at)
		h.Reason = signals.Plain(sentence(names), 300)
	}
	return h, nil
}

func (s Spec) matchers() ([]signals.Matcher, error) {
	if strings.TrimSpace(s.Filter) == "" {
		if len(s.Scope) == 0 {
			return nil, errors.New("neither a filter nor a scope says which alerts count")
		}
		return nil, nil
	}
	list, err := signals.ParseMatchers(s.Filter)
	if err != nil {
		return nil, fmt.Errorf("the filter cannot be read: %w", err)
	}
	return list, nil
}

func (s Spec) counts(a alert, matchers []signals.Matcher) bool {
	for _, m := range matchers {
		if !m.Matches(a.labels) {
			return false
		}
	}
	for label, value := range s.Scope {
		if v := a.labels[label]; v != "" && v != value {
			return false
		}
	}
	return true
}

// describe names an alert, and says if it counts because it names nothing.
func (s Spec) describe(a alert) string {
	name := a.labels["alertname"]
	if name == "" {
		name = "without a name"
	}
	for _, label := range slices.Sorted(maps.Keys(s.Scope)) {
		if a.labels[label] == "" {
			return name + ", which names no " + label + " and so covers all,"
		}
	}
	return name
}

// String says which alerts are selected.
func (s Spec) String() string {
	parts := []string{}
	if s.Filter != "" {
		parts = append(parts, s.Filter)
	}
	for _, label := range slices.Sorted(maps.Keys(s.Scope)) {
		parts = append(parts, label+" is "+s.Scope[label]+" or nothing")
	}
	return strings.Join(parts, ", ")
}

// sentence names the first alerts, sorted, so that it only changes when they do.
func sentence(names []string) string {
	const most = 3
	slices.Sort(names)
	names = slices.Compact(names)
	more := ""
	if len(names) > most {
		more = fmt.Sprintf(" and %d more", len(names)-most)
		names = names[:most]
	}
	if len(names) == 1 && more == "" {
		return "alert " + names[0] + " fires"
	}
	return "alerts " + strings.Join(names, ", ") + more + " fire"
}
