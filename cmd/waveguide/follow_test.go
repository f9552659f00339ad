package main

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/signals/kubernetes/kubernetestest"
)

// TestFollow changes objects of a cluster and reads which environments the
// loops are told to look at.
func TestFollow(t *testing.T) {
	t.Parallel()
	fake := kubernetestest.New(t)
	d, err := config.ParseDaemon("waveguide.yaml", fmt.Appendf(nil, `apiVersion: waveguide.dev/v1alpha1
kind: Daemon
repositories: [{name: env, url: "https://git.example.com/env.git", governance: {files: [.waveguide/rules.yaml]}, forge: {kind: local, url: "https://git.example.com"}}]
trust: {keys: [{name: release, file: release.pub}]}
signals:
  - {name: cluster, kind: kubernetes, url: %[1]q, watch: true}
  - {name: flux, kind: flux, url: %[1]q, watch: true}
  - {name: quiet, kind: kubernetes, url: %[1]q}
`, fake.URL))
	if err != nil {
		t.Fatal(err)
	}
	hints := make(chan loop.Hint, 100)
	w := &daemon{config: d, log: slog.New(slog.DiscardHandler), hints: []chan loop.Hint{hints}}
	b := newRulebook(d, d.Repositories[0], nil)
	w.rulebooks = append(w.rulebooks, b)
	if _, err := b.Rules(map[string][]byte{".waveguide/rules.yaml": []byte(`apiVersion: waveguide.dev/v1alpha1
kind: Environment
name: dev
path: environments/dev/${artifact}
health: [{name: rolled-out, signal: cluster, object: "deployment/${artifact}", namespace: dev}]
---
apiVersion: waveguide.dev/v1alpha1
kind: Environment
name: prod
path: environments/prod/${artifact}
health: [{name: applied, signal: flux, object: "kustomization/${artifact}"}, {name: other, signal: quiet, object: "deployment/${artifact}", namespace: quiet}]
---
apiVersion: waveguide.dev/v1alpha1
kind: Promotion
name: shop
artifacts: [{name: shop, image: registry.example.com/shop, versions: {semver: ">=1.0.0"}}]
verify: {signature: {key: release}}
waves: [{name: dev, environments: [dev]}, {name: prod, environments: [prod]}]
`)}, time.Now()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- w.follow(ctx) }()
	hinted := func(environments ...string) {
		t.Helper()
		for len(environments) > 0 {
			select {
			case h := <-hints:
				i := slices.Index(environments, h.Environment)
				if i < 0 {
					t.Fatalf("hint %+v, want one about %v", h, environments)
				}
				environments = slices.Delete(environments, i, i+1)
			case <-time.After(time.Minute):
				t.Fatalf("no hint about %v", environments)
			}
		}
	}
	hinted("dev", "prod") // both begin
	watches := map[string]bool{}
	eventually(t, "both watches", func() (string, bool) {
		for _, r := range fake.Requests() {
			if r.Verb == "watch" {
				watches[r.Resource+" in "+r.Namespace] = true
			}
		}
		return fmt.Sprint(watches), len(watches) == 2
	})
	if !watches["pods in dev"] || !watches["kustomizations in flux-system"] {
		t.Errorf("watches %v", watches)
	}
	time.Sleep(followRest) // an environment is not hinted at more often
	kustomization := func(name string) {
		fake.Put(fields{
			"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": fields{"name": name, "namespace": "flux-system"},
			"spec": fields{"interval": "1m", "prune": true, "sourceRef": fields{"kind": "GitRepository", "name": "env"}},
		})
	}
	kustomization("other")
	kustomization("shop")
	hinted("prod")
	fake.Put(fields{"apiVersion": "v1", "kind": "Pod", "metadata": fields{"name": "other-1", "namespace": "dev"}, "spec": fields{"containers": []fields{}}})
	fake.Put(fields{"apiVersion": "v1", "kind": "Pod", "metadata": fields{"name": "shop-1", "namespace": "dev"}, "spec": fields{"containers": []fields{}}})
	hinted("dev")
	kustomization("shop")
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if len(hints) > 0 {
		t.Errorf("hint %+v, want no more than one in %s", <-hints, followRest)
	}
}
