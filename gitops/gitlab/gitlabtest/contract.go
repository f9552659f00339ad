package gitlabtest

import (
	"bytes"
	"context"
	_ "embed" // the vendor's description
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

//go:embed testdata/gitlab-openapi-subset.json
var description []byte

// contract is GitLab's description of its API.
type contract struct{ doc *openapi3.T }

func readContract() (*contract, error) {
	doc, err := openapi3.NewLoader().LoadFromData(description)
	if err != nil {
		return nil, fmt.Errorf("read GitLab's description: %w", err)
	}
	loosen(doc)
	return &contract{doc}, nil
}

// route finds the operation of a request. Project paths come with escaped
// slashes, which common routers take for slashes.
func (c *contract) route(r *http.Request) (*routers.Route, map[string]string) {
	got := strings.Split(r.URL.EscapedPath(), "/")
	var best *routers.Route
	var params map[string]string
	for path, item := range c.doc.Paths.Map() {
		op := item.GetOperation(r.Method)
		p, ok := match(strings.Split(path, "/"), got)
		if op != nil && ok && (best == nil || len(p) < len(params)) { // a word is nearer than a parameter
			best, params = &routers.Route{Spec: c.doc, Path: path, PathItem: item, Method: r.Method, Operation: op}, p
		}
	}
	return best, params
}

func match(want, got []string) (map[string]string, bool) {
	params := map[string]string{}
	if len(want) != len(got) {
		return nil, false
	}
	for i, w := range want {
		switch value, err := url.PathUnescape(got[i]); {
		case err != nil:
			return nil, false
		case strings.HasPrefix(w, "{"):
			params[strings.Trim(w, "{}")] = value
		case w != value:
			return nil, false
		}
	}
	return params, true
}

// loosen corrects what the description says more narrowly than the server:
// ids are paths too, and lists of words are accepted joined by commas.
func loosen(doc *openapi3.T) {
	for _, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			if p := op.Parameters.GetByInAndName(openapi3.ParameterInPath, "id"); p != nil {
				p.Schema = openapi3.NewSchemaRef("", openapi3.NewStringSchema())
			}
		}
	}
	for _, s := range doc.Components.Schemas {
		for _, name := range []string{"labels", "add_labels", "remove_labels"} {
			if p := s.Value.Properties[name]; p != nil && p.Value.Type.Is("array") {
				s.Value.Properties[name] = openapi3.NewSchemaRef("", openapi3.NewOneOfSchema(openapi3.NewStringSchema(), p.Value))
			}
		}
	}
}

// undescribed are the ends of paths that the description leaves out.
func undescribed(path string) bool {
	return slices.ContainsFunc([]string{"/resource_state_events", "/merge_trains/", "/api/v4/users/", "/status_check", "/external_status_checks"}, func(part string) bool { return strings.Contains(path, part) })
}

// request checks a request; route is nil where the description is silent.
func (c *contract) request(r *http.Request, body []byte) (*routers.Route, error) {
	checked := r.Clone(r.Context())
	checked.Body = http.NoBody
	if len(body) > 0 {
		checked.Body, checked.ContentLength = readCloser{bytes.NewReader(body)}, int64(len(body))
	}
	route, params := c.route(r)
	if route == nil {
		if undescribed(r.URL.Path) {
			return nil, nil
		}
		return nil, fmt.Errorf("%s %s is not in the description", r.Method, r.URL.Path)
	}
	options := &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc}
	options.ExcludeRequestBody = len(body) == 0
	in := &openapi3filter.RequestValidationInput{Request: checked, PathParams: params, Route: route, Options: options}
	return route, openapi3filter.ValidateRequest(context.Background(), in)
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }

// answer checks an answer that is no error. The description often writes 200
// where the server says 201 or 204, so any success is looked up.
func (c *contract) answer(route *routers.Route, status int, body []byte) error {
	if status >= http.StatusBadRequest || route == nil || status == http.StatusNotModified {
		return nil
	}
	said := route.Operation.Responses.Status(status)
	for _, other := range []int{http.StatusOK, http.StatusCreated, http.StatusNoContent} {
		if said == nil {
			said = route.Operation.Responses.Status(other)
		}
	}
	if said == nil {
		return fmt.Errorf("%d is no answer of %s", status, route.Path)
	}
	media := said.Value.Content.Get("application/json")
	if media == nil || media.Schema == nil || len(body) == 0 {
		return nil
	}
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		return fmt.Errorf("the answer is no JSON: %w", err)
	}
	if err := media.Schema.Value.VisitJSON(v, openapi3.VisitAsResponse(), openapi3.MultiErrors()); err != nil {
		return fmt.Errorf("the answer of %s: %w", route.Path, errors.Join(err))
	}
	return nil
}
