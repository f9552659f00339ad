package gate_test

import (
	"strings"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/signals"
)

const (
	digestNew    = signals.Digest("sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
	digestOld    = signals.Digest("sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb")
	image        = "registry.example.com/payments/order-api"
	verifier     = "https://verify.acme.example"
	policyDigest = signals.Digest("sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc")
	source       = "https://github.com/acme/order-api"
	hostile      = "100%s %d %!v\n<b>\x1b[31m](x) @everyone `"
)

// noon is a Monday, 2026-11-23 12:00 in UTC.
func noon() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

func at(t *testing.T, s string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func proofs(d signals.Digest, now time.Time) []signals.Proof {
	var ps []signals.Proof
	for _, k := range []signals.ProofKind{
		signals.ProofSignature, signals.ProofProvenance, signals.ProofSBOM, signals.ProofVulnerabilities, signals.ProofTests, signals.ProofSummary,
	} {
		ps = append(ps, signals.Proof{Kind: k, Digest: d, Outcome: signals.OutcomeVerified, By: "release", Repository: image, Tag: "2.1.0", Signed: now.Add(-24 * time.Hour), At: now})
	}
	ps[1].Builds = []signals.Build{{Builder: "https://github.com/actions/runner/github-hosted", Source: source, Revision: "1234", Ref: "refs/heads/main"}}
	ps[3].Scan = &signals.Scan{Scanner: "trivy", Findings: []signals.Finding{{ID: "CVE-2026-1", Severity: "high"}}}
	ps[4].Suites = []signals.Suite{{Name: "unit", Passed: true}, {Name: "e2e", Passed: true}}
	ps[5].Summaries = []signals.Summary{{
		Verifier: verifier, At: now.Add(-time.Hour), Resource: "oci://" + image, Repository: image, Policy: policyDigest, Passed: true, Levels: []string{"SLSA_BUILD_LEVEL_3"},
	}}
	return ps
}

// good is a case that every gate of full passes.
func good() gate.Case {
	now := noon()
	health := func(name string) signals.Health {
		return signals.Health{Name: name, State: signals.StateHealthy, Digest: digestOld, Since: now.Add(-time.Hour), At: now.Add(-time.Minute)}
	}
	reader := gitops.Actor{Name: "ann", Permission: gitops.PermissionWrite, Teams: []string{"@acme/owners"}}
	return gate.Case{
		Now: now, Step: gate.Merge, Class: gate.Promotion,
		Lane:      gitops.Lane{Repository: "env", Environment: "prod-id", Artifact: "order-api"},
		Promotion: "payments", Wave: "prod", Labels: map[string]string{"stage": "prod"}, Image: image,
		Current:   gitops.Desired{Presence: gitops.At, Version: gitops.Version{Tag: "2.0.0", Digest: string(digestOld)}},
		Running:   signals.Version{Digest: digestOld, Tag: "2.0.0", Platforms: []string{"linux/amd64"}},
		Candidate: signals.Version{Digest: digestNew, Tag: "2.1.0", FirstSeen: now.Add(-48 * time.Hour), Platforms: []string{"linux/amd64"}},
		Facts:     signals.Facts{Proofs: proofs(digestNew, now), Health: []signals.Health{health("synced"), health("alerts")}},
		Signals:   []gate.Signal{{Name: "synced", MaxAge: 5 * time.Minute}},
		Proposal: &gitops.Proposal{
			Head: "head1", State: gitops.Open, Author: gitops.Actor{Name: "waveguide", Bot: true},
			To:      gitops.Version{Tag: "2.1.0", Digest: string(digestNew)},
			Reviews: []gitops.Review{{By: reader, State: gitops.Approved, Head: "head1", At: now.Add(-time.Hour)}},
			Checks:  []gitops.Check{{Name: "ci", State: gitops.CheckSuccess, Required: true}, {Name: gitops.CheckName, State: gitops.CheckPending, Required: true}},
		},
		Upstream: []gate.Upstream{{
			Wave: "dev", Environment: "dev", Presence: gitops.At, Desired: digestNew, Earned: now.Add(-2 * time.Hour), Soak: time.Hour,
			Streak: signals.Streak{Digest: digestNew, Began: now.Add(-3 * time.Hour), Healthy: 2 * time.Hour, Last: now.Add(-time.Minute)},
		}},
		Needs: []gate.Need{{Artifact: "order-db", Constraint: ">=12.0.0", Version: "12.1.0", Met: true}},
		Locks: []gate.Slots{{Name: "prod", Limit: 2, Taken: []string{"prod-sg/order-api"}}},
	}
}

// full is a set in which every gate is asked.
func full(tb testing.TB) *gate.Set {
	tb.Helper()
	w, err := gate.NewWindow("office-hours", "0 9 * * MON-FRI", 8*time.Hour, "UTC")
	if err != nil {
		tb.Fatal(err)
	}
	e, err := gate.NewExpression("stage", `env.stage == "prod" && artifact == "order-api"`)
	if err != nil {
		tb.Fatal(err)
	}
	return &gate.Set{
		Signature: &gate.Signature{Key: "release"}, Provenance: &gate.Provenance{Source: source, Branch: "main"}, SBOM: &gate.SBOM{},
		Vulnerabilities: &gate.Vulnerabilities{BlockFrom: "critical", MaxAge: 7 * 24 * time.Hour}, Tests: &gate.Tests{Suites: []string{"e2e"}},
		Summary: &gate.Summary{
			By: "verifier", Verifier: verifier, Policy: string(policyDigest), Levels: []string{"SLSA_BUILD_LEVEL_2"}, MaxAge: 7 * 24 * time.Hour,
			Required: true,
		},
		Age: &gate.Age{Min: time.Hour, Max: 30 * 24 * time.Hour}, Alerts: &gate.Alerts{Signal: "alerts"},
		Requires: &gate.Requires{Artifacts: []gate.Requirement{{Artifact: "order-db", Version: ">=12.0.0"}}},
		Policy:   &gate.Policy{Rules: []gate.Expression{e}}, Window: w,
		Freeze:   gate.Freeze{Freezes: []gate.Frozen{{Name: "year-end", From: noon().AddDate(0, 1, 0), Until: noon().AddDate(0, 2, 0), Allow: []string{"sev1"}}}},
		Approval: gate.Approval{Required: []gate.Approver{{From: "@acme/owners", TTL: 24 * time.Hour}}},
	}
}

// row is a good case with one thing changed, and what its gate then says.
type row struct {
	name   string
	change func(c *gate.Case, s *gate.Set)
	want   gate.Answer
	says   string
	until  time.Time
}

// table asks one gate of the full set.
func table(t *testing.T, word string, rows []row) {
	t.Helper()
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			c, s := good(), full(t)
			if r.change != nil {
				r.change(&c, s)
			}
			got, ok := ask(s, c, word)
			if !ok {
				t.Fatalf("%s was not asked", word)
			}
			if got.Answer != r.want || !strings.Contains(got.Reason, r.says) {
				t.Errorf("%s says %q, want %s with %q", word, got, r.want, r.says)
			}
			if !r.until.IsZero() && !got.Until.Equal(r.until) {
				t.Errorf("%s may change at %s, want %s", word, got.Until, r.until)
			}
		})
	}
}

func ask(s *gate.Set, c gate.Case, word string) (gate.Verdict, bool) {
	for _, v := range s.Check(c) {
		if v.Gate == word {
			return v, true
		}
	}
	return gate.Verdict{}, false
}
