package loop_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/gate"
)

// known is what the last look knew of a lane.
func (r *rig) known(env string) promoter.Lane {
	r.t.Helper()
	for _, route := range r.views[len(r.views)-1].Lanes {
		for _, k := range route {
			if k.Lane.Environment == env {
				return k
			}
		}
	}
	return promoter.Lane{}
}

// TestDirectRevertOutlivesTheStore holds that a version that a person took back
// with a commit, past any proposal, is not proposed again by a store that knows
// nothing, and that a newer one follows.
func TestDirectRevertOutlivesTheStore(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.tags = append(r.tags, "1.1.0")
		r.run(3 * time.Hour)
		if r.names("prod") != "1.1.0" {
			t.Errorf("prod names %s", r.names("prod"))
		}
		r.push(map[string]string{fileOf("prod"): contentOf("1.0.0")})
		r.push(map[string]string{"README.md": "later"})
		r.emptied()
		opens := r.count("open")
		r.run(5 * time.Hour)
		if r.names("prod") != "1.0.0" || r.count("open") != opens {
			t.Errorf("prod names %s: %v", r.names("prod"), r.deeds)
		}
		if says := r.sentence("prod"); !strings.Contains(says, "1.1.0") || !strings.Contains(says, "was left here at") {
			t.Errorf("prod says %q", says)
		}
		r.tags = append(r.tags, "1.2.0")
		r.run(3 * time.Hour)
		if r.names("prod") != "1.2.0" {
			t.Errorf("the newer version did not follow: prod names %s", r.names("prod"))
		}
	})
}

// TestHistoryIsNoMemory holds that what was there before anybody looked is
// adopted, whatever was there before it.
func TestHistoryIsNoMemory(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.push(map[string]string{fileOf("dev"): contentOf("0.9.0")})
		r.push(map[string]string{fileOf("dev"): "images: []\n"})
		r.push(map[string]string{fileOf("dev"): contentOf("1.0.0")})
		r.run(5 * time.Minute)
		k := r.known("dev")
		if len(k.Facts.Earned) != 1 || !k.Facts.Earned[0].Adopted {
			t.Errorf("earned %+v, want what is there adopted", k.Facts.Earned)
		}
		if left := k.Desired.Left; len(left) != 2 || left[0].Version.Tag != "0.9.0" || left[1].Version.Tag != "1.0.0" || !left[0].Found {
			t.Errorf("left %+v", left)
		}
		r.restart()
		r.run(time.Minute)
		if left := r.known("dev").Desired.Left; len(left) != 2 {
			t.Errorf("after a restart it left %+v", left)
		}
	})
}

// TestHistoryIsReadAgain holds that nothing moves while the history cannot be
// read, and that it is tried again.
func TestHistoryIsReadAgain(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.tags = append(r.tags, "1.1.0")
		r.push(map[string]string{fileOf("dev"): contentOf("1.1.0")})
		r.push(map[string]string{fileOf("dev"): contentOf("1.0.0")})
		r.fail["tail"] = errors.New("timeout")
		r.run(5 * time.Second)
		if len(r.deeds) != 0 || !strings.Contains(r.views[len(r.views)-1].Silent["git"], "timeout") {
			t.Errorf("git says %q: %v", r.views[len(r.views)-1].Silent["git"], r.deeds)
		}
		delete(r.fail, "tail")
		r.run(3 * time.Hour)
		if r.names("dev") != "1.0.0" || r.count("report") != 0 {
			t.Errorf("dev names %s: %v", r.names("dev"), r.deeds)
		}
	})
}

// TestUnreadableHistory holds that a person has to say how the versions came to
// Git where its history never can be read.
func TestUnreadableHistory(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.fail["tail"] = errors.New("no history here")
		r.tags = append(r.tags, "1.1.0")
		r.run(3 * time.Hour)
		v := r.verdict("dev", "drift")
		if r.names("dev") != "1.0.0" || r.count("report") != 1 || v.Answer != gate.Wait || !strings.Contains(v.Reason, "no history here") {
			t.Errorf("dev names %s, drift says %v: %v", r.names("dev"), v, r.deeds)
			return
		}
		r.restart()
		r.run(time.Hour)
		r.closes(r.issues[0].ID, writer)
		r.run(10 * time.Minute)
		if r.names("dev") != "1.1.0" || r.count("report") != 1 {
			t.Errorf("after a person said so dev names %s: %v", r.names("dev"), r.deeds)
		}
	})
}

// TestUnreadableLane holds that a lane with files of old that cannot be read
// stops no other one.
func TestUnreadableLane(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.push(map[string]string{fileOf("prod"): contentOf("0.9.0")})
		old := r.head
		r.push(map[string]string{fileOf("prod"): contentOf("1.0.0")})
		r.opts.Repo = amnesiac{repo{r.world}, old}
		r.restart()
		r.tags = append(r.tags, "1.1.0")
		r.run(3 * time.Hour)
		if r.names("dev") != "1.1.0" || r.names("prod") != "1.0.0" || r.count("report") != 1 {
			t.Errorf("dev names %s, prod %s: %v", r.names("dev"), r.names("prod"), r.deeds)
		}
	})
}

// amnesiac is a repository without the files of one commit.
type amnesiac struct {
	repo

	at gitops.Commit
}

func (r amnesiac) Files(ctx context.Context, at gitops.Commit, under, text string) (map[string][]byte, error) {
	if at == r.at {
		return nil, errors.New("object is missing")
	}
	return r.repo.Files(ctx, at, under, text)
}
