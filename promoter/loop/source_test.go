package loop_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/loop"
)

// TestHint holds that a hint is followed at once, and that it brings forward
// nothing but what it names.
func TestHint(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		hints := make(chan loop.Hint, 1)
		r.opts.Hints, r.opts.Poll.Versions, r.opts.Poll.Health = hints, 24*time.Hour, 24*time.Hour
		r.opts.Poll.Repository = 24 * time.Hour
		r.restart()
		r.run(time.Minute)
		r.tags = append(r.tags, "1.1.0")
		before := r.asked["health dev"]
		hints <- loop.Hint{Image: "shop"}
		began := time.Since(r.began)
		r.run(time.Minute)
		if len(r.deeds) == 0 || r.deeds[0].At != began {
			t.Errorf("hinted at %v, did %v", began, r.deeds)
		}
		if r.asked["health dev"] != before {
			t.Errorf("a hint about an image asked for health %d times", r.asked["health dev"]-before)
		}
	})
}

// TestStuckSource holds that a source that never answers holds up the lanes
// that rest on it, and nobody else.
func TestStuckSource(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.settle([]string{"dev"}, []string{"prod"}, []string{"attic"})
		r.stuck["health attic"] = true
		r.tags = append(r.tags, "1.1.0")
		r.run(20 * time.Second)
		if r.count("open dev") != 1 {
			t.Errorf("after twenty seconds: %v", r.deeds)
		}
		r.run(3 * time.Hour)
		if r.names("prod") != "1.1.0" {
			t.Errorf("prod at %s: %v", r.names("prod"), r.deeds)
		}
		if n := r.asked["health attic"]; n > 60 {
			t.Errorf("what never answers was asked %d times in three hours", n)
		}
	})
}

// TestBackOff holds that a source that fails is asked less and less, and that
// it is believed again as soon as it speaks.
func TestBackOff(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.run(time.Minute)
		r.fail["health"] = errors.New("answers 503")
		before := r.asked["health dev"]
		r.run(2 * time.Hour)
		if n := r.asked["health dev"] - before; n > 30 {
			t.Errorf("a failing source was asked %d times in two hours", n)
		}
		delete(r.fail, "health")
		before = r.asked["health dev"]
		r.run(30 * time.Minute)
		if n := r.asked["health dev"] - before; n < 20 {
			t.Errorf("a source that speaks again was asked %d times in half an hour", n)
		}
	})
}

// TestOneCommit holds that a commit costs what it touches: only the lanes whose
// files changed are read again.
func TestOneCommit(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		var waves [][]string
		for i := range 20 {
			waves = append(waves, []string{fmt.Sprintf("e%d", i)})
		}
		r.settle(waves...)
		r.run(time.Minute)
		clear(r.asked)
		r.push(map[string]string{"environments/e7/other.yaml": "x: 1", "README.md": "hello"})
		r.run(10 * time.Minute)
		for env := range 20 {
			want := 0
			if env == 7 {
				want = 1
			}
			if n := r.asked[fmt.Sprintf("files environments/e%d", env)]; n != want {
				t.Errorf("the files of e%d were read %d times, want %d", env, n, want)
			}
		}
		if n := r.asked["files .waveguide"]; n != 0 {
			t.Errorf("the rules were read %d times", n)
		}
	})
}

// TestRulesUnread holds that rules whose new commit could not be read at first
// are read by a later look.
func TestRulesUnread(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.run(time.Minute)
		r.fail["rules"] = errors.New("the disk is full")
		r.push(map[string]string{rulesFile: "nonsense"})
		r.run(20 * time.Minute)
		delete(r.fail, "rules")
		r.tags = append(r.tags, "1.1.0")
		r.run(time.Hour)
		if v := r.views[len(r.views)-1]; len(v.Problems) != 1 || len(r.deeds) > 0 {
			t.Errorf("problems %v, deeds %v", v.Problems, r.deeds)
		}
	})
}

// TestOrphan holds that a proposal whose rules are broken by now turns red.
func TestOrphan(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.auto = false
		r.tags = append(r.tags, "1.1.0")
		r.run(10 * time.Minute)
		if r.check("dev").State != gitops.CheckSuccess {
			t.Fatalf("check is %v", r.check("dev"))
		}
		r.push(map[string]string{rulesFile: "nonsense"})
		r.run(10 * time.Minute)
		if r.check("dev").State != gitops.CheckFailure {
			t.Errorf("check is %v", r.check("dev"))
		}
		n := len(r.deeds)
		r.run(time.Hour)
		if len(r.deeds) != n {
			t.Errorf("an hour later: %v", r.deeds[n:])
		}
	})
}

// TestForgeAfterRules holds that the forge is read again after new rules,
// though it was silent when they came.
func TestForgeAfterRules(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		hints := make(chan loop.Hint, 1)
		r.opts.Hints = hints
		r.restart()
		r.run(time.Minute)
		r.fail["forge"] = errors.New("answers 503")
		r.run(10 * time.Minute)
		r.push(map[string]string{rulesFile: "good", ".waveguide/other.yaml": "x"})
		hints <- loop.Hint{Git: true} // Git's turn comes before the forge's
		r.run(22 * time.Minute)
		delete(r.fail, "forge")
		r.tags = append(r.tags, "1.1.0")
		r.run(time.Hour)
		if r.names("dev") != "1.1.0" {
			t.Errorf("dev at %s: %v", r.names("dev"), r.deeds)
		}
	})
}
