package signals_test

import (
	"testing"

	"github.com/waveguide-dev/waveguide/signals"
)

func TestRungReaches(t *testing.T) {
	t.Parallel()
	ladder := []signals.Rung{signals.RungReported, signals.RungApplied, signals.RungSpec, signals.RungPod}
	for i, r := range ladder {
		for j, lowest := range ladder {
			if got, want := r.Reaches(lowest), i >= j; got != want {
				t.Errorf("%q.Reaches(%q) = %v, want %v", r, lowest, got, want)
			}
		}
		if signals.RungNone.Reaches(r) {
			t.Errorf("nothing seen reaches %q", r)
		}
		if r.Reaches("guess") || r.Reaches(signals.RungNone) {
			t.Errorf("%q reaches what is no rung", r)
		}
	}
}
