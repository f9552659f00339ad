package statement_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/sigstore/statement"
)

const (
	hexDigest = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	commit    = "0123456789abcdef0123456789abcdef01234567"
)

func parse(t *testing.T, predicateType, predicate string) statement.Statement {
	t.Helper()
	s, err := statement.Parse(fmt.Appendf(nil, `{"_type":"https://in-toto.io/Statement/v0.1","predicateType":%q,"subject":[{"name":"app","digest":{"sha256":%q}}],"predicate":%s}`, predicateType, hexDigest, predicate))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestBuild reads provenance in the shapes that builders write.
func TestBuild(t *testing.T) {
	t.Parallel()
	const v1, v02 = "https://slsa.dev/provenance/v1", "https://slsa.dev/provenance/v0.2"
	for name, c := range map[string]struct {
		predicateType, predicate string
		want                     signals.Build
	}{
		"GitHub": {
			v1, `{"buildDefinition":{"buildType":"https://actions.github.io/buildtypes/workflow/v1",
			"externalParameters":{"workflow":{"ref":"refs/heads/main","repository":"https://github.com/acme/app","path":".github/workflows/x.yml"}},
			"internalParameters":{"github":{"event_name":"push","repository_id":"1","runner_environment":"github-hosted"}},
			"resolvedDependencies":[{"uri":"git+https://github.com/acme/lib@refs/heads/main","digest":{"gitCommit":"ffffffffffffffffffffffffffffffffffffffff"}},
				{"uri":"git+https://github.com/acme/app@refs/heads/main","digest":{"gitCommit":"` + commit + `"}}]},
			"runDetails":{"builder":{"id":"https://github.com/actions/runner/github-hosted"},"metadata":{"invocationId":"https://github.com/acme/app/actions/runs/1/attempts/1"}}}`,
			signals.Build{
				Builder: "https://github.com/actions/runner/github-hosted", Type: "https://actions.github.io/buildtypes/workflow/v1", Source: "https://github.com/acme/app",
				Revision: commit, Ref: "refs/heads/main", Trigger: "push", Runner: "github-hosted", Run: "https://github.com/acme/app/actions/runs/1/attempts/1",
			},
		},
		"slsa-github-generator": {
			v02, `{"builder":{"id":"https://github.com/slsa-framework/slsa-github-generator/.github/workflows/generator_container_slsa3.yml@refs/tags/v2.0.0"},
			"buildType":"https://github.com/slsa-framework/slsa-github-generator/container@v1",
			"invocation":{"configSource":{"uri":"git+https://github.com/acme/app@refs/tags/v1.2.3","digest":{"sha1":"` + commit + `"},"entryPoint":".github/workflows/release.yml"},
				"parameters":{},"environment":{"github_event_name":"push"}},
			"metadata":{"buildInvocationID":"42-1"},"materials":[{"uri":"git+https://github.com/acme/app@refs/tags/v1.2.3","digest":{"sha1":"` + commit + `"}}]}`,
			signals.Build{
				Builder: "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/generator_container_slsa3.yml@refs/tags/v2.0.0",
				Type:    "https://github.com/slsa-framework/slsa-github-generator/container@v1", Source: "https://github.com/acme/app", Revision: commit,
				Ref: "refs/tags/v1.2.3", Trigger: "push", Run: "42-1",
			},
		},
		"BuildKit from Git": {
			v02, `{"builder":{"id":"https://github.com/acme/app/actions/runs/1"},"buildType":"https://mobyproject.org/buildkit@v1",
			"materials":[{"uri":"pkg:docker/golang@1.26","digest":{"sha256":"bb"}}],
			"invocation":{"configSource":{"uri":"https://github.com/acme/app.git#refs/heads/main","digest":{"sha1":"` + commit + `"},"entryPoint":"Dockerfile"}}}`,
			signals.Build{
				Builder: "https://github.com/acme/app/actions/runs/1", Type: "https://mobyproject.org/buildkit@v1", Source: "https://github.com/acme/app",
				Revision: commit, Ref: "refs/heads/main",
			},
		},
		"BuildKit from a checkout": {
			v02, `{"builder":{"id":""},"buildType":"https://mobyproject.org/buildkit@v1","materials":[{"uri":"pkg:docker/golang@1.26"}],
			"invocation":{"configSource":{"entryPoint":"Dockerfile"}},
			"metadata":{"https://mobyproject.org/buildkit@v1#metadata":{"vcs":{"localdir:context":".","revision":"` + commit + `","source":"git@github.com:acme/app.git"}}}}`,
			signals.Build{Type: "https://mobyproject.org/buildkit@v1", Source: "https://github.com/acme/app", Revision: commit},
		},
		"BuildKit, newer": {
			v1, `{"buildDefinition":{"buildType":"https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md",
			"externalParameters":{"configSource":{"uri":"https://github.com/acme/app.git#refs/heads/main","digest":{"sha1":"` + commit + `"},"path":"Dockerfile"},"request":{}}},
			"runDetails":{"builder":{"id":"b"},"metadata":{"invocationId":"i"}}}`,
			signals.Build{
				Builder: "b", Type: "https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md", Source: "https://github.com/acme/app",
				Revision: commit, Ref: "refs/heads/main", Run: "i",
			},
		},
		"GitLab": {
			v1, `{"buildDefinition":{"buildType":"https://gitlab.com/gitlab-org/gitlab-runner/-/blob/x/PROVENANCE.md",
			"externalParameters":{"entryPoint":"build","source":"https://gitlab.com/acme/app","variables":{}},"internalParameters":{"job":"1"},
			"resolvedDependencies":[{"uri":"https://gitlab.com/acme/app","digest":{"sha256":"` + commit + `"}}]},
			"runDetails":{"builder":{"id":"https://gitlab.com/acme/app/-/runners/12270831"},"metadata":{"invocationId":"10"}}}`,
			signals.Build{
				Builder: "https://gitlab.com/acme/app/-/runners/12270831", Type: "https://gitlab.com/gitlab-org/gitlab-runner/-/blob/x/PROVENANCE.md",
				Source: "https://gitlab.com/acme/app", Revision: commit, Run: "10",
			},
		},
		"GitLab, older": {
			v02, `{"builder":{"id":"https://gitlab.com/acme/app/-/runners/1"},"buildType":"https://gitlab.com/gitlab-org/gitlab-runner/-/blob/v15/PROVENANCE.md",
			"invocation":{"configSource":{"uri":"https://gitlab.com/acme/app","digest":{"sha256":"` + commit + `"},"entryPoint":"build"},"environment":{},"parameters":{}},
			"metadata":{"buildInvocationID":"10"},"materials":[]}`,
			signals.Build{
				Builder: "https://gitlab.com/acme/app/-/runners/1", Type: "https://gitlab.com/gitlab-org/gitlab-runner/-/blob/v15/PROVENANCE.md",
				Source: "https://gitlab.com/acme/app", Revision: commit, Run: "10",
			},
		},
		"a generator that names only what it used": {
			v1, `{"buildDefinition":{"buildType":"t","externalParameters":{"source":{"uri":"git+https://github.com/acme/app@refs/heads/main","digest":{"gitCommit":"` + strings.ToUpper(commit) + `"}}}},"runDetails":{"builder":{"id":"b"}}}`,
			signals.Build{Builder: "b", Type: "t", Source: "https://github.com/acme/app", Ref: "refs/heads/main", Revision: commit},
		},
		"the first dependency is not the source": {
			v1, `{"buildDefinition":{"externalParameters":{"workflow":{"repository":"https://github.com/acme/app","ref":"refs/heads/main"}},
			"resolvedDependencies":[{"uri":"git+https://github.com/acme/lib@refs/heads/main","digest":{"gitCommit":"` + commit + `"}}]},"runDetails":{"builder":{"id":"b"}}}`,
			signals.Build{Builder: "b", Source: "https://github.com/acme/app", Ref: "refs/heads/main"},
		},
		"the source at another ref": {
			v1, `{"buildDefinition":{"externalParameters":{"workflow":{"repository":"https://github.com/acme/app","ref":"refs/heads/main"}},
			"resolvedDependencies":[{"uri":"git+https://github.com/acme/app@refs/heads/dev","digest":{"gitCommit":"` + commit + `"}}]},"runDetails":{"builder":{"id":"b"}}}`,
			signals.Build{Builder: "b", Source: "https://github.com/acme/app", Ref: "refs/heads/main"},
		},
		"a commit that is none": {
			v02, `{"builder":{"id":"b"},"invocation":{"configSource":{"uri":"git+https://github.com/acme/app","digest":{"sha1":"main"}}}}`,
			signals.Build{Builder: "b", Source: "https://github.com/acme/app"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := parse(t, c.predicateType, c.predicate).Build()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("Build (-want +got):\n%s", diff)
			}
		})
	}
	several := `{"buildDefinition":{"resolvedDependencies":[{"uri":"git+https://github.com/acme/a"},{"uri":"git+https://github.com/acme/b"}]},"runDetails":{}}`
	if got, err := parse(t, v1, several).Build(); err == nil {
		t.Errorf("Build of several sources = %+v, want an error", got)
	}
}

func TestSource(t *testing.T) {
	t.Parallel()
	for uri, want := range map[string][2]string{
		"git+https://github.com/acme/app@refs/heads/a@b": {"https://github.com/acme/app", "refs/heads/a@b"},
		"https://github.com/acme/app.git#main":           {"https://github.com/acme/app", "main"},
		"git@github.com:acme/app.git":                    {"https://github.com/acme/app", ""},
		"ssh://git@gitlab.example/acme/app.git":          {"https://gitlab.example/acme/app", ""},
		"git://github.com/acme/app":                      {"https://github.com/acme/app", ""},
		"https://github.com/acme/app/":                   {"https://github.com/acme/app", ""},
		"pkg:docker/golang@1.26":                         {"pkg:docker/golang@1.26", ""},
		"":                                               {"", ""},
	} {
		repository, ref := statement.Source(uri)
		if got := [2]string{repository, ref}; got != want {
			t.Errorf("Source(%q) = %q, want %q", uri, got, want)
		}
	}
}

func TestBill(t *testing.T) {
	t.Parallel()
	for predicate, want := range map[string]signals.Bill{
		`{"spdxVersion":"SPDX-2.3","packages":[{},{}]}`:                                 {Format: "SPDX-2.3", Components: 2},
		`{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{}]}`:               {Format: "CycloneDX-1.6", Components: 1},
		`"SPDXVersion: SPDX-2.3\nDataLicense: CC0-1.0\nPackageName: a\nPackageName: b"`: {Format: "SPDX-2.3", Components: 2},
		`{"Data":{"spdxVersion":"SPDX-2.2","packages":[{}]}}`:                           {Format: "SPDX-2.2", Components: 1},
	} {
		if got, err := parse(t, "https://spdx.dev/Document/v2.3", predicate).Bill(); err != nil || got != want {
			t.Errorf("Bill of %s = %+v, %v, want %+v", predicate, got, err, want)
		}
	}
}

// TestScan reads what scanners write, in the forms in which it is attested.
func TestScan(t *testing.T) {
	t.Parallel()
	const cosign, intoto = "https://cosign.sigstore.dev/attestation/vuln/v1", "https://in-toto.io/attestation/vulns/v0.2"
	finished := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	wrap := func(result string) string {
		return `{"scanner":{"uri":"https://scanner.example","version":"1.2","result":` + result + `},"metadata":{"scanStartedOn":"2026-11-20T07:59:00Z","scanFinishedOn":"2026-11-20T09:00:00+01:00"}}`
	}
	want := []signals.Finding{{ID: "CVE-4"}, {ID: "CVE-1", Severity: "critical"}, {ID: "CVE-2", Severity: "medium"}, {ID: "CVE-3", Severity: "low"}}
	for name, c := range map[string]struct{ predicateType, result string }{
		"Trivy": {cosign, `{"SchemaVersion":2,"Results":[{"Vulnerabilities":[{"VulnerabilityID":"CVE-2","Severity":"MEDIUM"},{"VulnerabilityID":"CVE-1","Severity":"CRITICAL"}]},
			{"Vulnerabilities":[{"VulnerabilityID":"CVE-1","Severity":"CRITICAL"},{"VulnerabilityID":"CVE-3","Severity":"LOW"},{"VulnerabilityID":"CVE-4","Severity":"UNKNOWN"}]},{}]}`},
		"Grype": {cosign, `{"matches":[{"vulnerability":{"id":"CVE-3","severity":"Negligible"}},{"vulnerability":{"id":"CVE-1","severity":"Critical"}},
			{"vulnerability":{"id":"CVE-4","severity":"Unknown"}},{"vulnerability":{"id":"CVE-2","severity":"Medium"}}]}`},
		"SARIF": {cosign, `{"runs":[{"tool":{"driver":{"rules":[{"id":"CVE-1","properties":{"security-severity":"9.8"}},{"id":"CVE-2","properties":{"security-severity":"4.0"}},
			{"id":"CVE-3","properties":{"security-severity":"0.1"}}]}},"results":[{"ruleId":"CVE-1"},{"ruleId":"CVE-2"},{"ruleId":"CVE-3"},{"ruleId":"CVE-4"}]}]}`},
		"in-toto": {intoto, `[{"id":"CVE-1","severity":[{"method":"nvd","score":"5.1"},{"method":"vendor","score":"CRITICAL"}]},{"id":"CVE-2","severity":[{"method":"nvd","score":6.9}]},
			{"id":"CVE-3","severity":[{"method":"nvd","score":"low"}]},{"id":"CVE-4","severity":[{"method":"x","score":"terrible"}]}]`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := parse(t, c.predicateType, wrap(c.result)).Scan()
			if err != nil {
				t.Fatal(err)
			}
			counts := map[string]int{"unknown": 1, "critical": 1, "medium": 1, "low": 1}
			if diff := cmp.Diff(signals.Scan{Scanner: "https://scanner.example 1.2", Finished: finished, Findings: want, Counts: counts}, got); diff != "" {
				t.Errorf("Scan (-want +got):\n%s", diff)
			}
		})
	}
}

func TestManyFindings(t *testing.T) {
	t.Parallel()
	var result []map[string]any
	for i := range 3000 {
		result = append(result, map[string]any{"id": fmt.Sprintf("CVE-%d", i), "severity": []any{map[string]any{"score": fmt.Sprint(i % 10)}}})
	}
	raw, err := json.Marshal(map[string]any{"scanner": map[string]any{"result": result}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := parse(t, "https://in-toto.io/attestation/vulns/v0.1", string(raw)).Scan()
	if err != nil || len(got.Findings) != 500 || got.Omitted != 2500 || got.Counts["critical"] != 300 || got.Findings[299].Severity != "critical" || got.Findings[300].Severity != "high" {
		t.Errorf("Scan = %d findings, %d omitted, %v, %v", len(got.Findings), got.Omitted, got.Counts, err)
	}
}

func TestSuites(t *testing.T) {
	t.Parallel()
	for predicate, want := range map[string]map[string]bool{
		`{"result":"PASSED","configuration":[{"name":"unit"}]}`:                               {"unit": true},
		`{"result":"WARNED","configuration":[{"name":"unit"}]}`:                               {"unit": true},
		`{"result":"FAILED","configuration":[{"name":"unit"}]}`:                               {"unit": false, "": false},
		`{"result":"PASSED","configuration":[{"name":"unit"}],"failedTests":["a"]}`:           {"unit": false, "a": false, "": false},
		`{"result":"FAILED","passedTests":["a","b"],"warnedTests":["c"],"failedTests":["b"]}`: {"a": true, "b": false, "c": true, "": false},
		`{"result":"PASSED"}`: {"": true},
		`{"result":"FAILED"}`: {"": false},
	} {
		list, err := parse(t, "https://in-toto.io/attestation/test-result/v0.1", predicate).Suites()
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]bool{}
		for _, s := range list {
			got[s.Name] = s.Passed
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Suites of %s (-want +got):\n%s", predicate, diff)
		}
	}
}

func TestExempt(t *testing.T) {
	t.Parallel()
	for statements, want := range map[string]map[string]string{
		`{"vulnerability":"CVE-1","status":"not_affected","justification":"vulnerable_code_not_present"}`:                          {"CVE-1": "not affected: vulnerable_code_not_present"},
		`{"vulnerability":{"name":"CVE-1"},"status":"fixed"}`:                                                                      {"CVE-1": "fixed"},
		`{"vulnerability":"CVE-1","status":"affected"}`:                                                                            {"CVE-1": ""},
		`{"vulnerability":"CVE-1","status":"not_affected"},{"vulnerability":"CVE-1","status":"under_investigation"}`:               {"CVE-1": ""},
		`{"vulnerability":"CVE-1","status":"fixed","products":[{"@id":"pkg:oci/app@sha256%3A` + hexDigest + `"}]}`:                 {"CVE-1": "fixed"},
		`{"vulnerability":"CVE-1","status":"fixed","products":["registry.example/app@sha256:` + hexDigest + `"]}`:                  {"CVE-1": "fixed"},
		`{"vulnerability":"CVE-1","status":"fixed","products":[{"@id":"pkg:oci/app","hashes":{"sha-256":"` + hexDigest + `"}}]}`:   {"CVE-1": "fixed"},
		`{"vulnerability":"CVE-1","status":"fixed","products":[{"@id":"pkg:oci/other@sha256%3A` + strings.Repeat("b", 64) + `"}]}`: {},
		`{"vulnerability":"CVE-1","status":"fixed","products":[{"@id":"pkg:oci/app"}]}`:                                            {},
		`{"vulnerability":{},"status":"fixed"}`:                                                                                    {},
	} {
		got, at, err := parse(t, "https://openvex.dev/ns", `{"timestamp":"2026-11-20T08:00:00Z","statements":[`+statements+`]}`).Exempt(hexDigest)
		if diff := cmp.Diff(want, got); err != nil || diff != "" || at.Hour() != 8 {
			t.Errorf("Exempt of %s at %s, %v (-want +got):\n%s", statements, at, err, diff)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, predicateType := range []string{
		"https://slsa.dev/provenance/v1", "https://slsa.dev/provenance/v0.2", "https://spdx.dev/Document", "https://cyclonedx.org/bom",
		"https://cosign.sigstore.dev/attestation/vuln/v1", "https://in-toto.io/attestation/vulns/v0.2", "https://openvex.dev/ns", "https://in-toto.io/attestation/test-result/v0.1",
	} {
		f.Add(fmt.Appendf(nil, `{"_type":"https://in-toto.io/Statement/v1","predicateType":%q,"subject":[{"digest":{"sha256":%q}}],"predicate":{"result":"PASSED"}}`, predicateType, hexDigest))
	}
	f.Fuzz(func(_ *testing.T, payload []byte) {
		s, err := statement.Parse(payload)
		if err != nil {
			return
		}
		_ = s.About(hexDigest)
		_, _ = s.Build()
		_, _ = s.Bill()
		_, _ = s.Scan()
		_, _ = s.Suites()
		_, _, _ = s.Exempt(hexDigest)
	})
}
