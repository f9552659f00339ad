package kubernetes_test

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/waveguide-dev/waveguide/signals"
)

func healthy(d signals.Digest, since time.Duration, reason string) signals.Health {
	return signals.Health{State: signals.StateHealthy, Digest: d, Rung: signals.RungPod, Since: ago(since).Time, Proven: true, Reason: reason}
}

func on(state signals.State, d signals.Digest, rung signals.Rung, reason string) signals.Health {
	return signals.Health{State: state, Digest: d, Rung: rung, Reason: reason}
}

// scene is a Deployment with its pods before a change to them.
type scene struct {
	d    *appsv1.Deployment
	pods []*corev1.Pod
}

func TestDeployment(t *testing.T) {
	t.Parallel()
	const well = "rolled out, 2 of 2 replicas are available"
	cases := map[string]struct {
		change func(*scene)
		want   signals.Health
	}{
		"rolled out": {func(*scene) {}, healthy(two, time.Hour, well)},
		"its status is older than its spec": {
			func(s *scene) { s.d.Generation = 3 },
			on(signals.StateProgressing, two, signals.RungPod, "its status is older than its spec"),
		},
		"few are updated": {
			func(s *scene) { s.moving(); s.d.Status.UpdatedReplicas = 1 },
			on(signals.StateProgressing, two, signals.RungPod, "1 of 2 replicas are updated"),
		},
		"old ones are left, and two digests run": {
			func(s *scene) {
				s.moving()
				s.d.Status.Replicas = 3
				s.pods = append(s.pods, replica(3, one))
			},
			on(signals.StateProgressing, "", "", "1 old replicas are still there"),
		},
		"the new ones are not available": {
			func(s *scene) { s.moving(); s.d.Status.AvailableReplicas = 1 },
			on(signals.StateProgressing, two, signals.RungPod, "1 of 2 updated replicas are available"),
		},
		"paused on the way": {
			func(s *scene) { s.moving(); s.d.Spec.Paused = true; s.d.Status.UpdatedReplicas = 0 },
			on(signals.StateProgressing, two, signals.RungPod, "its rollout is paused"),
		},
		"the deadline is over": {
			func(s *scene) {
				s.d.Status.Conditions[1].Reason, s.d.Status.Conditions[1].LastTransitionTime = "ProgressDeadlineExceeded", ago(5*time.Minute)
				s.d.Status.UpdatedReplicas = 1
				s.pods = []*corev1.Pod{replica(1, one), replica(2, one)}
			},
			with(on(signals.StateUnhealthy, two, signals.RungSpec, "its rollout exceeded its progress deadline"), 5*time.Minute),
		},
		"scaled up while healthy": {
			func(s *scene) {
				s.d.Spec.Replicas = new(int32(4))
				s.d.Status.Replicas, s.d.Status.UpdatedReplicas = 3, 3
				s.pods = append(s.pods, pending(replica(3, two)))
			},
			healthy(two, time.Hour, "rolled out, 2 of 4 replicas are available"),
		},
		"no longer available": {
			func(s *scene) {
				s.d.Status.AvailableReplicas = 0
				s.d.Status.Conditions[0].Status, s.d.Status.Conditions[0].LastTransitionTime = corev1.ConditionFalse, ago(4*time.Minute)
			},
			with(on(signals.StateUnhealthy, two, signals.RungPod, "only 0 of 2 replicas are available"), 4*time.Minute),
		},
		"a pod crashes after it was rolled out": {
			func(s *scene) { crash(s.pods[1]) },
			with(on(signals.StateUnhealthy, two, signals.RungPod, "pod order-api-222222-2: container app is in CrashLoopBackOff after 4 restarts"), time.Minute),
		},
		"a pod runs again between two crashes": {
			func(s *scene) {
				c := &crash(s.pods[1]).Status.ContainerStatuses[0]
				c.State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: ago(30 * time.Second)}}
			},
			with(on(signals.StateUnhealthy, two, signals.RungPod, "pod order-api-222222-2: container app crashes again and again after 4 restarts"), time.Minute),
		},
		"a single restart moves since, not the state": {
			func(s *scene) {
				c := &s.pods[1].Status.ContainerStatuses[0]
				c.RestartCount = 1
				c.State.Running.StartedAt = ago(20 * time.Minute)
				c.LastTerminationState.Terminated = &corev1.ContainerStateTerminated{ExitCode: 137, StartedAt: ago(50 * time.Minute), FinishedAt: ago(21 * time.Minute)}
			},
			healthy(two, 20*time.Minute, well+", 1 restarts"),
		},
		"a crash after a long run is no loop": {
			func(s *scene) {
				c := &s.pods[1].Status.ContainerStatuses[0]
				c.RestartCount = 5
				c.State.Running.StartedAt = ago(time.Minute)
				c.LastTerminationState.Terminated = &corev1.ContainerStateTerminated{ExitCode: 1, StartedAt: ago(480 * time.Hour), FinishedAt: ago(2 * time.Minute)}
			},
			healthy(two, time.Minute, well+", 5 restarts"),
		},
		"a pod that does not become ready": {
			func(s *scene) {
				s.pods[1].Status.Conditions[0].Status, s.pods[1].Status.Conditions[0].LastTransitionTime = corev1.ConditionFalse, ago(15*time.Minute)
			},
			with(on(signals.StateUnhealthy, two, signals.RungPod, "pod order-api-222222-2 is not ready since "+ago(15*time.Minute).UTC().Format(time.RFC3339)), 15*time.Minute),
		},
		"the rollout before was done, this one is not": {
			func(s *scene) { s.d.Status.UpdatedReplicas = 1 },
			on(signals.StateProgressing, two, signals.RungPod, "1 of 2 replicas are updated"),
		},
		"old pods that crash are not the new version's": {
			func(s *scene) {
				s.moving()
				s.d.Status.Replicas = 3
				s.pods = append(s.pods, crash(replica(1, one)))
			},
			on(signals.StateProgressing, two, signals.RungPod, "1 old replicas are still there"),
		},
		"the image cannot be pulled": {
			func(s *scene) {
				s.moving()
				s.d.Status.UpdatedReplicas = 1
				p := pending(replica(1, two))
				p.Status.ContainerStatuses[0].State.Waiting.Reason = "ImagePullBackOff"
				s.pods = []*corev1.Pod{replica(1, one), p}
			},
			with(on(signals.StateUnhealthy, two, signals.RungSpec, "pod order-api-222222-1: container app is in ImagePullBackOff"), time.Minute),
		},
		"pods that end say nothing": {
			func(s *scene) {
				p := replica(3, one)
				p.DeletionTimestamp = new(ago(time.Second))
				p.Finalizers = []string{"example.com/keep"}
				done := replica(4, one)
				done.Status.Phase = corev1.PodFailed
				s.pods = append(s.pods, p, done)
			},
			healthy(two, time.Hour, well),
		},
		"pods of others with the same labels say nothing": {
			func(s *scene) {
				stranger := pod("order-api-job", "Job/order-api-job", pinned(one), one)
				other := pod("order-api-x-1", "ReplicaSet/order-api-canary-abcdef", pinned(one), one)
				s.pods = append(s.pods, stranger, other)
			},
			healthy(two, time.Hour, well),
		},
		"the node names the image by its configuration": {
			func(s *scene) {
				for _, p := range s.pods {
					p.Status.ContainerStatuses[0].ImageID = "sha256:5555555555555555555555555555555555555555555555555555555555555555"
				}
			},
			func() signals.Health { h := healthy(two, time.Hour, well); h.Rung = signals.RungSpec; return h }(),
		},
		"a tag is what the pods say, since the last of them started": {
			func(s *scene) {
				s.d.Spec.Template = template(image + ":v1")
				for _, p := range s.pods {
					p.Spec = template(image + ":v1").Spec
					p.Status.ContainerStatuses[0].ImageID = "docker-pullable://" + image + "@" + string(one)
				}
			},
			healthy(one, 49*time.Minute, well),
		},
		"a tag that moved under the pods": {
			func(s *scene) {
				s.d.Spec.Template = template(image + ":v1")
				for i, p := range s.pods {
					p.Spec = template(image + ":v1").Spec
					p.Status.ContainerStatuses[0].ImageID = image + "@" + string([]signals.Digest{one, two}[i])
				}
			},
			on(signals.StateProgressing, "", "", "its pods run 2 digests: sha256:111111111111, sha256:222222222222"),
		},
		"bad news about a tag are about what the sick pods run": {
			func(s *scene) {
				s.d.Spec.Template = template(image + ":v1")
				for _, p := range s.pods {
					p.Spec = template(image + ":v1").Spec
				}
				c := &crash(s.pods[1]).Status.ContainerStatuses[0]
				c.State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: ago(30 * time.Second)}}
			},
			with(on(signals.StateUnhealthy, two, signals.RungPod, "pod order-api-222222-2: container app crashes again and again after 4 restarts"), time.Minute),
		},
		"bad news that name no version are not known": {
			func(s *scene) {
				s.moving()
				s.d.Status.UpdatedReplicas = 1
				s.d.Spec.Template = template(image + ":v2")
				p := pod("order-api-333333-1", "ReplicaSet/order-api-333333", image+":v2", "")
				p.Status.ContainerStatuses[0].ImageID = ""
				s.pods = []*corev1.Pod{replica(1, one), crash(p)}
			},
			on(signals.StateUnknown, one, signals.RungPod, "nobody can say about which digest that is: pod order-api-333333-1: container app is in CrashLoopBackOff after 4 restarts"),
		},
		"nothing is asked for": {
			func(s *scene) { s.d.Spec.Replicas = new(int32(0)) },
			on(signals.StateUnknown, "", "", "it asks for no pod, so nothing runs"),
		},
		"another image": {
			func(s *scene) { s.d.Spec.Template = template("registry.example.com/team/other@" + string(two)) },
			on(signals.StateUnknown, "", "", "none of its containers has the image registry.example.com/team/order-api"),
		},
		"no pod runs": {
			func(s *scene) { s.pods = nil },
			on(signals.StateProgressing, "", "", "none of its pods says which digest it runs"),
		},
		"a clock that is ahead": {
			func(s *scene) { s.d.Status.Conditions[1].LastUpdateTime = ago(-time.Hour) },
			healthy(two, 0, well),
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, client := cluster(t)
			s := &scene{deployment(pinned(two)), []*corev1.Pod{replica(1, two), replica(2, two)}}
			c.change(s)
			fake.Put(s.d)
			for _, p := range s.pods {
				fake.Put(p)
			}
			compare(t, ask(t, client, "deployment/order-api"), c.want)
		})
	}
}

// moving forgets that the rollout is done.
func (s *scene) moving() { s.d.Status.Conditions[1].Reason = "ReplicaSetUpdated" }

func with(h signals.Health, since time.Duration) signals.Health {
	h.Since = ago(since).Time
	return h
}

// pending is a pod whose containers have not started since a minute.
func pending(p *corev1.Pod) *corev1.Pod {
	p.Status.Phase = corev1.PodPending
	p.Status.Conditions[0].Status, p.Status.Conditions[0].LastTransitionTime = corev1.ConditionFalse, ago(time.Minute)
	for i := range p.Status.ContainerStatuses {
		c := &p.Status.ContainerStatuses[i]
		c.ImageID, c.State = "", corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}}
	}
	return p
}

func TestStatefulSet(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		change func(*appsv1.StatefulSet)
		want   signals.Health
	}{
		"rolled out, since its pods are ready": {func(*appsv1.StatefulSet) {}, healthy(two, 49*time.Minute, "rolled out, 2 of 2 replicas are ready")},
		"never seen by its controller": {
			func(d *appsv1.StatefulSet) { d.Status = appsv1.StatefulSetStatus{} },
			on(signals.StateProgressing, two, signals.RungPod, "its status is older than its spec"),
		},
		"a revision is on its way": {
			func(d *appsv1.StatefulSet) { d.Status.CurrentRevision, d.Status.UpdatedReplicas = "r1", 1 },
			on(signals.StateProgressing, two, signals.RungPod, "1 of 2 replicas are updated"),
		},
		"a partition keeps it": {
			func(d *appsv1.StatefulSet) {
				d.Status.CurrentRevision, d.Status.UpdatedReplicas = "r1", 1
				d.Spec.UpdateStrategy = appsv1.StatefulSetUpdateStrategy{RollingUpdate: &appsv1.RollingUpdateStatefulSetStrategy{Partition: new(int32(1))}}
			},
			on(signals.StateProgressing, two, signals.RungPod, "1 of 2 replicas are updated, its partition keeps the 1 lowest as they are"),
		},
		"somebody has to delete pods": {
			func(d *appsv1.StatefulSet) {
				d.Status.CurrentRevision, d.Status.UpdatedReplicas = "r1", 0
				d.Spec.UpdateStrategy.Type = appsv1.OnDeleteStatefulSetStrategyType
			},
			on(signals.StateProgressing, two, signals.RungPod, "0 of 2 replicas are updated, the rest when somebody deletes their pods (OnDelete)"),
		},
		"not all are ready": {
			func(d *appsv1.StatefulSet) { d.Status.ReadyReplicas = 1 },
			on(signals.StateProgressing, two, signals.RungPod, "1 of 2 replicas are ready"),
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, client := cluster(t)
			d := &appsv1.StatefulSet{
				TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "StatefulSet"}, ObjectMeta: meta("order-api"),
				Spec:   appsv1.StatefulSetSpec{Replicas: new(int32(2)), Selector: selector(), Template: template(pinned(two))},
				Status: appsv1.StatefulSetStatus{ObservedGeneration: 2, Replicas: 2, ReadyReplicas: 2, UpdatedReplicas: 2, CurrentRevision: "r2", UpdateRevision: "r2"},
			}
			c.change(d)
			fake.Put(d)
			fake.Put(pod("order-api-0", "StatefulSet/order-api", pinned(two), two))
			fake.Put(pod("order-api-1", "StatefulSet/order-api", pinned(two), two))
			compare(t, ask(t, client, "statefulset/order-api"), c.want)
		})
	}
}

func TestDaemonSet(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		change func(*appsv1.DaemonSet)
		want   signals.Health
	}{
		"rolled out, since its pods are ready": {func(*appsv1.DaemonSet) {}, healthy(two, 49*time.Minute, "rolled out, 1 of 1 pods are available")},
		"its status is older": {
			func(d *appsv1.DaemonSet) { d.Generation = 9 },
			on(signals.StateProgressing, two, signals.RungPod, "its status is older than its spec"),
		},
		"few are updated": {
			func(d *appsv1.DaemonSet) { d.Status.UpdatedNumberScheduled = 0 },
			on(signals.StateProgressing, two, signals.RungPod, "0 of 1 pods are updated"),
		},
		"a node joined": {
			func(d *appsv1.DaemonSet) { d.Status.DesiredNumberScheduled, d.Status.UpdatedNumberScheduled = 2, 2 },
			on(signals.StateProgressing, two, signals.RungPod, "1 of 2 pods are available"),
		},
		"no node": {
			func(d *appsv1.DaemonSet) { d.Status.DesiredNumberScheduled = 0 },
			on(signals.StateUnknown, "", "", "it asks for no pod, so nothing runs"),
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, client := cluster(t)
			d := &appsv1.DaemonSet{
				TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "DaemonSet"}, ObjectMeta: meta("order-api"),
				Spec:   appsv1.DaemonSetSpec{Selector: selector(), Template: template(pinned(two))},
				Status: appsv1.DaemonSetStatus{ObservedGeneration: 2, DesiredNumberScheduled: 1, UpdatedNumberScheduled: 1, NumberAvailable: 1},
			}
			c.change(d)
			fake.Put(d)
			fake.Put(pod("order-api-x", "DaemonSet/order-api", pinned(two), two))
			compare(t, ask(t, client, "daemonset/order-api"), c.want)
		})
	}
}
