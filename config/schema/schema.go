// Package schema generates the JSON Schema of every configuration document from
// the types that config decodes into, so that editors and the program agree.
//
// A new key needs nothing here. A new type with a short form of its own needs a
// line in forms.
package schema

import (
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/invopop/jsonschema"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/promoter/gate"
)

const secretFormat = "waveguide-secret"

// documents are the kinds with their types.
func documents() []struct {
	kind string
	v    any
} {
	return []struct {
		kind string
		v    any
	}{
		{"Daemon", config.Daemon{}},
		{config.KindEnvironment, config.Environment{}},
		{config.KindPromotion, config.Promotion{}},
		{config.KindGuardrail, config.Guardrail{}},
		{config.KindChangeWindow, config.ChangeWindow{}},
		{config.KindFreeze, config.Freeze{}},
		{config.KindRiskRule, config.RiskRule{}},
		{config.KindException, config.Exception{}},
		{config.KindEmergency, config.Emergency{}},
	}
}

// Generate is the schema of all kinds: a document is exactly one of them.
func Generate() ([]byte, error) {
	defs := map[string]any{}
	var oneOf []any
	for _, d := range documents() {
		r := reflector()
		b, err := json.Marshal(r.Reflect(d.v))
		if err != nil {
			return nil, fmt.Errorf("schema of %s: %w", d.kind, err)
		}
		var s struct {
			Defs map[string]map[string]any `json:"$defs"`
		}
		if err := json.Unmarshal(b, &s); err != nil {
			return nil, fmt.Errorf("schema of %s: %w", d.kind, err)
		}
		for name, def := range s.Defs {
			secrets(def)
			defs[name] = def
		}
		properties, ok := s.Defs[d.kind]["properties"].(map[string]any)
		if !ok {
			return nil, fmt.Errorf("schema of %s has no properties", d.kind)
		}
		properties["kind"] = map[string]any{"const": d.kind}
		oneOf = append(oneOf, map[string]any{
			"if":   map[string]any{"properties": map[string]any{"kind": map[string]any{"const": d.kind}}, "required": []string{"kind"}},
			"then": map[string]any{"$ref": "#/$defs/" + d.kind},
		})
	}
	var names []string
	for _, d := range documents() {
		names = append(names, d.kind)
	}
	b, err := json.MarshalIndent(map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"$id":     "https://waveguide.dev/schema/v1alpha1.json",
		"title":   "Waveguide configuration",
		"type":    "object", "required": []string{"apiVersion", "kind"},
		"properties": map[string]any{"kind": map[string]any{"enum": names}},
		"allOf":      oneOf, "$defs": defs,
	}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	return append(b, '\n'), nil
}

func reflector() *jsonschema.Reflector {
	return &jsonschema.Reflector{
		FieldNameTag: "yaml", RequiredFromJSONSchemaTags: true, Anonymous: true,
		Mapper: mapper,
	}
}

// mapper knows the types that are written otherwise than Go holds them.
func mapper(t reflect.Type) *jsonschema.Schema {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return duration()
	case reflect.TypeFor[time.Time]():
		return &jsonschema.Schema{Type: "string", Format: "date-time"}
	case reflect.TypeFor[config.Secret]():
		return &jsonschema.Schema{Type: "string", Format: secretFormat}
	}
	return forms(t)
}

func duration() *jsonschema.Schema {
	return &jsonschema.Schema{Type: "string", Pattern: `^(0|([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+)$`, Description: "as in 30m, 24h or 1h30m"}
}

// forms are the types with a short form.
func forms(t reflect.Type) *jsonschema.Schema {
	either := func(short *jsonschema.Schema, long any) *jsonschema.Schema {
		return &jsonschema.Schema{OneOf: []*jsonschema.Schema{short, inline(long)}}
	}
	boolean := &jsonschema.Schema{Type: "boolean"}
	texts := &jsonschema.Schema{Type: "array", Items: &jsonschema.Schema{Type: "string"}}
	switch t {
	case reflect.TypeFor[config.Soak]():
		return either(duration(), gate.Soak{})
	case reflect.TypeFor[config.SBOM]():
		return either(&jsonschema.Schema{Enum: []any{"required"}}, gate.SBOM{})
	case reflect.TypeFor[config.Vulnerabilities]():
		return either(boolean, gate.Vulnerabilities{})
	case reflect.TypeFor[config.Tests]():
		return either(boolean, gate.Tests{})
	case reflect.TypeFor[config.Globs]():
		return &jsonschema.Schema{OneOf: []*jsonschema.Schema{{Type: "string"}, texts}}
	case reflect.TypeFor[config.Environments]():
		return &jsonschema.Schema{OneOf: []*jsonschema.Schema{texts, inline(struct {
			Match  config.Match `yaml:"match" jsonschema:"required"`
			Except []string     `yaml:"except,omitempty"`
		}{})}}
	}
	return nil
}

// inline is the schema of a struct in the place where it stands.
func inline(v any) *jsonschema.Schema {
	r := reflector()
	r.DoNotReference = true
	s := r.Reflect(v)
	s.Version, s.ID = "", ""
	return s
}

// secrets writes each reference to a secret as the two keys that it has.
func secrets(def map[string]any) {
	properties, ok := def["properties"].(map[string]any)
	if !ok {
		return
	}
	for name, p := range properties {
		if m, ok := p.(map[string]any); !ok || m["format"] != secretFormat {
			continue
		}
		delete(properties, name)
		properties[name+"File"] = map[string]any{"type": "string", "description": "the file that holds the secret"}
		properties[name+"Env"] = map[string]any{"type": "string", "description": "the environment variable that holds the secret"}
	}
}
