package config

import (
	"path"
	"slices"

	"go.yaml.in/yaml/v3"
)

// Match selects lanes: every key must hold. A key is a label of environments,
// or one of artifact, environment, wave and promotion; a value is a pattern in
// which `*` stands for anything, or a list of them of which one must hold.
type Match map[string]Globs

// Globs are patterns of which one must hold.
type Globs []string

func (g *Globs) short(d *document, n *yaml.Node, at string) bool {
	if n.Kind != yaml.ScalarNode {
		return false
	}
	if d.wants(n, at, "a text", "!!str") {
		*g = Globs{n.Value}
	}
	return true
}

func anyHolds(g Globs, s string) bool {
	for _, p := range g {
		if p == s {
			return true
		}
		if ok, err := path.Match(p, s); ok && err == nil {
			return true
		}
	}
	return false
}

// reserved are the keys of a match that are not labels.
func reserved() []string { return []string{"artifact", "environment", "wave", "promotion"} }

// subject is what a match is asked about.
type subject struct {
	artifact, environment, wave, promotion string
	labels                                 map[string]string
	// loose says that the labels could not be read: any may hold.
	loose bool
}

func (s subject) value(key string) (string, bool) {
	switch key {
	case "artifact":
		return s.artifact, true
	case "environment":
		return s.environment, true
	case "wave":
		return s.wave, true
	case "promotion":
		return s.promotion, true
	}
	v, ok := s.labels[key]
	return v, ok
}

// holds says whether every key holds; no key at all holds everywhere.
func (m Match) holds(s subject) bool {
	for key, globs := range m {
		v, ok := s.value(key)
		if s.loose && !slices.Contains(reserved(), key) {
			continue
		}
		if !ok || !anyHolds(globs, v) {
			return false
		}
	}
	return true
}

// check reports patterns that are none.
func (m Match) check(d *document, at []any) {
	for key, globs := range m {
		for i, p := range globs {
			if _, err := path.Match(p, ""); err != nil || p == "" {
				d.reportAt(append(slices.Clip(at), key, i), "`*` stands for anything, `[a-z]` for one letter", "%s: %q is not a pattern", key, clip(p))
			}
		}
	}
}
