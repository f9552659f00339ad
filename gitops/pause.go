package gitops

import (
	"path"
	"slices"
	"strings"
	"time"
)

// The labels people stop things with.
const (
	LabelHold      = "waveguide/hold"
	LabelHoldProw  = "do-not-merge/hold"
	LabelPause     = "waveguide/pause"
	LabelRebase    = "waveguide/rebase"
	maxPauseTokens = 64
)

// Pause stops a wave, an environment, an artifact or everything, by an issue,
// by the rules or from the command line.
type Pause struct {
	// ID names the issue or the rule.
	ID    string    `json:"id" yaml:"id"`
	URL   string    `json:"url,omitempty" yaml:"url,omitempty"`
	Title string    `json:"title,omitempty" yaml:"title,omitempty"`
	By    Actor     `json:"by,omitzero" yaml:"by,omitempty"`
	Since time.Time `json:"since,omitzero" yaml:"since,omitempty"`
	// Until ends the pause; zero means that somebody has to end it.
	Until time.Time `json:"until,omitzero" yaml:"until,omitempty"`
	// Environments, Waves and Artifacts are globs. Different kinds are
	// combined by and, patterns of one kind by or; a pause with none of them
	// stops everything.
	Environments []string `json:"environments,omitempty" yaml:"environments,omitempty"`
	Waves        []string `json:"waves,omitempty" yaml:"waves,omitempty"`
	Artifacts    []string `json:"artifacts,omitempty" yaml:"artifacts,omitempty"`
	// Unread are the words that look like tokens and were not understood;
	// with any of them the pause stops everything.
	Unread []string `json:"unread,omitempty" yaml:"unread,omitempty"`
}

// ParsePause reads the tokens of a pause issue's title: env:, wave:,
// artifact:, until: (RFC 3339 or minutes precision, offset required) and
// scope:all. A word with a colon that is none of them pauses everything.
func ParsePause(title string) Pause {
	p := Pause{Title: title}
	for i, word := range strings.Fields(title) {
		kind, value, ok := strings.Cut(word, ":")
		if !ok || value == "" {
			continue
		}
		if i >= maxPauseTokens || !readToken(&p, strings.ToLower(kind), value) {
			p.Unread = append(p.Unread, word)
		}
	}
	return p
}

// Widens says that the pause stops everything that the other stops, for at
// least as long: anybody may make it so.
func (p Pause) Widens(o Pause) bool {
	if !p.Until.IsZero() && (o.Until.IsZero() || p.Until.Before(o.Until)) {
		return false
	}
	if len(p.Unread) > 0 {
		return true
	}
	return len(o.Unread) == 0 && holds(p.Environments, o.Environments) && holds(p.Waves, o.Waves) && holds(p.Artifacts, o.Artifacts)
}

// holds says that every glob of b is one of a; none at all is everything.
func holds(a, b []string) bool {
	if len(a) == 0 {
		return true
	}
	return len(b) > 0 && !slices.ContainsFunc(b, func(g string) bool { return !slices.Contains(a, g) })
}

// readToken says whether it understood the token.
func readToken(p *Pause, kind, value string) bool {
	switch kind {
	case "env", "environment":
		return appendGlob(&p.Environments, value)
	case "wave":
		return appendGlob(&p.Waves, value)
	case "artifact":
		return appendGlob(&p.Artifacts, value)
	case "until":
		t, ok := parseInstant(value)
		if ok {
			p.Until = t
		}
		return ok
	case "scope":
		return value == "all"
	}
	return false
}

func appendGlob(to *[]string, value string) bool {
	for pattern := range strings.SplitSeq(value, ",") {
		if _, err := path.Match(pattern, ""); err != nil || pattern == "" {
			return false
		}
		*to = append(*to, pattern)
	}
	return true
}

// Covers says whether the pause is in force at now for a lane of a wave,
// written "promotion/wave".
func (p Pause) Covers(lane Lane, wave string, now time.Time) bool {
	if !p.Until.IsZero() && !now.Before(p.Until) {
		return false
	}
	if len(p.Unread) > 0 {
		return true
	}
	return any1(p.Environments, lane.Environment) && any1(p.Waves, wave) && any1(p.Artifacts, lane.Artifact)
}

// any1 says whether one of the globs matches; none at all match everything.
// The part of a wave's name behind the slash matches on its own too.
func any1(globs []string, name string) bool {
	for _, g := range globs {
		if ok, _ := path.Match(g, name); ok {
			return true
		}
		if _, tail, ok := strings.Cut(name, "/"); ok {
			if ok, _ := path.Match(g, tail); ok {
				return true
			}
		}
	}
	return len(globs) == 0
}
