package kubernetes

import (
	"fmt"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/waveguide-dev/waveguide/signals"
)

// rollout is what is read of an Argo Rollout, argoproj.io/v1alpha1.
type rollout struct {
	Metadata metav1.ObjectMeta `json:"metadata"`
	Spec     struct {
		Replicas *int32                 `json:"replicas"`
		Selector *metav1.LabelSelector  `json:"selector"`
		Template corev1.PodTemplateSpec `json:"template"`
		Workload *struct {
			Kind string `json:"kind"`
			Name string `json:"name"`
		} `json:"workloadRef"`
	} `json:"spec"`
	Status struct {
		Phase   string `json:"phase"`
		Message string `json:"message"`
		Abort   bool   `json:"abort"`
		// ObservedGeneration is a number in a string.
		ObservedGeneration string `json:"observedGeneration"`
		WorkloadGeneration string `json:"workloadObservedGeneration"`
		CurrentPodHash     string `json:"currentPodHash"`
		StableRS           string `json:"stableRS"`
		AvailableReplicas  int32  `json:"availableReplicas"`
		Conditions         []struct {
			Type               string                 `json:"type"`
			Status             corev1.ConditionStatus `json:"status"`
			LastTransitionTime metav1.Time            `json:"lastTransitionTime"`
		} `json:"conditions"`
	} `json:"status"`
}

// rolloutHash is the label that Argo Rollouts gives to its pods.
const rolloutHash = "rollouts-pod-template-hash"

// fromRollout judges a Rollout; of is the Deployment whose template it uses,
// nil if it has its own.
func fromRollout(r *rollout, of *appsv1.Deployment) workload {
	w := workload{
		stand: standOfRollout(r, of), template: r.Spec.Template.Spec, selector: r.Spec.Selector,
		owns: ownedThrough(r.Metadata, rolloutHash), empty: want(r.Spec.Replicas) == 0,
	}
	if current := r.Status.CurrentPodHash; w.stand.state == signals.StateHealthy && current != "" {
		// What a blue-green rollout keeps of the version before serves nobody.
		all := w.owns
		w.owns = func(pod metav1.ObjectMeta) bool { return all(pod) && pod.Labels[rolloutHash] == current }
	}
	if of != nil {
		w.template, w.selector = of.Spec.Template.Spec, of.Spec.Selector
	}
	return w
}

// standOfRollout trusts the phase only if the controller has seen the newest
// spec. A Rollout that is paused or analysing is on its way: neither healthy
// nor failed.
func standOfRollout(r *rollout, of *appsv1.Deployment) stand {
	s := r.Status
	said := ""
	if s.Message != "" {
		said = ": " + Plain(s.Message)
	}
	switch {
	case s.ObservedGeneration != strconv.FormatInt(r.Metadata.Generation, 10):
		return progressing("its status is older than its spec")
	case of != nil && s.WorkloadGeneration != strconv.FormatInt(of.Generation, 10):
		return progressing("its status is older than the template of deployment %s", of.Name)
	case s.Abort:
		return stand{state: signals.StateUnhealthy, reason: "its rollout was aborted" + said}
	}
	switch s.Phase {
	case "Degraded":
		return stand{state: signals.StateUnhealthy, reason: "it is degraded" + said}
	case "Paused":
		return progressing("its rollout is paused%s", said)
	case "Progressing":
		return progressing("its rollout goes on%s", said)
	case "Healthy":
	default:
		return stand{reason: fmt.Sprintf("its phase is %.40q, which is none that is known", Plain(s.Phase))}
	}
	if s.CurrentPodHash != s.StableRS {
		return progressing("its newest version is not its stable one yet")
	}
	out := stand{state: signals.StateHealthy, reason: fmt.Sprintf("rolled out, %d of %d replicas are available", s.AvailableReplicas, want(r.Spec.Replicas))}
	proven := false
	for _, c := range s.Conditions {
		if c.Type != "Available" && c.Type != "Healthy" && c.Type != "Completed" {
			continue
		}
		if c.Status != corev1.ConditionTrue {
			return progressing("its condition %s is %s", c.Type, Plain(string(c.Status)))
		}
		proven = proven || c.Type == "Available"
		out.since = later(out.since, c.LastTransitionTime.Time)
	}
	if !proven {
		out.since = time.Time{}
	}
	return out
}
