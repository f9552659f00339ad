package kubernetes_test

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/waveguide-dev/waveguide/signals"
)

func TestRollout(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	cases := map[string]struct {
		change func(spec, status object)
		want   signals.Health
	}{
		"healthy": {func(object, object) {}, healthy(two, 40*time.Minute, "rolled out, 2 of 2 replicas are available")},
		"its status is older than its spec": {
			func(_, status object) { status["observedGeneration"] = "1" },
			on(signals.StateProgressing, two, signals.RungPod, "its status is older than its spec"),
		},
		"paused": {
			func(_, status object) { status["phase"], status["message"] = "Paused", "CanaryPauseStep" },
			on(signals.StateProgressing, two, signals.RungPod, "its rollout is paused: CanaryPauseStep"),
		},
		"analysing": {
			func(_, status object) { status["phase"], status["message"] = "Progressing", "waiting for analysis" },
			on(signals.StateProgressing, two, signals.RungPod, "its rollout goes on: waiting for analysis"),
		},
		"degraded": {
			func(_, status object) { status["phase"] = "Degraded" },
			on(signals.StateUnhealthy, two, signals.RungPod, "it is degraded"),
		},
		"aborted": {
			func(_, status object) { status["phase"], status["abort"] = "Degraded", true },
			on(signals.StateUnhealthy, two, signals.RungPod, "its rollout was aborted"),
		},
		"healthy, but the newest is not the stable one": {
			func(_, status object) { status["stableRS"] = "111111" },
			on(signals.StateProgressing, two, signals.RungPod, "its newest version is not its stable one yet"),
		},
		"aborted, but the version before is still there": {
			func(_, status object) {
				status["phase"], status["abort"], status["stableRS"] = "Degraded", true, "111111"
			},
			on(signals.StateUnhealthy, two, signals.RungSpec, "its rollout was aborted"),
		},
		"a phase that nobody knows": {
			func(_, status object) { status["phase"] = "Dreaming" },
			on(signals.StateUnknown, two, signals.RungPod, `its phase is "Dreaming", which is none that is known`),
		},
		"its template is a Deployment's": {
			func(spec, status object) {
				delete(spec, "template")
				delete(spec, "selector")
				spec["workloadRef"] = object{"apiVersion": "apps/v1", "kind": "Deployment", "name": "order-api"}
				status["workloadObservedGeneration"] = "2"
			},
			healthy(two, 40*time.Minute, "rolled out, 2 of 2 replicas are available"),
		},
		"the Deployment's template is newer than its status": {
			func(spec, status object) {
				delete(spec, "template")
				delete(spec, "selector")
				spec["workloadRef"] = object{"apiVersion": "apps/v1", "kind": "Deployment", "name": "order-api"}
				status["workloadObservedGeneration"] = "1"
			},
			on(signals.StateProgressing, two, signals.RungPod, "its status is older than the template of deployment order-api"),
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, client := cluster(t)
			at := func(d time.Duration) string { return ago(d).UTC().Format(time.RFC3339) }
			spec := object{"replicas": 2, "selector": selector(), "template": template(pinned(two)), "strategy": object{"canary": object{}}}
			status := object{
				"phase": "Healthy", "observedGeneration": "2", "currentPodHash": "222222", "stableRS": "222222", "availableReplicas": 2,
				"conditions": []object{
					{"type": "Available", "status": "True", "reason": "AvailableReason", "message": "", "lastTransitionTime": at(time.Hour), "lastUpdateTime": at(time.Hour)},
					{"type": "Healthy", "status": "True", "reason": "RolloutHealthy", "message": "", "lastTransitionTime": at(40 * time.Minute), "lastUpdateTime": at(40 * time.Minute)},
				},
			}
			c.change(spec, status)
			fake.Put(object{"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": object{"name": "order-api", "namespace": "staging", "uid": types.UID("u"), "generation": 2}, "spec": spec, "status": status})
			fake.Put(deployment(pinned(two)))
			fake.Put(replica(1, two))
			fake.Put(replica(2, two))
			if status["stableRS"] == "111111" && status["abort"] == true {
				fake.Put(replica(3, one))
			}
			compare(t, ask(t, client, "rollout/order-api"), c.want)
			wanted := 2
			if spec["workloadRef"] != nil {
				wanted = 3
			}
			if got := len(fake.Requests()); got != wanted {
				t.Errorf("a look costs %d requests, want %d", got, wanted)
			}
		})
	}
}

// TestBlueGreen keeps pods of the version before for a while after the switch;
// they serve nobody.
func TestBlueGreen(t *testing.T) {
	t.Parallel()
	fake, client := cluster(t)
	status := map[string]any{"phase": "Healthy", "observedGeneration": "2", "currentPodHash": "222222", "stableRS": "222222"}
	put := func() {
		fake.Put(map[string]any{
			"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": meta("order-api"),
			"spec":   map[string]any{"replicas": 1, "selector": selector(), "template": template(pinned(two)), "strategy": map[string]any{"blueGreen": map[string]any{"activeService": "order-api"}}},
			"status": status,
		})
	}
	put()
	fake.Put(replica(1, one))
	fake.Put(replica(1, two))
	if h := ask(t, client, "rollout/order-api"); h.State != signals.StateHealthy || h.Digest != two {
		t.Errorf("after the switch: answer %+v, want healthy on the newest", h)
	}
	status["phase"], status["stableRS"] = "Paused", "111111"
	put()
	if h := ask(t, client, "rollout/order-api"); h.State != signals.StateProgressing || h.Digest != "" {
		t.Errorf("before the switch: answer %+v, want progressing, on two digests", h)
	}
}
