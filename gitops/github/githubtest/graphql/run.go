package graphql

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Object is a node: values, nil, other objects, lists of objects, and
// functions of the field's arguments. "__typename" names its type.
type Object map[string]any

// Field computes a value from the arguments.
type Field func(args map[string]any) (any, error)

// Limits of the real server.
const (
	maxPage  = 100
	maxNodes = 500_000
)

// Answer is what a query got.
type Answer struct {
	Data map[string]any
	// Operation is the name of the query; Cost its points.
	Operation string
	Cost      int
}

// Refused says that a query asks for what the schema has not.
type Refused struct{ Why string }

func (r *Refused) Error() string { return r.Why }

func refused(format string, args ...any) error { return &Refused{fmt.Sprintf(format, args...)} }

// runner runs one query.
type runner struct {
	schema *Schema
	query  *query
	values map[string]any
	// requests and nodes are counted as the real server does, before anything
	// runs.
	requests, nodes int
}

// Run checks and runs one query. The roots are the objects of types Query and
// Mutation.
func (s *Schema) Run(text string, values map[string]any, roots map[string]Object) (Answer, error) {
	q, err := parseQuery(text)
	if err != nil {
		return Answer{}, refused("parse: %v", err)
	}
	r := &runner{schema: s, query: q, values: values}
	root := map[string]string{"query": "Query", "mutation": "Mutation"}[q.kind]
	if err := r.check(root, q.selection, 1); err != nil {
		return Answer{}, err
	}
	for name, t := range q.variables {
		if values[name] == nil && t.required {
			return Answer{}, refused("variable $%s has no value", name)
		}
	}
	for name := range values {
		if _, ok := q.variables[name]; !ok {
			return Answer{}, refused("variable $%s is not declared", name)
		}
	}
	out := Answer{Operation: q.name, Cost: max(1, (r.requests+50)/100)}
	if r.nodes > maxNodes {
		return out, refused("the query asks for %d nodes, more than %d", r.nodes, maxNodes)
	}
	out.Data, err = r.object(roots[root], q.selection)
	return out, err
}

// check holds a selection to the schema. Many is how often it is asked for.
func (r *runner) check(on string, selection []selected, many int) error {
	t := r.schema.types[on]
	if t == nil {
		return refused("type %s is not in the schema", on)
	}
	for _, s := range selection {
		var err error
		switch f, is := r.fragment(s); {
		case is:
			err = r.check(f.on, f.selection, many)
		case s.spread != "":
			err = refused("fragment %s is not there", s.spread)
		case s.name != "__typename":
			err = r.checkField(on, t, s, many)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *runner) checkField(on string, t *typ, s selected, many int) error {
	f, ok := t.fields[s.name]
	if !ok {
		return refused("field %s does not exist on type %s", s.name, on)
	}
	for name, v := range s.args {
		a, ok := f.args[name]
		if !ok {
			return refused("field %s.%s has no argument %s", on, s.name, name)
		}
		if err := r.checkValue(a.ref, v); err != nil {
			return fmt.Errorf("argument %s of %s.%s: %w", name, on, s.name, err)
		}
	}
	for name, a := range f.args {
		if _, given := s.args[name]; !given && a.ref.required && !a.optional {
			return refused("argument %s of %s.%s is missing", name, on, s.name)
		}
	}
	if r.schema.composite(f.ref.name) != (s.selection != nil) {
		return refused("field %s.%s: a selection is needed for objects and for nothing else", on, s.name)
	}
	if s.selection == nil {
		return nil
	}
	if _, paged := f.args["first"]; paged {
		size, err := r.size(s)
		if err != nil {
			return fmt.Errorf("%s.%s: %w", on, s.name, err)
		}
		r.requests += many
		many *= size
		r.nodes += many
	}
	return r.check(f.ref.name, s.selection, many)
}

// size is how many nodes a connection is asked for.
func (r *runner) size(s selected) (int, error) {
	for _, name := range []string{"first", "last"} {
		if v, ok := s.args[name]; ok {
			n, ok := number(r.resolve(v))
			if !ok || n < 1 || n > maxPage {
				return 0, refused("%s has to be between 1 and %d", name, maxPage)
			}
			return n, nil
		}
	}
	return 0, refused("first or last has to be given")
}

func number(v any) (int, bool) {
	switch v := v.(type) {
	case int:
		return v, true
	case float64:
		return int(v), true
	}
	return 0, false
}

func (r *runner) checkValue(want ref, v any) error {
	switch v := v.(type) {
	case variable:
		have, ok := r.query.variables[string(v)]
		if !ok || have.name != want.name || have.list != want.list || want.required && !have.required {
			return refused("variable $%s is not declared, or has the wrong type", v)
		}
	case enum:
		if t := r.schema.types[want.name]; t == nil || !t.values[string(v)] {
			return refused("%s is no value of %s", v, want.name)
		}
	case []any:
		var errs []error
		for _, one := range v {
			errs = append(errs, r.checkValue(ref{name: want.name}, one))
		}
		return errors.Join(errs...)
	case map[string]any:
		return r.checkInput(want, v)
	case string:
		return r.checkScalar(want, "a string", want.name != "Int" && want.name != "Boolean")
	case int:
		return r.checkScalar(want, "a number", want.name == "Int")
	}
	return nil
}

func (r *runner) checkScalar(want ref, what string, fits bool) error {
	if t := r.schema.types[want.name]; !fits || t != nil && t.kind != "scalar" {
		return refused("%s is no %s", what, want.name)
	}
	return nil
}

func (r *runner) checkInput(want ref, v map[string]any) error {
	t := r.schema.types[want.name]
	if t == nil || t.kind != "input" {
		return refused("an object is no %s", want.name)
	}
	for name, one := range v {
		f, ok := t.fields[name]
		if !ok {
			return refused("%s has no field %s", want.name, name)
		}
		if err := r.checkValue(f.ref, one); err != nil {
			return err
		}
	}
	for name, f := range t.fields {
		if _, given := v[name]; f.ref.required && !f.optional && !given {
			return refused("%s needs %s", want.name, name)
		}
	}
	return nil
}

func (r *runner) fragment(s selected) (fragment, bool) {
	if s.inline != nil {
		return *s.inline, true
	}
	f, ok := r.query.fragments[s.spread]
	return f, ok
}

// object selects from one node.
func (r *runner) object(o Object, selection []selected) (map[string]any, error) {
	out := map[string]any{}
	for _, s := range selection {
		var err error
		if s.inline != nil || s.spread != "" {
			err = r.spread(o, s, out)
		} else {
			out[s.alias], err = r.value(o, s)
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// value is what one field of a node says.
func (r *runner) value(o Object, s selected) (any, error) {
	v, ok := o[s.name]
	if !ok {
		return nil, fmt.Errorf("the fake's %v has no field %s", o["__typename"], s.name)
	}
	if f, is := v.(Field); is {
		args := map[string]any{}
		for name, a := range s.args {
			args[name] = r.resolve(a)
		}
		var err error
		if v, err = f(args); err != nil {
			return nil, err
		}
	}
	return r.complete(v, s.selection)
}

func (r *runner) spread(o Object, s selected, out map[string]any) error {
	f, _ := r.fragment(s)
	if t := r.schema.types[f.on]; t.kind == "type" && o["__typename"] != f.on {
		return nil
	}
	part, err := r.object(o, f.selection)
	maps.Copy(out, part)
	return err
}

func (r *runner) complete(v any, selection []selected) (any, error) {
	switch v := v.(type) {
	case Object:
		if v == nil {
			return nil, nil
		}
		return r.object(v, selection)
	case []Object:
		out := make([]any, len(v))
		for i, one := range v {
			var err error
			if out[i], err = r.complete(one, selection); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return v, nil
}

// resolve puts values in the place of variables.
func (r *runner) resolve(v any) any {
	switch v := v.(type) {
	case variable:
		return r.values[string(v)]
	case enum:
		return string(v)
	case []any:
		out := slices.Clone(v)
		for i := range out {
			out[i] = r.resolve(out[i])
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for k, one := range v {
			out[k] = r.resolve(one)
		}
		return out
	}
	return v
}
