package argocd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"time"

	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/kubernetes"
)

// maxAnswer bounds one answer; an application with 500 resources has about half
// a megabyte.
const maxAnswer = 16 << 20

// Options says how to reach the API of an Argo CD.
type Options struct {
	// URL is where its page is, with a path if it has one.
	URL string
	// HTTP is the client to ask with; redirects are never followed.
	HTTP *http.Client
	// Token is that of an account or a project's role that may get applications.
	Token func(context.Context) (string, error)
}

// New makes the source of an Argo CD over its own API.
func New(o Options) (*Source, error) {
	base, err := url.Parse(o.URL)
	if err != nil || base.Host == "" || o.HTTP == nil {
		return nil, fmt.Errorf("the address of argocd %.80q cannot be used", o.URL)
	}
	own := *o.HTTP
	own.Jar = nil
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Source{reader: &api{base: base, http: &own, token: o.Token}}, nil
}

// api reads applications over Argo CD's API.
type api struct {
	base  *url.URL
	http  *http.Client
	token func(context.Context) (string, error)
}

func (a *api) host() string { return a.base.Host }

func (a *api) get(ctx context.Context, q Spec) (application, time.Duration, error) {
	query := url.Values{}
	set(query, "project", q.Project)
	set(query, "appNamespace", q.Namespace)
	var app application
	behind, err := a.ask(ctx, []string{"applications", q.Application}, query, &app)
	switch {
	case errors.Is(err, kubernetes.ErrForbidden):
		err = fmt.Errorf("application %s%s is not there, or the token may not get it: %w", q.Application, ofProject(q), err)
	case errors.Is(err, kubernetes.ErrNotFound):
		err = fmt.Errorf("application %s%s is not there: %w", q.Application, ofProject(q), err)
	}
	return app, behind, err
}

func (a *api) list(ctx context.Context, q Spec) ([]application, time.Duration, error) {
	query := url.Values{}
	set(query, "selector", q.Selector)
	set(query, "projects", q.Project)
	set(query, "appNamespace", q.Namespace)
	var list struct {
		Items []application `json:"items"`
	}
	behind, err := a.ask(ctx, []string{"applications"}, query, &list)
	return list.Items, behind, err
}

func set(query url.Values, key, value string) {
	if value != "" {
		query.Set(key, value)
	}
}

// ask sends one request and reads its answer.
func (a *api) ask(ctx context.Context, path []string, query url.Values, into any) (time.Duration, error) {
	answer, err := a.send(ctx, path, query)
	if err != nil {
		return 0, err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	switch {
	case err != nil:
		return 0, kubernetes.Sick(fmt.Errorf("the answer of argocd broke off: %w", kubernetes.Unwrap(err)))
	case len(body) > maxAnswer:
		return 0, fmt.Errorf("the answer of argocd is longer than %d MiB: narrow the selector", maxAnswer>>20)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return 0, fmt.Errorf("the answer of argocd is not what it should be: %s", kubernetes.Plain(err.Error()))
	}
	return kubernetes.Behind(answer.Header.Get("Date"), time.Now()), nil
}

// send sends one request; the caller closes the body of its answer, which is
// one of success.
func (a *api) send(ctx context.Context, path []string, query url.Values) (*http.Response, error) {
	u := a.base.JoinPath(append([]string{"api", "v1"}, path...)...)
	u.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, errors.New("the application's name cannot be asked for")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "waveguide")
	if a.token != nil {
		token, err := a.token(ctx)
		if err != nil {
			return nil, kubernetes.Sick(fmt.Errorf("the token of argocd: %w", err))
		}
		req.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := a.http.Do(req)
	if err != nil {
		return nil, kubernetes.Sick(fmt.Errorf("ask argocd at %s: %w", a.base.Host, kubernetes.Unwrap(err)))
	}
	kind, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	if answer.StatusCode == http.StatusOK && kind != "text/html" {
		return answer, nil
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode == http.StatusOK {
		return nil, kubernetes.Sick(errors.New("argocd answered a web page; does the url lead to its page, and is a login in the way?"))
	}
	body, _ := io.ReadAll(io.LimitReader(answer.Body, 64<<10))
	return nil, refusal(answer, body)
}

// refusal is what an answer other than 200 means.
func refusal(answer *http.Response, body []byte) error {
	var said struct {
		Message string `json:"message"`
	}
	_ = json.Unmarshal(body, &said)
	switch answer.StatusCode {
	case http.StatusUnauthorized:
		return kubernetes.Sick(fmt.Errorf("argocd refused the token (401): %s", kubernetes.Plain(said.Message)))
	case http.StatusForbidden:
		return fmt.Errorf("%w (403): %s", kubernetes.ErrForbidden, kubernetes.Plain(said.Message))
	case http.StatusNotFound:
		return fmt.Errorf("%w (404): %s", kubernetes.ErrNotFound, kubernetes.Plain(said.Message))
	}
	err := fmt.Errorf("argocd answered %d: %s", answer.StatusCode, kubernetes.Plain(said.Message))
	return kubernetes.Sick(signals.Limited(err, answer.Header.Get("Retry-After"), time.Now()))
}
