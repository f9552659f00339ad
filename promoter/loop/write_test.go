package loop_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/promoter/store"
)

// TestTogether holds that the branches of a wave are pushed in one request.
func TestTogether(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.auto = false
		r.settle([]string{"a", "b", "c", "d"})
		r.tags = append(r.tags, "1.1.0")
		r.run(10 * time.Minute)
		if r.count("open") != 4 || r.pushes != 1 {
			t.Errorf("%d proposals in %d pushes: %v", r.count("open"), r.pushes, r.deeds)
		}
	})
}

// TestFailingWrite holds that a write that fails is tried again less and less
// often, and is made when it can be.
func TestFailingWrite(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"push", "open", "check", "merge"} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *rig) {
				t.Helper()
				tries := 0
				r.before = func(what string) {
					if what == name {
						tries++
					}
				}
				r.fail[name] = errors.New("answers 500")
				r.tags = append(r.tags, "1.1.0")
				r.run(2 * time.Hour)
				if tries < 10 || tries > 40 {
					t.Errorf("tried %d times in two hours", tries)
				}
				delete(r.fail, name)
				r.run(3 * time.Hour)
				if r.names("prod") != "1.1.0" || r.count("open") != 2 {
					t.Errorf("prod at %s: %v", r.names("prod"), r.deeds)
				}
			})
		})
	}
}

// TestLostResponse holds that a proposal whose creation was not answered is
// found, not made again.
func TestLostResponse(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.fail["response of open"] = errors.New("connection reset")
		r.tags = append(r.tags, "1.1.0")
		r.run(time.Minute)
		delete(r.fail, "response of open")
		r.run(3 * time.Hour)
		if r.count("open dev") != 1 || r.names("prod") != "1.1.0" {
			t.Errorf("prod at %s: %v", r.names("prod"), r.deeds)
		}
	})
}

// TestMoved holds that a branch that moves between look and push is not
// overwritten, and that the loop does not spin on it.
func TestMoved(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		branch := laneOf("dev").Branch()
		theirs := gitops.Commit("")
		r.before = func(what string) {
			if what == "compare" && theirs == "" {
				theirs = r.commit(r.head, map[string]string{fileOf("dev"): contentOf("0.9.0")}, "ann@example.com", "")
				r.branches[branch] = theirs
			}
		}
		r.tags = append(r.tags, "1.1.0")
		r.run(time.Hour)
		if r.branches[branch] != theirs {
			t.Errorf("the branch was overwritten: %v", r.deeds)
		}
		// A numbered branch beside it is used.
		if r.names("dev") != "1.1.0" || r.count("push waveguide/dev/shop_2") != 1 {
			t.Errorf("dev at %s: %v", r.names("dev"), r.deeds)
		}
	})
}

// TestEditedBranch holds that a commit of a person on the bot's branch is
// neither overwritten nor merged, and turns the check red.
func TestEditedBranch(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.auto = false
		r.tags = append(r.tags, "1.1.0")
		r.run(10 * time.Minute)
		branch := laneOf("dev").Branch()
		theirs := r.commit(r.branches[branch], map[string]string{fileOf("dev"): contentOf("1.1.0") + "# mine\n"}, "ann@example.com", "")
		r.branches[branch] = theirs
		r.auto = true
		r.push(map[string]string{rulesFile: "good", "note": "x"})
		r.tags = append(r.tags, "1.2.0")
		r.run(2 * time.Hour)
		if r.branches[branch] != theirs || r.count("merge") > 0 {
			t.Errorf("a person's commit was lost or merged: %v", r.deeds)
		}
		if r.check("dev").State == gitops.CheckSuccess {
			t.Errorf("check is %v", r.check("dev"))
		}
	})
}

// lagging is a forge whose list shows nothing while it lags.
type lagging struct {
	forge

	lags *bool
}

func (f lagging) Proposals(ctx context.Context, since string) ([]gitops.Proposal, string, error) {
	list, next, err := f.forge.Proposals(ctx, since)
	if *f.lags {
		list = nil
	}
	return list, next, err
}

// TestListLags holds that no second proposal is opened beside one to which
// somebody pushed and that the list does not show for some minutes.
func TestListLags(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.waiting(t)
		branch := laneOf("dev").Branch()
		r.branches[branch] = r.commit(r.branches[branch], map[string]string{"note": "mine"}, "ann@example.com", "")
		lags := true
		r.opts.Forge = lagging{forge{r.world}, &lags}
		r.restart()
		r.run(4 * time.Minute)
		lags = false
		r.run(time.Hour)
		if r.count("open dev") != 1 {
			t.Errorf("a second proposal was opened: %v", r.deeds)
		}
	})
}

// TestUnseenWrite holds that a write that does not show is not made again and
// again: a forge may answer from a stale copy.
func TestUnseenWrite(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.auto = false
		r.tags = append(r.tags, "1.1.0")
		r.run(time.Second)
		checks := r.count("check")
		r.opts.Forge = stale{forge{r.world}}
		r.restart()
		r.run(time.Hour)
		if n := r.count("check") - checks; n > 20 {
			t.Errorf("the check was set %d times in an hour", n)
		}
	})
}

// TestFreshBeforeWrite holds that Git and the forge are read again right before
// a step forward, however long ago their turn was.
func TestFreshBeforeWrite(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		hints := make(chan loop.Hint, 1)
		r.opts.Hints, r.opts.Poll.Repository, r.opts.Poll.Versions = hints, 24*time.Hour, 24*time.Hour
		r.restart()
		r.run(time.Minute)
		r.pause("7", "stop env:dev")
		r.tags = append(r.tags, "1.1.0")
		hints <- loop.Hint{Image: image}
		r.run(time.Hour)
		if len(r.deeds) > 0 {
			t.Errorf("while an issue pauses it: %v", r.deeds)
		}
	})
}

// TestBehind holds that a proposal is computed again when its file has changed
// on the protected branch.
func TestBehind(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.auto = false
		r.tags = append(r.tags, "1.1.0")
		r.run(10 * time.Minute)
		first := r.branches[laneOf("dev").Branch()]
		r.push(map[string]string{fileOf("dev"): "# read me\n" + contentOf("1.0.0")})
		r.run(10 * time.Minute)
		second := r.branches[laneOf("dev").Branch()]
		if second == first || r.commits[second].files[fileOf("dev")] != "# read me\n"+contentOf("1.1.0") {
			t.Errorf("the branch holds %q: %v", r.commits[second].files[fileOf("dev")], r.deeds)
		}
	})
}

// TestForcedBranch holds that a proposal whose base was taken off the protected
// branch by force is computed again: merging it would bring that back.
func TestForcedBranch(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.auto = false
		before := r.head
		r.push(map[string]string{"note": "a change that is taken back"})
		r.tags = append(r.tags, "1.1.0")
		r.run(10 * time.Minute)
		r.head, r.forced = before, true
		r.run(10 * time.Minute)
		if base := r.commits[r.branches[laneOf("dev").Branch()]].parent; base != before {
			t.Errorf("the proposal still holds what was taken back: %v", r.deeds)
		}
	})
}

// TestUnreadRejection holds that a closed proposal that could not be read when
// it was first seen still rejects what it held.
func TestUnreadRejection(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.waiting(t)
		branch := laneOf("dev").Branch()
		r.list[0].State, r.list[0].Ended, r.list[0].EndedBy = gitops.Closed, time.Now(), writer
		r.list[0].Head = r.commit(r.branches[branch], map[string]string{"note": "x"}, "ada@example.com", "")
		delete(r.branches, branch)
		r.fail["delta"] = errors.New("the remote is away")
		r.run(30 * time.Minute)
		delete(r.fail, "delta")
		r.run(2 * time.Hour)
		if r.count("open dev") != 1 {
			t.Errorf("a rejected version was proposed again: %v", r.deeds)
		}
	})
}

// TestMergeQueue holds that where the branch has a queue merging is enqueueing,
// once, and that the check answers for the group's head.
func TestMergeQueue(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.queue = true
		r.tags = append(r.tags, "1.1.0")
		r.run(30 * time.Minute)
		if r.count("enqueue") != 1 || r.count("merge") != 0 {
			t.Fatalf("did %v", r.deeds)
		}
		if c := r.says(r.groups[0].Head); c.State != gitops.CheckSuccess {
			t.Errorf("the group's check is %+v", c)
		}
		r.pause("7", "stop env:dev")
		r.run(10 * time.Minute)
		if c := r.says(r.groups[0].Head); c.State == gitops.CheckSuccess {
			t.Errorf("paused, and the group's check is %+v", c)
		}
	})
}

// TestWitness holds that a new ledger names the ones before it that Git knows,
// once.
func TestWitness(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		earlier := store.Checkpoint{Origin: "earlier", Size: 7}
		r.opts.Witness = func(context.Context) []store.Checkpoint { return []store.Checkpoint{earlier} }
		for range 2 {
			r.restart()
			r.run(time.Minute)
		}
		notes, err := r.store.Entries(t.Context(), store.Filter{Kind: store.Note}, 10)
		if err != nil || len(notes) != 1 || !strings.Contains(string(notes[0].Body), earlier.String()) {
			t.Errorf("notes %v, %v", notes, err)
		}
	})
}

// TestReadAnew holds that a proposal is read anew before it is merged: a list
// may come from a copy that does not have a person's hold yet.
func TestReadAnew(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.waiting(t)
		r.auto = true
		r.opts.Forge = behindhand{forge{r.world}}
		r.restart()
		r.label("1", gitops.LabelHold, writer)
		r.run(30 * time.Minute)
		if r.count("merge") != 0 || r.check("dev").State == gitops.CheckSuccess {
			t.Errorf("held, and: %v, %v", r.check("dev"), r.deeds)
		}
	})
}

// TestPinReadAnew holds the same of a pin: whoever asks for it in a comment that
// the list does not show yet is heard before the merge.
func TestPinReadAnew(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.waiting(t)
		r.auto = true
		r.opts.Forge = behindhand{forge{r.world}}
		r.restart()
		r.comment("1", writer, "/waveguide pin 1.0.0 until %s", in(20*time.Hour))
		r.run(30 * time.Minute)
		if r.count("merge") != 0 || r.check("dev").State == gitops.CheckSuccess {
			t.Errorf("pinned to what is there, and: %v, %v", r.check("dev"), r.deeds)
		}
	})
}

// TestLimit holds that a forge that asks to wait is left alone until then.
func TestLimit(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.fail["open"] = &gitops.LimitError{Until: r.began.Add(2 * time.Hour)}
		tries := 0
		r.before = func(what string) {
			if what == "open" {
				tries++
			}
		}
		r.tags = append(r.tags, "1.1.0")
		r.run(90 * time.Minute)
		if tries != 1 {
			t.Errorf("asked %d times before its time", tries)
		}
		delete(r.fail, "open")
		r.run(3 * time.Hour)
		if r.count("open dev") != 1 {
			t.Errorf("afterwards: %v", r.deeds)
		}
	})
}
