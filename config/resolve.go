package config

import (
	"slices"
	"strings"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
)

// hold is a broken document and what it could match.
type hold struct {
	match Match
	why   string
}

// resolver composes routes from documents that are in order.
type resolver struct {
	*reader
	out   *Rules
	holds []hold
	// claims leads from a lane to the promotion that has it.
	claims map[gitops.Lane]loaded[Promotion]
	// clash are the artifacts that two promotions claim, by promotion.
	clash map[string]string
}

func (r *reader) resolve() *Rules {
	v := &resolver{
		reader: r, claims: map[gitops.Lane]loaded[Promotion]{}, clash: map[string]string{},
		out: &Rules{Health: map[gitops.Lane][]HealthSpec{}},
	}
	v.collectHolds()
	v.judgeExceptions()
	for _, p := range r.promotions {
		var routes []promoter.Route
		if p.ok() {
			routes = v.routes(p)
		}
		if !p.ok() {
			v.out.Held = append(v.out.Held, heldPromotion(p))
			continue
		}
		v.out.Routes = append(v.out.Routes, routes...)
	}
	v.out.Routes = slices.DeleteFunc(v.out.Routes, func(x promoter.Route) bool {
		why := v.clash[x.Promotion+"/"+x.Artifact]
		if why != "" {
			v.out.Held = append(v.out.Held, Held{Document: "Promotion " + x.Promotion, Promotion: x.Promotion, Artifacts: []string{x.Artifact}, Reason: why})
		}
		return why != ""
	})
	slices.SortStableFunc(v.out.Routes, func(a, b promoter.Route) int { return strings.Compare(a.Artifact, b.Artifact) })
	v.health()
	return v.out
}

func heldPromotion(p loaded[Promotion]) Held {
	h := Held{Document: p.title(), File: p.file, Line: p.line, Promotion: p.name, Reason: p.why()}
	artifacts := child(p.root, "artifacts")
	for i := range p.v.Artifacts {
		if n := text(child(child(artifacts, i), "name")); isName(n) {
			h.Artifacts = append(h.Artifacts, n)
		}
	}
	return h
}

func (v *resolver) hold(d *document, m Match, everything bool) {
	why := d.why()
	if everything {
		m = nil
	}
	v.holds = append(v.holds, hold{match: m, why: why})
	v.out.Held = append(v.out.Held, Held{Document: d.title(), File: d.file, Line: d.line, Match: m, Everything: everything, Reason: why})
}

// collectHolds finds the broken documents that hold more than themselves.
func (v *resolver) collectHolds() {
	v.holdStrange()
	for _, e := range v.envs {
		if !e.ok() {
			v.hold(e.document, Match{"environment": Globs{e.name}}, e.name == "")
		}
	}
	for _, w := range v.windows {
		if !w.ok() {
			// It holds whoever names it, which is found lane by lane.
			v.out.Held = append(v.out.Held, Held{Document: w.title(), File: w.file, Line: w.line, Reason: w.why()})
		}
	}
	broken(v, v.guardrails, func(g *Guardrail) Match { return g.Match })
	broken(v, v.freezes, func(f *Freeze) Match { return f.Match })
	broken(v, v.risks, func(k *RiskRule) Match { return k.Match })
	for _, e := range v.emergencies {
		if !e.ok() { // it cannot be declared, which holds nothing
			v.out.Held = append(v.out.Held, Held{Document: e.title(), File: e.file, Line: e.line, Reason: e.why()})
		}
	}
	for _, e := range v.exceptions {
		// An exception that is over excuses nothing, which holds enough.
		if over := e.root != nil && !e.v.Expires.IsZero() && !e.v.Expires.After(v.now) && len(e.problems) == 1; !e.ok() && !over {
			v.hold(e.document, e.v.Match, unreadable(e.document, e.v.Match))
		}
	}
}

// holdStrange holds what documents of unknown kind may have been about.
func (v *resolver) holdStrange() {
	for _, d := range v.strange {
		if v.governs(d.file) || len(v.all) > 0 && d.root == nil && d.kind == "" && strings.Contains(d.why(), "the rules have") {
			v.hold(d, nil, true)
			continue
		}
		v.out.Held = append(v.out.Held, Held{Document: d.title(), File: d.file, Line: d.line, Reason: d.why()})
	}
}

func broken[T any](v *resolver, all []loaded[T], match func(*T) Match) {
	for _, l := range all {
		if !l.ok() {
			v.hold(l.document, match(l.v), unreadable(l.document, match(l.v)))
		}
	}
}

// unreadable says that nobody can tell what a broken document was to match.
func unreadable(d *document, m Match) bool {
	return d.root == nil || d.broken["match"] || len(m) == 0
}

func (v *resolver) judgeExceptions() {
	for _, e := range v.exceptions {
		s := ExceptionState{Name: e.name}
		switch {
		case !e.ok():
			s.Why = e.why()
		case !slices.Contains(v.with.Approved, e.name):
			s.Why = "nobody has confirmed that the change which added it was approved by whom the guardrails name"
		default:
			s.InForce = true
			if v.out.Until.IsZero() || e.v.Expires.Before(v.out.Until) {
				v.out.Until = e.v.Expires
			}
		}
		v.out.Exceptions = append(v.out.Exceptions, s)
	}
}

// routes composes the routes of a promotion. Where guardrails contradict it,
// the promotion gets problems.
func (v *resolver) routes(p loaded[Promotion]) []promoter.Route {
	waves := make([][]loaded[Environment], len(p.v.Waves))
	for i, w := range p.v.Waves {
		waves[i] = v.selected(p.v, w)
	}
	out := make([]promoter.Route, 0, len(p.v.Artifacts))
	for i, a := range p.v.Artifacts {
		c := composer{resolver: v, p: p, index: i, artifact: a, verify: p.v.verify(a)}
		route := promoter.Route{
			Promotion: p.v.Name, Artifact: a.Name, Owners: p.v.Owners, Image: a.Image, Selector: a.selector,
			Replace:  p.v.WhileSoaking == "replace",
			Rollback: promoter.Rollback{Propose: p.v.Rollback.OnUnhealthy == "propose", Forward: p.v.Rollback.Mode == "roll-forward"},
		}
		c.base = c.proofs()
		for j, w := range p.v.Waves {
			wave := promoter.Wave{Name: w.Name, StopOne: w.OnFailure == "stopEnvironment", Stops: make([]promoter.Stop, 0, len(waves[j]))}
			for _, e := range waves[j] {
				wave.Stops = append(wave.Stops, c.stop(j, e))
			}
			route.Waves = append(route.Waves, wave)
		}
		c.soakBefore(&route)
		out = append(out, route)
		if len(p.problems) > maxProblems {
			return out
		}
	}
	v.idle(p, out)
	return out
}

// health expands the signals of every lane that has a route.
func (v *resolver) health() {
	specs := map[string][]HealthSpec{}
	for _, e := range v.envs {
		if e.ok() {
			specs[e.name] = e.v.accepting()
		}
	}
	for _, r := range v.out.Routes {
		for _, w := range r.Waves {
			for _, s := range w.Stops {
				if of := specs[s.Lane.Environment]; len(of) > 0 {
					v.out.Health[s.Lane] = expandAll(of, r.Image, s.Lane)
				}
			}
		}
	}
}

func expandAll(of []HealthSpec, image string, lane gitops.Lane) []HealthSpec {
	out := make([]HealthSpec, len(of))
	for i, h := range of {
		// What could not be filled was refused when it was read.
		out[i], _ = h.filled(ofLane(lane.Artifact, lane.Environment))
		or(&out[i].Image, image)
	}
	return out
}
