package signals_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/waveguide-dev/waveguide/signals"
)

const digest = signals.Digest("sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")

// clock plays pulses a number of minutes after the beginning. A letter is a
// state: h healthy, u unhealthy, p progressing, ? nothing known.
type beat struct {
	minute int
	state  byte
	// proven is since which minute the signals vouch for the state.
	proven int
}

const unproven = -1

func noon(minute int) time.Time {
	return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC).Add(time.Duration(minute) * time.Minute)
}

func play(beats []beat) signals.Streak {
	states := map[byte]signals.State{'h': signals.StateHealthy, 'u': signals.StateUnhealthy, 'p': signals.StateProgressing}
	var s signals.Streak
	for _, b := range beats {
		p := signals.Pulse{At: noon(b.minute), Digest: digest, State: states[b.state], Tolerate: 5 * time.Minute, Gap: 2 * time.Minute}
		if b.proven >= 0 {
			p.Since = noon(b.proven)
		}
		s = s.Observe(p)
	}
	return s
}

func TestStreak(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		beats []beat
		want  signals.Streak
	}{
		"good news add up": {
			[]beat{{0, 'h', unproven}, {2, 'h', unproven}, {4, 'h', unproven}},
			signals.Streak{Began: noon(0), Healthy: 4 * time.Minute, Last: noon(4)},
		},
		"a gap pauses": {
			[]beat{{0, 'h', unproven}, {2, 'h', unproven}, {60, 'h', unproven}, {62, 'h', unproven}},
			signals.Streak{Began: noon(0), Healthy: 4 * time.Minute, Last: noon(62)},
		},
		"a proof bridges the gap": {
			[]beat{{0, 'h', unproven}, {2, 'h', unproven}, {60, 'h', 0}, {62, 'h', unproven}},
			signals.Streak{Began: noon(0), Healthy: 62 * time.Minute, Last: noon(62)},
		},
		"a proof that begins within the gap does not": {
			[]beat{{0, 'h', unproven}, {2, 'h', unproven}, {60, 'h', 3}},
			signals.Streak{Began: noon(0), Healthy: 2 * time.Minute, Last: noon(60)},
		},
		"a proof that clocks could have moved does not": {
			[]beat{{0, 'h', unproven}, {2, 'h', unproven}, {60, 'h', 2}},
			signals.Streak{Began: noon(0), Healthy: 2 * time.Minute, Last: noon(60)},
		},
		"silence pauses": {
			[]beat{{0, 'h', unproven}, {1, '?', unproven}, {2, '?', unproven}, {3, '?', unproven}, {4, 'h', unproven}},
			signals.Streak{Began: noon(0), Last: noon(4)},
		},
		"progressing is neither": {
			[]beat{{0, 'h', unproven}, {2, 'p', unproven}, {20, 'p', unproven}, {21, 'h', unproven}, {22, 'h', unproven}},
			signals.Streak{Began: noon(0), Healthy: time.Minute, Last: noon(22)},
		},
		"short bad news is tolerated": {
			[]beat{{0, 'h', unproven}, {2, 'h', unproven}, {3, 'u', unproven}, {4, 'u', unproven}, {5, 'h', unproven}},
			signals.Streak{Began: noon(0), Healthy: 3 * time.Minute, Last: noon(5), Turns: 1},
		},
		"long bad news begins the clock anew": {
			[]beat{{0, 'h', unproven}, {2, 'h', unproven}, {3, 'u', unproven}, {5, 'u', unproven}, {7, 'u', unproven}, {8, 'u', unproven}, {9, 'h', unproven}},
			signals.Streak{Began: noon(9), Last: noon(9), Resets: 1, Turns: 1},
		},
		"bad news that nobody observed in between does not": {
			[]beat{{0, 'h', unproven}, {2, 'h', unproven}, {3, 'u', unproven}, {30, 'u', unproven}, {31, 'h', unproven}},
			signals.Streak{Began: noon(0), Healthy: 3 * time.Minute, Last: noon(31), Turns: 1},
		},
		"bad news that the source vouches for does": {
			[]beat{{0, 'h', unproven}, {2, 'h', unproven}, {30, 'u', 10}},
			signals.Streak{Last: noon(30), Bad: noon(10), Resets: 1, Turns: 1},
		},
		"flapping is counted": {
			[]beat{{0, 'h', unproven}, {1, 'u', unproven}, {2, 'h', unproven}, {3, 'u', unproven}, {4, 'h', unproven}},
			signals.Streak{Began: noon(0), Healthy: 2 * time.Minute, Last: noon(4), Turns: 2},
		},
		"the past changes nothing": {
			[]beat{{10, 'h', unproven}, {5, 'u', unproven}, {10, 'u', unproven}},
			signals.Streak{Began: noon(10), Last: noon(10)},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.want.Digest = digest
			if diff := cmp.Diff(c.want, play(c.beats)); diff != "" {
				t.Errorf("streak (-want +got):\n%s", diff)
			}
		})
	}
}

// TestStreakLaws holds for every sequence of pulses: no more time counts than
// passed, what counts only grows or begins anew, and without proofs at most the
// observed time counts.
func TestStreakLaws(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var s signals.Streak
		minute, observed := 0, 0
		for range rapid.IntRange(1, 40).Draw(t, "pulses") {
			step := rapid.IntRange(1, 10).Draw(t, "step")
			minute += step
			if step <= 2 {
				observed += step
			}
			state := rapid.SampledFrom([]signals.State{signals.StateHealthy, signals.StateUnhealthy, signals.StateProgressing, signals.StateUnknown}).Draw(t, "state")
			was := s
			s = s.Observe(signals.Pulse{At: noon(minute), Digest: digest, State: state, Tolerate: 3 * time.Minute, Gap: 2 * time.Minute})
			switch {
			case s.Healthy > time.Duration(observed)*time.Minute:
				t.Fatalf("%s counts, but only %d minutes were observed", s.Healthy, observed)
			case s.Healthy < was.Healthy && s.Resets == was.Resets:
				t.Fatalf("the clock went back from %s to %s", was.Healthy, s.Healthy)
			case s.Healthy > was.Healthy && state != signals.StateHealthy:
				t.Fatalf("%q let the clock go on", state)
			}
		}
	})
}
