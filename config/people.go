package config

import (
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
)

// Pause is a stop that the rules say: of the document's own lanes, or of those
// of them that the scope names as the title of a pause issue does.
type Pause struct {
	Scope  string    `yaml:"scope,omitempty" jsonschema_description:"env:, wave: and artifact: with patterns, as in the title of a pause issue; everything the document is about if not written"`
	Reason string    `yaml:"reason" jsonschema:"required"`
	Until  time.Time `yaml:"until,omitempty" jsonschema_description:"when it ends; not written, a change of the rules ends it"`
}

// Pin keeps an artifact at one version in an environment until a time.
type Pin struct {
	Artifact    string    `yaml:"artifact" jsonschema:"required"`
	Environment string    `yaml:"environment" jsonschema:"required"`
	Version     string    `yaml:"version" jsonschema:"required" jsonschema_description:"a tag that the artifact's versions select, or a digest"`
	Until       time.Time `yaml:"until" jsonschema:"required"`
	Reason      string    `yaml:"reason" jsonschema:"required"`
	By          string    `yaml:"by" jsonschema:"required" jsonschema_description:"who wants it: @person or @org/team"`
}

// Emergency is a name under which gates may be passed over, and who may declare
// it. A name that a freeze allows is one too, for everybody with the right.
type Emergency struct {
	Header `yaml:",inline"`
	Match  Match    `yaml:"match,omitempty"`
	From   []string `yaml:"from,omitempty" jsonschema_description:"people and teams who may declare it, among those who may command; all of them if not written"`
}

func (e *Emergency) check(d *document) {
	d.checkName(e.Name, "an emergency", "name")
	checkPeople(d, e.From, []any{"from"})
}

func checkPeople(d *document, list []string, at []any) {
	for i, who := range list {
		checkPerson(d, who, append(slices.Clip(at), i))
	}
}

func checkPerson(d *document, who string, at []any) {
	if len(who) < 2 || who[0] != '@' {
		d.reportAt(at, "write @org/team or @person", "%q is neither a team nor a person", clip(who))
	}
}

// checkPauses reports scopes with words that nobody understands, and names that
// nothing has: they would stop something else than was meant.
func (r *reader) checkPauses(d *document, list []Pause) {
	for i, p := range list {
		scope := gitops.ParsePause(p.Scope)
		at := []any{"paused", i, "scope"}
		strange := slices.DeleteFunc(strings.Fields(p.Scope), func(word string) bool {
			_, value, ok := strings.Cut(word, ":") // in the title of an issue other words are prose
			return ok && value != "" && !slices.Contains(scope.Unread, word)
		})
		switch {
		case len(strange) > 0:
			d.reportAt(at, "write env:, wave: and artifact: with names or patterns, or scope:all", "scope: %q is not understood", clip(strange[0]))
		case !scope.Until.IsZero():
			d.reportAt(at, "write until: beside scope", "a scope has no end")
		}
		r.checkScope(d, "environment", scope.Environments, r.environmentNames(), at)
		r.checkScope(d, "artifact", scope.Artifacts, r.artifactNames(), at)
	}
}

// checkScope reports names, which are no patterns, that nothing has.
func (r *reader) checkScope(d *document, what string, globs, known []string, at []any) {
	for _, g := range globs {
		if !strings.ContainsAny(g, `*?[\`) {
			d.checkKnown(what, g, known, at)
		}
	}
}

// checkPins reports pins that the promotion cannot keep.
func (p *Promotion) checkPins(d *document) {
	names := make([]string, len(p.Artifacts))
	for i, a := range p.Artifacts {
		names[i] = a.Name
	}
	seen := map[string]bool{}
	for i, pin := range p.Pins {
		at := []any{"pins", i}
		if pin.By != "" {
			checkPerson(d, pin.By, append(slices.Clip(at), "by"))
		}
		d.unique(seen, pin.Artifact+" in "+pin.Environment, "pin of", at)
		k := slices.Index(names, pin.Artifact)
		switch {
		case pin.Artifact == "" || pin.Version == "":
		case k < 0:
			d.checkKnown("artifact", pin.Artifact, names, append(slices.Clip(at), "artifact"))
		case !isDigest(pin.Version) && !p.Artifacts[k].selector.Selects(pin.Version):
			d.reportAt(append(slices.Clip(at), "version"), "write a tag that versions: selects, or a digest", "%q is no version of %s: %s", clip(pin.Version), pin.Artifact, p.Artifacts[k].selector)
		}
	}
}

// orders adds to a stop what the rules say of people: pauses, the pin, the
// emergencies and who commands.
func (c *composer) orders(s *promoter.Stop, e loaded[Environment], sub subject) {
	wave := sub.promotion + "/" + sub.wave
	s.Paused = covering(s, wave, c.p.v.Paused, gitops.Pause{ID: "promotion " + c.p.name, Waves: []string{c.p.name + "/*"}})
	s.Paused = append(s.Paused, covering(s, wave, e.v.Paused, gitops.Pause{ID: "environment " + e.name, Environments: []string{e.name}})...)
	for _, g := range c.guardrails {
		if !g.ok() || !g.v.Match.holds(sub) {
			continue
		}
		if len(g.v.Paused) > 0 {
			s.Paused = append(s.Paused, covering(s, wave, g.v.Paused, c.matched(g))...)
		}
		if len(g.v.CommandsFrom) > 0 {
			s.Commanders = append(s.Commanders, g.v.CommandsFrom)
		}
	}
	i := slices.IndexFunc(c.p.v.Pins, func(p Pin) bool { return p.Artifact == sub.artifact && p.Environment == sub.environment })
	if i >= 0 {
		pin := c.p.v.Pins[i]
		s.Pinned = &promoter.Pin{Version: pin.Version, Until: pin.Until.UTC(), By: pin.By, Reason: pin.Reason, Rule: "promotion " + c.p.name}
	}
	s.Emergencies = c.declarable(sub)
}

// covering are the pauses of a list that cover a stop, whenever they end.
func covering(s *promoter.Stop, wave string, list []Pause, whole gitops.Pause) []gitops.Pause {
	var out []gitops.Pause
	for _, p := range list {
		if in := p.pause(whole); in.Covers(s.Lane, wave, time.Time{}) {
			out = append(out, in)
		}
	}
	return out
}

// pause is an entry as its gate sees it: what the document is about, or what the
// scope names of it.
func (p Pause) pause(whole gitops.Pause) gitops.Pause {
	out := gitops.ParsePause(p.Scope)
	if len(out.Environments)+len(out.Waves)+len(out.Artifacts) == 0 {
		out.Environments, out.Waves, out.Artifacts = whole.Environments, whole.Waves, whole.Artifacts
	}
	out.ID, out.Title, out.Until = whole.ID, p.Reason, p.Until
	return out
}

// matched is what a guardrail is about, in the words of pauses.
func (c *composer) matched(g loaded[Guardrail]) gitops.Pause {
	m := g.v.Match
	p := gitops.Pause{ID: "guardrail " + g.name, Artifacts: m["artifact"]}
	switch {
	case len(m["promotion"]) > 0 && len(m["wave"]) > 0: // both must hold, which patterns of waves cannot say
	case len(m["promotion"]) > 0:
		for _, glob := range m["promotion"] {
			p.Waves = append(p.Waves, path.Join(glob, "*"))
		}
	default:
		p.Waves = m["wave"]
	}
	about := maps.Clone(m)
	maps.DeleteFunc(about, func(key string, _ Globs) bool { return key == "artifact" || key == "promotion" || key == "wave" })
	for _, e := range c.envs {
		if len(about) > 0 && about.holds(subject{environment: e.name, labels: e.v.Labels, loose: e.broken["labels"] || e.root == nil}) {
			p.Environments = append(p.Environments, e.name)
		}
	}
	return p
}

// declarable are the emergencies that may be declared here. A name that freezes
// allow needs no document; but one that has a document, in order or not, is what
// that says and nothing else.
func (c *composer) declarable(sub subject) []promoter.Emergency {
	var out []promoter.Emergency
	defined := map[string]bool{}
	for _, e := range c.emergencies {
		defined[e.name] = true
		if e.ok() && e.v.Match.holds(sub) {
			out = append(out, promoter.Emergency{Name: e.name, From: e.v.From})
		}
	}
	for _, f := range c.freezes {
		if !f.ok() || !f.v.Match.holds(sub) || defined[""] {
			continue
		}
		for _, name := range f.v.Allow {
			if !defined[name] {
				out = append(out, promoter.Emergency{Name: name})
			}
			defined[name] = true
		}
	}
	return out
}

// idle reports pauses and pins of a promotion that reach none of its lanes.
func (v *resolver) idle(p loaded[Promotion], routes []promoter.Route) {
	for i, pause := range p.v.Paused {
		in := pause.pause(gitops.Pause{})
		if !reaches(routes, func(stop promoter.Stop, wave string) bool { return in.Covers(stop.Lane, wave, time.Time{}) }) {
			p.reportAt([]any{"paused", i, "scope"}, "", "scope %q reaches nothing of this promotion", clip(pause.Scope))
		}
	}
	for i, pin := range p.v.Pins {
		if !reaches(routes, func(stop promoter.Stop, _ string) bool {
			return stop.Lane.Artifact == pin.Artifact && stop.Lane.Environment == pin.Environment
		}) {
			p.reportAt([]any{"pins", i, "environment"}, "name it in a wave, or take the pin away", "no wave takes %s to environment %q", clip(pin.Artifact), clip(pin.Environment))
		}
	}
}

// reaches says whether it is so of any stop, in its wave.
func reaches(routes []promoter.Route, so func(stop promoter.Stop, wave string) bool) bool {
	for _, r := range routes {
		for _, w := range r.Waves {
			if slices.ContainsFunc(w.Stops, func(s promoter.Stop) bool { return so(s, r.Promotion+"/"+w.Name) }) {
				return true
			}
		}
	}
	return false
}
