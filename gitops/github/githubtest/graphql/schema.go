// Package graphql runs queries on plain maps and holds every query to a
// schema: unknown fields and arguments, wrong variables, missing selections and
// connections without a size are errors, as they are on the real server. It
// knows what the fake needs and no more.
//
// What may be asked is the schema's text (see Parse); how an answer is put
// together is in run.go.
package graphql

import "fmt"

// Schema is what may be asked.
type Schema struct {
	types map[string]*typ
}

// typ is a type: an object, interface, union, input or enum; scalars are not
// declared.
type typ struct {
	kind   string
	fields map[string]field
	values map[string]bool // of an enum
}

// field is a field of an object or an input.
type field struct {
	ref  ref
	args map[string]field
	// optional says that it has a default.
	optional bool
}

// ref names a type: T, T!, [T!]!.
type ref struct {
	name     string
	required bool
	list     bool
}

// Parse reads the text of a schema.
func Parse(sdl string) (*Schema, error) {
	p, err := scan(sdl)
	if err != nil {
		return nil, err
	}
	s := &Schema{types: map[string]*typ{}}
	for !p.done("") {
		t := &typ{kind: p.name(), fields: map[string]field{}, values: map[string]bool{}}
		s.types[p.name()] = t
		switch t.kind {
		case "type", "interface":
			p.implements()
			p.fields(t)
		case "input":
			p.fields(t)
		case "enum":
			p.need("{")
			for !p.done("}") {
				t.values[p.name()] = true
			}
		case "union":
			p.need("=")
			p.take("|")
			for p.name(); p.take("|"); {
				p.name()
			}
		case "scalar":
		default:
			return nil, fmt.Errorf("%q declares nothing that is known here", t.kind)
		}
	}
	return s, p.err
}

func (p *parser) implements() {
	if p.take("implements") {
		for p.name(); p.take("&"); {
			p.name()
		}
	}
}

func (p *parser) fields(t *typ) {
	p.need("{")
	for !p.done("}") {
		name, f := p.field()
		t.fields[name] = f
	}
}

func (p *parser) field() (string, field) {
	name := p.name()
	f := field{args: map[string]field{}}
	if p.take("(") {
		for !p.done(")") {
			arg, a := p.field()
			f.args[arg] = a
		}
	}
	p.need(":")
	f.ref = p.ref()
	if p.take("=") {
		p.value()
		f.optional = true
	}
	for p.take("@") {
		p.name()
		if p.take("(") {
			for !p.done(")") {
				p.name()
				p.need(":")
				p.value()
			}
		}
	}
	return name, f
}

func (p *parser) ref() ref {
	if p.take("[") {
		r := p.ref()
		p.need("]")
		r.list = true
		r.required = p.take("!")
		return r
	}
	r := ref{name: p.name()}
	r.required = p.take("!")
	return r
}

func (s *Schema) composite(name string) bool {
	t := s.types[name]
	return t != nil && (t.kind == "type" || t.kind == "interface" || t.kind == "union")
}
