package loop_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/edit"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/signals"
)

// sourced reads the sources of charts of the world's repository.
type sourced struct{ *world }

func (s sourced) Sources(_ context.Context, at gitops.Commit) (map[string]string, error) {
	all := map[string]string{}
	for name, src := range s.commits[at].files {
		edit.AddSources(all, name, []byte(src))
	}
	return all, nil
}

// Health says that the first version runs.
func (s sourced) Health(context.Context, gitops.Lane, signals.Question) ([]signals.Health, error) {
	return []signals.Health{{Name: "web", State: signals.StateHealthy, Digest: digestOf("1.0.0"), At: time.Now()}}, nil
}

const (
	releaseFile = "kind: HelmRelease\nspec:\n  chart:\n    spec:\n      chart: shop\n      version: 1.0.0\n      sourceRef: {kind: HelmRepository, name: acme}\n"
	sourceFile  = "kind: HelmRepository\nmetadata: {name: acme}\nspec: {url: 'oci://registry.example.com'}\n"
)

// sentence is the first sentence about a lane in the last look.
func (r *rig) sentence(env string) string {
	for _, p := range r.views[len(r.views)-1].Plans {
		for _, l := range p.Lanes {
			if v, ok := gate.First(l.Verdicts); ok && l.Lane.Environment == env {
				return v.Reason
			}
		}
	}
	return ""
}

// TestChartOfASourceElsewhere holds that a chart is promoted whose source
// stands outside of the environment's folder, and no chart of another source.
func TestChartOfASourceElsewhere(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		source   string
		promoted bool
	}{
		"known":   {sourceFile, true},
		"unknown": {"", false},
		"another": {strings.Replace(sourceFile, "registry", "mirror", 1), false},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *rig) {
				t.Helper()
				r.opts.Sources, r.opts.Health = sourced{r.world}, sourced{r.world}
				r.restart()
				r.push(map[string]string{fileOf("dev"): releaseFile, "infrastructure/sources.yaml": c.source})
				r.run(time.Minute)
				r.tags = append(r.tags, "1.1.0")
				r.run(20 * time.Minute)
				head := r.branches[laneOf("dev").Branch()]
				if got := r.count("open dev") == 1; got != c.promoted {
					t.Errorf("promoted = %t: %v; it says %q", got, r.deeds, r.sentence("dev"))
				}
				if after := r.commits[head].files[fileOf("dev")]; c.promoted && after != strings.Replace(releaseFile, "1.0.0", "1.1.0", 1) && head != "" {
					t.Errorf("the proposal holds\n%s", after)
				}
			})
		})
	}
}

// TestASourceThatMoves holds that a chart is left alone once its source leads
// elsewhere, though no file of the lane changed.
func TestASourceThatMoves(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.opts.Sources, r.opts.Health = sourced{r.world}, sourced{r.world}
		r.restart()
		r.push(map[string]string{fileOf("dev"): releaseFile, "infrastructure/sources.yaml": sourceFile})
		r.run(time.Minute)
		r.push(map[string]string{"infrastructure/sources.yaml": strings.Replace(sourceFile, "registry", "mirror", 1)})
		r.run(time.Minute)
		r.tags = append(r.tags, "1.1.0")
		r.run(20 * time.Minute)
		if r.count("open dev") != 0 {
			t.Errorf("a chart of another source was promoted: %v", r.deeds)
		}
	})
}

// TestChartThatWasTakenBack holds that the version that a lane leaves is
// remembered where Git names tags alone, and that going back from it counts.
func TestChartThatWasTakenBack(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.opts.Sources, r.opts.Health = sourced{r.world}, sourced{r.world}
		r.restart()
		r.tags = append(r.tags, "1.1.0")
		newer := strings.Replace(releaseFile, "1.0.0", "1.1.0", 1)
		r.push(map[string]string{fileOf("dev"): newer, "infrastructure/sources.yaml": sourceFile})
		r.run(time.Minute)
		r.push(map[string]string{fileOf("dev"): releaseFile})
		r.run(20 * time.Minute)
		left := r.known("dev").Desired.Left
		if len(left) == 0 || left[0].Version.Tag != "1.1.0" || r.count("open dev") != 0 {
			t.Errorf("it left %+v: %v", left, r.deeds)
		}
	})
}

// TestMentionsAreSaid holds that a lane without a place says which lines name
// the artifact in a way that is not understood.
func TestMentionsAreSaid(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.push(map[string]string{fileOf("dev"): "kind: Job\n# runs " + image + " by hand\n"})
		r.run(time.Minute)
		if want := "these lines mention it and are not understood: " + fileOf("dev") + ":2"; !strings.Contains(r.sentence("dev"), want) {
			t.Errorf("it says %q, want %q", r.sentence("dev"), want)
		}
	})
}
