package config_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/signals"
)

const (
	summaryRule = `summary: {by: scanner, verifier: "https://verify.example.com", policy: "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc", levels: [SLSA_BUILD_LEVEL_3], maxAge: 24h}`
	summaryHead = `apiVersion: waveguide.dev/v1alpha1
kind: Promotion
name: shop
artifacts: [{name: shop, image: registry.example.com/shop, versions: {semver: ">=1.0.0"}}]
waves: [{name: dev, environments: [dev]}]
verify:
  signature: {key: release}
`
)

// summaryOf reads a promotion with a rule about summaries, and perhaps a
// guardrail.
func summaryOf(t *testing.T, verify, require string) (*gate.Summary, error) {
	t.Helper()
	files := []config.File{base(t), {Name: "team.yaml", Data: []byte(summaryHead + verify)}}
	if require != "" {
		files = append(files, config.File{Name: "case.yaml", Data: []byte("apiVersion: waveguide.dev/v1alpha1\nkind: Guardrail\nname: least\nmatch: {artifact: shop}\nrequire: " + require + "\n")})
	}
	with := names()
	with.Verifier = "https://waveguide.example.com"
	rules, err := config.ParseRules(files, with, exampleNow())
	for _, r := range rules.Routes {
		if r.Artifact == "shop" {
			return r.Waves[0].Stops[0].Gates.Summary, err
		}
	}
	return nil, err
}

func TestSummaryRules(t *testing.T) {
	t.Parallel()
	const provenance = "  provenance: {source: \"https://github.com/acme/shop\"}\n  sbom: required\n"
	all := []signals.ProofKind{signals.ProofProvenance, signals.ProofSBOM}
	widely := "  " + strings.Replace(summaryRule, "maxAge: 24h", "maxAge: 24h, for: [provenance, sbom]", 1)
	for name, tt := range map[string]struct {
		verify, require string
		stands          []signals.ProofKind
		required        bool
	}{
		"in place of provenance":                   {provenance + "  " + summaryRule, "", all[:1], false},
		"in place of more":                         {provenance + widely, "", all, false},
		"a guardrail demands the provenance":       {provenance + widely, "{provenance: true}", all[1:], false},
		"a guardrail demands both":                 {provenance + widely, "{provenance: true, sbom: true}", nil, false},
		"a guardrail demands both, or a summary":   {provenance + widely, "{provenance: true, sbom: true, summary: accepted}", all, false},
		"a guardrail demands a summary":            {provenance + widely, "{provenance: true, summary: required}", all, true},
		"a guardrail forbids summaries":            {provenance + widely, "{summary: forbidden}", nil, false},
		"a guardrail demands what is not in place": {provenance + widely, "{signature: true, vulnerabilities: false}", all, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := summaryOf(t, tt.verify, tt.require)
			if err != nil || s == nil {
				t.Fatalf("%+v, %v", s, err)
			}
			if !slices.Equal(s.For, tt.stands) || s.Required != tt.required || s.MaxAge != 24*time.Hour || s.By != "scanner" {
				t.Errorf("%+v, want that it stands in for %v", *s, tt.stands)
			}
		})
	}
}

func TestBrokenSummaryRules(t *testing.T) {
	t.Parallel()
	change := func(from, to string) string {
		out := strings.Replace(summaryRule, from, to, 1)
		if out == summaryRule {
			t.Fatalf("the rule has no %q", from)
		}
		return "  provenance: {source: \"https://github.com/acme/shop\"}\n  " + out
	}
	for name, tt := range map[string]struct{ verify, require, says string }{
		"no such signer":          {verify: change("scanner", "scaner"), says: `unknown signer "scaner"`},
		"no signer":               {verify: change("by: scanner, ", ""), says: "by"},
		"no verifier":             {verify: change(`verifier: "https://verify.example.com", `, ""), says: "verifier"},
		"ourselves":               {verify: change("https://verify.example.com", "https://waveguide.example.com"), says: "is this daemon itself"},
		"no digest":               {verify: change("sha256:cc", "sha256:zz"), says: "is not the digest of a policy"},
		"no policy":               {verify: change(`policy: "sha256:`+strings.Repeat("c", 64)+`", `, ""), says: "policy"},
		"no level":                {verify: change("[SLSA_BUILD_LEVEL_3]", "[]"), says: "levels is empty"},
		"an empty level":          {verify: change("[SLSA_BUILD_LEVEL_3]", `[""]`), says: "a level without a name"},
		"any age":                 {verify: change(", maxAge: 24h", ""), says: "maxAge"},
		"no age":                  {verify: change("24h", "0s"), says: "maxAge is empty"},
		"for a signature":         {verify: change("24h", "24h, for: [signature]"), says: "nothing stands in for a signature"},
		"for a window":            {verify: change("24h", "24h, for: [window]"), says: `cannot stand in for "window"`},
		"for what nobody asks":    {verify: change("24h", "24h, for: [tests]"), says: "stands in for nothing that is asked"},
		"a guardrail demands one": {verify: "  sbom: required\n", require: "{summary: required}", says: "demands summary in environment dev"},
		"a guardrail's odd word":  {verify: "  sbom: required\n", require: "{summary: maybe}", says: `"maybe" is not known`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := summaryOf(t, tt.verify, tt.require); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%v, want %q", err, tt.says)
			}
		})
	}
}

func TestPublish(t *testing.T) {
	t.Parallel()
	const daemon = `apiVersion: waveguide.dev/v1alpha1
kind: Daemon
repositories: [{name: env, url: "https://git.example.com/env", forge: {kind: gitlab, url: "https://git.example.com"}}]
publish: `
	d, err := config.ParseDaemon("d.yaml", []byte(daemon+`{verifier: "https://waveguide.example.com/x", keyFile: /k, builders: [{builder: "https://github.com/actions/runner/*", level: 2}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := d.Rules(d.Repositories[0]).Verifier; got != "https://waveguide.example.com/x" {
		t.Errorf("the rules are checked against the verifier %q", got)
	}
	for text, says := range map[string]string{
		"{keyFile: /k}":                                                                       "verifier",
		"{verifier: waveguide, keyFile: /k}":                                                  "is not the address of a verifier",
		`{verifier: "https://me:pw@x.example", keyFile: /k}`:                                  "is not the address of a verifier",
		`{verifier: "https://x.example"}`:                                                     "with which key",
		`{verifier: "https://x.example", keyFile: /k, keyEnv: K}`:                             "exclude each other",
		`{verifier: "https://x.example", keyFile: /k, builders: [{}]}`:                        "builder",
		`{verifier: "https://x.example", keyFile: /k, builders: [{builder: "**", level: 3}]}`: "is anybody",
		`{verifier: "https://x.example", keyFile: /k, builders: [{builder: b, level: 4}]}`:    "no build level 4",
	} {
		if _, err := config.ParseDaemon("d.yaml", []byte(daemon+text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", text, err, says)
		}
	}
}
