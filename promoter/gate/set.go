package gate

import (
	"slices"

	"github.com/waveguide-dev/waveguide/signals"
)

// Gate is one question that must be answered yes before a version may enter an
// environment.
type Gate interface {
	Check(c Case) Verdict
}

// Set is the effective set of gates of one lane: what the team wrote,
// tightened by every guardrail. The gates without settings are always asked.
type Set struct {
	Version         Version          `yaml:"version" json:"version"`
	Signature       *Signature       `yaml:"signature,omitempty" json:"signature,omitempty"`
	Provenance      *Provenance      `yaml:"provenance,omitempty" json:"provenance,omitempty"`
	SBOM            *SBOM            `yaml:"sbom,omitempty" json:"sbom,omitempty"`
	Vulnerabilities *Vulnerabilities `yaml:"vulnerabilities,omitempty" json:"vulnerabilities,omitempty"`
	Tests           *Tests           `yaml:"tests,omitempty" json:"tests,omitempty"`
	Summary         *Summary         `yaml:"summary,omitempty" json:"summary,omitempty"`
	Age             *Age             `yaml:"age,omitempty" json:"age,omitempty"`
	Previous        Previous         `yaml:"previous" json:"previous"`
	Soak            Soak             `yaml:"soak" json:"soak"`
	Health          Health           `yaml:"health" json:"health"`
	Alerts          *Alerts          `yaml:"alerts,omitempty" json:"alerts,omitempty"`
	Drift           Drift            `yaml:"drift" json:"drift"`
	Requires        *Requires        `yaml:"requires,omitempty" json:"requires,omitempty"`
	Pause           Pause            `yaml:"pause" json:"pause"`
	Lock            Lock             `yaml:"lock" json:"lock"`
	Policy          *Policy          `yaml:"policy,omitempty" json:"policy,omitempty"`
	Window          *Window          `yaml:"window,omitempty" json:"window,omitempty"`
	Freeze          Freeze           `yaml:"freeze" json:"freeze"`
	Hold            Hold             `yaml:"hold" json:"hold"`
	Approval        Approval         `yaml:"approval" json:"approval"`
	Checks          Checks           `yaml:"checks" json:"checks"`
}

// asked is a gate with its word and the first step it is asked at.
type asked struct {
	word string
	from Step
	gate Gate
}

// gates is the register, added to a list: the order is the order in which a
// person would ask.
func (s *Set) gates(all []asked) []asked {
	all = append(all, asked{"version", Propose, &s.Version})
	add := func(set bool, word string, g Gate) {
		if set {
			all = append(all, asked{word, Propose, g})
		}
	}
	proof := func(set bool, kind signals.ProofKind, g Gate) {
		if set && s.Summary.stands(kind) {
			g = standIn{g, kind, s.Summary}
		}
		add(set, string(kind), g)
	}
	proof(s.Signature != nil, signals.ProofSignature, s.Signature)
	proof(s.Provenance != nil, signals.ProofProvenance, s.Provenance)
	proof(s.SBOM != nil, signals.ProofSBOM, s.SBOM)
	proof(s.Vulnerabilities != nil, signals.ProofVulnerabilities, s.Vulnerabilities)
	proof(s.Tests != nil, signals.ProofTests, s.Tests)
	add(s.Summary.Asked(), "summary", s.Summary)
	add(s.Age != nil, "age", s.Age)
	add(true, "previous", &s.Previous)
	add(true, "soak", &s.Soak)
	add(true, "health", &s.Health)
	add(s.Alerts != nil, "alerts", s.Alerts)
	add(true, "drift", &s.Drift)
	add(s.Requires != nil, "requires", s.Requires)
	add(true, "pause", &s.Pause)
	add(true, "lock", &s.Lock)
	add(s.Policy != nil, "policy", s.Policy)
	if s.Window != nil {
		all = append(all, asked{"window", Merge, s.Window})
	}
	return append(all,
		asked{"freeze", Merge, &s.Freeze},
		asked{"hold", Merge, &s.Hold},
		asked{"approval", Merge, &s.Approval},
		asked{"checks", Merge, &s.Checks},
	)
}

// Proofs are the kinds of evidence that the gates ask for.
func (s *Set) Proofs() []signals.ProofKind {
	var kinds []signals.ProofKind
	for _, k := range []struct {
		asked bool
		kind  signals.ProofKind
	}{
		{s.Signature != nil, signals.ProofSignature},
		{s.Provenance != nil, signals.ProofProvenance},
		{s.SBOM != nil, signals.ProofSBOM},
		{s.Vulnerabilities != nil, signals.ProofVulnerabilities},
		{s.Tests != nil, signals.ProofTests},
		{s.Summary.Asked(), signals.ProofSummary},
	} {
		if k.asked {
			kinds = append(kinds, k.kind)
		}
	}
	return kinds
}

// Check asks every gate that the case's step and class call for, in order. A
// nil answer is impossible: a gate that says nothing waits.
func (s *Set) Check(c Case) []Verdict {
	var known [22]asked
	gates := s.gates(known[:0])
	vs := make([]Verdict, 0, len(gates))
	for _, a := range gates {
		if a.from > c.Step || !c.Class.Asks(a.word) {
			continue
		}
		v := a.gate.Check(c)
		v.Gate = a.word
		vs = append(vs, v)
	}
	return vs
}

// Evidence asks the gates about evidence, and no other.
func (s *Set) Evidence(c Case) []Verdict {
	kinds := s.Proofs()
	var vs []Verdict
	for _, a := range s.gates(nil) {
		if slices.Contains(kinds, signals.ProofKind(a.word)) {
			v := a.gate.Check(c)
			v.Gate = a.word
			vs = append(vs, v)
		}
	}
	return vs
}
