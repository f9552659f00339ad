package kubernetestest_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/waveguide-dev/waveguide/signals/kubernetes/kubernetestest"
	"github.com/waveguide-dev/waveguide/signals/signalstest"
)

// refuses is why a cluster does not take an object; empty if it does.
func refuses(t *testing.T, object map[string]any) string {
	t.Helper()
	why, _ := signalstest.Try(t, func(tb testing.TB) {
		tb.Helper()
		kubernetestest.New(tb).Put(object)
	})
	return why
}

// TestSchemas holds that objects of tests are what an API server would take:
// Kubernetes' own are decoded strictly, custom ones are validated by their
// definitions, and fields that nobody has are refused.
func TestSchemas(t *testing.T) {
	t.Parallel()
	of := func(version, kind string, spec, status map[string]any) map[string]any {
		o := map[string]any{"apiVersion": version, "kind": kind, "metadata": map[string]any{"name": "web", "namespace": "apps"}}
		if spec != nil {
			o["spec"] = spec
		}
		if status != nil {
			o["status"] = status
		}
		return o
	}
	type fields = map[string]any
	kustomization := fields{"interval": "1m", "prune": true, "sourceRef": fields{"kind": "GitRepository", "name": "env"}}
	without := func(spec fields, key string) fields {
		out := maps.Clone(spec)
		delete(out, key)
		return out
	}
	cases := map[string]struct {
		object map[string]any
		want   string
	}{
		"a Deployment":                       {of("apps/v1", "Deployment", fields{"replicas": 1, "selector": nil, "template": fields{}}, nil), ""},
		"a Deployment's unknown field":       {of("apps/v1", "Deployment", fields{"replica": 1}, nil), `unknown field "replica"`},
		"a Pod's wrong type":                 {of("v1", "Pod", fields{"containers": "app"}, nil), "cannot unmarshal string"},
		"a Kustomization":                    {of("kustomize.toolkit.fluxcd.io/v1", "Kustomization", kustomization, nil), ""},
		"a Kustomization without interval":   {of("kustomize.toolkit.fluxcd.io/v1", "Kustomization", without(kustomization, "interval"), nil), "spec.interval: Required"},
		"a condition without a time":         {of("kustomize.toolkit.fluxcd.io/v1", "Kustomization", kustomization, fields{"conditions": []any{fields{"type": "Ready", "status": "True", "reason": "R", "message": ""}}}), "lastTransitionTime: Required"},
		"a HelmRelease without an interval":  {of("helm.toolkit.fluxcd.io/v2", "HelmRelease", fields{}, nil), "spec.interval: Required"},
		"a GitRepository with a wrong url":   {of("source.toolkit.fluxcd.io/v1", "GitRepository", fields{"interval": "1m", "url": "ftp://x"}, nil), "spec.url"},
		"an OCIRepository with a wrong url":  {of("source.toolkit.fluxcd.io/v1", "OCIRepository", fields{"interval": "1m", "url": "https://x"}, nil), "spec.url"},
		"an Application's unknown field":     {of("argoproj.io/v1alpha1", "Application", fields{"project": "default", "destination": fields{}}, fields{"healthy": true}), "unknown fields status.healthy"},
		"an Application without destination": {of("argoproj.io/v1alpha1", "Application", fields{"project": "default"}, nil), "spec.destination: Required"},
		"a Rollout's wrong type":             {of("argoproj.io/v1alpha1", "Rollout", fields{"replicas": "1"}, nil), "spec.replicas"},
		"a kind that is not served":          {of("batch/v1", "Job", fields{}, nil), "the server has no batch/v1 Job"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := refuses(t, c.object)
			if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
				t.Errorf("refused because %q, want %q", got, c.want)
			}
		})
	}
}
