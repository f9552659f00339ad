package looptest

import (
	"context"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/signals"
)

// Health are the signals of lanes as a loop sees them, and the lanes as those
// see them who run them.
type Health struct {
	Health loop.Health
	// Lane and Beside each have one signal, of the name Signal. Nothing asks
	// about Unwatched.
	Lane, Beside, Unwatched gitops.Lane
	Signal                  string
	// Running is what runs in Lane and in Beside and is well, Newer a build that
	// would be.
	Running, Newer signals.Digest
	// Now is the clock that answers are dated by.
	Now func() time.Time

	// Sicken has what runs in Lane answer badly, Silence nothing at all, and
	// Heal ends both.
	Sicken, Silence, Heal func(t *testing.T)
	// Roll begins to roll the newer build out in Lane, and Arrive is its end.
	Roll, Arrive func(t *testing.T)
	// Drift has somebody run the newer build in Lane by hand.
	Drift func(t *testing.T)
}

// HealthContract is what holds of every source of health. It is told how to run
// a point, which may be in a bubble of virtual time.
func HealthContract(t *testing.T, within func(t *testing.T, point func(*testing.T, Health))) {
	t.Helper()
	for name, point := range map[string]func(*testing.T, Health){
		"what is well is healthy and says what runs":    well,
		"what is sick is unhealthy and says why":        sick,
		"what is on its way is progressing":             rolling,
		"what runs by hand is told":                     drifted,
		"a silent source is unknown and says why":       silent,
		"a silent source keeps no other from answering": silentAlone,
		"an answer is about the version that was asked": asked,
		"a lane without signals has no answers":         unwatched,
		"a look that is cancelled knows nothing":        cancelledHealth,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			within(t, point)
		})
	}
}

// tells asks about what runs in a lane and compares the answer. Every answer
// names its signal, its source, what was asked and when that was.
func (h Health) tells(t *testing.T, lane gitops.Lane, state signals.State, running signals.Digest) {
	t.Helper()
	before := h.Now()
	list, err := h.Health.Health(t.Context(), lane, signals.Question{Digest: h.Running, Tag: "1.0.0"})
	if err != nil || len(list) != 1 {
		t.Fatalf("the health of %s is %+v, %v; want one answer", lane, list, err)
	}
	got := list[0]
	if got.State != state || got.Digest != running {
		t.Errorf("%s is %q and runs %s, because %q; want %q and %s", lane, got.State, got.Digest.Short(), got.Reason, state, running.Short())
	}
	if got.Name != h.Signal || got.For != h.Running || got.Source == "" || got.Uncollected {
		t.Errorf("the answer %+v does not name its signal, its source and what was asked", got)
	}
	for what, at := range map[string]time.Time{"read at": got.At, "so since": got.Since} {
		if at.Before(before) || at.After(h.Now()) {
			t.Errorf("the answer was %s %s, but asked for after %s", what, at, before)
		}
	}
	if running != "" && got.Rung != signals.RungReported {
		t.Errorf("what runs is known as %q, and the application reports it", got.Rung)
	}
	if state != signals.StateHealthy && got.Reason == "" {
		t.Errorf("%q without a reason", state)
	}
}

func well(t *testing.T, h Health) {
	t.Helper()
	h.tells(t, h.Lane, signals.StateHealthy, h.Running)
}

func sick(t *testing.T, h Health) {
	t.Helper()
	h.Sicken(t)
	h.tells(t, h.Lane, signals.StateUnhealthy, h.Running)
	h.Heal(t)
	h.tells(t, h.Lane, signals.StateHealthy, h.Running)
}

func rolling(t *testing.T, h Health) {
	t.Helper()
	h.Roll(t)
	h.tells(t, h.Lane, signals.StateProgressing, h.Newer)
	h.Arrive(t)
	h.tells(t, h.Lane, signals.StateHealthy, h.Newer)
}

func drifted(t *testing.T, h Health) {
	t.Helper()
	h.Drift(t)
	h.tells(t, h.Lane, signals.StateHealthy, h.Newer)
}

func silent(t *testing.T, h Health) {
	t.Helper()
	h.Silence(t)
	h.tells(t, h.Lane, signals.StateUnknown, "")
	h.Heal(t)
	h.tells(t, h.Lane, signals.StateHealthy, h.Running)
}

func silentAlone(t *testing.T, h Health) {
	t.Helper()
	h.Silence(t)
	h.tells(t, h.Beside, signals.StateHealthy, h.Running)
	h.tells(t, h.Lane, signals.StateUnknown, "")
}

func asked(t *testing.T, h Health) {
	t.Helper()
	for _, d := range []signals.Digest{h.Newer, h.Running} {
		list, err := h.Health.Health(t.Context(), h.Lane, signals.Question{Digest: d, Tag: "1.0.0"})
		if err != nil || len(list) != 1 || list[0].For != d || list[0].Digest != h.Running {
			t.Errorf("asked about %s the answer is %+v, %v", d.Short(), list, err)
		}
	}
}

func unwatched(t *testing.T, h Health) {
	t.Helper()
	list, err := h.Health.Health(t.Context(), h.Unwatched, signals.Question{Digest: h.Running})
	if err != nil || len(list) > 0 {
		t.Errorf("the health of %s is %+v, %v; want nothing", h.Unwatched, list, err)
	}
}

// cancelledHealth holds that whoever is cut off says what it does not know, as
// it does of every source that does not answer.
func cancelledHealth(t *testing.T, h Health) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	list, err := h.Health.Health(ctx, h.Lane, signals.Question{Digest: h.Running, Tag: "1.0.0"})
	if err != nil || len(list) != 1 || list[0].State != signals.StateUnknown || list[0].Reason == "" || list[0].Name != h.Signal || list[0].For != h.Running {
		t.Errorf("a look that was cancelled is %+v, %v; want one answer that is not known", list, err)
	}
}
