package loop_test

import (
	"errors"
	"slices"
	"strings"
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

// TestProvenAfterRestart holds that a merge which is due at once after a start
// has all cryptography done again all the same.
func TestProvenAfterRestart(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.fail["merge"] = errors.New("the forge is down")
		r.tags = append(r.tags, "1.1.0")
		r.run(10 * time.Minute)
		delete(r.fail, "merge")
		merges := 0
		r.before = func(name string) {
			if name != "merge" {
				return
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			if merges++; !r.proven[digestOf("1.1.0")].again {
				t.Error("merged without verifying again")
			}
		}
		r.restart()
		if r.run(10 * time.Minute); merges == 0 {
			t.Error("nothing was merged")
		}
	})
}

// TestGoneIsNotGreen holds that the check does not turn green for a digest that
// is gone, however well it is signed.
func TestGoneIsNotGreen(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		green := func() bool {
			return slices.ContainsFunc(r.deeds, func(d deed) bool { return strings.HasPrefix(d.What, "check ") && strings.Contains(d.What, "success") })
		}
		r.gone = true
		r.tags = append(r.tags, "1.1.0")
		if r.run(6 * time.Hour); green() || r.count("merge") > 0 {
			t.Errorf("what is gone turned green: %v", r.deeds)
		}
		if n := r.count("check"); n > 3 {
			t.Errorf("the check was written %d times", n)
		}
		r.gone = false
		if r.run(time.Hour); !green() || r.count("merge") == 0 {
			t.Errorf("what is there again did not turn green: %v", r.deeds)
		}
	})
}
