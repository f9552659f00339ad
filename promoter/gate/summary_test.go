package gate_test

import (
	"strings"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/signals"
)

// told is the good case's summary with something changed.
func told(change func(m *signals.Summary)) func(c *gate.Case, s *gate.Set) {
	return func(c *gate.Case, _ *gate.Set) { change(&c.Facts.Proofs[5].Summaries[0]) }
}

// also adds a summary beside the good one.
func also(change func(m *signals.Summary)) func(c *gate.Case, s *gate.Set) {
	return func(c *gate.Case, _ *gate.Set) {
		m := c.Facts.Proofs[5].Summaries[0]
		change(&m)
		c.Facts.Proofs[5].Summaries = append(c.Facts.Proofs[5].Summaries, m)
	}
}

func TestSummary(t *testing.T) {
	t.Parallel()
	now := noon()
	table(t, "summary", []row{
		{name: "it counts", want: gate.Pass, says: "the verifier https://verify.acme.example verified sha256:aaaaaaaaaaaa as SLSA_BUILD_LEVEL_3 at 2026-11-23 11:00Z", until: now.Add(7*24*time.Hour - time.Hour)},
		{name: "the very level", change: told(func(m *signals.Summary) { m.Levels = []string{"other", "SLSA_BUILD_LEVEL_2"} }), want: gate.Pass, says: "verified"},
		{name: "a clock that is a little ahead", change: told(func(m *signals.Summary) { m.At = now.Add(5 * time.Minute) }), want: gate.Pass, says: "verified"},
		{name: "nobody looked", change: func(c *gate.Case, _ *gate.Set) { c.Facts.Proofs = nil }, want: gate.Wait, says: "not looked at yet"},
		{name: "of another digest", change: func(c *gate.Case, _ *gate.Set) { c.Facts.Proofs[5].Digest = digestOld }, want: gate.Wait, says: "not looked at yet"},
		{name: "unreadable", change: func(c *gate.Case, _ *gate.Set) { c.Facts.Proofs[5].Outcome = signals.OutcomeUnknown }, want: gate.Wait, says: "could not be read"},
		{name: "absent", change: func(c *gate.Case, _ *gate.Set) { c.Facts.Proofs[5].Outcome = signals.OutcomeAbsent }, want: gate.Block, says: "has no summary"},
		{name: "refused", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Proofs[5].Outcome, c.Facts.Proofs[5].Reason = signals.OutcomeRefused, hostile
		}, want: gate.Block, says: hostile},
		{name: "verified, but empty", change: func(c *gate.Case, _ *gate.Set) { c.Facts.Proofs[5].Summaries = nil }, want: gate.Block, says: "it says nothing"},
		{name: "another verifier", change: told(func(m *signals.Summary) { m.Verifier += "/" }), want: gate.Block, says: "it is of the verifier https://verify.acme.example/, not of https://verify.acme.example"},
		{name: "another repository", change: told(func(m *signals.Summary) { m.Repository, m.Resource = "x.example/y", "oci://x.example/y" }), want: gate.Block, says: "it is about oci://x.example/y, not about " + image},
		{name: "about no repository", change: told(func(m *signals.Summary) { m.Repository = "" }), want: gate.Block, says: "it is about"},
		{name: "another policy", change: told(func(m *signals.Summary) { m.Policy = digestOld }), want: gate.Block, says: "it was made by the policy sha256:bbbb"},
		{name: "a policy without a digest", change: told(func(m *signals.Summary) { m.Policy = "" }), want: gate.Block, says: "by the policy without a digest"},
		{name: "failed", change: told(func(m *signals.Summary) { m.Passed = false }), want: gate.Block, says: "refused 2.1.0 (sha256:aaaaaaaaaaaa) (FAILED)"},
		{name: "a level too low", change: told(func(m *signals.Summary) { m.Levels = []string{"SLSA_BUILD_LEVEL_1"} }), want: gate.Block, says: "but not as SLSA_BUILD_LEVEL_2"},
		{name: "a level of another track", change: told(func(m *signals.Summary) { m.Levels = []string{"SLSA_SOURCE_LEVEL_4"} }), want: gate.Block, says: "but not as SLSA_BUILD_LEVEL_2"},
		{name: "no level", change: told(func(m *signals.Summary) { m.Levels = nil }), want: gate.Block, says: "but not as SLSA_BUILD_LEVEL_2"},
		{name: "a level of nobody's", change: func(_ *gate.Case, s *gate.Set) { s.Summary.Levels = []string{"ACME_LEVEL_1"} }, want: gate.Block, says: "but not as ACME_LEVEL_1"},
		{name: "from the future", change: told(func(m *signals.Summary) { m.At = now.Add(time.Hour) }), want: gate.Block, says: "still to come", until: now.Add(55 * time.Minute)},
		{name: "too old", change: told(func(m *signals.Summary) { m.At = now.Add(-7 * 24 * time.Hour) }), want: gate.Wait, says: "older than the rules allow"},
		{name: "a newer one failed", change: also(func(m *signals.Summary) { m.Passed, m.At = false, m.At.Add(time.Second) }), want: gate.Block, says: "FAILED"},
		{name: "one of the same time failed", change: also(func(m *signals.Summary) { m.Passed = false }), want: gate.Block, says: "FAILED"},
		{name: "an older one failed", change: also(func(m *signals.Summary) { m.Passed, m.At = false, m.At.Add(-time.Second) }), want: gate.Pass, says: "verified"},
		{name: "a newer one of another policy failed", change: also(func(m *signals.Summary) {
			m.Passed, m.At, m.Policy = false, m.At.Add(time.Second), digestOld
		}), want: gate.Pass, says: "verified"},
		{name: "beside one of somebody else", change: func(c *gate.Case, s *gate.Set) {
			also(func(*signals.Summary) {})(c, s)
			told(func(m *signals.Summary) { m.Verifier = "https://stranger.example" })(c, s)
		}, want: gate.Pass, says: "verified"},
		{name: "not needed", change: func(c *gate.Case, s *gate.Set) {
			c.Facts.Proofs[5].Outcome, s.Summary.Required, s.Summary.For = signals.OutcomeAbsent, false, []signals.ProofKind{signals.ProofSBOM}
		}, want: gate.Pass, says: "none is needed, and none counts: 2.1.0 (sha256:aaaaaaaaaaaa) has no summary"},
	})
}

// TestSummaryStandsIn holds in place of which evidence a summary may stand.
func TestSummaryStandsIn(t *testing.T) {
	t.Parallel()
	kinds := []signals.ProofKind{signals.ProofSignature, signals.ProofProvenance, signals.ProofSBOM, signals.ProofVulnerabilities, signals.ProofTests}
	for name, tt := range map[string]struct {
		change func(p *signals.Proof, c *gate.Case, s *gate.Set)
		want   [5]gate.Answer
		says   string
	}{
		"absent evidence": {
			func(*signals.Proof, *gate.Case, *gate.Set) {}, [5]gate.Answer{gate.Block, gate.Pass, gate.Pass, gate.Pass, gate.Pass}, "; the verifier https://verify.acme.example verified",
		},
		"only what the rules name": {
			func(_ *signals.Proof, _ *gate.Case, s *gate.Set) { s.Summary.For = s.Summary.For[1:2] }, [5]gate.Answer{gate.Block, gate.Pass, gate.Block, gate.Block, gate.Block}, "",
		},
		"nothing": {
			func(_ *signals.Proof, _ *gate.Case, s *gate.Set) { s.Summary.For = nil }, [5]gate.Answer{gate.Block, gate.Block, gate.Block, gate.Block, gate.Block}, "has no",
		},
		"no rule about summaries": {
			func(_ *signals.Proof, _ *gate.Case, s *gate.Set) { s.Summary = nil }, [5]gate.Answer{gate.Block, gate.Block, gate.Block, gate.Block, gate.Block}, "has no",
		},
		"refused evidence": {
			func(p *signals.Proof, _ *gate.Case, _ *gate.Set) { p.Outcome = signals.OutcomeRefused }, [5]gate.Answer{gate.Block, gate.Block, gate.Block, gate.Block, gate.Block}, "does not hold",
		},
		"evidence that could not be read": {
			func(p *signals.Proof, _ *gate.Case, _ *gate.Set) { p.Outcome = signals.OutcomeUnknown }, [5]gate.Answer{}, "could not be read",
		},
		"evidence that is there and bad": {
			func(p *signals.Proof, _ *gate.Case, _ *gate.Set) {
				p.Outcome, p.Repository, p.Builds, p.Suites = signals.OutcomeVerified, "elsewhere", nil, []signals.Suite{{Name: "e2e"}}
				p.Scan = &signals.Scan{Findings: []signals.Finding{{ID: "CVE-1", Severity: "critical"}}}
			}, [5]gate.Answer{gate.Block, gate.Block, gate.Pass, gate.Block, gate.Block}, "",
		},
		"a summary that could not be read": {
			func(_ *signals.Proof, c *gate.Case, _ *gate.Set) {
				c.Facts.Proofs[5].Outcome = signals.OutcomeUnknown
			}, [5]gate.Answer{gate.Block, gate.Wait, gate.Wait, gate.Wait, gate.Wait}, "",
		},
		"a summary that failed": {
			func(_ *signals.Proof, c *gate.Case, _ *gate.Set) {
				c.Facts.Proofs[5].Summaries[0].Passed = false
			}, [5]gate.Answer{gate.Block, gate.Block, gate.Block, gate.Block, gate.Block}, "",
		},
	} {
		for i, kind := range kinds {
			c, s := good(), full(t)
			s.Summary.For = kinds
			p := &c.Facts.Proofs[i]
			p.Outcome = signals.OutcomeAbsent
			tt.change(p, &c, s)
			v, ok := ask(s, c, string(kind))
			if !ok || v.Answer != tt.want[i] || kind != signals.ProofSignature && !strings.Contains(v.Reason, tt.says) {
				t.Errorf("%s: %q, want %s with %q", name, v, tt.want[i], tt.says)
			}
		}
	}
}

// TestSummaryOnTheWayBack holds that a rollback needs no young summary: what
// was proven when the digest entered stays proven.
func TestSummaryOnTheWayBack(t *testing.T) {
	t.Parallel()
	c, s := good(), full(t)
	s.Summary.For = []signals.ProofKind{signals.ProofProvenance}
	c.Facts.Proofs[1].Outcome = signals.OutcomeAbsent
	c.Facts.Proofs[5].Summaries[0].At = noon().AddDate(-1, 0, 0)
	if v, _ := ask(s, c, "provenance"); v.Answer != gate.Wait || !strings.Contains(v.Reason, "older than the rules allow") {
		t.Errorf("forward: %q", v)
	}
	c.Class = gate.Rollback
	if v, _ := ask(s, c, "provenance"); v.Answer != gate.Pass {
		t.Errorf("back: %q", v)
	}
	if v, ok := ask(s, c, "summary"); ok {
		t.Errorf("a rollback is asked for a summary: %q", v)
	}
}
