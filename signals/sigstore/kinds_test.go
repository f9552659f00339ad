package sigstore_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/sigstore"
	"github.com/waveguide-dev/waveguide/signals/sigstore/virtual"
)

func found(ids ...string) map[string]any {
	result := []any{}
	for _, id := range ids {
		result = append(result, map[string]any{"id": id, "severity": []any{map[string]any{"score": "critical"}}})
	}
	return map[string]any{"scanner": map[string]any{"uri": "https://trivy.dev", "result": result}}
}

// TestEveryKind takes each kind of evidence in both forms.
func TestEveryKind(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	certificate := signals.Build{Builder: workflow, Source: source, Revision: revision, Ref: "refs/heads/main", Trigger: "push", Runner: "github-hosted", Run: job.Run, Certified: true}
	built := certificate
	built.Type = "https://actions.github.io/buildtypes/workflow/v1"
	for label, c := range map[string]struct {
		kind          signals.ProofKind
		predicateType string
		predicate     any
		want          signals.Proof
	}{
		"provenance": {signals.ProofProvenance, buildType, provenance(), signals.Proof{Builds: []signals.Build{built}}},
		"SPDX": {
			signals.ProofSBOM, "https://spdx.dev/Document",
			map[string]any{"spdxVersion": "SPDX-2.3", "packages": []any{map[string]any{}}},
			signals.Proof{Builds: []signals.Build{certificate}, Bill: &signals.Bill{Format: "SPDX-2.3", Components: 1}},
		},
		"CycloneDX": {
			signals.ProofSBOM, "https://cyclonedx.org/bom/v1.6",
			map[string]any{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": []any{}},
			signals.Proof{Builds: []signals.Build{certificate}, Bill: &signals.Bill{Format: "CycloneDX-1.6"}},
		},
		"scan": {
			signals.ProofVulnerabilities, vulnType, found("CVE-1"),
			signals.Proof{Scan: &signals.Scan{Scanner: "https://trivy.dev", Findings: []signals.Finding{{ID: "CVE-1", Severity: "critical"}}, Counts: map[string]int{"critical": 1}}},
		},
		"tests": {
			signals.ProofTests, testType,
			map[string]any{"result": "PASSED", "configuration": []any{map[string]any{"name": "unit"}}},
			signals.Proof{Builds: []signals.Build{certificate}, Suites: []signals.Suite{{Name: "unit", Passed: true, At: l.now.Add(-time.Minute).UTC()}}},
		},
	} {
		for form, item := range map[string]sigstore.Item{
			"bundle":      l.bundle(job, says(c.predicateType, c.predicate), virtual.Witnesses{}),
			"attestation": l.attestation(job, says(c.predicateType, c.predicate), virtual.Witnesses{}),
		} {
			t.Run(label+" as "+form, func(t *testing.T) {
				t.Parallel()
				got := judge(t, l.options(), c.kind, item)
				want := c.want
				want.Kind, want.Digest, want.Outcome, want.By, want.Reason = c.kind, subject, signals.OutcomeVerified, workflow, "signed by "+workflow
				want.Identity, want.Issuer, want.Signed = workflow, github, l.now.Add(-time.Minute).UTC()
				want.At, want.Evidence, want.Policy = got.At, got.Evidence, got.Policy
				if diff := cmp.Diff(want, got); diff != "" || len(got.Evidence) != 1 {
					t.Errorf("proof (-want +got):\n%s", diff)
				}
				for _, other := range []signals.ProofKind{signals.ProofSignature, signals.ProofTests, signals.ProofSBOM} {
					if p := judge(t, l.options(), other, item); other != c.kind && p.Outcome != signals.OutcomeAbsent {
						t.Errorf("it counts as %s too: %+v", other, p)
					}
				}
			})
		}
	}
}

// TestNewestCounts holds for scans by verified time, whatever order the
// registry lists them in: a clean one from before a bad one is history.
func TestNewestCounts(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	old := l.bundle(job, says(vulnType, clean), virtual.Witnesses{At: l.now.Add(-30 * time.Minute)})
	bad := l.bundle(job, says(vulnType, found("CVE-1", "CVE-2")), virtual.Witnesses{At: l.now.Add(-10 * time.Minute)})
	word := func(status string, ago time.Duration) sigstore.Item {
		return l.bundle(job, says("https://openvex.dev/ns", map[string]any{"statements": []any{
			map[string]any{"vulnerability": "CVE-1", "status": status, "justification": "component_not_present"},
		}}), virtual.Witnesses{At: l.now.Add(-ago)})
	}
	foreign := l.bundle(as(func(i *virtual.Identity) { i.Name += "x" }), says("https://openvex.dev/ns", map[string]any{"statements": []any{
		map[string]any{"vulnerability": "CVE-2", "status": "fixed"},
	}}), virtual.Witnesses{})
	for label, c := range map[string]struct {
		items []sigstore.Item
		want  []signals.Finding
	}{
		"the bad one is newer":    {[]sigstore.Item{bad, old}, []signals.Finding{{ID: "CVE-1", Severity: "critical"}, {ID: "CVE-2", Severity: "critical"}}},
		"in the other order":      {[]sigstore.Item{old, bad}, []signals.Finding{{ID: "CVE-1", Severity: "critical"}, {ID: "CVE-2", Severity: "critical"}}},
		"not affected":            {[]sigstore.Item{old, word("not_affected", time.Minute), bad}, []signals.Finding{{ID: "CVE-1", Severity: "critical", Unaffected: "not affected: component_not_present"}, {ID: "CVE-2", Severity: "critical"}}},
		"affected after all":      {[]sigstore.Item{word("affected", time.Minute), bad, word("not_affected", 2*time.Minute)}, []signals.Finding{{ID: "CVE-1", Severity: "critical"}, {ID: "CVE-2", Severity: "critical"}}},
		"by the word of somebody": {[]sigstore.Item{bad, foreign}, []signals.Finding{{ID: "CVE-1", Severity: "critical"}, {ID: "CVE-2", Severity: "critical"}}},
	} {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			got := judge(t, l.options(), signals.ProofVulnerabilities, c.items...)
			if got.Scan == nil {
				t.Fatalf("proof = %+v, want a scan", got)
			}
			if diff := cmp.Diff(c.want, got.Scan.Findings); diff != "" || !got.Signed.Equal(l.now.Add(-10*time.Minute)) {
				t.Errorf("findings, signed at %s (-want +got):\n%s", got.Signed, diff)
			}
		})
	}
}

func TestNewestSuiteCounts(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	ran := func(result, suite string, ago time.Duration) sigstore.Item {
		return l.bundle(job, says(testType, map[string]any{"result": result, "configuration": []any{map[string]any{"name": suite}}}), virtual.Witnesses{At: l.now.Add(-ago)})
	}
	got := judge(t, l.options(), signals.ProofTests,
		ran("PASSED", "unit", 30*time.Minute), ran("FAILED", "unit", 20*time.Minute), ran("PASSED", "unit", 10*time.Minute),
		ran("PASSED", "e2e", 30*time.Minute), ran("FAILED", "e2e", 20*time.Minute),
		ran("PASSED", "same", 15*time.Minute), ran("FAILED", "same", 15*time.Minute))
	passed := map[string]bool{}
	for _, s := range got.Suites {
		passed[s.Name] = s.Passed
	}
	if diff := cmp.Diff(map[string]bool{"unit": true, "e2e": false, "same": false, "": false}, passed); diff != "" {
		t.Errorf("suites (-want +got):\n%s", diff)
	}
}

// TestNewestSignatureIsTold holds in whatever order they are listed.
func TestNewestSignatureIsTold(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	old, young := l.bundle(job, says(signType, nil), virtual.Witnesses{At: l.now.Add(-30 * time.Minute)}), l.bundle(job, says(signType, nil), virtual.Witnesses{})
	for _, items := range [][]sigstore.Item{{old, young}, {young, old}} {
		if got := judge(t, l.options(), signals.ProofSignature, items...); !got.Signed.Equal(l.now.Add(-time.Minute)) {
			t.Errorf("signed at %s, want the newest", got.Signed)
		}
	}
}

// TestRevision is the source revision that versions get.
func TestRevision(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	signed := judge(t, l.options(), signals.ProofSignature, l.bundle(job, says(signType, nil), virtual.Witnesses{}))
	built := judge(t, l.options(), signals.ProofProvenance, l.bundle(job, says(buildType, provenance()), virtual.Witnesses{}))
	if s, r := (signals.Facts{Proofs: []signals.Proof{signed, built}}).Revision(subject); s != source || r != revision {
		t.Errorf("Revision = %q, %q", s, r)
	}
	other := built
	other.Builds = []signals.Build{{Source: source, Revision: "f", Certified: true}}
	for what, facts := range map[string]signals.Facts{
		"two that disagree": {Proofs: []signals.Proof{signed, other}},
		"refused evidence":  {Proofs: []signals.Proof{{Kind: signals.ProofProvenance, Digest: subject, Outcome: signals.OutcomeRefused, Builds: built.Builds}}},
		"another digest":    {Proofs: []signals.Proof{{Kind: signals.ProofProvenance, Digest: "sha256:b", Outcome: signals.OutcomeVerified, Builds: built.Builds}}},
		"a scan":            {Proofs: []signals.Proof{{Kind: signals.ProofVulnerabilities, Digest: subject, Outcome: signals.OutcomeVerified, Builds: built.Builds}}},
	} {
		if s, r := facts.Revision(subject); s != "" || r != "" {
			t.Errorf("%s: Revision = %q, %q, want none", what, s, r)
		}
	}
	certified := other
	certified.Builds = []signals.Build{{Source: source, Revision: "f"}, {Source: source, Revision: "1", Certified: true}}
	if _, r := (signals.Facts{Proofs: []signals.Proof{certified}}).Revision(subject); r != "1" {
		t.Errorf("Revision = %q, want the certificate's", r)
	}
}
