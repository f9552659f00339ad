package flux

import (
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/kubernetes"
)

// ready is what an object says of itself.
type ready struct {
	state  signals.State
	reason string
	since  time.Time
}

func onTheWay(format string, args ...any) ready {
	return ready{state: signals.StateProgressing, reason: fmt.Sprintf(format, args...)}
}

func (o *object) condition(kind string) *metav1.Condition {
	i := slices.IndexFunc(o.Status.Conditions, func(c metav1.Condition) bool { return c.Type == kind })
	if i < 0 {
		return nil
	}
	return &o.Status.Conditions[i]
}

func said(c *metav1.Condition) string { return kubernetes.Plain(c.Reason + ": " + c.Message) }

// ready believes the conditions only if they are about the newest spec. What
// could not be applied does not run: it is on its way and not to blame, because
// the mistake may be in anybody's file of the same revision. Only what was
// applied and then failed is unhealthy.
func (o *object) ready(kind string) ready {
	r, stalled, reconciling := o.condition("Ready"), o.condition("Stalled"), o.condition("Reconciling")
	switch {
	case o.Metadata.DeletionTimestamp != nil:
		return ready{reason: "it is being deleted"}
	case o.Spec.Suspend:
		return ready{reason: "it is suspended: nobody reconciles it"}
	case o.Status.ObservedGeneration != o.Metadata.Generation || r == nil,
		r.ObservedGeneration != 0 && r.ObservedGeneration != o.Metadata.Generation:
		return onTheWay("its status is older than its spec")
	case stalled != nil && stalled.Status == metav1.ConditionTrue:
		if kind == "helmrelease" {
			return ready{signals.StateUnhealthy, "it is stalled: " + said(stalled), stalled.LastTransitionTime.Time}
		}
		return onTheWay("it is stalled: %s", said(stalled))
	case r.Status == metav1.ConditionFalse:
		if slices.Contains(failures(kind), r.Reason) {
			return ready{signals.StateUnhealthy, said(r), r.LastTransitionTime.Time}
		}
		return onTheWay("it is not ready: %s", said(r))
	case r.Status != metav1.ConditionTrue:
		return onTheWay("it is not ready yet: %s", said(r))
	case reconciling != nil && reconciling.Status == metav1.ConditionTrue:
		return onTheWay("it is reconciling: %s", said(reconciling))
	case o.Status.Attempted != "" && o.Status.Applied != "" && o.Status.Attempted != o.Status.Applied:
		return onTheWay("it applied %s and tries %s", kubernetes.Plain(o.Status.Applied), kubernetes.Plain(o.Status.Attempted))
	case kind == "helmrelease" && (len(o.Status.History) == 0 || o.Status.History[0].Status != "deployed"):
		return onTheWay("its newest release is not deployed")
	}
	reason := said(r)
	if kind == "kustomization" && !o.Spec.Wait && len(o.Spec.HealthChecks) == 0 {
		reason += " (without wait or healthChecks it says that it applied, not that it runs)"
	}
	return ready{signals.StateHealthy, reason, r.LastTransitionTime.Time}
}

// failures are the reasons of Ready that are about something that was applied.
func failures(kind string) []string {
	switch kind {
	case "kustomization":
		return []string{"HealthCheckFailed"}
	case "helmrelease":
		return []string{"InstallFailed", "UpgradeFailed", "TestFailed", "RollbackSucceeded", "RollbackFailed", "UninstallSucceeded", "UninstallFailed"}
	}
	return nil
}
