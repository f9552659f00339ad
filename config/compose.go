package config

import (
	"fmt"
	"slices"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/gate"
)

// composer composes the stops of one artifact.
type composer struct {
	*resolver
	p        loaded[Promotion]
	index    int
	artifact Artifact
	verify   Verify
	base     gate.Set
	// before is the soak that guardrails demand of the wave before, by wave.
	before map[int]time.Duration
	// stands is why the stop in hand is held by a window that is broken.
	stands string
	// risk is that of the stop in hand.
	risk string
}

// proofs are the gates that are the same in every environment.
func (c *composer) proofs() gate.Set {
	var s gate.Set
	if v := c.verify.Signature; v != nil {
		g := *v
		g.Identity, g.Source = expand(g.Identity, c.artifact.Name), expand(g.Source, c.artifact.Name)
		s.Signature = &g
	}
	if v := c.verify.Provenance; v != nil {
		g := *v
		for _, text := range []*string{&g.Source, &g.Branch, &g.Tag, &g.Builder} {
			*text = expand(*text, c.artifact.Name)
		}
		s.Provenance = &g
	}
	if c.verify.SBOM != nil {
		s.SBOM = &c.verify.SBOM.SBOM
	}
	s.Vulnerabilities, s.Tests, s.Summary = c.verify.Vulnerabilities, c.verify.Tests, c.verify.summary()
	return s
}

func (c *composer) stop(wave int, e loaded[Environment]) promoter.Stop {
	w := c.p.v.Waves[wave]
	repository := e.v.Repository
	or(&repository, c.with.Name)
	place := c.artifact.Place
	or(&place, e.v.Place)
	lane := gitops.Lane{Repository: repository, Environment: e.name, Artifact: c.artifact.Name}
	s := promoter.Stop{
		Lane: lane, Path: expand(e.v.Path, c.artifact.Name), Place: expand(place, c.artifact.Name), Labels: e.v.Labels,
		TrustDesired: e.v.Running == "desired", Expect: e.v.Expect, Auto: w.Merge == "auto",
		Optional: slices.Contains(c.p.v.AbsentIn, e.name) || slices.Contains(c.artifact.AbsentIn, e.name),
	}
	written := writing(c.artifact, e.v, e.name)
	s.Pin = written.Pin == "digest"
	for _, m := range written.Metadata {
		s.Metadata = append(s.Metadata, promoter.Metadata(m))
	}
	s.Signals, s.Tolerate = signalsOf(e.v)
	if why := checkPath(s.Path, false); why != "" && e.ok() {
		c.p.reportAt([]any{"artifacts", c.index, "name"}, "", "in environment %s the path is %q, which cannot be: %s", e.name, clip(s.Path), why)
	}
	c.claim(lane)
	sub := subject{
		artifact: c.artifact.Name, environment: e.name, wave: w.Name, promotion: c.p.v.Name, labels: e.v.Labels,
		loose: e.broken["labels"] || e.root == nil,
	}
	c.stands, c.risk = c.brokenWindow(w.Window), ""
	s.Gates = c.gates(wave, sub)
	s.Risk = c.risk
	c.orders(&s, e, sub)
	for _, h := range c.holds {
		if h.match.holds(sub) {
			s.Held = h.why
			break
		}
	}
	or(&s.Held, c.stands)
	return s
}

func (c *composer) claim(lane gitops.Lane) {
	other, ok := c.claims[lane]
	c.claims[lane] = c.p
	if !ok || other.document == c.p.document {
		return
	}
	c.p.reportAt([]any{"artifacts", c.index}, "", "promotion %q claims artifact %q in environment %q too, at %s:%d",
		other.name, lane.Artifact, lane.Environment, other.file, other.line)
	c.clash[other.name+"/"+lane.Artifact] = fmt.Sprintf("promotion %s claims %s too", c.p.name, lane)
}

func signalsOf(e *Environment) ([]gate.Signal, time.Duration) {
	var out []gate.Signal
	var least time.Duration
	for i, h := range e.Health {
		out = append(out, gate.Signal{Name: h.Name, MaxAge: h.MaxAge, NoDataHealthy: h.OnNoData == "healthy"})
		if i == 0 || h.Tolerate < least {
			least = h.Tolerate
		}
	}
	return out, least
}

func (c *composer) window(name string) *gate.Window {
	for _, w := range c.windows {
		if w.name == name && name != "" {
			return w.v.gate
		}
	}
	return nil
}

func (c *composer) brokenWindow(name string) string {
	for _, w := range c.windows {
		if w.name == name && name != "" && !w.ok() {
			return w.why()
		}
	}
	return ""
}

// gates are the promotion's own gates, tightened by all that matches.
func (c *composer) gates(wave int, sub subject) gate.Set {
	w := c.p.v.Waves[wave]
	s := c.base
	s.Soak, s.Age, s.Alerts, s.Policy, s.Window = w.Soak.Soak, w.Age, w.Alerts, w.policy, c.window(w.Window)
	s.Approval.Required = slices.Clone(w.Approvals)
	if needs := slices.Concat(c.artifact.Requires, w.Requires); len(needs) > 0 {
		s.Requires = &gate.Requires{Artifacts: needs}
	}
	if w.MaxInFlight > 0 {
		s.Lock.Limits = []gate.Limit{{Name: lockName(c.p.v, w), Max: w.MaxInFlight}}
	}
	s = c.tightened(s, wave, sub)
	for _, f := range c.freezes {
		if f.ok() && f.v.Match.holds(sub) {
			s.Freeze.Freezes = append(slices.Clip(s.Freeze.Freezes), f.v.frozen())
		}
	}
	for i, e := range c.exceptions {
		if c.out.Exceptions[i].InForce && e.v.Match.holds(sub) {
			s = excuse(s, e.v)
		}
	}
	return s
}

// tightened applies guardrails, the floor and the rules about risk.
func (c *composer) tightened(s gate.Set, wave int, sub subject) gate.Set {
	for _, g := range c.guardrails {
		if g.ok() && g.v.Match.holds(sub) {
			s = c.tighten(s, wave, sub, g.v.Require, "guardrail "+g.name)
		}
	}
	if f := c.with.Floor; f != nil && f.Match.holds(sub) {
		s = c.tighten(s, wave, sub, f.Require, "the floor of the daemon's file")
	}
	for _, k := range c.risks {
		if k.ok() && k.v.Match.holds(sub) {
			s = tightenRisk(s, k.v)
			c.risk = riskier(c.risk, k.v.Risk)
		}
	}
	return s
}

func riskier(a, b string) string {
	if slices.Index(severities(), a) > slices.Index(severities(), b) {
		return a
	}
	return b
}

// tighten applies one guardrail and reports where the promotion contradicts it.
func (c *composer) tighten(s gate.Set, wave int, sub subject, r Require, who string) gate.Set {
	w := c.p.v.Waves[wave]
	window := c.window(r.Window)
	or(&c.stands, c.brokenWindow(r.Window))
	s, missing := Tighten(s, r, window)
	for _, word := range missing {
		switch word {
		case "window":
			c.p.reportAt([]any{"waves", wave, "window"}, "", "%s demands window %q in environment %s, but the wave has %q", who, r.Window, sub.environment, w.Window)
		default:
			at := []any{"verify"}
			if c.artifact.Verify != nil {
				at = []any{"artifacts", c.index, "verify"}
			}
			c.p.reportAt(at, "write "+word+": under verify", "%s demands %s in environment %s, but nothing says how it is verified", who, word, sub.environment)
		}
	}
	if r.Merge == "manual" && w.Merge == "auto" {
		c.p.reportAt([]any{"waves", wave, "merge"}, "", "%s demands merge: manual in environment %s, but the wave says auto", who, sub.environment)
	}
	if r.MinSoak > 0 && wave > 0 {
		if c.before == nil {
			c.before = map[int]time.Duration{}
		}
		c.before[wave-1] = max(c.before[wave-1], r.MinSoak)
	}
	return s
}

// soakBefore raises the soak of waves that come directly before a guardrail's.
func (c *composer) soakBefore(r *promoter.Route) {
	for i, d := range c.before {
		for j := range r.Waves[i].Stops {
			g := &r.Waves[i].Stops[j].Gates
			g.Soak = g.Soak.Tighten(gate.Soak{For: d})
		}
	}
}
