package loop_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
)

// TestClockSetBack holds that a clock that is set back keeps nobody waiting
// until it shows what it showed before.
func TestClockSetBack(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		skew := 3 * time.Hour
		r.opts.Now = func() time.Time { return time.Now().Add(skew).Round(0) }
		r.restart()
		r.run(30 * time.Minute)
		skew = 0
		r.tags = append(r.tags, "1.1.0")
		r.run(30 * time.Minute)
		if r.count("open dev") != 1 {
			t.Errorf("half an hour after the clock was set back: %v", r.deeds)
		}
	})
}

// TestClosedTwice holds that a proposal that was opened again and closed again
// rejects what it held the second time.
func TestClosedTwice(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.waiting(t)
		branch := laneOf("dev").Branch()
		r.list[0].State, r.list[0].Ended, r.list[0].EndedBy = gitops.Closed, time.Now(), writer
		r.list[0].Head = r.branches[branch]
		r.run(30 * time.Minute)
		r.list[0].State, r.list[0].Ended, r.list[0].EndedBy = gitops.Open, time.Time{}, gitops.Actor{}
		r.tags = append(r.tags, "1.2.0")
		r.run(30 * time.Minute)
		r.list[0].State, r.list[0].Ended, r.list[0].EndedBy = gitops.Closed, time.Now(), writer
		r.list[0].Head = r.branches[branch]
		r.run(2 * time.Hour)
		if r.count("open dev") != 1 {
			t.Errorf("what was rejected by the second closing was proposed again: %v", r.deeds)
		}
	})
}

// TestGroupIsProvenAnew holds that the check of a queue's group turns green on
// proofs that were read in that look: the queue merges it without asking.
func TestGroupIsProvenAnew(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.opts.Poll.Versions = 100 * time.Hour
		r.restart()
		r.queue = true
		r.tags = append(r.tags, "1.1.0")
		r.run(30 * time.Minute)
		r.revoked = true
		r.groups[0].Head = r.commit(r.head, r.commits[r.groups[0].Head].files, "queue@example.com", "the group anew")
		r.run(10 * time.Minute)
		if c := r.says(r.groups[0].Head); c.State == gitops.CheckSuccess {
			t.Errorf("revoked, and the group formed anew is %+v", c)
		}
	})
}

// chatty is a failure that is worded in another way each time.
type chatty struct{ n *int }

func (c chatty) Error() string {
	*c.n++
	return fmt.Sprintf("answers 502 (request %d)", *c.n)
}

// TestWordsOfFailure holds that a server that words its failure in another way
// each time is not repeated on proposals each time.
func TestWordsOfFailure(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.waiting(t)
		before := len(r.deeds)
		r.fail["pauses"] = chatty{new(int)}
		r.run(time.Hour)
		if n := len(r.deeds) - before; n > 20 {
			t.Errorf("%d writes in an hour in which nothing happened", n)
		}
	})
}

// TestGroupHoldsAnotherVersion holds that the verdicts on a newer version say
// nothing of a group that holds the older one.
func TestGroupHoldsAnotherVersion(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.queue = true
		r.tags = append(r.tags, "1.1.0")
		r.run(30 * time.Minute)
		r.fail["push"] = errors.New("the remote takes no push")
		r.tags = append(r.tags, "1.2.0")
		r.run(30 * time.Minute)
		r.groups[0].Head = r.commit(r.head, r.commits[r.groups[0].Head].files, "queue@example.com", "the group anew")
		r.run(10 * time.Minute)
		if c := r.says(r.groups[0].Head); c.State == gitops.CheckSuccess {
			t.Errorf("1.2.0 is about to take the place of 1.1.0, and the group of 1.1.0 is %+v", c)
		}
	})
}
