package loop_test

import (
	"strings"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/signals"
)

// answers are what the bot said on a proposal or an issue, with when.
func (r *rig) answers(id string) []deed {
	var all []deed
	for _, d := range r.deeds {
		if text, ok := strings.CutPrefix(d.What, "answer "+id+": "); ok {
			all = append(all, deed{d.At, text})
		}
	}
	return all
}

// TestQuietWhenWell holds that a merge that goes well gets no word.
func TestQuietWhenWell(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.tags = append(r.tags, "1.1.0")
		r.run(5 * time.Hour)
		if r.names("prod") != "1.1.0" || r.count("answer") != 0 {
			t.Errorf("prod names %s: %v", r.names("prod"), r.deeds)
		}
	})
}

// TestNotReconciled holds that the proposal says once, exactly when it is due,
// that the version does not run, and once that it does after all.
func TestNotReconciled(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.lags = "1.0.0"
		r.tags = append(r.tags, "1.1.0")
		r.run(2 * time.Hour)
		r.restart()
		r.run(time.Hour)
		said := r.answers("1")
		if len(said) != 1 || said[0].At != 30*time.Minute+2*beat || !strings.Contains(said[0].What, "`1.1.0` does not run in `dev` 30m after the merge: `"+digestOf("1.0.0").Short()+"` runs there") {
			t.Fatalf("%v", said)
		}
		r.lags = ""
		r.run(time.Hour)
		if said = r.answers("1"); len(said) != 2 || said[1].What != "`1.1.0` runs in `dev` and is healthy." {
			t.Errorf("%v", said)
		}
	})
}

// TestUnhealthyMerge holds that a version that turns unhealthy after its merge
// is said on its proposal once, stops its wave and the later ones, and that going
// back is proposed and merged by itself.
func TestUnhealthyMerge(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.settle([]string{"dev", "qa"}, []string{"prod"})
		r.rollback = promoter.Rollback{Propose: true}
		r.shape = func(s *promoter.Stop) { s.Auto = s.Lane.Environment == "dev" }
		r.run(10 * time.Minute)
		r.tags = append(r.tags, "1.1.0")
		r.run(10 * time.Minute)
		r.sick = "1.1.0"
		r.run(3 * time.Hour)
		said := r.answers("1")
		if len(said) != 1 || !strings.Contains(said[0].What, "**`1.1.0` turned unhealthy in `dev`**: `web: it crashes`. Later waves do not get it, and the other environments of this wave do not either. Going back to `1.0.0") {
			t.Fatalf("%v", said)
		}
		if v := r.verdict("qa", "health"); v.Answer != gate.Block || !strings.Contains(v.Reason, "dev turned unhealthy on 1.1.0") {
			// by then dev has gone back
			if r.names("dev") != "1.0.0" {
				t.Errorf("health of qa: %v", v)
			}
		}
		if r.names("dev") != "1.0.0" || r.names("prod") != "1.0.0" || r.count("open prod") != 0 || r.count("merge dev") != 2 {
			t.Errorf("dev names %s: %v", r.names("dev"), r.deeds)
		}
		if r.count("report") != 0 {
			t.Errorf("going back was taken for a change past a proposal: %+v", r.reports)
		}
	})
}

// TestRollForward holds that where the rules allow no way back an issue asks for
// a newer version, once.
func TestRollForward(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.rollback = promoter.Rollback{Propose: true, Forward: true}
		r.run(10 * time.Minute)
		r.tags = append(r.tags, "1.1.0")
		r.run(10 * time.Minute)
		r.sick = "1.1.0"
		r.run(time.Hour)
		r.restart()
		r.run(time.Hour)
		if r.names("dev") != "1.1.0" || r.count("report") != 1 || r.reports[0].Title != "Roll forward: shop 1.1.0 is unhealthy in dev" || len(r.answers("1")) != 1 {
			t.Errorf("dev names %s, %+v: %v", r.names("dev"), r.reports, r.deeds)
		}
	})
}

// ill is what the world's health says of a version.
func (w *world) ill(tag string) (signals.State, string) {
	if tag == w.sick {
		return signals.StateUnhealthy, "it crashes"
	}
	return signals.StateHealthy, ""
}

// runs is the version that runs in an environment.
func (w *world) runs(env string) string {
	if w.lags != "" {
		return w.lags
	}
	return w.names(env)
}
