package kubernetes_test

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/kubernetes"
	"github.com/waveguide-dev/waveguide/signals/kubernetes/kubernetestest"
	"github.com/waveguide-dev/waveguide/signals/signalstest"
)

func TestSourceKeepsTheContract(t *testing.T) {
	t.Parallel()
	signalstest.Run(t, func(t *testing.T) signalstest.Scene {
		t.Helper()
		fake, client := cluster(t)
		source := kubernetes.New(client)
		var pods []*corev1.Pod
		run := func(of ...*corev1.Pod) {
			for _, p := range pods {
				fake.Delete(path(p))
			}
			pods = of
			for _, p := range of {
				fake.Put(p)
			}
		}
		d := deployment(pinned(one))
		ask := func(for2 bool) {
			d = deployment(pinned(two))
			d.Generation = 3
			if for2 {
				d.Status.ObservedGeneration = 3
			}
		}
		return signalstest.Scene{
			Name: "workload", Secret: token, Old: signalstest.Version{Digest: one}, New: signalstest.Version{Digest: two},
			Ask: func(ctx context.Context) (signals.Health, error) {
				return source.Check(ctx, kubernetes.Spec{Name: "workload", Object: "deployment/order-api", Namespace: "staging", Image: image})
			},
			Well: func(v signalstest.Version) {
				fake.Put(deployment(pinned(v.Digest)))
				run(replica(1, v.Digest), replica(2, v.Digest))
			},
			Merged: func() { ask(false); fake.Put(d) },
			Moving: func() {
				ask(true)
				d.Status.Replicas, d.Status.UpdatedReplicas = 3, 1
				fake.Put(d)
				run(replica(1, one), replica(2, one), replica(1, two))
			},
			Sick: func() {
				ask(true)
				d.Status.Replicas, d.Status.UpdatedReplicas = 3, 1
				fake.Put(d)
				run(replica(1, one), replica(2, one), crash(replica(1, two)))
			},
			Gone: func() { fake.Delete("/apis/apps/v1/namespaces/staging/deployments/order-api") },
			Down: func(status int) { fake.Fault(kubernetestest.Faults{Status: status}) },
			Cut:  func() { fake.Fault(kubernetestest.Faults{Cut: 200}) },
			Up:   func() { fake.Fault(kubernetestest.Faults{}) },
		}
	})
}
