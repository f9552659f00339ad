package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/kubernetes/kubernetestest"
)

// kind is one way in which it is known what runs of an artifact.
type kind struct {
	signal  string
	objects []fields
	rung    signals.Rung
}

// synced is an application of Argo CD whose only source is given.
func synced(source fields, revision, image string) fields {
	return fields{
		"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": fields{"name": "shop", "namespace": "argocd"},
		"spec": fields{"project": "default", "destination": fields{"namespace": "shop"}, "source": source},
		"status": fields{
			"sync":         fields{"status": "Synced", "revision": revision, "comparedTo": fields{"destination": fields{}, "source": source}},
			"health":       fields{"status": "Healthy", "lastTransitionTime": stamp(time.Minute)},
			"reconciledAt": stamp(0), "summary": fields{"images": []string{image}},
		},
	}
}

// bundled is an OCI source of Flux, of the artifact itself.
func bundled() fields {
	return fields{
		"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "OCIRepository", "metadata": fields{"name": "shop", "namespace": "flux-system"},
		"spec": fields{"interval": "1m", "url": "oci://registry.example.com/shop"},
	}
}

// fromBundle makes a Kustomization apply the artifact as a bundle of manifests.
func fromBundle() fields {
	o := kustomized("")
	o["spec"].(fields)["sourceRef"] = fields{"kind": "OCIRepository", "name": "shop"}
	o["status"].(fields)["lastAppliedRevision"], o["status"].(fields)["lastAttemptedRevision"] = "1.1.0@"+string(newDigest), "1.1.0@"+string(newDigest)
	return o
}

// charted is a HelmRelease that deploys the artifact as a chart.
func charted() fields {
	return fields{
		"apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease", "metadata": fields{"name": "shop", "namespace": "flux-system", "generation": 1},
		"spec": fields{"interval": "1m", "chartRef": fields{"kind": "OCIRepository", "name": "shop"}},
		"status": fields{
			"observedGeneration": 1, "lastAttemptedRevisionDigest": newDigest,
			"conditions": []fields{{"type": "Ready", "status": "True", "reason": "UpgradeSucceeded", "message": "", "lastTransitionTime": stamp(time.Minute)}},
			"history": []fields{{
				"name": "shop", "namespace": "flux-system", "version": 1, "digest": oldDigest, "chartName": "shop", "chartVersion": "1.1.0", "configDigest": oldDigest,
				"status": "deployed", "ociDigest": newDigest, "firstDeployed": stamp(time.Hour), "lastDeployed": stamp(time.Hour),
			}},
		},
	}
}

// TestEveryKindHasAnAnswer holds the ladder for images, charts, bundles and
// modules: what is seen binds the answer to the version that Git names, and an
// environment that wants better evidence takes it for nothing that runs.
func TestEveryKindHasAnAnswer(t *testing.T) {
	t.Parallel()
	commit := strings.Repeat("b", 40)
	git := fields{"repoURL": "https://git.example.com/env.git"}
	kinds := map[string]kind{
		"an image, by its pods' images":             {`{name: x, signal: argocd, application: shop}`, []fields{synced(git, commit, "registry.example.com/shop@"+string(newDigest))}, signals.RungSpec},
		"an image, by the commit of Argo CD":        {`{name: x, signal: argocd, application: shop}`, []fields{synced(git, commit, "registry.example.com/shop:1.1.0")}, signals.RungApplied},
		"an image, by the commit of Flux":           {`{name: x, signal: flux, object: kustomization/shop}`, []fields{kustomized(commit)}, signals.RungApplied},
		"a chart, by its version in Argo CD":        {`{name: x, signal: argocd, application: shop}`, []fields{synced(fields{"repoURL": "registry.example.com", "chart": "shop"}, "1.1.0", "registry.example.com/other:1")}, signals.RungApplied},
		"a chart, by its digest in Flux":            {`{name: x, signal: flux, object: helmrelease/shop}`, []fields{bundled(), charted()}, signals.RungApplied},
		"a bundle, by its digest in Argo CD":        {`{name: x, signal: argocd, application: shop}`, []fields{synced(fields{"repoURL": "oci://registry.example.com/shop"}, string(newDigest), "registry.example.com/other:1")}, signals.RungApplied},
		"a bundle, by its digest in Flux":           {`{name: x, signal: flux, object: kustomization/shop}`, []fields{bundled(), fromBundle()}, signals.RungApplied},
		"a module, by what its pipeline pushed":     {`{name: x, signal: ci}`, nil, signals.RungReported},
		"anything, by what the application reports": {`{name: x, signal: web, url: "URL/ready", digestFrom: digest}`, nil, signals.RungReported},
	}
	above := map[signals.Rung]string{signals.RungReported: "applied", signals.RungApplied: "spec", signals.RungSpec: "pod"}
	for name, k := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := kubernetestest.New(t)
			for _, o := range k.objects {
				fake.Put(o)
			}
			web := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintf(rw, `{"digest":%q}`, newDigest) }))
			t.Cleanup(web.Close)
			kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
			if err := os.WriteFile(kubeconfig, []byte("apiVersion: v1\nkind: Config\ncurrent-context: a\nclusters: [{name: a, cluster: {server: \""+fake.URL+"\"}}]\ncontexts: [{name: a, context: {cluster: a, user: \"\"}}]\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			token := filepath.Join(t.TempDir(), "token")
			if err := os.WriteFile(token, []byte("pipeline"), 0o600); err != nil {
				t.Fatal(err)
			}
			signal := strings.ReplaceAll(k.signal, "URL", web.URL)
			b := wired(t, fmt.Sprintf("  - {name: argocd, kind: argocd, kubeconfig: %q}\n  - {name: flux, kind: flux, url: %q}\n  - {name: web, kind: probe, url: %q}\n  - {name: ci, kind: inbox, tokens: [{name: ci, environment: \"*\", tokenFile: %q}]}\n",
				kubeconfig, fake.URL, web.URL, token), map[string]string{"dev " + string(k.rung): signal, "prod " + above[k.rung]: signal})
			b.trees = trunk{gitops.Commit(commit): newDigest}
			if strings.Contains(signal, "signal: ci") {
				push(t, b, "dev")
				push(t, b, "prod")
			}
			if h := b.says(t, "dev"); h.State != signals.StateHealthy || h.Digest != newDigest || h.Rung != k.rung {
				t.Errorf("answer %+v, want it healthy on the version, known as %s", h, k.rung)
			}
			if h := b.says(t, "prod"); h.State != signals.StateHealthy || h.Digest != "" || h.For != newDigest || !strings.Contains(h.Reason, "the environment accepts "+above[k.rung]+" or better") {
				t.Errorf("answer %+v, want it to say nothing of what runs", h)
			}
		})
	}
}

// push pushes that the new version runs in an environment.
func push(t *testing.T, b *rulebook, environment string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/signals/"+environment+"/shop/x", strings.NewReader(fmt.Sprintf(
		`{"id":"run-1","digest":%q,"state":"healthy","at":%q,"running":true}`, newDigest, time.Now().UTC().Format(time.RFC3339))))
	r.Header.Set("Authorization", "Bearer pipeline")
	rw := httptest.NewRecorder()
	b.health.inboxes["ci"].ServeHTTP(rw, r)
	if rw.Code != http.StatusNoContent {
		t.Fatalf("the push is answered with %d %s", rw.Code, rw.Body)
	}
}

// TestRequestsPerLook counts the requests of one look at one lane, for every
// kind of source, as the daemon asks it.
func TestRequestsPerLook(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	answers := map[string]string{
		"/api/v1/query":       `{"status":"success","data":{"resultType":"scalar","result":[1,"0"]}}`,
		"/api/v1/query_range": `{"status":"success","data":{"resultType":"matrix","result":[]}}`,
		"/api/v1/alerts":      `{"status":"success","data":{"alerts":[]}}`,
		"/api/v2/alerts":      `[]`,
	}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		_, _ = fmt.Fprint(rw, answers[r.URL.Path])
	}))
	t.Cleanup(server.Close)
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("pipeline"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := wired(t, fmt.Sprintf("  - {name: prometheus, kind: prometheus, url: %[1]q}\n  - {name: alertmanager, kind: alertmanager, url: %[1]q}\n  - {name: web, kind: probe, url: %[1]q}\n  - {name: ci, kind: inbox, tokens: [{name: ci, environment: \"*\", tokenFile: %[2]q}]}\n", server.URL, token),
		map[string]string{
			"query":    `{name: x, signal: prometheus, query: up, below: 1}`,
			"traffic":  `{name: x, signal: prometheus, query: up, below: 1, minTraffic: {query: n, above: -1}}`,
			"baseline": `{name: x, signal: prometheus, query: up, baseline: {query: n, below: 2, slack: 1}}`,
			"range":    `{name: x, signal: prometheus, query: up, below: 1, over: 1h}`,
			"own":      `{name: x, signal: prometheus, scope: {service: "${artifact}"}}`,
			"alerts":   `{name: x, signal: alertmanager, scope: {service: "${artifact}"}}`,
			"probe":    `{name: x, signal: web, url: "` + server.URL + `/ready"}`,
			"inbox":    `{name: x, signal: ci}`,
		})
	for environment, want := range map[string]int64{"query": 1, "traffic": 2, "baseline": 2, "range": 1, "own": 1, "alerts": 1, "probe": 1, "inbox": 0} {
		asked.Store(0)
		h := b.says(t, environment)
		if got := asked.Load(); got != want {
			t.Errorf("%s: %d requests, want %d (%q because %q)", environment, got, want, h.State, h.Reason)
		}
	}
}
