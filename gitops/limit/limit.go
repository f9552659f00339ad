// Package limit is the transport under every forge's client: it keeps to what
// a forge asks (Retry-After, the headers of rate limits), bounds how long an
// answer may be, and knows what is left. While a forge asks to wait nothing is
// sent to it.
//
// The headers it understands are in budget; a forge that says it in another
// way gets a line there.
package limit

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
)

const (
	maxWait = time.Hour
	// unsaid is how long to wait when a forge refuses and does not say.
	unsaid = time.Minute
	// MaxAnswer bounds one answer of a forge.
	MaxAnswer = 16 << 20
)

// Transport is an [http.RoundTripper] for one account of one forge.
type Transport struct {
	next http.RoundTripper

	mu     sync.Mutex
	until  time.Time
	budget gitops.Budget
}

// New makes the transport above another.
func New(next http.RoundTripper) *Transport {
	if next == nil {
		next = http.DefaultTransport
	}
	return &Transport{next: next}
}

// Client is a copy of an HTTP client that keeps to limits.
func Client(c *http.Client) (*http.Client, *Transport) {
	own, t := *c, New(c.Transport)
	own.Transport = t
	return &own, t
}

// Budget is what the last answer left.
func (t *Transport) Budget() gitops.Budget {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.budget
}

// RoundTrip implements [http.RoundTripper]. It fails with a
// [gitops.LimitError] when the forge asks to wait, now or before.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if until, ok := t.waiting(time.Now()); ok {
		return nil, &gitops.LimitError{Until: until}
	}
	resp, err := t.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if until, ok := t.learn(resp, time.Now()); ok {
		_ = resp.Body.Close() // nothing in it matters
		return nil, &gitops.LimitError{Until: until}
	}
	if resp.ContentLength > MaxAnswer {
		_ = resp.Body.Close() // nothing in it matters
		return nil, fmt.Errorf("the forge's answer is longer than %d bytes", MaxAnswer)
	}
	resp.Body = &bounded{ReadCloser: resp.Body, left: MaxAnswer}
	return resp, nil
}

func (t *Transport) waiting(now time.Time) (time.Time, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.until, now.Before(t.until)
}

// learn reads what an answer says about limits, and whether it is a refusal
// because of one.
func (t *Transport) learn(resp *http.Response, now time.Time) (time.Time, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	b, said := budget(resp.Header, now)
	if said {
		t.budget = b
	}
	after, asked := retryAfter(resp.Header.Get("Retry-After"), now)
	switch resp.StatusCode {
	case http.StatusTooManyRequests:
	case http.StatusForbidden:
		if !asked && (!said || b.Remaining > 0) {
			return time.Time{}, false
		}
	case http.StatusServiceUnavailable:
		if !asked {
			return time.Time{}, false
		}
	default:
		return time.Time{}, false
	}
	switch {
	case asked:
		t.until = after
	case said && b.Remaining <= 0 && b.Reset.After(now):
		t.until = b.Reset
	default:
		t.until = now.Add(unsaid)
	}
	if last := now.Add(maxWait); t.until.After(last) {
		t.until = last
	}
	return t.until, true
}

// retryAfter reads seconds or a date.
func retryAfter(text string, now time.Time) (time.Time, bool) {
	if n, err := strconv.ParseInt(text, 10, 32); err == nil && n >= 0 {
		return now.Add(time.Duration(n) * time.Second), true
	}
	if at, err := http.ParseTime(text); err == nil {
		return at, true
	}
	return time.Time{}, false
}

func budget(h http.Header, now time.Time) (gitops.Budget, bool) {
	for _, prefix := range []string{"X-Ratelimit-", "Ratelimit-"} {
		limit, errLimit := strconv.Atoi(h.Get(prefix + "Limit"))
		left, errLeft := strconv.Atoi(h.Get(prefix + "Remaining"))
		if errLimit != nil || errLeft != nil {
			continue
		}
		b := gitops.Budget{Limit: limit, Remaining: left}
		if n, err := strconv.ParseInt(h.Get(prefix+"Reset"), 10, 64); err == nil {
			b.Reset = time.Unix(n, 0)
			if n < 100_000_000 { // seconds from now, as the newer header has it
				b.Reset = now.Add(time.Duration(n) * time.Second)
			}
		}
		return b, true
	}
	return gitops.Budget{}, false
}

// bounded fails instead of ending early: half an answer is none.
type bounded struct {
	io.ReadCloser
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, fmt.Errorf("the forge's answer is longer than %d bytes", MaxAnswer)
	}
	return n, err
}
