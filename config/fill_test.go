package config_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/signals"
)

// measured are the signals of order-api in an environment whose rules name one.
func measured(t *testing.T, health string) config.HealthSpec {
	t.Helper()
	rules, err := config.ParseRules([]config.File{base(t), {Name: "case.yaml", Data: []byte(`apiVersion: waveguide.dev/v1alpha1
kind: Environment
name: qa
path: environments/qa/${artifact}
running: desired
health: [` + health + `]
---
apiVersion: waveguide.dev/v1alpha1
kind: Promotion
name: order
artifacts: [{name: order.api, image: registry.example.com/order-api, versions: {semver: ">=1.0.0"}}]
verify: {signature: {key: release}}
waves: [{name: qa, environments: [qa]}]
`)}}, names(), time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	list := rules.Health[gitops.Lane{Repository: "env-gitops", Environment: "qa", Artifact: "order.api"}]
	if len(list) != 1 {
		t.Fatalf("signals %v, want one", list)
	}
	return list[0]
}

func TestTemplatesOfWhatGitNames(t *testing.T) {
	t.Parallel()
	digest := signals.Digest("sha256:" + strings.Repeat("1", 64))
	cases := map[string]struct {
		health, tag string
		want        func(config.HealthSpec) string
		text        string
	}{
		"in a query": {
			`{name: q, signal: prometheus, below: 1, query: 'errors{app="${artifact}",env="${environment}",version="${tag}",image=~".*@${digest}"}'}`, "v1.2.3+a",
			func(h config.HealthSpec) string { return h.Query },
			`errors{app="order.api",env="qa",version="v1.2.3+a",image=~".*@` + string(digest) + `"}`,
		},
		"in a pattern": {
			`{name: q, signal: prometheus, below: 1, query: 'errors{app=~"${artifact}",version=~"${tag}"}'}`, "v1.2.3+a",
			func(h config.HealthSpec) string { return h.Query }, `errors{app=~"order\\.api",version=~"v1\\.2\\.3\\+a"}`,
		},
		"a tag that ends a string": {
			`{name: q, signal: prometheus, below: 1, query: 'errors{version="${tag}"}'}`, `1"} or vector(0) or x{a="\`,
			func(h config.HealthSpec) string { return h.Query }, `errors{version="1\"} or vector(0) or x{a=\"\\"}`,
		},
		"a tag that ends a single quote": {
			`{name: q, signal: prometheus, below: 1, query: "errors{version='${tag}'}"}`, `1'} or "`,
			func(h config.HealthSpec) string { return h.Query }, `errors{version='1\'} or "'}`,
		},
		"between backquotes": {
			"{name: q, signal: prometheus, below: 1, query: 'errors{version=~`${tag}`}'}", `1.2\d`,
			func(h config.HealthSpec) string { return h.Query }, "errors{version=~`1\\.2\\\\d`}",
		},
		"a tag that is a template": {
			`{name: q, signal: probe, url: 'https://web.example.com/', text: '${tag} ${digest}'}`, "${digest}",
			func(h config.HealthSpec) string { return h.Text }, "${digest} " + string(digest),
		},
		"in an address": {
			`{name: q, signal: probe, url: 'https://${environment}.example.com/${artifact}/${tag}?digest=${digest}'}`, "a/../b?c&d=e+f g",
			func(h config.HealthSpec) string { return h.URL },
			"https://qa.example.com/order.api/a%2F..%2Fb%3Fc%26d%3De%2Bf%20g?digest=sha256%3A" + strings.Repeat("1", 64),
		},
		"in what a probe must answer": {
			`{name: q, signal: probe, url: 'https://web.example.com/', json: {path: version, value: '${tag}'}}`, "1.2.3",
			func(h config.HealthSpec) string { return h.JSON.Value }, "1.2.3",
		},
		"in matchers": {
			`{name: q, signal: alertmanager, filter: 'version="${tag}"', scope: {env: "${environment}", service: "${artifact}"}}`, `1"`,
			func(h config.HealthSpec) string { return h.Filter + " " + h.Scope["env"] + " " + h.Scope["service"] }, `version="1\"" qa order.api`,
		},
		"in the traffic and the baseline": {
			`{name: q, signal: prometheus, query: x, minTraffic: {query: 'n{version="${tag}"}'}, baseline: {query: 'x{version!="${tag}"}', below: 2}}`, "1.2.3",
			func(h config.HealthSpec) string { return h.MinTraffic.Query + " " + h.Baseline.Query }, `n{version="1.2.3"} x{version!="1.2.3"}`,
		},
		"in a place": {
			`{name: q, signal: argocd, application: '${environment}-${artifact}'}`, "1.2.3", func(h config.HealthSpec) string { return h.Application }, "qa-order.api",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := measured(t, c.health)
			before := c.want(h)
			got, err := h.About(c.tag, digest)
			if err != nil || c.want(got) != c.text {
				t.Errorf("About() (-want +got), %v:\n%s", err, cmp.Diff(c.text, c.want(got)))
			}
			if c.want(h) != before {
				t.Error("what was asked changed what will be asked")
			}
			if c.tag != "" && h.Filter != "" {
				if _, err := signals.ParseMatchers(got.Filter); err != nil {
					t.Errorf("the filter %s cannot be read: %v", got.Filter, err)
				}
			}
		})
	}
}

func TestTemplatesWithoutAValue(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ health, tag, want string }{
		"no tag":             {`{name: q, signal: prometheus, below: 1, query: 'errors{version="${tag}"}'}`, "", "git names nothing here that could stand for ${tag}"},
		"no digest":          {`{name: q, signal: probe, url: 'https://web.example.com/${digest}'}`, "1", "git names nothing here that could stand for ${digest}"},
		"a control byte":     {`{name: q, signal: probe, url: 'https://web.example.com/', text: '${tag}'}`, "1\n2", "what stands for ${tag} holds control characters"},
		"no text":            {`{name: q, signal: probe, url: 'https://web.example.com/', text: '${tag}'}`, "\xff", "what stands for ${tag} holds control characters"},
		"a way up":           {`{name: q, signal: probe, url: 'https://web.example.com/a/${tag}'}`, "..", `".." cannot stand in an address for ${tag}`},
		"the end of a quote": {"{name: q, signal: prometheus, below: 1, query: 'errors{version=`${tag}`}'}", "a`b", "what stands for ${tag} cannot stand between backquotes"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := measured(t, c.health)
			if _, err := h.About(c.tag, ""); err == nil || err.Error() != c.want {
				t.Errorf("About() = %v, want %s", err, c.want)
			}
		})
	}
}

// TestProofsOfOneArtifact: every text of the proofs that may hold a template is
// filled with the artifact it is asked for.
func TestProofsOfOneArtifact(t *testing.T) {
	t.Parallel()
	f := base(t)
	f.Data = bytes.Replace(f.Data, []byte("verify: {signature: {key: release}}"), []byte(`verify:
  signature: {key: release, source: 'https://github.com/acme/${artifact}'}
  provenance: {source: 'https://github.com/acme/${artifact}', branch: 'release/${artifact}', tag: '${artifact}-v*', builder: 'https://ci/${artifact}'}
`), 1)
	rules, err := config.ParseRules([]config.File{f}, names(), exampleNow())
	if err != nil {
		t.Fatal(err)
	}
	got := rules.Routes[0].Waves[0].Stops[0].Gates
	want := &gate.Provenance{Source: "https://github.com/acme/app", Branch: "release/app", Tag: "app-v*", Builder: "https://ci/app"}
	if d := cmp.Diff(want, got.Provenance); d != "" {
		t.Errorf("provenance (-want +got):\n%s", d)
	}
	if got.Signature.Source != "https://github.com/acme/app" {
		t.Errorf("signature = %+v", got.Signature)
	}
}
