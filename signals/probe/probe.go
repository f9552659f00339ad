// Package probe asks an HTTP endpoint how a release is doing. It compares the
// answer's status, text or JSON with what the environment's rules expect, and
// can read the digest that runs from the same answer.
//
// What an answer means is in [Probe.Check] and judge.go; how a path walks
// through JSON is in json.go. No answer, a late one or one that cannot be read
// is never "unhealthy": it is not knowing.
package probe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/signals"
)

const (
	maxBody        = 1 << 20
	maxRedirects   = 5
	defaultTimeout = 10 * time.Second
)

// Spec is one question to one endpoint.
type Spec struct {
	// Name is the signal's name in the environment's rules.
	Name string
	// URL is an absolute http or https URL without credentials.
	URL string
	// Method is GET (the default) or HEAD.
	Method string
	// Status is the expected status; 0 means 200.
	Status int
	// Text has to occur in the answer, if set.
	Text string
	// JSON maps dotted paths to the plain values they must have.
	JSON map[string]string
	// Progressing maps dotted paths to values that together say "still on the
	// way", whatever the status of the answer.
	Progressing map[string]string
	// DigestFrom is the dotted path to the running digest, or to an image
	// reference that ends in one.
	DigestFrom string
	// Timeout bounds the whole exchange; 0 means ten seconds.
	Timeout time.Duration
}

// Options is what a [Probe] needs.
type Options struct {
	// HTTP is the client to ask with. Its redirect rule is kept and tightened:
	// a probe never leaves the host it was sent to.
	HTTP *http.Client
}

// Probe asks endpoints. It is safe for concurrent use.
type Probe struct{ client *http.Client }

// New returns a probe that asks with the given client.
func New(o Options) *Probe {
	if o.HTTP == nil {
		return &Probe{}
	}
	own := *o.HTTP
	own.Jar = nil
	own.CheckRedirect = stayOnHost(o.HTTP.CheckRedirect)
	return &Probe{client: &own}
}

// Check asks once and says what the answer means. It does not fail: whatever
// keeps it from knowing is the reason of an unknown state. Since is the time of
// this reading; who asks repeatedly knows better.
func (p *Probe) Check(ctx context.Context, s Spec) signals.Health {
	s = s.withDefaults()
	source, err := s.check()
	if err == nil && p.client == nil {
		err = errors.New("this probe was built without an HTTP client")
	}
	var found finding
	if err == nil {
		found, err = p.ask(ctx, s)
	}
	now := time.Now()
	health := signals.Health{Name: s.Name, Since: now, At: now, Source: source}
	if err != nil {
		health.Reason = plain(err.Error())
		return health
	}
	health.State, health.Digest, health.Reason = found.state, found.digest, plain(found.reason)
	if health.Digest != "" {
		health.Rung = signals.RungReported
	}
	return health
}

func (s Spec) withDefaults() Spec {
	s.Method = cmp.Or(s.Method, http.MethodGet)
	s.Status = cmp.Or(s.Status, http.StatusOK)
	s.Timeout = cmp.Or(s.Timeout, defaultTimeout)
	return s
}

// check returns the endpoint as people may see it: without query, because
// queries hold tokens.
func (s Spec) check() (string, error) {
	u, err := url.Parse(s.URL)
	if err != nil {
		return "", errors.New("the probe's url cannot be parsed; write it as https://host/path")
	}
	shown := plain(s.Method + " " + (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String())
	switch {
	case u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		return shown, errors.New("the probe's url is not absolute; write it as https://host/path")
	case u.User != nil:
		return shown, errors.New("the probe's url holds credentials, which would be logged on the way; remove them")
	case s.Method != http.MethodGet && s.Method != http.MethodHead:
		return shown, fmt.Errorf("a probe only reads; method %q is not GET or HEAD", s.Method)
	case s.Method == http.MethodHead && s.wantsBody():
		return shown, errors.New("an answer to HEAD has no body to compare; use GET")
	}
	return shown, nil
}

func (s Spec) wantsBody() bool { return s.Text != "" || s.wantsJSON() }

func (s Spec) wantsJSON() bool {
	return len(s.JSON) > 0 || len(s.Progressing) > 0 || s.DigestFrom != ""
}

func (p *Probe) ask(ctx context.Context, s Spec) (finding, error) {
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, s.Method, s.URL, nil)
	if err != nil {
		return finding{}, errors.New("the probe's url cannot be asked; write it as https://host/path")
	}
	req.Header.Set("User-Agent", "waveguide")
	if s.wantsJSON() {
		req.Header.Set("Accept", "application/json")
	}
	answer, err := p.client.Do(req)
	if err != nil {
		return finding{}, explain(err, s.Timeout)
	}
	defer func() { _ = answer.Body.Close() }()
	var body []byte
	if s.wantsBody() {
		if body, err = read(answer.Body); err != nil {
			return finding{}, explain(err, s.Timeout)
		}
	}
	return judge(s, answer, body)
}

var errTooLong = errors.New("the answer is longer than 1 MiB; let the probe ask a health endpoint, not a page")

func read(from io.Reader) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(from, maxBody+1))
	if err != nil {
		return nil, fmt.Errorf("the answer broke off: %w", err)
	}
	if len(body) > maxBody {
		return nil, errTooLong
	}
	return body, nil
}

var errLeft = errors.New("the answer redirects to another host, which a probe does not follow; is a login page in the way?")

func stayOnHost(also func(*http.Request, []*http.Request) error) func(*http.Request, []*http.Request) error {
	return func(next *http.Request, via []*http.Request) error {
		first := via[0].URL
		downgrade := first.Scheme == "https" && next.URL.Scheme != "https"
		if !strings.EqualFold(next.URL.Host, first.Host) || downgrade {
			return errLeft
		}
		if len(via) > maxRedirects {
			return fmt.Errorf("the answer redirects more than %d times", maxRedirects)
		}
		next.Header.Del("Referer")
		if also != nil {
			return also(next, via)
		}
		return nil
	}
}

// explain drops the URL that net/http puts before its errors: the source says
// it, and without a query.
func explain(err error, limit time.Duration) error {
	if timeout, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err); ok && timeout.Timeout() {
		return fmt.Errorf("no whole answer within %s", limit)
	}
	if errors.Is(err, context.Canceled) {
		return errors.New("the look was stopped before the answer came")
	}
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}
