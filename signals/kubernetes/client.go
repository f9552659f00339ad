package kubernetes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/waveguide-dev/waveguide/signals"
)

// Bounds of what a cluster may answer.
const (
	maxAnswer = 16 << 20
	pageSize  = 250
	maxPages  = 40
)

// What a cluster refuses; match with [errors.Is].
var (
	ErrNotFound  = errors.New("not found")
	ErrForbidden = errors.New("forbidden")
	// ErrGone says that a resourceVersion or a page is too old to go on from.
	ErrGone = errors.New("gone")
)

// sick is an error of the source itself.
type sick struct{ error }

// Unwrap is the error without the mark.
func (s sick) Unwrap() error { return s.error }

// Sick marks an error as one of the source: it could not be asked, and another
// question would fare no better.
func Sick(err error) error { return sick{err} }

// Failure is an error that is the source's, and nil for one that only the
// question is to blame for, as what is not there or not to be seen.
func Failure(err error) error {
	if _, ok := errors.AsType[sick](err); ok {
		return err
	}
	return nil
}

// Client reads objects of one cluster, and only reads. It is safe for
// concurrent use.
type Client struct {
	base *url.URL
	http *http.Client
}

// Ref names an object, or, without a name, all objects of a resource.
type Ref struct {
	// Group and Version are those of the API; an empty group is the core.
	Group, Version string
	// Resource is the plural, as in "deployments".
	Resource        string
	Namespace, Name string
}

// String is the reference as people write it.
func (r Ref) String() string {
	s := strings.TrimSuffix(r.Resource+"."+r.Group, ".") + "/" + r.Name
	if r.Name == "" {
		s = strings.TrimSuffix(s, "/")
	}
	if r.Namespace != "" {
		s += " in " + r.Namespace
	}
	return s
}

// path is where the API serves the reference.
func (r Ref) path() ([]string, error) {
	parts := []string{"apis", r.Group, r.Version}
	if r.Group == "" {
		parts = []string{"api", r.Version}
	}
	if r.Namespace != "" {
		parts = append(parts, "namespaces", r.Namespace)
	}
	parts = append(parts, r.Resource)
	if r.Name != "" {
		parts = append(parts, r.Name)
	}
	for _, p := range parts {
		if !IsName(p) {
			return nil, fmt.Errorf("%.80q is no name that Kubernetes allows", p)
		}
	}
	return parts, nil
}

// IsName says whether Kubernetes allows a name for its objects. What is a name
// leads nowhere else when it is part of an address.
func IsName(s string) bool {
	return s != "" && s != "." && s != ".." && len(s) <= 253 && !strings.ContainsFunc(s, notName)
}

func notName(r rune) bool {
	return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '.'
}

// Host is where the cluster's API is, for people.
func (c *Client) Host() string { return c.base.Host }

// Get reads one object. It returns how far the cluster's clock is behind ours,
// as far as its answer tells: times in its objects are to be read with that.
func (c *Client) Get(ctx context.Context, r Ref, into any) (behind time.Duration, err error) {
	answer, err := c.ask(ctx, r, nil)
	if err != nil {
		return 0, err
	}
	defer func() { _ = answer.Body.Close() }()
	if err := decode(answer.Body, into); err != nil {
		return 0, fmt.Errorf("read %s: %w", r, err)
	}
	return Behind(answer.Header.Get("Date"), time.Now()), nil
}

// page is one answer to a list.
type page struct {
	Metadata struct {
		Continue        string `json:"continue"`
		ResourceVersion string `json:"resourceVersion"`
	} `json:"metadata"`
	Items []json.RawMessage `json:"items"`

	behind time.Duration
}

// List reads all objects that a label selector matches, page by page, and
// hands each to a function. A list that changes under our hands is begun again
// once; reset is called before that. It returns how far the cluster's clock is
// behind ours, as [Client.Get] does.
func (c *Client) List(ctx context.Context, r Ref, selector string, reset func(), each func(json.RawMessage) error) (behind time.Duration, err error) {
	for range 2 {
		reset()
		behind, err = c.pages(ctx, r, selector, each)
		if !errors.Is(err, ErrGone) {
			break
		}
	}
	return behind, err
}

func (c *Client) pages(ctx context.Context, r Ref, selector string, each func(json.RawMessage) error) (behind time.Duration, err error) {
	query := url.Values{"limit": {strconv.Itoa(pageSize)}}
	if selector != "" {
		query.Set("labelSelector", selector)
	}
	for range maxPages {
		p, err := c.page(ctx, r, query)
		if err != nil {
			return 0, err
		}
		behind = max(behind, p.behind)
		for _, item := range p.Items {
			if err := each(item); err != nil {
				return 0, fmt.Errorf("read %s: %w", r, err)
			}
		}
		if p.Metadata.Continue == "" {
			return behind, nil
		}
		query.Set("continue", p.Metadata.Continue)
	}
	return 0, fmt.Errorf("%s are more than %d, which is more than are read: narrow the selector", r, maxPages*pageSize)
}

func (c *Client) page(ctx context.Context, r Ref, query url.Values) (page, error) {
	answer, err := c.ask(ctx, r, query)
	if err != nil {
		return page{}, err
	}
	defer func() { _ = answer.Body.Close() }()
	var p page
	if err := decode(answer.Body, &p); err != nil {
		return page{}, fmt.Errorf("read %s: %w", r, err)
	}
	p.behind = Behind(answer.Header.Get("Date"), time.Now())
	return p, nil
}

// ask sends one request; the caller closes the answer's body.
func (c *Client) ask(ctx context.Context, r Ref, query url.Values) (*http.Response, error) {
	parts, err := r.path()
	if err != nil {
		return nil, err
	}
	u := c.base.JoinPath(parts...)
	u.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	answer, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask %s for %s: %w", c.base.Host, r, Sick(Unwrap(err)))
	}
	if answer.StatusCode == http.StatusOK {
		return answer, nil
	}
	defer func() { _ = answer.Body.Close() }()
	return nil, fmt.Errorf("ask %s for %s: %w", c.base.Host, r, refusal(answer))
}

// refusal is what an answer other than 200 means. Its message is the
// cluster's and may name what we asked for, never a credential.
func refusal(answer *http.Response) error {
	var status struct {
		Message string `json:"message"`
	}
	body, _ := io.ReadAll(io.LimitReader(answer.Body, 64<<10))
	_ = json.Unmarshal(body, &status)
	said := Plain(status.Message)
	if said == "" {
		said = http.StatusText(answer.StatusCode)
	}
	switch answer.StatusCode {
	case http.StatusNotFound:
		return fmt.Errorf("%w: %s", ErrNotFound, said)
	case http.StatusForbidden:
		return fmt.Errorf("%w: %s; the role in deploy/rbac allows what is needed", ErrForbidden, said)
	case http.StatusGone:
		return fmt.Errorf("%w: %s", ErrGone, said)
	case http.StatusUnauthorized:
		return Sick(fmt.Errorf("the credentials were refused (401): %s", said))
	}
	if after := answer.Header.Get("Retry-After"); after != "" {
		err := fmt.Errorf("the cluster answered %d and asks to come back after %.20s s: %s", answer.StatusCode, Plain(after), said)
		return Sick(signals.Limited(err, after, time.Now()))
	}
	return Sick(fmt.Errorf("the cluster answered %d: %s", answer.StatusCode, said))
}

var errTooLong = fmt.Errorf("the answer is longer than %d MiB", maxAnswer>>20)

func decode(from io.Reader, into any) error {
	body, err := io.ReadAll(io.LimitReader(from, maxAnswer+1))
	switch {
	case err != nil:
		return Sick(fmt.Errorf("the answer broke off: %w", Unwrap(err)))
	case len(body) > maxAnswer:
		return errTooLong
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("the answer is not what it should be: %s", Plain(err.Error()))
	}
	return nil
}

// Unwrap drops the URL that net/http puts before its errors: we name the
// object ourselves, and an address may hold what is not to be read.
func Unwrap(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		if wrapped.Timeout() {
			return errors.New("no whole answer in time")
		}
		return wrapped.Err
	}
	return err
}

// Behind is how far the clock that wrote a Date header is behind ours. Dates are whole seconds, so less than
// two seconds is nothing.
func Behind(date string, now time.Time) time.Duration {
	theirs, err := http.ParseTime(date)
	if err != nil {
		return 0
	}
	if d := now.Sub(theirs); d > 2*time.Second {
		return d
	}
	return 0
}

// Plain makes one short line without control or format characters: what a
// cluster says ends up on terminals and pages.
func Plain(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029' || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	if runes := []rune(text); len(runes) > 300 {
		return string(runes[:300]) + "…"
	}
	return text
}
