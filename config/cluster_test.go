package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/signals"
)

const clusterDaemon = `apiVersion: waveguide.dev/v1alpha1
kind: Daemon
repositories: [{name: env, url: "https://git.example.com/env.git", governance: {files: [.waveguide/rules.yaml]}, forge: {kind: local, url: "https://git.example.com"}}]
trust: {keys: [{name: release, file: release.pub}]}
signals:
`

// TestClusterConnections says what the connections of clusters may be.
func TestClusterConnections(t *testing.T) {
	t.Parallel()
	cases := map[string]string{
		"{name: a, kind: kubernetes}": "",
		"{name: a, kind: kubernetes, kubeconfig: /k, context: prod, watch: true}":  "",
		"{name: a, kind: flux, url: \"https://k8s.example.com\", tokenFile: /t}":   "",
		"{name: a, kind: argocd, kubeconfig: /k}":                                  "",
		"{name: a, kind: argocd, inCluster: true}":                                 "",
		"{name: a, kind: argocd}":                                                  `signal "a" of kind argocd needs its url`,
		"{name: a, kind: argocd, url: \"https://a.example.com\", inCluster: true}": "inCluster is for a signal of kind argocd without url and kubeconfig",
		"{name: a, kind: kubernetes, inCluster: true}":                             "inCluster is for a signal of kind argocd without url and kubeconfig",
		"{name: a, kind: probe, watch: true}":                                      "watch has no meaning for a signal of kind probe",
		"{name: a, kind: alertmanager, url: \"https://a.example.com\", fallback: b}\n  - {name: b, kind: prometheus, url: \"https://b.example.com\"}":        "",
		"{name: a, kind: alertmanager, url: \"https://a.example.com\", fallback: a}":                                                                         `fallback "a" is no signal of kind prometheus; there is none`,
		"{name: a, kind: alertmanager, url: \"https://a.example.com\", fallback: none}":                                                                      `fallback "none" is no signal of kind prometheus`,
		"{name: a, kind: alertmanager, url: \"https://a.example.com\", fallback: promm}\n  - {name: prom, kind: prometheus, url: \"https://b.example.com\"}": `fallback "promm" is no signal of kind prometheus; did you mean "prom"?`,
		"{name: a, kind: prometheus, url: \"https://a.example.com\", fallback: b}\n  - {name: b, kind: prometheus, url: \"https://b.example.com\"}":          `a signal of kind prometheus has no fallback, only an alertmanager has; take fallback: away`,
	}
	for signal, want := range cases {
		_, err := config.ParseDaemon("waveguide.yaml", []byte(clusterDaemon+"  - "+signal+"\n"))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", signal, err, want)
		}
	}
}

// TestClusterQuestions resolves what clusters are asked about a lane.
func TestClusterQuestions(t *testing.T) {
	t.Parallel()
	d, err := config.ParseDaemon("waveguide.yaml", []byte(clusterDaemon+"  - {name: argocd, kind: argocd, inCluster: true}\n  - {name: cluster, kind: kubernetes}\n"))
	if err != nil {
		t.Fatal(err)
	}
	rules, err := config.ParseRules([]config.File{{Name: ".waveguide/rules.yaml", Data: []byte(`apiVersion: waveguide.dev/v1alpha1
kind: Environment
name: prod
path: environments/prod/${artifact}
running: pod
health:
  - {name: all, signal: argocd, selector: "artifact=${artifact}", project: "${artifact}-prod", within: 1h}
  - {name: rolled-out, signal: cluster, object: "rollout/${artifact}", image: "mirror.example.com/${artifact}"}
---
apiVersion: waveguide.dev/v1alpha1
kind: Environment
name: other
path: environments/other/${artifact}
running: desired
health: [{name: one, signal: argocd, application: "${artifact}"}]
---
apiVersion: waveguide.dev/v1alpha1
kind: Promotion
name: shop
artifacts: [{name: shop, image: registry.example.com/shop, versions: {semver: ">=1.0.0"}}]
verify: {signature: {key: release}}
waves: [{name: other, environments: [other]}, {name: prod, environments: [prod]}]
`)}}, d.Rules(d.Repositories[0]), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	type asked struct {
		Application, Selector, Project, Object, Image string
		Within                                        time.Duration
		Lowest                                        signals.Rung
	}
	got := map[string]asked{}
	for _, env := range []string{"prod", "other"} {
		for _, h := range rules.Health[gitops.Lane{Repository: "env", Environment: env, Artifact: "shop"}] {
			got[h.Name] = asked{h.Application, h.Selector, h.Project, h.Object, h.Image, h.Within, h.Lowest}
		}
	}
	want := map[string]asked{
		"all":        {Selector: "artifact=shop", Project: "shop-prod", Image: "registry.example.com/shop", Within: time.Hour, Lowest: signals.RungPod},
		"rolled-out": {Object: "rollout/shop", Image: "mirror.example.com/shop", Lowest: signals.RungPod},
		"one":        {Application: "shop", Image: "registry.example.com/shop", Lowest: signals.RungReported},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("questions (-want +got):\n%s", diff)
	}
}
