package gitopstest

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
)

// FaultMode is how a request goes wrong.
type FaultMode int

// The ways in which a request goes wrong.
const (
	// Before answers Fault.Status and does not pass the request on.
	Before FaultMode = iota
	// After passes it on and answers Fault.Status.
	After
	// Lost passes it on and breaks the connection.
	Lost
	// Stale answers what the same request was answered the first time.
	Stale
	// Nonsense answers 200 with a page of HTML.
	Nonsense
)

// Fault is one thing that goes wrong.
type Fault struct {
	Mode FaultMode
	// Writes and Reads choose the requests; neither is all of them.
	Writes, Reads bool
	// Path is a part of the path; empty is every one.
	Path string
	// Skip leaves so many of the chosen requests alone; Times is how many
	// fail then, one if zero, all if negative.
	Skip, Times int
	Status      int
	Header      http.Header
}

// Faults is a transport that counts requests and makes them fail.
type Faults struct {
	next http.RoundTripper

	mu     sync.Mutex
	faults []Fault
	sent   []string
	hit    int
	first  map[string]answer
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

// NewFaults makes a transport that passes on what it does not break.
func NewFaults(next http.RoundTripper) *Faults {
	return &Faults{next: next, first: map[string]answer{}}
}

// Inject breaks what follows, beside what is broken already.
func (f *Faults) Inject(fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if fault.Times == 0 {
		fault.Times = 1
	}
	f.faults = append(f.faults, fault)
}

// Clear ends all faults and says how many requests they hit.
func (f *Faults) Clear() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = nil
	n := f.hit
	f.hit = 0
	return n
}

// Count is the number of requests that the clients sent so far.
func (f *Faults) Count() int { return len(f.Sent()) }

// Sent are the requests so far, as method and path.
func (f *Faults) Sent() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.sent...)
}

// choose notes the request and finds the fault that meets it.
func (f *Faults) choose(r *http.Request, body []byte) (Fault, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sent = append(f.sent, r.Method+" "+r.URL.RequestURI())
	write := writes(r, body)
	for i := range f.faults {
		b := &f.faults[i]
		if b.Writes && !write || b.Reads && write || !strings.Contains(r.URL.Path, b.Path) || b.Times == 0 {
			continue
		}
		if b.Skip > 0 {
			b.Skip--
			continue
		}
		if b.Times > 0 {
			b.Times--
		}
		f.hit++
		return *b, true
	}
	return Fault{}, false
}

// writes says whether a request changes something; a query of GraphQL does not.
func writes(r *http.Request, body []byte) bool {
	if strings.HasSuffix(r.URL.Path, "graphql") {
		return bytes.Contains(body, []byte("mutation"))
	}
	return r.Method != http.MethodGet && r.Method != http.MethodHead
}

// RoundTrip implements [http.RoundTripper].
func (f *Faults) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		if err := r.Body.Close(); err != nil {
			return nil, err
		}
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	fault, broken := f.choose(r, body)
	key := r.Method + r.URL.String() + string(body)
	if broken {
		if resp := f.instead(fault, r, key); resp != nil {
			return resp, nil
		}
	}
	resp, err := f.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if !broken || fault.Mode == Stale {
		return f.keep(key, r, body, resp)
	}
	if err := errors.Join(drain(resp.Body), resp.Body.Close()); err != nil {
		return nil, err
	}
	if fault.Mode == Lost {
		return nil, errors.New("connection reset by peer")
	}
	return fault.answer(r), nil
}

// instead is the answer to a request that is not passed on.
func (f *Faults) instead(fault Fault, r *http.Request, key string) *http.Response {
	switch fault.Mode {
	case Before:
		return fault.answer(r)
	case Nonsense:
		fault.Status, fault.Header = http.StatusOK, http.Header{"Content-Type": {"text/html"}}
		return fault.answer(r)
	case Stale:
		f.mu.Lock()
		defer f.mu.Unlock()
		if old, ok := f.first[key]; ok {
			return respond(r, old)
		}
	case After, Lost:
	}
	return nil
}

func drain(r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	return err
}

// keep remembers the first answer to a read, for stale answers later.
func (f *Faults) keep(key string, r *http.Request, body []byte, resp *http.Response) (*http.Response, error) {
	if writes(r, body) {
		return resp, nil
	}
	data, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return nil, err
	}
	a := answer{resp.StatusCode, resp.Header, data}
	f.mu.Lock()
	if _, ok := f.first[key]; !ok {
		f.first[key] = a
	}
	f.mu.Unlock()
	return respond(r, a), nil
}

func (b Fault) answer(r *http.Request) *http.Response {
	h := b.Header.Clone()
	if h == nil {
		h = http.Header{}
	}
	return respond(r, answer{b.Status, h, []byte("<html><body>" + http.StatusText(b.Status) + "</body></html>")})
}

func respond(r *http.Request, a answer) *http.Response {
	return &http.Response{
		StatusCode: a.status, Status: http.StatusText(a.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: a.header.Clone(), Body: io.NopCloser(bytes.NewReader(a.body)), ContentLength: int64(len(a.body)), Request: r,
	}
}
