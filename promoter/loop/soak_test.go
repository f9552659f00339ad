package loop_test

import (
	"testing"
	"time"
)

// opened is when the proposal of an environment was opened.
func (r *rig) opened(environment string) time.Duration {
	r.t.Helper()
	for _, d := range r.deeds {
		if d.What == "open "+environment {
			return d.At
		}
	}
	r.t.Fatalf("%s was not opened: %v", environment, r.deeds)
	return 0
}

// TestRestartKeepsTheSoak holds that the clock goes on over a restart, that it
// stands while nobody runs, and that neither gives it time that nobody saw.
func TestRestartKeepsTheSoak(t *testing.T) {
	t.Parallel()
	ripe := poll.Health + soak
	cases := map[string]struct {
		down time.Duration
		want time.Duration // when prod is opened at the soonest
	}{
		"at once":        {0, ripe},
		"a long outage":  {3 * time.Hour, ripe + 3*time.Hour},
		"a short outage": {poll.Gap / 2, ripe},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *rig) {
				t.Helper()
				r.tags = append(r.tags, "1.1.0")
				r.run(ripe / 2)
				time.Sleep(c.down)
				r.restart()
				r.run(6 * time.Hour)
				if got := r.opened("prod"); got < c.want || got > c.want+2*poll.Health {
					t.Errorf("prod was opened after %s, want %s, or a look later", got, c.want)
				}
			})
		})
	}
}
