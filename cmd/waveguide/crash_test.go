package main

import "testing"

// TestCrashPoints kills the daemon at every point at which a process may die,
// starts it again, and asks that all was done exactly once.
func TestCrashPoints(t *testing.T) {
	t.Parallel()
	for _, point := range []string{
		"intent-open", "pushed", "opened", "effect-open", "outcome-open",
		"intent-check", "effect-check", "outcome-check",
		"intent-merge", "effect-merge", "outcome-merge",
	} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, setup{registry: memoryRegistry(t), envs: []string{"dev", "prod"}})
			next := w.release("1.1.0")
			w.run("WAVEGUIDE_CRASH_AT=" + point).killed(t)
			d := w.run()
			w.reaches("dev", next)
			w.reaches("prod", next)
			w.settled(d)
			d.stop(t)
			w.once(next, "1.1.0")
		})
	}
}
