package loop_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/loop"
)

// TestDaemonHint holds that a change of the daemon's file is felt by open
// proposals at the hint and not at the next poll, in both directions.
func TestDaemonHint(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		hints := make(chan loop.Hint, 1)
		r.opts.Hints, r.auto = hints, false
		r.opts.Poll = loop.Poll{Repository: 24 * time.Hour, Versions: 24 * time.Hour, Health: 24 * time.Hour, Gap: 48 * time.Hour}
		r.tags = append(r.tags, "1.1.0")
		r.restart()
		r.run(time.Minute)
		want := func(what string, s gitops.CheckState) {
			t.Helper()
			hints <- loop.Hint{Daemon: true}
			r.run(time.Minute)
			if got := r.check("dev"); got.State != s {
				t.Errorf("%s: the check is %v", what, got)
			}
		}
		want("trusted", gitops.CheckSuccess)
		rules := r.asked["files .waveguide"]
		r.revoked = true
		want("revoked", gitops.CheckFailure)
		if r.asked["files .waveguide"] == rules {
			t.Error("the rules were not read anew, though the floor under them may have changed")
		}
		r.revoked = false
		want("trusted again", gitops.CheckSuccess)
	})
}

// TestBrokenDaemonFile holds that nothing advances while the daemon's file
// cannot be used, that everybody is told, and that it goes on afterwards.
func TestBrokenDaemonFile(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		var broken error
		r.auto = false
		r.opts.Paused = func() (*gitops.Pause, error) { return nil, broken }
		r.tags = append(r.tags, "1.1.0")
		r.restart()
		r.run(10 * time.Minute)
		if r.check("dev").State != gitops.CheckSuccess {
			t.Fatalf("check is %v", r.check("dev"))
		}
		broken = errors.New("line 7: revokd is no key")
		deeds := len(r.deeds)
		r.tags = append(r.tags, "1.2.0")
		r.run(time.Hour)
		if c := r.check("dev"); c.State != gitops.CheckPending || strings.Contains(c.Text, "revokd") {
			t.Errorf("check is %v", c)
		}
		if why := r.views[len(r.views)-1].Silent["the daemon's file"]; why != broken.Error() {
			t.Errorf("the page says %q", why)
		}
		r.deeds = r.deeds[deeds:]
		for _, what := range []string{"push", "open", "merge", "check success"} {
			if r.count(what) > 0 {
				t.Errorf("%s while it is broken: %v", what, r.deeds)
			}
		}
		broken = nil
		r.run(time.Hour)
		if r.check("dev").State != gitops.CheckSuccess || len(r.views[len(r.views)-1].Silent) > 0 {
			t.Errorf("afterwards: %v, %v", r.check("dev"), r.views[len(r.views)-1].Silent)
		}
	})
}
