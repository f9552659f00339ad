package config

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// shortForm is a type that may be written in another form than its fields. It
// says whether it has read the node.
type shortForm interface {
	short(d *document, n *yaml.Node, at string) bool
}

// decode fills v from a node, strictly, and reports everything that does not
// fit. The path `at` is for messages.
func (d *document) decode(n *yaml.Node, v reflect.Value, at string) {
	if s, ok := reflect.TypeAssert[shortForm](v.Addr()); ok && s.short(d, n, at) {
		return
	}
	switch p := v.Addr().Interface().(type) {
	case *time.Duration:
		d.duration(n, p, at)
		return
	case *time.Time:
		d.time(n, p, at)
		return
	}
	d.composite(n, v, at)
}

func (d *document) composite(n *yaml.Node, v reflect.Value, at string) {
	k := v.Kind()
	if k == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		d.decode(n, v.Elem(), at)
		return
	}
	read, ok := map[reflect.Kind]func(*yaml.Node, reflect.Value, string){
		reflect.Struct: d.mapping, reflect.Slice: d.list, reflect.Map: d.table,
	}[k]
	if !ok {
		read = d.scalar
	}
	read(n, v, at)
}

func (d *document) scalar(n *yaml.Node, v reflect.Value, at string) {
	if v.Kind() == reflect.String { // words have types of their own
		if d.wants(n, at, "a text", "!!str") {
			v.SetString(n.Value)
		}
		return
	}
	switch p := v.Addr().Interface().(type) {
	case *bool:
		if d.wants(n, at, "true or false", "!!bool") {
			*p = strings.EqualFold(n.Value, "true")
		}
	case *int:
		d.whole(n, p, at)
	case *float64:
		d.number(n, p, at)
	default:
		panic(fmt.Sprintf("config: type %s of %s cannot be decoded", v.Type(), at))
	}
}

func (d *document) whole(n *yaml.Node, to *int, at string) {
	if !d.wants(n, at, "a whole number", "!!int") {
		return
	}
	i, err := strconv.ParseInt(n.Value, 10, 32)
	if err != nil || i < 0 {
		d.report(n, "", "%s: %.40q is not a whole number from 0 to %d", at, n.Value, math.MaxInt32)
	}
	*to = int(i)
}

func (d *document) number(n *yaml.Node, to *float64, at string) {
	if !d.wants(n, at, "a number", "!!int", "!!float") {
		return
	}
	f, err := strconv.ParseFloat(n.Value, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		d.report(n, "", "%s: %.40q is not a finite number", at, n.Value)
	}
	*to = f
}

// wants reports a scalar of another type than it must have.
func (d *document) wants(n *yaml.Node, at, what string, tags ...string) bool {
	if n.Kind == yaml.ScalarNode && slices.Contains(tags, n.Tag) {
		return true
	}
	hint := ""
	if n.Kind == yaml.ScalarNode && tags[0] == "!!str" && !empty(n) && n.Tag != refused {
		hint = "put it in quotes"
	}
	if n.Tag != refused {
		d.report(n, hint, "%s is %s, but must be %s", at, article(n), what)
	}
	return false
}

func (d *document) duration(n *yaml.Node, to *time.Duration, at string) {
	const hint = "write it as in 30m, 24h or 1h30m"
	if n.Tag == refused {
		return
	}
	if n.Kind != yaml.ScalarNode || n.Tag != "!!str" {
		d.report(n, hint, "%s is %s, but must be a duration", at, article(n))
		return
	}
	v, err := time.ParseDuration(n.Value)
	switch {
	case err != nil:
		d.report(n, hint, "%s: %.40q is not a duration", at, n.Value)
	case v < 0:
		d.report(n, "", "%s: a duration cannot be negative", at)
	default:
		*to = v
	}
}

func (d *document) time(n *yaml.Node, to *time.Time, at string) {
	const hint = "write date, time and offset as in 2026-12-20T00:00:00+07:00"
	if n.Kind != yaml.ScalarNode {
		d.report(n, hint, "%s is %s, but must be a time", at, article(n))
		return
	}
	v, err := time.Parse(time.RFC3339, n.Value)
	if err != nil {
		d.report(n, hint, "%s: %.40q is not a time with an offset", at, n.Value)
		return
	}
	*to = v
}

func (d *document) list(n *yaml.Node, v reflect.Value, at string) {
	if n.Kind != yaml.SequenceNode {
		if n.Tag != refused {
			d.report(n, "begin each item with -, or put all in [ ]", "%s is %s, but must be a list", at, article(n))
		}
		return
	}
	s := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, c := range n.Content {
		d.decode(c, s.Index(i), fmt.Sprintf("%s[%d]", at, i))
	}
	v.Set(s)
}

func (d *document) table(n *yaml.Node, v reflect.Value, at string) {
	if !d.isMapping(n, at) {
		return
	}
	m := reflect.MakeMapWithSize(v.Type(), len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		e := reflect.New(v.Type().Elem()).Elem()
		d.decode(n.Content[i+1], e, join(at, n.Content[i].Value))
		m.SetMapIndex(reflect.ValueOf(n.Content[i].Value), e)
	}
	v.Set(m)
}

func (d *document) isMapping(n *yaml.Node, at string) bool {
	if n.Kind == yaml.MappingNode {
		return true
	}
	if n.Tag != refused {
		d.report(n, "", "%s is %s, but must be a mapping", at, article(n))
	}
	return false
}

func join(at, key string) string {
	if len(key) > 80 {
		key = key[:80]
	}
	if at == "" {
		return key
	}
	return at + "." + key
}

// field is one key that a struct knows.
type field struct {
	index    []int
	key      string
	required bool
	enum     []string
	// part is "File" or "Env" for the two keys of a Secret.
	part string
}

// fields lists the keys of a struct, those of inlined structs included.
func fields(t reflect.Type) []field {
	var fs []field
	for i := range t.NumField() {
		f := t.Field(i)
		tag, ok := f.Tag.Lookup("yaml")
		key, options, _ := strings.Cut(tag, ",")
		switch {
		case !ok || key == "-":
			continue
		case strings.Contains(options, "inline"):
			for _, inner := range fields(f.Type) {
				inner.index = append([]int{i}, inner.index...)
				fs = append(fs, inner)
			}
		case f.Type == reflect.TypeFor[Secret]():
			fs = append(fs, field{index: []int{i}, key: key + "File", part: "File"}, field{index: []int{i}, key: key + "Env", part: "Env"})
		default:
			required, enum := demands(f.Tag.Get("jsonschema"))
			fs = append(fs, field{index: []int{i}, key: key, required: required, enum: enum})
		}
	}
	return fs
}

// demands reads what the schema tag says about presence and values.
func demands(tag string) (required bool, enum []string) {
	for part := range strings.SplitSeq(tag, ",") {
		if part == "required" {
			required = true
		}
		if v, ok := strings.CutPrefix(part, "enum="); ok {
			enum = append(enum, v)
		}
	}
	return required, enum
}

func (d *document) mapping(n *yaml.Node, v reflect.Value, at string) {
	if !d.isMapping(n, orDocument(at)) {
		return
	}
	fs := fields(v.Type())
	known := make([]string, len(fs))
	for i, f := range fs {
		known[i] = f.key
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, value := n.Content[i], n.Content[i+1]
		j := slices.Index(known, k.Value)
		if j < 0 {
			d.unknown(k, at, known, seen)
			continue
		}
		before := len(d.problems)
		seen[k.Value] = true
		d.assign(value, v.FieldByIndex(fs[j].index), fs[j], join(at, k.Value))
		if len(d.problems) > before && at == "" {
			d.mark(k.Value)
		}
	}
	for _, f := range fs {
		if f.required && !seen[f.key] {
			d.report(n, "", "%s is missing", join(at, f.key))
			if at == "" {
				d.mark(f.key)
			}
		}
	}
}

// mark remembers that a key of the document could not be read.
func (d *document) mark(key string) {
	if d.broken == nil {
		d.broken = map[string]bool{}
	}
	d.broken[key] = true
}

// unknown reports a key nobody knows; the known key it was meant to be is then
// not reported as missing too.
func (d *document) unknown(k *yaml.Node, at string, known []string, seen map[string]bool) {
	where := ""
	if at != "" {
		where = " in " + at
	}
	meant := closest(k.Value, known)
	seen[meant] = true
	if at == "" && meant != "" {
		d.mark(meant)
	}
	hint := nearest(k.Value, known)
	if file := k.Value + "File"; slices.Contains(known, file) {
		hint = fmt.Sprintf("secrets do not stand here: write %s: or %sEnv: with where it is", file, k.Value)
	}
	d.report(k, hint, "unknown key %.80q%s", k.Value, where)
}

func orDocument(at string) string {
	if at == "" {
		return "the document"
	}
	return at
}

func (d *document) assign(n *yaml.Node, v reflect.Value, f field, at string) {
	if f.part != "" {
		v = v.FieldByName(f.part)
	}
	before := len(d.problems)
	d.decode(n, v, at)
	if len(d.problems) > before {
		return
	}
	switch {
	case len(f.enum) > 0 && v.Kind() == reflect.String && !slices.Contains(f.enum, v.String()):
		d.report(n, nearest(v.String(), f.enum), "%s: %.80q is not known", at, v.String())
	case f.required && v.Kind() != reflect.Struct && v.IsZero():
		d.report(n, "", "%s is empty", at)
	case f.required && v.Kind() == reflect.Slice && v.Len() == 0:
		d.report(n, "", "%s is empty", at)
	}
}
