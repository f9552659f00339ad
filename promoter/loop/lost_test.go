package loop_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/signals"
)

// moved is a registry in which a tag names another digest by now.
type moved struct {
	loop.Registry

	tag string
}

func (m moved) Versions(ctx context.Context, image string, selects func(string) bool) ([]signals.Version, error) {
	list, err := m.Registry.Versions(ctx, image, selects)
	for i := range list {
		if list[i].Tag == m.tag {
			list[i].Digest = digestOf("moved " + m.tag)
		}
	}
	return list, err
}

// TestForcedBranchWhileDown holds that a branch that was rewound while nobody
// ran is noticed: the commits known from before may be gone from it.
func TestForcedBranchWhileDown(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		before := r.head
		r.push(map[string]string{"note": "a change that is taken back"})
		r.waiting(t)
		r.head, r.fetched = before, ""
		r.restart()
		r.run(10 * time.Minute)
		if base := r.commits[r.branches[laneOf("dev").Branch()]].parent; base != before {
			t.Errorf("the proposal still holds what was taken back: %v", r.deeds)
		}
	})
}

// TestRebaseOfAnotherFile holds that a rebase is done where a person's commit on
// the branch names no version: the one under review is the one of the tree.
func TestRebaseOfAnotherFile(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.waiting(t)
		branch := laneOf("dev").Branch()
		r.branches[branch] = r.commit(r.branches[branch], map[string]string{"note": "mine"}, "ann@example.com", "")
		r.run(10 * time.Minute)
		r.label("1", gitops.LabelRebase, writer)
		r.run(30 * time.Minute)
		head := r.commits[r.branches[branch]]
		if head.author != email || head.files["note"] != "" || head.files[fileOf("dev")] != contentOf("1.1.0") {
			t.Errorf("after a rebase the branch holds %v of %s: %v", head.files, head.author, r.deeds)
		}
	})
}

// TestWayBackToALostTag holds that the way back is to the digest that was there,
// by the name that it had in Git, also where nobody ever saw the tag name it.
func TestWayBackToALostTag(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.rollback = promoter.Rollback{Propose: true}
		r.opts.Registry = moved{r.opts.Registry, "1.0.0"}
		r.tags, r.sick = append(r.tags, "1.1.0"), "1.1.0"
		r.restart()
		r.run(10 * time.Hour)
		if r.count("merge dev") != 2 || r.commits[r.head].files[fileOf("dev")] != contentOf("1.0.0") {
			t.Errorf("after the way back dev names %q: %v", r.commits[r.head].files[fileOf("dev")], r.deeds)
		}
	})
}

// TestTagMovedBeforeWeCame holds that what Git names is a witness: a tag that
// names another digest there than in the registry was moved, though nobody saw
// it, and whoever may push tags promotes nothing with it.
func TestTagMovedBeforeWeCame(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.opts.Registry = moved{r.opts.Registry, "1.0.0"}
		r.restart()
		r.run(2 * time.Hour)
		if got := r.sentence("dev"); len(r.deeds) > 0 || !strings.Contains(got, "in Git") {
			t.Errorf("it says %q: %v", got, r.deeds)
		}
		r.tags = append(r.tags, "1.1.0")
		r.run(30 * time.Minute)
		if r.names("dev") != "1.1.0" {
			t.Errorf("after a new version was published: %v", r.deeds)
		}
	})
}

// TestTakenBackAndTheStoreIsLost holds that a version that was rolled back is
// not proposed again by somebody who has forgotten all: the forge remembers.
func TestTakenBackAndTheStoreIsLost(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.rollback = promoter.Rollback{Propose: true}
		r.tags, r.sick = append(r.tags, "1.1.0"), "1.1.0"
		r.run(2 * time.Hour)
		if r.names("dev") != "1.0.0" {
			t.Fatalf("dev names %s: %v", r.names("dev"), r.deeds)
		}
		opened := r.count("open dev")
		r.sick = ""
		r.amnesia(t)
		r.run(6 * time.Hour)
		if n := r.count("open dev"); n != opened {
			t.Errorf("what was rolled back was proposed again: %v", r.deeds[len(r.deeds)-8:])
		}
	})
}

// TestRememberedVersionsAreNotRead holds that the tags known from before a
// restart are not acted on until the registry answered again.
func TestRememberedVersionsAreNotRead(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.pause("7", "stop env:dev")
		r.tags = append(r.tags, "1.1.0")
		r.run(30 * time.Minute)
		r.issues = nil
		r.stuck["versions"] = true
		r.restart()
		r.run(time.Hour)
		if r.count("open") != 0 {
			t.Errorf("the registry never answered since the start: %v", r.deeds)
		}
		r.stuck["versions"] = false
		r.run(time.Hour)
		if r.count("open dev") != 1 {
			t.Errorf("the registry answers again: %v", r.deeds)
		}
	})
}
