package main

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/signals"
)

// commits are a repository of one file at each commit.
type commits map[gitops.Commit]string

func (c commits) Files(_ context.Context, at gitops.Commit, under, _ string) (map[string][]byte, error) {
	text, ok := c[at]
	if !ok {
		return nil, errors.New("object not found")
	}
	return map[string][]byte{under + "/kustomization.yaml": []byte(text)}, nil
}

func TestLadder(t *testing.T) {
	t.Parallel()
	const (
		one = signals.Digest("sha256:1111111111111111111111111111111111111111111111111111111111111111")
		two = signals.Digest("sha256:2222222222222222222222222222222222222222222222222222222222222222")
	)
	names := func(version string) string {
		return "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nimages:\n  - name: registry.example.com/team/order-api\n    " + version + "\n"
	}
	l := ladder{
		image: "registry.example.com/team/order-api", stop: promoter.Stop{Path: "environments/prod/order-api"},
		asked: signals.Question{Digest: two, Tag: "1.2.3"},
		trees: commits{"aaaa": names("digest: " + string(one)), "bbbb": names("newTag: 1.2.3"), "cccc": names("newTag: 1.2.2"), "dddd": "kind: Kustomization\n"},
	}
	well := signals.Health{State: signals.StateHealthy, Reason: "synced", Proven: true}
	applied := func(revision string) signals.Health {
		h := well
		h.Revision, h.Rung = revision, signals.RungApplied
		return h
	}
	seen := func(d signals.Digest, r signals.Rung) signals.Health {
		h := well
		h.Digest, h.Rung = d, r
		return h
	}
	type want struct {
		state  signals.State
		digest signals.Digest
		about  signals.Digest
		reason string
	}
	cases := map[string]struct {
		lowest signals.Rung
		answer signals.Health
		want   want
	}{
		"a commit is the digest that it names":          {signals.RungReported, applied("aaaa"), want{signals.StateHealthy, one, "", "synced"}},
		"a tag is the digest that Git means by it":      {signals.RungReported, applied("bbbb"), want{signals.StateHealthy, two, "", "synced"}},
		"a chart's version too":                         {signals.RungReported, applied("1.2.3"), want{signals.StateHealthy, two, "", "synced"}},
		"another tag is nobody knows what":              {signals.RungReported, applied("cccc"), want{signals.StateUnknown, "", "", "revision cccc names no digest of the artifact: synced"}},
		"a commit without the artifact":                 {signals.RungReported, applied("dddd"), want{signals.StateUnknown, "", "", "revision dddd names no digest of the artifact: synced"}},
		"a commit that nobody has":                      {signals.RungReported, applied("eeee"), want{signals.StateUnknown, "", "", "revision eeee cannot be read here: object not found: synced"}},
		"evidence that is good enough":                  {signals.RungSpec, seen(two, signals.RungPod), want{signals.StateHealthy, two, "", "synced"}},
		"evidence that is too weak":                     {signals.RungPod, seen(two, signals.RungSpec), want{signals.StateHealthy, "", two, "synced (what runs is known as spec; the environment accepts pod or better)"}},
		"what says nothing of its evidence is a report": {signals.RungApplied, seen(two, ""), want{signals.StateHealthy, "", two, "synced (what runs is known as reported; the environment accepts applied or better)"}},
		"an applied commit where pods have to be seen":  {signals.RungPod, applied("aaaa"), want{signals.StateHealthy, "", one, "synced (what runs is known as applied; the environment accepts pod or better)"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := l.bind(t.Context(), config.HealthSpec{Lowest: c.lowest}, c.answer)
			if got := (want{h.State, h.Digest, h.For, h.Reason}); got != c.want {
				t.Errorf("bind() (-want +got):\n%s", cmp.Diff(c.want, got, cmp.AllowUnexported(want{})))
			}
			if h.State == signals.StateUnknown && h.Proven {
				t.Error("what is not known is proven")
			}
		})
	}
}

// elsewhere are the chart sources of each commit.
type elsewhere map[gitops.Commit]map[string]string

func (e elsewhere) Sources(_ context.Context, at gitops.Commit) (map[string]string, error) {
	found, ok := e[at]
	if !ok {
		return nil, errors.New("object not found")
	}
	return found, nil
}

// TestLadderOfAChart holds that a chart is known by a source that stands in
// another file, as it was at the revision.
func TestLadderOfAChart(t *testing.T) {
	t.Parallel()
	const two = signals.Digest("sha256:2222222222222222222222222222222222222222222222222222222222222222")
	release := "kind: HelmRelease\nspec:\n  chart:\n    spec:\n      chart: shop\n      version: 1.2.3\n      sourceRef: {kind: HelmRepository, name: acme}\n"
	l := ladder{
		image: "registry.example.com/charts/shop", asked: signals.Question{Digest: two, Tag: "1.2.3"}, stop: promoter.Stop{Path: "prod"},
		trees: commits{"aaaa": release, "bbbb": release, "cccc": release},
		sources: elsewhere{
			"aaaa": {"HelmRepository/acme": "oci://registry.example.com/charts"}, "bbbb": {"HelmRepository/acme": "oci://evil.example.com/charts"},
		},
	}
	for revision, want := range map[string]string{
		"aaaa": "synced", "bbbb": "revision bbbb names no digest of the artifact: synced",
		"cccc": "the sources of charts at revision cccc cannot be read: object not found: synced",
	} {
		h := l.bind(t.Context(), config.HealthSpec{Lowest: signals.RungReported}, signals.Health{State: signals.StateHealthy, Reason: "synced", Proven: true, Revision: revision, Rung: signals.RungApplied})
		if h.Reason != want || (h.Digest == two) != (revision == "aaaa") {
			t.Errorf("revision %s: %+v, want %q", revision, h, want)
		}
	}
}

func TestLadderOfALane(t *testing.T) {
	t.Parallel()
	lane := func(artifact, env string) gitops.Lane {
		return gitops.Lane{Repository: "env", Environment: env, Artifact: artifact}
	}
	var routes []promoter.Route
	for _, a := range []string{"a", "b", "c"} {
		routes = append(routes, promoter.Route{Artifact: a, Image: "example.com/" + a, Waves: []promoter.Wave{{Stops: []promoter.Stop{{Lane: lane(a, "dev"), Path: "dev/" + a}, {Lane: lane(a, "prod"), Path: "prod/" + a}}}}})
	}
	for _, a := range []string{"a", "b", "c"} {
		if l := ladderOf(routes, lane(a, "prod"), nil); l.image != "example.com/"+a || l.stop.Path != "prod/"+a {
			t.Errorf("ladder of %s is %+v", a, l)
		}
	}
	for _, unknown := range []gitops.Lane{lane("b", "test"), lane("x", "dev")} {
		if l := ladderOf(routes, unknown, nil); l.image != "" {
			t.Errorf("ladder of %s is %+v, want none", unknown, l)
		}
	}
}
