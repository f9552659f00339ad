package kubernetes_test

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/kubernetes/kubernetestest"
)

// TestTheRoleIsTheLeast asks everything that can be asked under the role that
// we hand out.
func TestTheRoleIsTheLeast(t *testing.T) {
	t.Parallel()
	fake, client := cluster(t)
	rules := kubernetestest.Role(t, "../../deploy/rbac/kubernetes.yaml")
	fake.Allow(rules)
	fake.Put(deployment(pinned(two)))
	fake.Put(replica(1, two))
	fake.Put(pod("order-api-0", "StatefulSet/order-api", pinned(two), two))
	fake.Put(pod("order-api-x", "DaemonSet/order-api", pinned(two), two))
	fake.Put(&appsv1.StatefulSet{
		TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "StatefulSet"}, ObjectMeta: meta("order-api"),
		Spec:   appsv1.StatefulSetSpec{Selector: selector(), Template: template(pinned(two))},
		Status: appsv1.StatefulSetStatus{ObservedGeneration: 2, ReadyReplicas: 1},
	})
	fake.Put(&appsv1.DaemonSet{
		TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "DaemonSet"}, ObjectMeta: meta("order-api"),
		Spec:   appsv1.DaemonSetSpec{Selector: selector(), Template: template(pinned(two))},
		Status: appsv1.DaemonSetStatus{ObservedGeneration: 2, DesiredNumberScheduled: 1, UpdatedNumberScheduled: 1, NumberAvailable: 1},
	})
	fake.Put(map[string]any{
		"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": meta("order-api"),
		"spec":   map[string]any{"selector": selector(), "template": template(pinned(two))},
		"status": map[string]any{"observedGeneration": "2", "phase": "Healthy"},
	})
	cost := map[string]int{}
	var all []kubernetestest.Request
	for _, object := range []string{"deployment/order-api", "statefulset/order-api", "daemonset/order-api", "rollout/order-api"} {
		if h := ask(t, client, object); h.State != signals.StateHealthy {
			t.Errorf("%s: answer %+v, want healthy", object, h)
		}
		requests := fake.Requests()
		cost[object], all = len(requests), append(all, requests...)
	}
	kubernetestest.Need(t, rules, all)
	for object, n := range cost {
		if n != 2 {
			t.Errorf("%s costs %d requests, want 2", object, n)
		}
	}
	fake.Allow(nil)
	h := ask(t, client, "deployment/order-api")
	if h.State != signals.StateUnknown || !strings.Contains(h.Reason, "the role in deploy/rbac allows what is needed") {
		t.Errorf("without a role: answer %+v, want unknown and what to do", h)
	}
}
