package loop_test

import (
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/promoter/loop"
)

// TestProvenBeforeSteps holds that the list of evidence is read in the very look
// that proposes, turns a check green and merges, and that before a merge all
// cryptography is done again, however rarely evidence is read otherwise.
func TestProvenBeforeSteps(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.opts.Poll = loop.Poll{Repository: 10 * time.Minute, Versions: 10 * time.Minute, Health: time.Minute, Gap: time.Hour}
		r.restart()
		steps := map[string]int{}
		r.before = func(name string) {
			switch name {
			case "open", "merge", "check":
			default:
				return
			}
			r.mu.Lock()
			p := r.proven[digestOf("1.1.0")]
			r.mu.Unlock()
			if steps[name]++; time.Since(p.at) > time.Second {
				t.Errorf("%s: the evidence was read %s ago", name, time.Since(p.at))
			}
			if name == "merge" && !p.again {
				t.Error("merged without verifying again")
			}
		}
		r.tags = append(r.tags, "1.1.0")
		r.run(6 * time.Hour)
		if r.names("prod") != "1.1.0" || steps["open"] != 2 || steps["merge"] != 2 || steps["check"] < 2 {
			t.Errorf("prod at %s after %v", r.names("prod"), steps)
		}
	})
}
