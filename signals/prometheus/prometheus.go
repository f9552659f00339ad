// Package prometheus asks a Prometheus, or a server that speaks its query API,
// whether the numbers of a version are what they should be: now, or over a time
// that begins when the version was deployed, against fixed bounds or against
// what was there before.
//
// [Client.Check] is the whole question, judge.go says what numbers mean, api.go
// speaks HTTP within bounds. What is no number, several answers in one, partial
// or missing is never healthy: it is not knowing.
package prometheus

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/waveguide-dev/waveguide/signals"
)

const (
	// maxSettle bounds how long a deployment is waited for because the query
	// looks back: a query over weeks is about the service, not the version.
	maxSettle = time.Hour
	// minGap is how long nobody must have looked before the time in between is
	// asked for.
	minGap = time.Minute
	// maxSpan bounds the time that one question covers.
	maxSpan = 14 * 24 * time.Hour
)

// Options are what a [Client] needs.
type Options struct {
	// URL is the server's address; a path before /api/v1 is kept.
	URL  string
	HTTP *http.Client
	// Authorize sets the credentials of a request, read anew each time; nil
	// sends none.
	Authorize func(*http.Request) error
}

// Client asks one server. It is safe for concurrent use.
type Client struct {
	base      *url.URL
	http      *http.Client
	authorize func(*http.Request) error
	// ahead is how far the server's clock is ahead of ours, in nanoseconds.
	ahead    atomic.Int64
	requests atomic.Int64
}

// New makes a client; nothing is asked yet.
func New(o Options) (*Client, error) {
	u, err := url.Parse(o.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("the address of prometheus is not absolute; write it as https://host/path")
	case u.User != nil:
		return nil, errors.New("the address of prometheus holds credentials, which would be logged on the way; write them as secrets")
	case o.HTTP == nil:
		return nil, errors.New("prometheus was given no HTTP client")
	}
	c := &Client{base: u, http: o.HTTP, authorize: o.Authorize}
	if c.authorize == nil {
		c.authorize = func(*http.Request) error { return nil }
	}
	return c, nil
}

// Requests is how many were sent so far.
func (c *Client) Requests() int64 { return c.requests.Load() }

// Bounds say which numbers are healthy: below the one, above the other, or
// both, which is between. At least one is set.
type Bounds struct {
	Below, Above *float64
}

// Traffic is how much must have happened before a ratio says anything.
type Traffic struct {
	Query string
	// Above is the number that the query's answer must exceed.
	Above float64
}

// Baseline is what a number is compared with.
type Baseline struct {
	// Query asks for the baseline as it is now, for example of another
	// environment; empty asks the signal's own query as it was just before the
	// deployment, which is the version before.
	Query string
	// Below and Above are factors: healthy is below 1.2 times the baseline.
	Below, Above *float64
	// Slack is added to the allowed side, so that a baseline of zero allows
	// something.
	Slack float64
}

// Spec is one question.
type Spec struct {
	// Name is the signal's name in the environment's rules.
	Name  string
	Query string
	Bounds
	// Over is how long the answer must have held, counted from the deployment
	// if that was later; 0 asks for now only.
	Over time.Duration
	// Settle is how long after the deployment the query still sees the version
	// before; nil is the longest time that the query itself looks back.
	Settle   *time.Duration
	Traffic  *Traffic
	Baseline *Baseline
	// Timeout bounds each request; 0 means ten seconds.
	Timeout time.Duration
}

// Check asks and judges. The error says that the server could not be asked;
// everything that it answers is in the health, of which the state is unknown
// where the answer tells nothing.
func (c *Client) Check(ctx context.Context, s Spec, q signals.Question) (signals.Health, error) {
	if s.Timeout <= 0 {
		s.Timeout = 10 * time.Second
	}
	now := time.Now()
	h := signals.Health{Name: s.Name, For: q.Digest, Since: now, At: now, Source: signals.Plain("prometheus at "+c.base.Host+": "+s.Query, 300)}
	found, err := c.find(ctx, s, q, now)
	switch _, tells := errors.AsType[*tellsNothing](err); {
	case tells:
		h.Reason = signals.Plain(err.Error(), 300)
		return h, nil
	case err != nil:
		h.Reason = signals.Plain(err.Error(), 300)
		return h, err
	}
	h.State, h.Reason = found.state, signals.Plain(found.reason, 300)
	if !found.since.IsZero() {
		h.Since, h.Proven = found.since, true
	}
	return h, nil
}

// find asks what has to be asked, the cheapest first.
func (c *Client) find(ctx context.Context, s Spec, q signals.Question, now time.Time) (finding, error) {
	settled := q.Since.Add(s.settle())
	if !q.Since.IsZero() && now.Before(settled) {
		return finding{state: signals.StateProgressing, reason: fmt.Sprintf(
			"the query looks back and still sees the version before, until %s", stamp(settled))}, nil
	}
	if err := c.enough(ctx, s); err != nil {
		return finding{}, err
	}
	bounds, err := c.bounds(ctx, s, q)
	if err != nil {
		return finding{}, err
	}
	must := now.Add(-s.Over)
	from := must
	if !q.Last.IsZero() && now.Sub(q.Last) > minGap {
		from = earlier(from, q.Last.Add(-2*signals.Skew))
	}
	from = later(from, now.Add(-maxSpan))
	if !q.Since.IsZero() {
		from, must = later(from, settled), later(must, settled)
	}
	if now.Sub(from) < minStep {
		series, err := c.instant(ctx, s.Query, time.Time{}, s.Timeout)
		if err != nil {
			return finding{}, err
		}
		return bounds.judge(series)
	}
	span, err := c.span(ctx, s.Query, from, now, s.Timeout)
	if err != nil {
		return finding{}, err
	}
	return bounds.judgeSpan(span, must)
}

// enough says whether there was enough traffic to say anything.
func (c *Client) enough(ctx context.Context, s Spec) error {
	if s.Traffic == nil {
		return nil
	}
	got, err := c.number(ctx, s.Traffic.Query, time.Time{}, s.Timeout)
	if err != nil {
		return in("minTraffic", err)
	}
	if !(got > s.Traffic.Above) {
		return &tellsNothing{fmt.Sprintf("too little traffic to tell: it must be above %v", s.Traffic.Above)}
	}
	return nil
}

// bounds are those of the rules, narrowed by the baseline.
func (c *Client) bounds(ctx context.Context, s Spec, q signals.Question) (Bounds, error) {
	b := s.Baseline
	if b == nil {
		return s.Bounds, nil
	}
	query, at := b.Query, time.Time{}
	if query == "" {
		if q.Since.IsZero() {
			return Bounds{}, &tellsNothing{"nobody knows when the version was deployed, so there is none to compare with"}
		}
		query, at = s.Query, q.Since
	}
	base, err := c.number(ctx, query, at, s.Timeout)
	if err != nil {
		return Bounds{}, in("baseline", err)
	}
	return s.narrowed(base, *b), nil
}

// settle is how long the query still sees what ran before a deployment.
func (s Spec) settle() time.Duration {
	if s.Settle != nil {
		return *s.Settle
	}
	return min(lookback(s.Query), maxSettle)
}

// in says in which part of a question something went wrong.
func in(part string, err error) error {
	if tells, ok := errors.AsType[*tellsNothing](err); ok {
		return &tellsNothing{part + ": " + tells.why}
	}
	return fmt.Errorf("%s: %w", part, err)
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// stamp writes an instant the way every sentence of ours does.
func stamp(t time.Time) string {
	if t.Second() != 0 {
		return t.UTC().Format("2006-01-02 15:04:05Z")
	}
	return t.UTC().Format("2006-01-02 15:04Z")
}
