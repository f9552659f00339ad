package flux_test

import (
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/flux"
)

func TestSourcesOfOtherNamespaces(t *testing.T) {
	t.Parallel()
	fake, source := cluster(t)
	elsewhere := bundle(image)
	elsewhere["metadata"].(object)["namespace"] = "sources"
	fake.Put(elsewhere)
	fake.Put(bundle("registry.example.com/team/other"))
	o := kustomization("OCIRepository", oci)(1, 1, 2, 2, condition("Ready", "True", "Succeeded", time.Hour))
	o["spec"].(object)["sourceRef"].(object)["namespace"] = "sources"
	fake.Put(o)
	h, _ := source.Check(t.Context(), flux.Spec{Name: "ready", Object: "kustomization/order-api", Namespace: "apps", Image: image})
	if h.State != signals.StateHealthy || h.Digest != two {
		t.Errorf("answer %+v, want the digest of the source that is named", h)
	}
}

func TestHelmReleases(t *testing.T) {
	t.Parallel()
	ready := condition("Ready", "True", "UpgradeSucceeded", time.Hour)
	values := func(v object) object {
		o := helmRelease(false)(1, 1, 2, 2, ready)
		o["spec"].(object)["values"] = v
		return o
	}
	cases := map[string]struct {
		object object
		state  signals.State
		digest signals.Digest
		reason string
	}{
		"a release that is not deployed": {func() object {
			o := helmRelease(false)(1, 1, 2, 2, ready)
			o["status"].(object)["history"].([]object)[0]["status"] = "pending-upgrade"
			return o
		}(), signals.StateProgressing, "", "its newest release is not deployed"},
		"no release at all":         {helmRelease(false)(1, 1, 0, 0, ready), signals.StateProgressing, "", "its newest release is not deployed"},
		"stalled after all retries": {helmRelease(false)(1, 1, 1, 2, ready, condition("Stalled", "True", "RetriesExceeded", time.Minute)), signals.StateUnhealthy, two, "it is stalled: RetriesExceeded: a message"},
		"one reference":             {values(object{"image": image + ":v2@" + string(two)}), signals.StateHealthy, two, "UpgradeSucceeded: a message"},
		"registry, repository and digest": {
			values(object{"image": object{"registry": "registry.example.com", "repository": "team/order-api", "digest": two}}), signals.StateHealthy, two, "UpgradeSucceeded: a message",
		},
		"in a list": {values(object{"images": []any{"x", object{"repository": image, "digest": two}}}), signals.StateHealthy, two, "UpgradeSucceeded: a message"},
		"two digests": {
			values(object{"a": image + "@" + string(one), "b": image + "@" + string(two)}), signals.StateUnknown, "", "it is ready, but nobody can say with which version: UpgradeSucceeded: a message",
		},
		"another image": {
			values(object{"a": "registry.example.com/team/other@" + string(two)}), signals.StateUnknown, "", "it is ready, but nobody can say with which version: UpgradeSucceeded: a message",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, source := cluster(t)
			fake.Put(c.object)
			h, _ := source.Check(t.Context(), flux.Spec{Name: "ready", Object: "helmrelease/order-api", Namespace: "apps", Image: image})
			if h.State != c.state || h.Digest != c.digest || h.Reason != c.reason {
				t.Errorf("%q on %q because %q, want %q on %q because %q", h.State, h.Digest, h.Reason, c.state, c.digest, c.reason)
			}
		})
	}
}
