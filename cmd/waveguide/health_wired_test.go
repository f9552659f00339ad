package main

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/store"
	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/kubernetes/kubernetestest"
)

const (
	oldDigest = signals.Digest("sha256:1111111111111111111111111111111111111111111111111111111111111111")
	newDigest = signals.Digest("sha256:2222222222222222222222222222222222222222222222222222222222222222")
)

// wired is the health of one repository as the daemon opens it: connections of
// its file, and environments that each name one signal. After its name an
// environment may say what evidence it accepts.
func wired(t *testing.T, connections string, environments map[string]string) *rulebook {
	t.Helper()
	d, err := config.ParseDaemon("waveguide.yaml", []byte(`apiVersion: waveguide.dev/v1alpha1
kind: Daemon
repositories: [{name: env, url: "https://git.example.com/env.git", governance: {files: [.waveguide/rules.yaml]}, forge: {kind: local, url: "https://git.example.com"}}]
trust: {keys: [{name: release, file: release.pub}]}
signals:
`+connections))
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), store.Options{Path: filepath.Join(t.TempDir(), "waveguide.db"), Holder: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	w := &daemon{config: d, store: s}
	w.health = w.openHealth(signalQuestions())
	b := newRulebook(d, d.Repositories[0], w.health)
	w.rulebooks = append(w.rulebooks, b)
	var rules, waves strings.Builder
	for at, signal := range environments {
		name, lowest, _ := strings.Cut(at, " ")
		fmt.Fprintf(&rules, "apiVersion: waveguide.dev/v1alpha1\nkind: Environment\nname: %s\npath: environments/%s/${artifact}\nrunning: %s\nhealth: [%s]\n---\n", name, name, cmp.Or(lowest, "desired"), signal)
		fmt.Fprintf(&waves, "  - {name: %s, environments: [%s]}\n", name, name)
	}
	rules.WriteString("apiVersion: waveguide.dev/v1alpha1\nkind: Promotion\nname: shop\nartifacts: [{name: shop, image: registry.example.com/shop, versions: {semver: \">=1.0.0\"}}]\n" +
		"verify: {signature: {key: release}}\nwaves:\n" + waves.String())
	if _, err := b.Rules(map[string][]byte{".waveguide/rules.yaml": []byte(rules.String())}, time.Now()); err != nil {
		t.Fatal(err)
	}
	return b
}

// says is what the only signal of an environment says about the new version.
func (b *rulebook) says(t *testing.T, environment string) signals.Health {
	t.Helper()
	lane := gitops.Lane{Repository: "env", Environment: environment, Artifact: "shop"}
	list, err := b.Health(t.Context(), lane, signals.Question{Digest: newDigest, Tag: "1.1.0"})
	if err != nil || len(list) != 1 {
		t.Fatalf("health of %s: %v, %v", environment, list, err)
	}
	return list[0]
}

// kustomized is the Kustomization of the shop, ready at a commit.
func kustomized(revision string) fields {
	return fields{
		"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": fields{"name": "shop", "namespace": "flux-system", "generation": 1},
		"spec": fields{"interval": "1m", "prune": true, "wait": true, "sourceRef": fields{"kind": "GitRepository", "name": "env"}},
		"status": fields{
			"observedGeneration": 1, "lastAppliedRevision": "main@sha1:" + revision, "lastAttemptedRevision": "main@sha1:" + revision,
			"conditions": []fields{{"type": "Ready", "status": "True", "reason": "ReconciliationSucceeded", "message": "Applied revision", "lastTransitionTime": stamp(time.Minute)}},
		},
	}
}

// trunk is a repository of one line at every commit.
type trunk map[gitops.Commit]signals.Digest

func (c trunk) Files(_ context.Context, at gitops.Commit, under, _ string) (map[string][]byte, error) {
	return map[string][]byte{under + "/kustomization.yaml": []byte(
		"apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nimages:\n  - name: registry.example.com/shop\n    digest: " + string(c[at]) + "\n")}, nil
}

// TestSickClusterRests holds that a cluster that fails is soon left alone, that
// one that only lacks an object is not, and that others are asked as ever.
func TestSickClusterRests(t *testing.T) {
	t.Parallel()
	sick, well := kubernetestest.New(t), kubernetestest.New(t)
	b := wired(t, fmt.Sprintf("  - {name: sick, kind: flux, url: %q}\n  - {name: well, kind: flux, url: %q}\n", sick.URL, well.URL), map[string]string{
		"dev":     `{name: applied, signal: sick, object: "kustomization/${artifact}"}`,
		"staging": `{name: applied, signal: well, object: "kustomization/${artifact}"}`,
		"prod":    `{name: applied, signal: well, object: "kustomization/another"}`,
	})
	commit := gitops.Commit(strings.Repeat("a", 40))
	b.trees = trunk{commit: newDigest}
	well.Put(kustomized(string(commit)))
	sick.Fault(kubernetestest.Faults{Status: http.StatusInternalServerError})
	for range patience + 3 {
		if h := b.says(t, "dev"); h.State != signals.StateUnknown {
			t.Fatalf("a sick cluster says %+v", h)
		}
		if h := b.says(t, "staging"); h.State != signals.StateHealthy || h.Digest != newDigest {
			t.Errorf("beside a sick cluster another says %+v", h)
		}
		if h := b.says(t, "prod"); h.State != signals.StateUnknown || !strings.Contains(h.Reason, "not found") {
			t.Errorf("an object that is not there is %+v", h)
		}
	}
	if got := len(sick.Requests()); got != patience {
		t.Errorf("the sick cluster was asked %d times, want %d", got, patience)
	}
	if h := b.says(t, "dev"); !strings.Contains(h.Reason, "asked less often until it answers") {
		t.Errorf("the reason is %q", h.Reason)
	}
}

// TestWhyItHasNotArrived holds that a version which does not arrive because its
// source cannot be fetched says so.
func TestWhyItHasNotArrived(t *testing.T) {
	t.Parallel()
	fake := kubernetestest.New(t)
	b := wired(t, fmt.Sprintf("  - {name: flux, kind: flux, url: %q}\n", fake.URL), map[string]string{"prod": `{name: applied, signal: flux, object: "kustomization/${artifact}"}`})
	before, after := gitops.Commit(strings.Repeat("a", 40)), gitops.Commit(strings.Repeat("b", 40))
	b.trees = trunk{before: oldDigest, after: newDigest}
	source := func(status, reason string) {
		fake.Put(fields{
			"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": fields{"name": "env", "namespace": "flux-system", "generation": 1},
			"spec":   fields{"interval": "1m", "url": "https://git.example.com/env"},
			"status": fields{"observedGeneration": 1, "conditions": []fields{{"type": "Ready", "status": status, "reason": reason, "message": "a message", "lastTransitionTime": stamp(0)}}},
		})
	}
	source("False", "GitOperationFailed")
	fake.Put(kustomized(string(before)))
	if h := b.says(t, "prod"); h.State != signals.StateProgressing || h.Digest != oldDigest || h.Proven ||
		h.Reason != "its source gitrepository env in flux-system: it is not ready: GitOperationFailed: a message" {
		t.Errorf("answer %+v, want the source blamed", h)
	}
	source("True", "Succeeded")
	if h := b.says(t, "prod"); h.State != signals.StateHealthy || h.Digest != oldDigest {
		t.Errorf("answer %+v, want it well on the version before", h)
	}
	fake.Put(kustomized(string(after)))
	source("False", "GitOperationFailed")
	if h := b.says(t, "prod"); h.State != signals.StateHealthy || h.Digest != newDigest {
		t.Errorf("answer %+v, want it well: it arrived", h)
	}
}

// TestWhatGitNamesIsAsked holds that templates reach the source with what Git
// names.
func TestWhatGitNamesIsAsked(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if r.URL.Path == "/api/v1/query" {
			asked = append(asked, r.FormValue("query"))
			_, _ = fmt.Fprint(rw, `{"status":"success","data":{"resultType":"scalar","result":[1,"0"]}}`)
			return
		}
		asked = append(asked, r.RequestURI)
		_, _ = fmt.Fprint(rw, `{"version":"1.1.0"}`)
	}))
	defer server.Close()
	b := wired(t, fmt.Sprintf("  - {name: prometheus, kind: prometheus, url: %q}\n  - {name: web, kind: probe, url: %q}\n", server.URL, server.URL), map[string]string{
		"dev":  `{name: errors, signal: prometheus, query: 'errors{env="${environment}",version=~"${tag}"}', below: 1}`,
		"prod": `{name: smoke, signal: web, url: "` + server.URL + `/${environment}/${digest}", json: {path: version, value: "${tag}"}}`,
	})
	for _, environment := range []string{"dev", "prod"} {
		if h := b.says(t, environment); h.State != signals.StateHealthy {
			t.Errorf("%s: %q because %q", environment, h.State, h.Reason)
		}
	}
	want := `errors{env="dev",version=~"1\\.1\\.0"} /prod/sha256%3A` + strings.Repeat("2", 64)
	if got := strings.Join(asked, " "); got != want {
		t.Errorf("asked %s, want %s", got, want)
	}
	list, err := b.Health(t.Context(), gitops.Lane{Repository: "env", Environment: "dev", Artifact: "shop"}, signals.Question{Digest: newDigest})
	if err != nil || list[0].State != signals.StateUnknown || list[0].Reason != "git names nothing here that could stand for ${tag}" || list[0].Name != "errors" || list[0].For != newDigest {
		t.Errorf("without a tag: %+v, %v", list, err)
	}
}

// TestAlertsFallBack holds that Prometheus' own alerts count while Alertmanager
// does not answer, at once and while it rests, and no longer than that.
func TestAlertsFallBack(t *testing.T) {
	t.Parallel()
	var down atomic.Bool
	alertmanager := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		if down.Load() {
			rw.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = fmt.Fprint(rw, `[]`)
	}))
	defer alertmanager.Close()
	var silent atomic.Bool
	prometheus := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		if silent.Load() {
			rw.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = fmt.Fprint(rw, `{"status":"success","data":{"alerts":[{"labels":{"alertname":"Slow","service":"shop"},"state":"firing","activeAt":"2026-11-21T12:00:00Z"}]}}`)
	}))
	defer prometheus.Close()
	b := wired(t, fmt.Sprintf("  - {name: alerts, kind: alertmanager, url: %q, fallback: prometheus}\n  - {name: prometheus, kind: prometheus, url: %q}\n", alertmanager.URL, prometheus.URL),
		map[string]string{"prod": `{name: no-alerts, signal: alerts, scope: {service: "${artifact}"}}`})
	if h := b.says(t, "prod"); h.State != signals.StateHealthy {
		t.Errorf("while it answers: %+v", h)
	}
	down.Store(true)
	for look := range patience + 2 {
		for _, a := range b.health.alerts {
			a.Forget()
		}
		h := b.says(t, "prod")
		if want := "asked instead of alerts, which does not answer: alert Slow fires"; h.State != signals.StateUnhealthy || h.Reason != want || h.Name != "no-alerts" || h.For != newDigest {
			t.Errorf("look %d: %+v, want unhealthy because %s", look, h, want)
		}
	}
	silent.Store(true)
	for _, a := range b.health.alerts {
		a.Forget()
	}
	if h := b.says(t, "prod"); h.State != signals.StateUnknown || !strings.Contains(h.Reason, "503") {
		t.Errorf("where neither answers: %+v, want nothing known", h)
	}
}

// TestLeftAloneForAsLongAsItSays holds that a source which names a time to come
// back is not asked before, by every kind that can say so.
func TestLeftAloneForAsLongAsItSays(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		rw.Header().Set("Retry-After", "300")
		rw.WriteHeader(http.StatusTooManyRequests)
	}))
	defer server.Close()
	kinds := map[string]string{
		"prometheus": `query: up, below: 1`, "alertmanager": `scope: {service: "${artifact}"}`, "kubernetes": `object: "deployment/${artifact}"`,
		"flux": `object: "kustomization/${artifact}"`, "argocd": `application: "${artifact}"`,
	}
	var connections strings.Builder
	environments := map[string]string{}
	for kind, question := range kinds {
		fmt.Fprintf(&connections, "  - {name: %s, kind: %s, url: %q}\n", kind, kind, server.URL)
		environments[kind] = fmt.Sprintf("{name: x, signal: %s, %s}", kind, question)
	}
	b := wired(t, connections.String(), environments)
	for kind := range kinds {
		asked.Store(0)
		for range 3 {
			if h := b.says(t, kind); h.State != signals.StateUnknown {
				t.Errorf("%s says %+v", kind, h)
			}
		}
		if n := asked.Load(); n != 1 {
			t.Errorf("%s was asked %d times, want once", kind, n)
		}
	}
}
