package config

import (
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/promoter/gate"
)

// Tighten adds what a guardrail demands to the gates of a lane. It never takes
// anything away; what the gates cannot be brought to is returned as the words of
// the demands, for which the promotion itself has to change.
func Tighten(s gate.Set, r Require, window *gate.Window) (gate.Set, []string) {
	var missing []string
	demand := func(wanted, has bool, word string) {
		if wanted && !has {
			missing = append(missing, word)
		}
	}
	demand(r.Signature, s.Signature != nil, "signature")
	demand(r.Provenance, s.Provenance != nil, "provenance")
	if r.Provenance && s.Provenance != nil {
		p := *s.Provenance
		p.Mode, s.Provenance = "", &p
	}
	demand(r.SBOM, s.SBOM != nil, "sbom")
	if r.SBOM && s.SBOM != nil {
		b := *s.SBOM
		b.Mode, s.SBOM = "", &b
	}
	if v := r.Vulnerabilities; v != nil && !v.Off {
		demand(true, s.Vulnerabilities != nil, "vulnerabilities")
		s.Vulnerabilities = tightenScan(s.Vulnerabilities, v.Vulnerabilities)
	}
	if t := r.Tests; t != nil && !t.Off {
		demand(true, s.Tests != nil, "tests")
		s.Tests = tightenTests(s.Tests, t.Suites)
	}
	demand(r.Summary == SummaryRequired, s.Summary != nil, "summary")
	s.Summary = tightenSummary(s.Summary, r)
	s.Soak = s.Soak.Tighten(gate.Soak{For: r.MinSoak})
	s.Approval.Required = tightenApprovals(s.Approval.Required, r.Approvals, r.MinApprovals)
	switch {
	case window == nil:
	case s.Window == nil:
		s.Window = window
	case s.Window.Name != window.Name:
		missing = append(missing, "window")
	}
	return s, missing
}

func tightenScan(s *gate.Vulnerabilities, floor gate.Vulnerabilities) *gate.Vulnerabilities {
	if s == nil {
		return nil
	}
	out := *s
	if rank(floor.BlockFrom) < rank(out.BlockFrom) {
		out.BlockFrom = floor.BlockFrom
	}
	out.MaxAge = shorter(out.MaxAge, floor.MaxAge)
	out.Mode = "" // what is demanded is enforced
	return &out
}

// rank orders severities; one that is not written blocks nothing by itself.
func rank(severity string) int {
	if i := slices.Index(severities(), severity); i >= 0 {
		return i
	}
	return len(severities())
}

func tightenTests(s *gate.Tests, suites []string) *gate.Tests {
	if s == nil {
		return nil
	}
	out := *s
	out.Mode = "" // what is demanded is enforced
	out.Suites = slices.Clone(s.Suites)
	for _, suite := range suites {
		if !slices.Contains(out.Suites, suite) {
			out.Suites = append(out.Suites, suite)
		}
	}
	return &out
}

// shorter is the shorter of two times to live of which zero is for ever.
func shorter(a, b time.Duration) time.Duration {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// tightenApprovals adds lines, or makes those that are there longer.
func tightenApprovals(have, add []gate.Approver, least int) []gate.Approver {
	out := slices.Clone(have)
	for _, a := range add {
		a.Count = max(a.Count, 1)
		i := slices.IndexFunc(out, func(o gate.Approver) bool { return strings.EqualFold(o.From, a.From) })
		if i < 0 {
			out = append(out, a)
			continue
		}
		out[i].Count = max(out[i].Count, a.Count)
		out[i].TTL = shorter(out[i].TTL, a.TTL)
	}
	sum := 0
	for _, a := range out {
		sum += max(a.Count, 1)
	}
	if sum < least {
		// Every line must be met by different people, so the rest adds up.
		out = tightenAnybody(out, least-sum)
	}
	return out
}

func tightenAnybody(out []gate.Approver, more int) []gate.Approver {
	if i := slices.IndexFunc(out, func(o gate.Approver) bool { return o.From == "" }); i >= 0 {
		out[i].Count = max(out[i].Count, 1) + more
		return out
	}
	return append(out, gate.Approver{Count: more})
}

// tightenRisk shortens approvals and adds reviewers.
func tightenRisk(s gate.Set, r *RiskRule) gate.Set {
	var add []gate.Approver
	for _, who := range r.Reviewers {
		add = append(add, gate.Approver{From: who, Count: 1, TTL: r.ApprovalTTL})
	}
	s.Approval.Required = tightenApprovals(s.Approval.Required, add, 0)
	for i := range s.Approval.Required {
		s.Approval.Required[i].TTL = shorter(s.Approval.Required[i].TTL, r.ApprovalTTL)
	}
	return s
}

// excuse takes one gate away, or the named vulnerabilities from it.
func excuse(s gate.Set, e *Exception) gate.Set {
	switch e.Gate {
	case "vulnerabilities":
		if s.Vulnerabilities != nil {
			v := *s.Vulnerabilities
			v.Excused = append(slices.Clone(v.Excused), e.Vulnerabilities...)
			s.Vulnerabilities = &v
		}
	case "sbom":
		s.SBOM = nil
	case "tests":
		s.Tests = nil
	case "age":
		s.Age = nil
	case "alerts":
		s.Alerts = nil
	case "requires":
		s.Requires = nil
	case "policy":
		s.Policy = nil
	case "window":
		s.Window = nil
	}
	return s
}
