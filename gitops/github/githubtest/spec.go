package githubtest

import (
	"context"
	_ "embed" // the two descriptions
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/waveguide-dev/waveguide/gitops/github/githubtest/graphql"
)

//go:embed testdata/openapi.json
var openAPI []byte

//go:embed testdata/schema.graphql
var schemaText string

// spec is GitHub's own description, which every exchange is held to.
type spec struct {
	doc *openapi3.T
	// required are the demands on the outermost object of an answer; those
	// further in are tolerated, because GitHub's own examples break them.
	required map[*openapi3.Schema][]string
	graphql  *graphql.Schema
}

//nolint:gochecknoglobals // read once, because reading takes a while
var loadSpec = sync.OnceValues(func() (*spec, error) {
	doc, err := openapi3.NewLoader().LoadFromData(openAPI)
	if err != nil {
		return nil, fmt.Errorf("read GitHub's description: %w", err)
	}
	s := &spec{doc: doc, required: map[*openapi3.Schema][]string{}}
	for _, c := range doc.Components.Schemas {
		s.loosen(c)
	}
	for _, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			for _, answer := range op.Responses.Map() {
				if answer.Value != nil {
					if media := answer.Value.Content.Get("application/json"); media != nil {
						s.loosen(media.Schema)
					}
				}
			}
		}
	}
	s.graphql, err = graphql.Parse(schemaText)
	return s, err
})

// loosen takes the nested demands out of the schemas of answers. What must be
// one of several alternatives may then fit more than one.
func (s *spec) loosen(c *openapi3.SchemaRef) {
	if c == nil || c.Value == nil {
		return
	}
	v := c.Value
	if _, seen := s.required[v]; seen {
		return
	}
	s.required[v] = v.Required
	v.Required = nil
	v.AnyOf = append(v.AnyOf, v.OneOf...)
	v.OneOf = nil
	for _, list := range [][]*openapi3.SchemaRef{v.AnyOf, v.AllOf, {v.Items}, {v.AdditionalProperties.Schema}} {
		for _, one := range list {
			s.loosen(one)
		}
	}
	for _, one := range v.Properties {
		s.loosen(one)
	}
}

func (s *spec) operation(pattern string) (*openapi3.PathItem, *openapi3.Operation) {
	method, path, _ := strings.Cut(pattern, " ")
	item := s.doc.Paths.Value(strings.ReplaceAll(path, "...}", "}"))
	if item == nil {
		return nil, nil
	}
	return item, item.GetOperation(method)
}

// request holds a request to the description.
func (s *spec) request(pattern string, r *http.Request, params map[string]string) error {
	item, op := s.operation(pattern)
	if op == nil {
		return fmt.Errorf("%s is not described", pattern)
	}
	if r.ContentLength > 0 && r.Header.Get("Content-Type") == "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return openapi3filter.ValidateRequest(context.Background(), &openapi3filter.RequestValidationInput{
		Request: r, PathParams: params,
		Route:   &routers.Route{Spec: s.doc, Path: pattern, PathItem: item, Method: r.Method, Operation: op},
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
	})
}

// response holds an answer to the description.
func (s *spec) response(pattern string, status int, body []byte) error {
	_, op := s.operation(pattern)
	answer := op.Responses.Status(status)
	if answer == nil || answer.Value == nil {
		if status >= http.StatusBadRequest {
			return nil // every operation can be refused
		}
		return fmt.Errorf("%s does not answer %d", pattern, status)
	}
	media := answer.Value.Content.Get("application/json")
	if media == nil || media.Schema == nil {
		return nil
	}
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		return fmt.Errorf("%s answers no JSON: %w", pattern, err)
	}
	return errors.Join(media.Schema.Value.VisitJSON(v, openapi3.VisitAsResponse(), openapi3.MultiErrors()), s.complete(media.Schema.Value, v))
}

// complete demands what the outermost object, or those of an outermost list,
// must have.
func (s *spec) complete(schema *openapi3.Schema, v any) error {
	if list, is := v.([]any); is && schema.Items != nil {
		var errs []error
		for _, one := range list {
			errs = append(errs, s.complete(schema.Items.Value, one))
		}
		return errors.Join(errs...)
	}
	o, is := v.(map[string]any)
	if !is {
		return nil
	}
	var lacks []string
	for _, name := range s.required[schema] {
		if _, ok := o[name]; !ok {
			lacks = append(lacks, name)
		}
	}
	if slices.Sort(lacks); len(lacks) > 0 {
		return fmt.Errorf("the answer lacks %s", strings.Join(lacks, ", "))
	}
	return nil
}
