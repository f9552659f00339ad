package flux_test

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/flux"
	"github.com/waveguide-dev/waveguide/signals/kubernetes"
	"github.com/waveguide-dev/waveguide/signals/kubernetes/kubernetestest"
	"github.com/waveguide-dev/waveguide/signals/signalstest"
)

const (
	image = "registry.example.com/team/order-api"
	one   = signals.Digest("sha256:1111111111111111111111111111111111111111111111111111111111111111")
	two   = signals.Digest("sha256:2222222222222222222222222222222222222222222222222222222222222222")
	// before and after are commits.
	before = "1111111111111111111111111111111111111111"
	after  = "2222222222222222222222222222222222222222"
	token  = "s3cret-token"
)

var began = time.Now().Truncate(time.Second)

func ago(d time.Duration) string { return began.Add(-d).UTC().Format(time.RFC3339) }

type object = map[string]any

func cluster(t *testing.T) (*kubernetestest.Server, *flux.Source) {
	t.Helper()
	fake := kubernetestest.New(t)
	fake.Demand(token)
	client, err := kubernetes.Connect(kubernetes.Options{
		URL: fake.URL, Token: func(context.Context) (string, error) { return token, nil },
		Network: func(...string) (kubernetes.Network, error) {
			return kubernetes.Network{Dial: (&net.Dialer{Timeout: 5 * time.Second}).DialContext}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return fake, flux.New(client)
}

func condition(kind, status, reason string, since time.Duration) object {
	return object{"type": kind, "status": status, "reason": reason, "message": "a message", "lastTransitionTime": ago(since)}
}

// flavour is one way in which a lane may be deployed by Flux.
type flavour struct {
	object, path string
	version      func(n int) signalstest.Version
	// make writes the object at a generation: which version its spec and status
	// name, and its conditions.
	make func(generation, observed, applied, attempted int, conditions ...object) object
	sick string
	more []object
}

func git(n int) string { return "main@sha1:" + []string{"", before, after}[n] }

func oci(n int) string { return "latest@" + string([]signals.Digest{"", one, two}[n]) }

func digests(n int) signals.Digest { return []signals.Digest{"", one, two}[n] }

func meta(generation int) object {
	return object{"name": "order-api", "namespace": "apps", "generation": generation, "uid": "u"}
}

// bundle is the OCI source of the artifact's image, or of another.
func bundle(url string) object {
	return object{
		"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "OCIRepository",
		"metadata": object{"name": "order-api", "namespace": "apps", "generation": 1},
		"spec":     object{"interval": "1m", "url": "oci://" + url},
	}
}

func kustomization(source string, revision func(int) string) func(int, int, int, int, ...object) object {
	return func(generation, observed, applied, attempted int, conditions ...object) object {
		return object{
			"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": meta(generation),
			"spec": object{"interval": "1m", "prune": true, "wait": true, "sourceRef": object{"kind": source, "name": "order-api"}},
			"status": object{
				"observedGeneration": observed, "conditions": append([]object{}, conditions...), "lastAppliedRevision": revision(applied), "lastAttemptedRevision": revision(attempted),
			},
		}
	}
}

func helmRelease(chart bool) func(int, int, int, int, ...object) object {
	return func(generation, observed, applied, attempted int, conditions ...object) object {
		spec := object{
			"interval": "1m", "chart": object{"spec": object{"chart": "web", "sourceRef": object{"kind": "HelmRepository", "name": "charts"}}},
			"values": object{"web": object{"image": object{"repository": image, "tag": "v1@" + string(digests(attempted))}}},
		}
		if chart {
			spec = object{"interval": "1m", "chartRef": object{"kind": "OCIRepository", "name": "order-api"}}
		}
		status := object{"observedGeneration": observed, "conditions": append([]object{}, conditions...)}
		if applied > 0 {
			status["lastAttemptedRevisionDigest"] = digests(attempted)
			status["history"] = []object{{
				"name": "web", "namespace": "apps", "version": 1, "digest": one, "chartName": "web", "chartVersion": "1.2.3", "configDigest": one,
				"status": "deployed", "ociDigest": digests(applied), "firstDeployed": ago(time.Hour), "lastDeployed": ago(time.Hour),
			}}
		}
		return object{"apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease", "metadata": meta(generation), "spec": spec, "status": status}
	}
}

func flavours() map[string]flavour {
	byCommit := func(n int) signalstest.Version { return signalstest.Version{Revision: git(n)[len("main@sha1:"):]} }
	byDigest := func(n int) signalstest.Version { return signalstest.Version{Digest: digests(n)} }
	const kustomizations, releases = "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/apps/kustomizations/order-api", "/apis/helm.toolkit.fluxcd.io/v2/namespaces/apps/helmreleases/order-api"
	return map[string]flavour{
		"a Kustomization from Git":                  {"kustomization/order-api", kustomizations, byCommit, kustomization("GitRepository", git), "HealthCheckFailed", nil},
		"a Kustomization from the artifact itself":  {"kustomization/order-api", kustomizations, byDigest, kustomization("OCIRepository", oci), "HealthCheckFailed", []object{bundle(image)}},
		"a HelmRelease whose values name the image": {"helmrelease/order-api", releases, byDigest, helmRelease(false), "UpgradeFailed", nil},
		"a HelmRelease of the artifact itself":      {"helmrelease/order-api", releases, byDigest, helmRelease(true), "UpgradeFailed", []object{bundle(image)}},
	}
}

func TestSourceKeepsTheContract(t *testing.T) {
	t.Parallel()
	for name, f := range flavours() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			signalstest.Run(t, func(t *testing.T) signalstest.Scene {
				t.Helper()
				fake, source := cluster(t)
				for _, o := range f.more {
					fake.Put(o)
				}
				return signalstest.Scene{
					Name: "ready", Secret: token, Old: f.version(1), New: f.version(2),
					Ask: func(ctx context.Context) (signals.Health, error) {
						return source.Check(ctx, flux.Spec{Name: "ready", Object: f.object, Namespace: "apps", Image: image})
					},
					Well: func(v signalstest.Version) {
						n := 1
						if v == f.version(2) {
							n = 2
						}
						fake.Put(f.make(1, 1, n, n, condition("Ready", "True", "Succeeded", time.Hour)))
					},
					Merged: func() { fake.Put(f.make(2, 1, 1, 2, condition("Ready", "True", "Succeeded", time.Hour))) },
					Moving: func() {
						fake.Put(f.make(2, 2, 1, 2, condition("Ready", "Unknown", "Progressing", time.Minute), condition("Reconciling", "True", "Progressing", time.Minute)))
					},
					Sick: func() { fake.Put(f.make(2, 2, 1, 2, condition("Ready", "False", f.sick, time.Minute))) },
					Gone: func() { fake.Delete(f.path) },
					Down: func(status int) { fake.Fault(kubernetestest.Faults{Status: status}) },
					Cut:  func() { fake.Fault(kubernetestest.Faults{Cut: 100}) },
					Up:   func() { fake.Fault(kubernetestest.Faults{}) },
				}
			})
		})
	}
}

func TestReady(t *testing.T) {
	t.Parallel()
	ready := condition("Ready", "True", "ReconciliationSucceeded", time.Hour)
	change := func(o object, what ...func(object)) object {
		for _, f := range what {
			f(o)
		}
		return o
	}
	inSpec := func(key string, value any) func(object) {
		return func(o object) { o["spec"].(object)[key] = value }
	}
	k := kustomization("GitRepository", git)
	cases := map[string]struct {
		object object
		state  signals.State
		reason string
	}{
		"ready": {k(1, 1, 2, 2, ready), signals.StateHealthy, "ReconciliationSucceeded: a message"},
		"ready without a look at health": {
			change(k(1, 1, 2, 2, ready), inSpec("wait", false)), signals.StateHealthy,
			"ReconciliationSucceeded: a message (without wait or healthChecks it says that it applied, not that it runs)",
		},
		"suspended while ready": {change(k(1, 1, 2, 2, ready), inSpec("suspend", true)), signals.StateUnknown, "it is suspended: nobody reconciles it"},
		"being deleted": {
			change(k(1, 1, 2, 2, ready), func(o object) { o["metadata"].(object)["deletionTimestamp"] = ago(time.Minute) }), signals.StateUnknown, "it is being deleted",
		},
		"a status older than its spec": {k(2, 1, 2, 2, ready), signals.StateProgressing, "its status is older than its spec"},
		"a condition older than its spec": {
			k(2, 2, 2, 2, object{"type": "Ready", "status": "True", "reason": "Succeeded", "message": "", "lastTransitionTime": ago(time.Hour), "observedGeneration": 1}),
			signals.StateProgressing, "its status is older than its spec",
		},
		"no condition":              {k(1, 1, 2, 2), signals.StateProgressing, "its status is older than its spec"},
		"stalled":                   {k(1, 1, 2, 2, ready, condition("Stalled", "True", "InvalidPath", time.Minute)), signals.StateProgressing, "it is stalled: InvalidPath: a message"},
		"reconciling while ready":   {k(1, 1, 2, 2, ready, condition("Reconciling", "True", "Progressing", time.Minute)), signals.StateProgressing, "it is reconciling: Progressing: a message"},
		"what it depends on":        {k(1, 1, 1, 2, condition("Ready", "False", "DependencyNotReady", time.Minute)), signals.StateProgressing, "it is not ready: DependencyNotReady: a message"},
		"somebody broke the build":  {k(1, 1, 1, 2, condition("Ready", "False", "BuildFailed", time.Minute)), signals.StateProgressing, "it is not ready: BuildFailed: a message"},
		"ready with another commit": {k(1, 1, 1, 2, ready), signals.StateProgressing, "it applied " + git(1) + " and tries " + git(2)},
		"sick":                      {k(1, 1, 1, 2, condition("Ready", "False", "HealthCheckFailed", time.Minute)), signals.StateUnhealthy, "HealthCheckFailed: a message"},
		"a bundle of something else, made from a commit nobody names": {
			kustomization("OCIRepository", oci)(1, 1, 2, 2, ready), signals.StateUnknown, "it is ready, but nobody can say with which version: ReconciliationSucceeded: a message",
		},
		"a revision that is none": {
			kustomization("GitRepository", func(int) string { return "main@sha1:nonsense" })(1, 1, 2, 2, ready), signals.StateUnknown,
			"it is ready, but nobody can say with which version: ReconciliationSucceeded: a message",
		},
		"words for terminals": {
			k(1, 1, 2, 2, object{"type": "Ready", "status": "True", "reason": "Succeeded", "message": "\x1b[31mred\nline", "lastTransitionTime": ago(time.Hour)}),
			signals.StateHealthy, "Succeeded: [31mredline",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, source := cluster(t)
			fake.Put(bundle("registry.example.com/team/other"))
			fake.Put(c.object)
			h, _ := source.Check(t.Context(), flux.Spec{Name: "ready", Object: "kustomization/order-api", Namespace: "apps", Image: image})
			if h.State != c.state || h.Reason != c.reason {
				t.Errorf("%q because %q, want %q because %q", h.State, h.Reason, c.state, c.reason)
			}
			if c.state == signals.StateHealthy && (h.Revision != after || h.Rung != signals.RungApplied || !h.Proven || !h.Since.Equal(began.Add(-time.Hour))) {
				t.Errorf("answer %+v, want it proven since an hour, on the commit that was applied", h)
			}
		})
	}
}

func TestBundlesOfOtherThingsNameTheirCommit(t *testing.T) {
	t.Parallel()
	fake, source := cluster(t)
	fake.Put(bundle("registry.example.com/team/manifests"))
	o := kustomization("OCIRepository", oci)(1, 1, 2, 2, condition("Ready", "True", "Succeeded", time.Hour))
	o["status"].(object)["lastAppliedOriginRevision"] = git(2)
	fake.Put(o)
	h, _ := source.Check(t.Context(), flux.Spec{Name: "ready", Object: "kustomization/order-api", Namespace: "apps", Image: image})
	if h.State != signals.StateHealthy || h.Digest != "" || h.Revision != after {
		t.Errorf("answer %+v, want the commit that the bundle was made from", h)
	}
}

func TestSourcesOfFluxAreFetchedNotApplied(t *testing.T) {
	t.Parallel()
	fake, source := cluster(t)
	for _, kind := range []string{"GitRepository", "OCIRepository"} {
		fake.Put(object{
			"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": kind, "metadata": meta(1), "spec": object{"interval": "1m", "url": map[string]string{"GitRepository": "https://git.example.com/env", "OCIRepository": "oci://" + image}[kind]},
			"status": object{
				"observedGeneration": 1, "conditions": []object{condition("Ready", "True", "Succeeded", time.Hour)},
				"artifact": object{"revision": oci(2), "digest": one, "lastUpdateTime": ago(time.Hour), "path": "p", "url": "http://source/p"},
			},
		})
		kind := map[string]string{"GitRepository": "gitrepository/order-api", "OCIRepository": "ocirepository/order-api"}[kind]
		h, _ := source.Check(t.Context(), flux.Spec{Name: "fetched", Object: kind, Namespace: "apps", Image: image})
		if h.State != signals.StateHealthy || h.Digest != "" || h.Rung != signals.RungNone || h.Revision != oci(2) {
			t.Errorf("%s: answer %+v, want healthy, but nothing about what runs", kind, h)
		}
	}
}

func TestRecordedObjects(t *testing.T) {
	t.Parallel()
	cases := map[string]string{
		"kustomization": "it is not ready yet: Progressing: x",
		"helmrelease":   "its status is older than its spec",
	}
	for kind, want := range cases {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			fake, source := cluster(t)
			data, err := os.ReadFile("testdata/" + kind + ".json")
			if err != nil {
				t.Fatal(err)
			}
			fake.Put(data)
			var o object
			if err := json.Unmarshal(bundleFor("staging"), &o); err != nil {
				t.Fatal(err)
			}
			fake.Put(o)
			h, _ := source.Check(t.Context(), flux.Spec{Name: "ready", Object: kind + "/web", Namespace: "staging", Image: image})
			if h.State != signals.StateProgressing || h.Reason != want {
				t.Errorf("%q because %q, want progressing because %q", h.State, h.Reason, want)
			}
		})
	}
}

// bundleFor is the OCI source that the recorded HelmRelease refers to.
func bundleFor(namespace string) []byte {
	o := bundle("registry.example.com/charts/web")
	o["metadata"] = object{"name": "web", "namespace": namespace, "generation": 1}
	data, _ := json.Marshal(o)
	return data
}

func TestQuestionsThatCannotBeAsked(t *testing.T) {
	t.Parallel()
	fake, source := cluster(t)
	for object, want := range map[string]string{
		"deployment/web":                `"deployment" is no kind that is read of Flux: use kustomization, helmrelease, ocirepository or gitrepository`,
		"kustomization":                 `"kustomization" names no object: write kind/name`,
		"kustomization/../../secrets/x": `"../../secrets/x" is no name that Kubernetes allows`,
	} {
		h, _ := source.Check(t.Context(), flux.Spec{Name: "ready", Object: object, Namespace: "apps"})
		if h.State != signals.StateUnknown || h.Reason != want {
			t.Errorf("%s: %q because %q, want unknown because %q", object, h.State, h.Reason, want)
		}
	}
	if asked := fake.Requests(); len(asked) > 0 {
		t.Errorf("the cluster was asked %v", asked)
	}
}

// TestRequestsPerLook asks under the role that we hand out.
func TestRequestsPerLook(t *testing.T) {
	t.Parallel()
	fake, source := cluster(t)
	want := map[string]int{
		"a Kustomization from Git": 1, "a Kustomization from the artifact itself": 2,
		"a HelmRelease whose values name the image": 1, "a HelmRelease of the artifact itself": 2,
	}
	rules := kubernetestest.Role(t, "../../deploy/rbac/flux.yaml")
	fake.Allow(rules)
	var all []kubernetestest.Request
	for name, f := range flavours() {
		for _, o := range f.more {
			fake.Put(o)
		}
		fake.Put(f.make(1, 1, 2, 2, condition("Ready", "True", "Succeeded", time.Hour)))
		fake.Requests()
		_, _ = source.Check(t.Context(), flux.Spec{Name: "ready", Object: f.object, Namespace: "apps", Image: image})
		requests := fake.Requests()
		if got := len(requests); got != want[name] {
			t.Errorf("%s costs %d requests, want %d", name, got, want[name])
		}
		all = append(all, requests...)
	}
	_, _ = source.Check(t.Context(), flux.Spec{Name: "fetched", Object: "gitrepository/order-api", Namespace: "apps"})
	kubernetestest.Need(t, rules, append(all, fake.Requests()...))
}
