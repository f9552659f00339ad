package kubernetes

import (
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/waveguide-dev/waveguide/signals"
)

// stand is what a workload says of itself: healthy is rolled out, by the rules
// of `kubectl rollout status`, and available.
type stand struct {
	state  signals.State
	reason string
	// since is when that began, where its conditions tell.
	since time.Time
}

func progressing(format string, args ...any) stand {
	return stand{state: signals.StateProgressing, reason: fmt.Sprintf(format, args...)}
}

// workload is a workload with what is needed to find and judge its pods.
type workload struct {
	stand    stand
	template corev1.PodSpec
	selector *metav1.LabelSelector
	// owns says whether a pod belongs to it, whatever its labels.
	owns func(metav1.ObjectMeta) bool
	// empty says that it asks for no pod at all.
	empty bool
}

// ownedBy is for workloads that make their pods themselves.
func ownedBy(owner metav1.ObjectMeta) func(metav1.ObjectMeta) bool {
	return func(pod metav1.ObjectMeta) bool {
		c := metav1.GetControllerOfNoCopy(&pod)
		return c != nil && c.UID == owner.UID
	}
}

// ownedThrough is for workloads that make ReplicaSets: their names end in the
// hash that the pods have as a label.
func ownedThrough(owner metav1.ObjectMeta, hashLabel string) func(metav1.ObjectMeta) bool {
	return func(pod metav1.ObjectMeta) bool {
		c := metav1.GetControllerOfNoCopy(&pod)
		hash := pod.Labels[hashLabel]
		return c != nil && hash != "" && c.Kind == "ReplicaSet" && c.Name == owner.Name+"-"+hash
	}
}

func fromDeployment(d *appsv1.Deployment) workload {
	return workload{
		stand: standOfDeployment(d), template: d.Spec.Template.Spec, selector: d.Spec.Selector,
		owns: ownedThrough(d.ObjectMeta, appsv1.DefaultDeploymentUniqueLabelKey), empty: want(d.Spec.Replicas) == 0,
	}
}

// standOfDeployment goes beyond kubectl in one thing: a rollout that is done
// stays done while the Deployment is scaled or loses a node, as long as it
// calls itself available. Load must not decide about promotions.
func standOfDeployment(d *appsv1.Deployment) stand {
	s, wanted := d.Status, want(d.Spec.Replicas)
	if d.Generation > s.ObservedGeneration {
		return progressing("its status is older than its spec")
	}
	moving, available := condition(d, appsv1.DeploymentProgressing), condition(d, appsv1.DeploymentAvailable)
	if moving != nil && moving.Reason == "ProgressDeadlineExceeded" {
		return stand{signals.StateUnhealthy, "its rollout exceeded its progress deadline", moving.LastTransitionTime.Time}
	}
	done := moving != nil && moving.Reason == "NewReplicaSetAvailable" && s.Replicas == s.UpdatedReplicas
	switch {
	case !done && d.Spec.Paused:
		return progressing("its rollout is paused")
	case !done && s.UpdatedReplicas < wanted:
		return progressing("%d of %d replicas are updated", s.UpdatedReplicas, wanted)
	case s.Replicas > s.UpdatedReplicas:
		return progressing("%d old replicas are still there", s.Replicas-s.UpdatedReplicas)
	case !done && s.AvailableReplicas < s.UpdatedReplicas:
		return progressing("%d of %d updated replicas are available", s.AvailableReplicas, s.UpdatedReplicas)
	case available != nil && available.Status != corev1.ConditionTrue:
		return stand{signals.StateUnhealthy, fmt.Sprintf("only %d of %d replicas are available", s.AvailableReplicas, wanted), available.LastTransitionTime.Time}
	}
	out := stand{state: signals.StateHealthy, reason: fmt.Sprintf("rolled out, %d of %d replicas are available", s.AvailableReplicas, wanted)}
	if available != nil && moving != nil {
		out.since = later(available.LastTransitionTime.Time, moving.LastUpdateTime.Time)
	}
	return out
}

func condition(d *appsv1.Deployment, kind appsv1.DeploymentConditionType) *appsv1.DeploymentCondition {
	i := slices.IndexFunc(d.Status.Conditions, func(c appsv1.DeploymentCondition) bool { return c.Type == kind })
	if i < 0 {
		return nil
	}
	return &d.Status.Conditions[i]
}

func fromStatefulSet(d *appsv1.StatefulSet) workload {
	return workload{
		stand: standOfStatefulSet(d), template: d.Spec.Template.Spec, selector: d.Spec.Selector,
		owns: ownedBy(d.ObjectMeta), empty: want(d.Spec.Replicas) == 0,
	}
}

func standOfStatefulSet(d *appsv1.StatefulSet) stand {
	s, wanted := d.Status, want(d.Spec.Replicas)
	switch {
	case s.ObservedGeneration == 0 || d.Generation > s.ObservedGeneration:
		return progressing("its status is older than its spec")
	case s.UpdateRevision != s.CurrentRevision:
		return progressing("%d of %d replicas are updated%s", s.UpdatedReplicas, wanted, partition(d))
	case s.ReadyReplicas < wanted:
		return progressing("%d of %d replicas are ready", s.ReadyReplicas, wanted)
	}
	return stand{state: signals.StateHealthy, reason: fmt.Sprintf("rolled out, %d of %d replicas are ready", s.ReadyReplicas, wanted)}
}

// partition explains a rollout that somebody has to move on.
func partition(d *appsv1.StatefulSet) string {
	u := d.Spec.UpdateStrategy
	if u.Type == appsv1.OnDeleteStatefulSetStrategyType {
		return ", the rest when somebody deletes their pods (OnDelete)"
	}
	if r := u.RollingUpdate; r != nil && r.Partition != nil && *r.Partition > 0 {
		return fmt.Sprintf(", its partition keeps the %d lowest as they are", *r.Partition)
	}
	return ""
}

func fromDaemonSet(d *appsv1.DaemonSet) workload {
	return workload{
		stand: standOfDaemonSet(d), template: d.Spec.Template.Spec, selector: d.Spec.Selector,
		owns: ownedBy(d.ObjectMeta), empty: d.Status.DesiredNumberScheduled == 0 && d.Generation <= d.Status.ObservedGeneration,
	}
}

func standOfDaemonSet(d *appsv1.DaemonSet) stand {
	s := d.Status
	switch {
	case d.Generation > s.ObservedGeneration:
		return progressing("its status is older than its spec")
	case s.UpdatedNumberScheduled < s.DesiredNumberScheduled:
		return progressing("%d of %d pods are updated", s.UpdatedNumberScheduled, s.DesiredNumberScheduled)
	case s.NumberAvailable < s.DesiredNumberScheduled:
		return progressing("%d of %d pods are available", s.NumberAvailable, s.DesiredNumberScheduled)
	}
	return stand{state: signals.StateHealthy, reason: fmt.Sprintf("rolled out, %d of %d pods are available", s.NumberAvailable, s.DesiredNumberScheduled)}
}

// want is a number of replicas; not written is one.
func want(n *int32) int32 {
	if n == nil {
		return 1
	}
	return *n
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
