package config

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/waveguide-dev/waveguide/signals"
)

// values stand for templates, by the template with its braces. One that is not
// known yet is left as it is.
type values map[string]string

// ofLane are the values of a lane's place, ofVersion those of what Git names
// there.
func ofLane(artifact, environment string) values {
	return values{artifactTemplate: artifact, environmentTemplate: environment}
}

func ofVersion(tag string, d signals.Digest) values {
	return values{tagTemplate: tag, digestTemplate: string(d)}
}

// sample are values with which a template is tried when it is read.
func sample() values {
	v := ofLane("a", "e")
	maps.Copy(v, ofVersion("1.0.0", signals.Digest("sha256:"+strings.Repeat("0", 64))))
	return v
}

// in says whether a text holds one of the templates.
func (v values) in(s string) bool {
	for t := range v {
		if strings.Contains(s, t) {
			return true
		}
	}
	return false
}

// sound says why a value cannot stand anywhere: it comes from tags that others
// make.
func (v values) sound(s string) error {
	for _, t := range slices.Sorted(maps.Keys(v)) {
		switch {
		case !strings.Contains(s, t):
		case v[t] == "":
			return fmt.Errorf("git names nothing here that could stand for %s", t)
		case !utf8.ValidString(v[t]) || strings.ContainsFunc(v[t], unicode.IsControl):
			return fmt.Errorf("what stands for %s holds control characters", t)
		}
	}
	return nil
}

// exact puts values where an exact text is wanted.
func (v values) exact(s string) (string, error) {
	if err := v.sound(s); err != nil {
		return "", err
	}
	return v.replace(s, func(value string) string { return value }), nil
}

// replace replaces all templates at once: a value is no template.
func (v values) replace(s string, as func(string) string) string {
	var pairs []string
	for t, value := range v {
		pairs = append(pairs, t, as(value))
	}
	return strings.NewReplacer(pairs...).Replace(s)
}

// address puts values into an address, each as one segment or one value of its
// query.
func (v values) address(s string) (string, error) {
	if err := v.sound(s); err != nil {
		return "", err
	}
	for t, value := range v {
		if strings.Contains(s, t) && (value == "." || value == "..") {
			return "", fmt.Errorf("%q cannot stand in an address for %s", value, t)
		}
	}
	return v.replace(s, func(value string) string { return strings.ReplaceAll(url.QueryEscape(value), "+", "%20") }), nil
}

// query puts values into the quoted strings of a PromQL query or an
// Alertmanager matcher. In a regular expression they are escaped, so that a dot
// in a name matches a dot.
func (v values) query(s string) (string, error) {
	if !v.in(s) {
		return s, nil
	}
	if err := v.sound(s); err != nil {
		return "", err
	}
	var b strings.Builder
	var quote byte
	regex := false
	for i := 0; i < len(s); i++ {
		if t := v.at(s[i:]); t != "" {
			text, err := inString(t, v[t], quote, regex)
			if err != nil {
				return "", err
			}
			b.WriteString(text)
			i += len(t) - 1
			continue
		}
		c := s[i]
		switch {
		case quote == 0 && (c == '"' || c == '\'' || c == '`'):
			quote = c
			before := strings.TrimRight(s[:i], " \t\n")
			regex = strings.HasSuffix(before, "=~") || strings.HasSuffix(before, "!~")
		case quote != 0 && c == '\\' && quote != '`' && i+1 < len(s):
			b.WriteByte(c)
			i++
			c = s[i]
		case c == quote:
			quote = 0
		}
		b.WriteByte(c)
	}
	if quote != 0 {
		return "", errors.New("a quoted string does not end")
	}
	return b.String(), nil
}

// at is the template that a text begins with.
func (v values) at(s string) string {
	for t := range v {
		if strings.HasPrefix(s, t) {
			return t
		}
	}
	return ""
}

// inString writes a value into a string, and only there.
func inString(template, value string, quote byte, regex bool) (string, error) {
	if regex {
		value = regexp.QuoteMeta(value)
	}
	switch {
	case quote == 0:
		return "", fmt.Errorf("%s must stand inside a quoted string", template)
	case quote == '`' && strings.Contains(value, "`"):
		return "", fmt.Errorf("what stands for %s cannot stand between backquotes", template)
	case quote == '`':
		return value, nil
	}
	return strings.NewReplacer(`\`, `\\`, string(quote), `\`+string(quote)).Replace(value), nil
}

// About is the signal with what Git names in the lane in place of ${tag} and
// ${digest}; an error says which of them Git does not name.
func (h *HealthSpec) About(tag string, d signals.Digest) (HealthSpec, error) {
	return h.filled(ofVersion(tag, d))
}

// filled is the signal with values in the place of its templates.
func (h *HealthSpec) filled(v values) (HealthSpec, error) {
	out := *h
	var problems error
	put := func(how func(string) (string, error), texts ...*string) {
		for _, text := range texts {
			filled, err := how(*text)
			*text = filled
			if problems == nil {
				problems = err
			}
		}
	}
	put(v.exact, &out.Application, &out.Namespace, &out.Object, &out.Text, &out.Selector, &out.Project, &out.Image)
	put(v.address, &out.URL)
	put(v.query, &out.Query, &out.Filter)
	if h.MinTraffic != nil {
		t := *h.MinTraffic
		put(v.query, &t.Query)
		out.MinTraffic = &t
	}
	if h.Baseline != nil {
		b := *h.Baseline
		put(v.query, &b.Query)
		out.Baseline = &b
	}
	for _, at := range []**JSONExpect{&out.JSON, &out.Progressing} {
		if *at != nil {
			e := **at
			put(v.exact, &e.Value)
			*at = &e
		}
	}
	if h.Scope != nil {
		out.Scope = make(map[string]string, len(h.Scope))
		for _, label := range slices.Sorted(maps.Keys(h.Scope)) {
			value := h.Scope[label]
			put(v.exact, &value)
			out.Scope[label] = value
		}
	}
	return out, problems
}
