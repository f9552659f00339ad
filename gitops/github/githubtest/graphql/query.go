package graphql

import (
	"fmt"
	"strconv"
)

// query is one operation with its fragments.
type query struct {
	kind      string // query or mutation
	name      string
	variables map[string]ref
	selection []selected
	fragments map[string]fragment
}

type fragment struct {
	on        string
	selection []selected
}

// selected is a field, a spread of a fragment, or an inline fragment.
type selected struct {
	alias, name string
	args        map[string]any
	selection   []selected
	spread      string
	inline      *fragment
}

type (
	variable string
	enum     string
)

// parseQuery reads a document with one operation.
func parseQuery(text string) (*query, error) {
	p, err := scan(text)
	if err != nil {
		return nil, err
	}
	q := &query{variables: map[string]ref{}, fragments: map[string]fragment{}}
	for !p.done("") {
		if p.take("fragment") {
			name := p.name()
			p.need("on")
			q.fragments[name] = fragment{p.name(), p.selection()}
			continue
		}
		if q.kind != "" {
			return nil, fmt.Errorf("a document holds one operation")
		}
		q.kind = p.name()
		if p.peek().kind == 'n' {
			q.name = p.name()
		}
		if p.take("(") {
			for !p.done(")") {
				p.need("$")
				name := p.name()
				p.need(":")
				q.variables[name] = p.ref()
			}
		}
		q.selection = p.selection()
	}
	return q, p.err
}

func (p *parser) selection() []selected {
	var out []selected
	p.need("{")
	for !p.done("}") {
		out = append(out, p.selected())
	}
	return out
}

func (p *parser) selected() selected {
	if p.take("...") {
		if p.take("on") {
			return selected{inline: &fragment{p.name(), p.selection()}}
		}
		return selected{spread: p.name()}
	}
	s := selected{name: p.name(), args: map[string]any{}}
	s.alias = s.name
	if p.take(":") {
		s.name = p.name()
	}
	if p.take("(") {
		for !p.done(")") {
			name := p.name()
			p.need(":")
			s.args[name] = p.value()
		}
	}
	if p.peek().text == "{" {
		s.selection = p.selection()
	}
	return s
}

// value is a literal or a variable.
func (p *parser) value() any {
	switch t := p.next(); {
	case t.kind == 's':
		return t.text
	case t.kind == 'i':
		n, err := strconv.Atoi(t.text)
		if err != nil && p.err == nil {
			p.err = err
		}
		return n
	case t.text == "$":
		return variable(p.name())
	case t.text == "[":
		list := []any{}
		for !p.done("]") {
			list = append(list, p.value())
		}
		return list
	case t.text == "{":
		m := map[string]any{}
		for !p.done("}") {
			name := p.name()
			p.need(":")
			m[name] = p.value()
		}
		return m
	case t.text == "true", t.text == "false":
		return t.text == "true"
	case t.text == "null":
		return nil
	default:
		return enum(t.text)
	}
}
