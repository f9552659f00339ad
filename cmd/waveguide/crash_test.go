package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/waveguide-dev/waveguide/gitops"
)

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

// TestCrashPointsOfProposals does the same for the writes to a living
// proposal: a newer version takes its place, a one-shot label is obeyed, and
// it is closed because the version came by hand.
func TestCrashPointsOfProposals(t *testing.T) {
	t.Parallel()
	for _, point := range []string{
		"intent-update", "effect-update", "outcome-update",
		"intent-unlabel", "effect-unlabel", "outcome-unlabel",
		"intent-close", "effect-close", "outcome-close",
	} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, setup{registry: memoryRegistry(t), envs: []string{"dev", "prod"}, approvals: true})
			w.release("1.1.0")
			d := w.run("WAVEGUIDE_CRASH_AT=" + point)
			after := func(kind string) {
				if strings.HasSuffix(point, "-"+kind) {
					d.killed(t)
					d = w.run()
				}
			}
			ada := w.client(adaToken)
			p := w.waitsForReview("prod")
			next := w.release("1.2.0")
			after("update")
			w.reaches("dev", next)
			w.proposal(p.ID, "names 1.2.0", func(p gitops.Proposal) bool { return strings.Contains(p.Title, "1.2.0") })

			if err := ada.AddLabel(t.Context(), p.ID, gitops.LabelRebase); err != nil {
				t.Fatal(err)
			}
			after("unlabel")
			w.proposal(p.ID, "has no label", func(p gitops.Proposal) bool { _, has := p.Label(gitops.LabelRebase); return !has })

			w.pushAs("root", rootToken, "main", map[string]string{file("prod"): w.manifest("1.2.0", next)})
			after("close")
			w.proposal(p.ID, "is closed", func(p gitops.Proposal) bool { return p.State == gitops.Closed })
			w.settled(d)
			d.stop(t)
			if list := w.proposals(); len(list) != 3 { // two of dev, one of prod
				t.Errorf("%d proposals, want 3: %+v", len(list), list)
			}
			w.noBranches()
			w.ledger()
		})
	}
}

// proposal waits until a proposal is as it should be.
func (w *world) proposal(id, what string, ok func(gitops.Proposal) bool) {
	w.t.Helper()
	eventually(w.t, "proposal "+id+" "+what, func() (string, bool) {
		p, err := w.client(adaToken).Proposal(w.t.Context(), id)
		if err != nil {
			return err.Error(), false
		}
		return fmt.Sprintf("%+v", p), ok(p)
	})
}
