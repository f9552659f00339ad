package flux_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/flux"
	"github.com/waveguide-dev/waveguide/signals/kubernetes/kubernetestest"
)

// on makes an object of a name that depends on others, each name or
// namespace/name.
func on(o object, name string, others ...string) object {
	o["metadata"] = object{"name": name, "namespace": "apps", "generation": 1}
	list := []object{}
	for _, other := range others {
		one := object{"name": other}
		if namespace, name, ok := strings.Cut(other, "/"); ok {
			one = object{"name": name, "namespace": namespace}
		}
		list = append(list, one)
	}
	o["spec"].(object)["dependsOn"] = list
	return o
}

func blocked(name string, others ...string) object {
	return on(kustomization("GitRepository", git)(1, 1, 1, 2, condition("Ready", "False", "DependencyNotReady", time.Minute)), name, others...)
}

func is(name, status, reason string) object {
	return on(kustomization("GitRepository", git)(1, 1, 2, 2, condition("Ready", status, reason, time.Minute)), name)
}

func TestDependencyOrder(t *testing.T) {
	t.Parallel()
	long := []object{}
	for i := range 20 {
		long = append(long, blocked(fmt.Sprintf("d%d", i), fmt.Sprintf("d%d", i+1)))
	}
	many := []string{}
	for i := range 25 {
		many = append(many, fmt.Sprintf("well%02d", i))
		long = append(long, is(many[i], "True", "ReconciliationSucceeded"))
	}
	elsewhere := is("crds", "False", "HealthCheckFailed")
	elsewhere["metadata"].(object)["namespace"] = "platform"
	cases := map[string]struct {
		object object
		others []object
		want   string
	}{
		"one that fails": {
			blocked("order-api", "well", "infra"),
			[]object{is("well", "True", "ReconciliationSucceeded"), is("infra", "False", "BuildFailed")},
			"it waits for kustomization infra in apps: it is not ready: BuildFailed: a message",
		},
		"one of another namespace that is sick": {
			blocked("order-api", "platform/crds"), []object{elsewhere}, "it waits for kustomization crds in platform: HealthCheckFailed: a message",
		},
		"a chain to its end": {
			blocked("order-api", "infra"),
			[]object{blocked("infra", "crds"), is("crds", "Unknown", "Progressing")},
			"it waits for kustomization infra in apps, which waits for kustomization crds in apps: it is not ready yet: Progressing: a message",
		},
		"one that is suspended": {
			blocked("order-api", "infra"), []object{func() object {
				o := is("infra", "True", "ReconciliationSucceeded")
				o["spec"].(object)["suspend"] = true
				return o
			}()}, "it waits for kustomization infra in apps: it is suspended: nobody reconciles it",
		},
		"one that is not there": {
			blocked("order-api", "infra"), nil, "it waits for kustomization infra in apps: it is not there",
		},
		"each other": {
			blocked("order-api", "infra"),
			[]object{blocked("infra", "order-api")},
			"it waits for kustomization infra in apps, which waits for kustomization order-api in apps: they wait for each other",
		},
		"itself": {blocked("order-api", "order-api"), nil, "it waits for kustomization order-api in apps: they wait for each other"},
		"a long chain": {
			blocked("order-api", "d0"), long, "it waits for kustomization d0 in apps, which waits for kustomization d1 in apps, which waits for kustomization d2 in apps, " +
				"which waits for kustomization d3 in apps, which waits for kustomization d4 in apps, and so on",
		},
		"many": {blocked("order-api", many...), long, "it waits for kustomization well20 in apps: it depends on more than are read"},
		"ready meanwhile": {
			blocked("order-api", "infra"), []object{is("infra", "True", "ReconciliationSucceeded")}, "it is not ready: DependencyNotReady: a message",
		},
		"a name that is a path": {blocked("order-api", "../secrets"), nil, `it waits for kustomization secrets in ..: `},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, source := cluster(t)
			for _, o := range slices.Concat(c.others, []object{c.object}) {
				fake.Put(o)
			}
			h, _ := source.Check(t.Context(), flux.Spec{Name: "ready", Object: "kustomization/order-api", Namespace: "apps", Image: image})
			if h.State != signals.StateProgressing || !strings.HasPrefix(h.Reason, c.want) {
				t.Errorf("%q because %q, want progressing because %q", h.State, h.Reason, c.want)
			}
			if asked := fake.Requests(); len(asked) > 25 {
				t.Errorf("it took %d requests", len(asked))
			}
		})
	}
}

// TestDependenciesOfHelmReleases holds that a spec which its controller has not
// taken up waits with the name of what it waits for, too.
func TestDependenciesOfHelmReleases(t *testing.T) {
	t.Parallel()
	fake, source := cluster(t)
	stale := on(helmRelease(false)(2, 1, 1, 2, condition("Ready", "False", "DependencyNotReady", time.Minute)), "order-api", "database")
	stale["metadata"].(object)["generation"] = 2
	fake.Put(stale)
	fake.Put(on(helmRelease(false)(1, 1, 1, 1, condition("Ready", "False", "UpgradeFailed", time.Minute)), "database"))
	h, _ := source.Check(t.Context(), flux.Spec{Name: "ready", Object: "helmrelease/order-api", Namespace: "apps", Image: image})
	if want := "it waits for helmrelease database in apps: UpgradeFailed: a message"; h.State != signals.StateProgressing || h.Reason != want {
		t.Errorf("%q because %q, want progressing because %q", h.State, h.Reason, want)
	}
}

// fetched is the Git repository of the Kustomizations.
func fetched(change func(object)) object {
	o := object{
		"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": meta(1), "spec": object{"interval": "1m", "url": "https://git.example.com/env"},
		"status": object{"observedGeneration": 1, "conditions": []object{condition("Ready", "True", "Succeeded", time.Hour)}},
	}
	change(o)
	return o
}

func TestSourcesThatAreNotReady(t *testing.T) {
	t.Parallel()
	says := func(status, reason string) func(object) {
		return func(o object) {
			o["status"].(object)["conditions"] = []object{condition("Ready", status, reason, time.Minute)}
		}
	}
	const its = "its source gitrepository order-api in apps: "
	cases := map[string]struct {
		change func(object)
		want   string
	}{
		"it cannot be fetched": {says("False", "GitOperationFailed"), its + "it is not ready: GitOperationFailed: a message"},
		"it is suspended":      {func(o object) { o["spec"].(object)["suspend"] = true }, its + "it is suspended: nobody reconciles it"},
		"it changed just now":  {func(o object) { o["metadata"].(object)["generation"] = 2 }, its + "its status is older than its spec"},
		"it is stalled": {func(o object) {
			o["status"].(object)["conditions"] = []object{condition("Ready", "False", "URLInvalid", time.Minute), condition("Stalled", "True", "URLInvalid", time.Minute)}
		}, its + "it is stalled: URLInvalid: a message"},
		"it is well": {func(object) {}, ""},
	}
	q := flux.Spec{Name: "ready", Object: "kustomization/order-api", Namespace: "apps", Image: image}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, source := cluster(t)
			fake.Put(fetched(c.change))
			fake.Put(kustomization("GitRepository", git)(1, 1, 1, 1, condition("Ready", "False", "ArtifactFailed", time.Hour)))
			want := c.want
			if want == "" {
				want = "it is not ready: ArtifactFailed: a message"
			}
			if h, _ := source.Check(t.Context(), q); h.State != signals.StateProgressing || h.Reason != want {
				t.Errorf("%q because %q, want progressing because %q", h.State, h.Reason, want)
			}
			// What was applied before is well; why nothing newer comes is another question.
			fake.Put(kustomization("GitRepository", git)(1, 1, 1, 1, condition("Ready", "True", "Succeeded", time.Hour)))
			if h, _ := source.Check(t.Context(), q); h.State != signals.StateHealthy || h.Revision != before {
				t.Errorf("answer %+v, want it well on what it applied", h)
			}
			if got := source.Behind(t.Context(), q); got != c.want {
				t.Errorf("behind because %q, want %q", got, c.want)
			}
		})
	}
}

// TestWhatIsWaitedForIsReadUnderTheRole walks under the role that we hand out:
// to what an object depends on, and to its source.
func TestWhatIsWaitedForIsReadUnderTheRole(t *testing.T) {
	t.Parallel()
	fake, source := cluster(t)
	fake.Allow(kubernetestest.Role(t, "../../deploy/rbac/flux.yaml"))
	fake.Put(fetched(func(o object) { o["spec"].(object)["suspend"] = true }))
	fake.Put(blocked("infra", "base"))
	fake.Put(is("base", "False", "BuildFailed"))
	for want, o := range map[string]object{
		"it waits for kustomization infra in apps, which waits for kustomization base in apps": blocked("order-api", "infra"),
		"its source gitrepository order-api in apps: it is suspended":                          is("order-api", "False", "ArtifactFailed"),
	} {
		fake.Put(o)
		h, err := source.Check(t.Context(), flux.Spec{Name: "ready", Object: "kustomization/order-api", Namespace: "apps", Image: image})
		if err != nil || !strings.HasPrefix(h.Reason, want) {
			t.Errorf("%q, %v, want %q", h.Reason, err, want)
		}
	}
}
