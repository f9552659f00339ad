package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/google/go-cmp/cmp"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/promoter/store"
)

// TestDevToProd carries a signed image from dev by staging to prod, with real
// servers and the real program, and then reads what was left behind.
func TestDevToProd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{registry: dockerRegistry(t), envs: []string{"dev", "staging", "prod"}, approvals: true, soak: time.Second})
	next := w.release("1.1.0")
	d := w.run()
	w.reaches("dev", next)
	w.reaches("staging", next)
	p := w.waitsForReview("prod")
	if got, err := w.named("prod"); err != nil || got == next {
		t.Fatalf("prod names %s, %v before anybody approved", got, err)
	}
	if err := w.client(adaToken).Review(t.Context(), p.ID, gitops.Approved, p.Head); err != nil {
		t.Fatal(err)
	}
	w.reaches("prod", next)
	w.settled(d)
	d.stop(t)
	w.once(next, "1.1.0")
}

// reaches waits until main names a digest in an environment.
func (w *world) reaches(env, digest string) {
	w.t.Helper()
	eventually(w.t, env+" at "+digest, func() (string, bool) {
		got, err := w.named(env)
		if err != nil {
			return err.Error(), false
		}
		return got, got == digest
	})
}

// waitsForReview waits for the proposal of an environment whose check says
// that an approval is all that is missing.
func (w *world) waitsForReview(env string) gitops.Proposal {
	w.t.Helper()
	var found gitops.Proposal
	eventually(w.t, "a proposal for "+env+" that waits for approval", func() (string, bool) {
		for _, p := range w.proposals() {
			c, ok := p.Check(gitops.CheckName)
			if p.Lane.Environment == env && ok && strings.HasPrefix(c.Text, "approval: ") {
				found = p
				return "", true
			}
		}
		return "none of them", false
	})
	return found
}

// once checks that the digest entered every environment exactly once, with one
// proposal, one merge of one changed file, and a ledger that knows all of it.
func (w *world) once(digest, tag string) {
	w.t.Helper()
	lanes := map[string]int{}
	for _, p := range w.proposals() {
		lanes[p.Lane.Environment+" "+string(p.State)]++
	}
	want := map[string]int{}
	for _, e := range w.envs {
		want[e+" merged"] = 1
	}
	if diff := cmp.Diff(want, lanes); diff != "" {
		w.t.Errorf("proposals (-want +got):\n%s", diff)
	}
	w.history(digest, tag)
	w.ledger()
}

// history reads main backwards: one merge for each environment, each of which
// changes one file to the expected bytes.
func (w *world) history(digest, tag string) {
	w.t.Helper()
	_, c, err := w.main()
	if err != nil {
		w.t.Fatal(err)
	}
	for i := range slices.Backward(w.envs) {
		if c.NumParents() != 2 {
			w.t.Fatalf("commit %s %q on main is no merge", c.Hash, c.Message)
		}
		before, err := c.Parent(0)
		if err != nil {
			w.t.Fatal(err)
		}
		changes := treeChanges(w.t, before, c)
		if diff := cmp.Diff(map[string]string{file(w.envs[i]): w.manifest(tag, digest)}, changes); diff != "" {
			w.t.Errorf("merge %d (-want +got):\n%s", i, diff)
		}
		c = before
	}
	if c.NumParents() != 0 {
		w.t.Errorf("main has more merges than environments: %s %q", c.Hash, c.Message)
	}
	w.noBranches()
}

// noBranches checks that no branch of the bot is left.
func (w *world) noBranches() {
	w.t.Helper()
	r, _, err := w.main()
	if err != nil {
		w.t.Fatal(err)
	}
	refs, err := r.References()
	if err != nil {
		w.t.Fatal(err)
	}
	_ = refs.ForEach(func(ref *plumbing.Reference) error { // the function does not fail
		if strings.Contains(ref.Name().String(), gitops.BranchPrefix) && ref.Name().IsBranch() {
			w.t.Errorf("branch %s is left", ref.Name())
		}
		return nil
	})
}

// treeChanges maps each changed path to its new bytes.
func treeChanges(t *testing.T, before, after *object.Commit) map[string]string {
	t.Helper()
	a, err := before.Tree()
	if err != nil {
		t.Fatal(err)
	}
	b, err := after.Tree()
	if err != nil {
		t.Fatal(err)
	}
	list, err := a.Diff(b)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, ch := range list {
		_, f, err := ch.Files()
		if err != nil || f == nil {
			t.Fatalf("change %s: %v", ch, err)
		}
		text, err := f.Contents()
		if err != nil {
			t.Fatal(err)
		}
		if f.Mode != 0o100644 {
			t.Errorf("%s has mode %s", ch.To.Name, f.Mode)
		}
		out[ch.To.Name] = text
	}
	return out
}

// ledger verifies the ledger against itself and against the checkpoints in the
// commits, asks that every intent has an outcome, and makes every decision in it
// again, which must have the same bytes.
func (w *world) ledger() {
	w.t.Helper()
	s, err := store.Open(w.t.Context(), store.Options{Path: filepath.Join(w.dir, "state", "waveguide.db"), Holder: "test", ReadOnly: true})
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if err := s.Verify(w.t.Context(), w.checkpoints()...); err != nil {
		w.t.Error(err)
	}
	left, err := s.Unfinished(w.t.Context())
	if err != nil || len(left) > 0 {
		w.t.Errorf("intents without an outcome: %v, %v", left, err)
	}
	all, err := s.Entries(w.t.Context(), store.Filter{}, 1<<20)
	if err != nil {
		w.t.Error(err)
	}
	decisions := 0
	for _, e := range all {
		decided, err := loop.Replay(w.t.Context(), s, e)
		if err != nil {
			w.t.Error(err)
		}
		if decided {
			decisions++
		}
	}
	if decisions == 0 {
		w.t.Errorf("the ledger has %d entries and no decision", len(all))
	}
	w.t.Logf("%d entries of the ledger, %d decisions made again", len(all), decisions)
}

// refusedNothing checks that every outcome in the ledger is that it was done.
func (w *world) refusedNothing() {
	w.t.Helper()
	s, err := store.Open(w.t.Context(), store.Options{Path: filepath.Join(w.dir, "state", "waveguide.db"), Holder: "test", ReadOnly: true})
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	outcomes, err := s.Entries(w.t.Context(), store.Filter{Kind: store.Outcome}, 1000)
	if err != nil || len(outcomes) == 0 {
		w.t.Fatalf("%d outcomes, %v", len(outcomes), err)
	}
	for _, o := range outcomes {
		if !strings.Contains(string(o.Body), `"result":"done"`) {
			w.t.Errorf("outcome of %s: %s", o.Subject, o.Body)
		}
	}
}

// checkpoints are those that the bot's commits on main carry.
func (w *world) checkpoints() []store.Checkpoint {
	w.t.Helper()
	_, c, err := w.main()
	if err != nil {
		w.t.Fatal(err)
	}
	var all []store.Checkpoint
	err = object.NewCommitPreorderIter(c, nil, nil).ForEach(func(c *object.Commit) error {
		for line := range strings.Lines(c.Message) {
			text, ok := strings.CutPrefix(line, "Waveguide-Checkpoint: ")
			if !ok {
				continue
			}
			cp, err := store.ParseCheckpoint(strings.TrimSpace(text))
			if err != nil {
				return err
			}
			all = append(all, cp)
		}
		return nil
	})
	if err != nil || len(all) == 0 {
		w.t.Errorf("%d checkpoints on main, %v", len(all), err)
	}
	return all
}
