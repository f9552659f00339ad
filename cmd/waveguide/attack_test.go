package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/waveguide-dev/waveguide/gitops"
)

// TestAttacks offers the program a newest version that must not move, waits
// until it says which gate stops it, and then releases an honest one: that one
// is promoted, and the other never was.
func TestAttacks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, gate string
		do         func(w *world)
	}{
		{"nobody signed it", "signature", func(w *world) { w.push("2.0.0") }},
		{"signed for another repository", "signature", func(w *world) {
			digest := w.push("build")
			ref, err := name.NewDigest(w.image + "@" + digest)
			if err != nil {
				w.t.Fatal(err)
			}
			if err := w.signer.SignAs(w.t.Context(), ref, strings.Replace(w.image, "shop", "toys", 1)); err != nil {
				w.t.Fatal(err)
			}
			w.tag(digest, "2.0.0")
		}},
		{"signed with another key", "signature", func(w *world) {
			thief := newShelf(w.t, strings.Split(w.image, "/")[0])
			thief.release("2.0.0")
		}},
		{"the genuine old build under a newer tag", "version", func(w *world) {
			old, err := w.named("dev")
			if err != nil {
				w.t.Fatal(err)
			}
			w.tag(old, "2.0.0")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, setup{registry: memoryRegistry(t), envs: []string{"dev", "prod"}})
			d := w.run()
			w.settled(d)
			c.do(w)
			w.blocked(d, c.gate)
			if list := w.proposals(); len(list) != 0 {
				t.Errorf("proposals = %+v, want none", list)
			}
			next := w.release("3.0.0")
			w.reaches("prod", next)
			w.settled(d)
			d.stop(t)
			w.once(next, "3.0.0")
		})
	}
}

// TestTagMoves moves the tag of an open, green proposal to an image that nobody
// signed: the proposal turns red, and names what was verified until the end.
func TestTagMoves(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{registry: memoryRegistry(t), envs: []string{"dev"}, manual: true})
	d := w.run()
	w.settled(d)
	next := w.release("1.1.0")
	w.checked("dev", gitops.CheckSuccess, "")
	w.tag(w.push("evil"), "1.1.0")
	w.checked("dev", gitops.CheckFailure, "version")
	for _, p := range w.proposals() {
		if !strings.Contains(p.Body, next) {
			t.Errorf("proposal %s is not about %s: %s", p.ID, next, p.Body)
		}
	}
	d.stop(t)
	w.refusedNothing()
}

// blocked waits until the daemon says that a gate blocks.
func (w *world) blocked(c *child, gate string) {
	w.t.Helper()
	page := "http://" + c.says(w.t, `for=page address=(\S+)`)
	eventually(w.t, gate+" blocks", func() (string, bool) {
		text := w.get(page + "/metrics")
		return text, strings.Contains(text, fmt.Sprintf(`waveguide_gate_verdicts{answer="block",gate=%q,repository="env"}`, gate))
	})
}

// TestStrangersBranch leaves a branch of our name alone, says so, and goes on
// beside it under a numbered name.
func TestStrangersBranch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{registry: memoryRegistry(t), envs: []string{"dev", "prod"}})
	branch := gitops.Lane{Environment: "dev", Artifact: "shop"}.Branch()
	head := w.pushAs("ada", adaToken, branch, map[string]string{"evil.yaml": "evil: true\n"})
	p, err := w.client(adaToken).Open(t.Context(), gitops.Proposal{Branch: branch, Title: "promote(dev): shop"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	d := w.run()
	w.settled(d)
	next := w.release("1.1.0")
	d.says(t, `(a branch of our name holds a commit that is not ours)`)
	w.reaches("prod", next)
	w.settled(d)
	got, err := w.client(adaToken).Proposal(t.Context(), p.ID)
	if err != nil || string(got.Head) != head || got.State != gitops.Open || got.Title != "promote(dev): shop" {
		t.Errorf("the stranger's proposal is %+v, %v", got, err)
	}
	d.stop(t)
	w.ledger()
	w.refusedNothing()
}

// TestPersonsCommit never merges what a person pushed to a proposal's branch,
// even when somebody approves it.
func TestPersonsCommit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{registry: memoryRegistry(t), envs: []string{"dev", "prod"}, approvals: true})
	d := w.run()
	w.settled(d)
	before, err := w.named("prod")
	if err != nil {
		t.Fatal(err)
	}
	next := w.release("1.1.0")
	p := w.waitsForReview("prod")
	text := strings.Replace(w.manifest("1.1.0", next), "images:", "replicas: 0\nimages:", 1)
	head := w.pushOnto("ada", adaToken, p.Branch, map[string]string{file("prod"): text})
	if err := w.client(adaToken).Review(t.Context(), p.ID, gitops.Approved, gitops.Commit(head)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a check that is not green on the person's commit", func() (string, bool) {
		got, err := w.client(adaToken).Proposal(t.Context(), p.ID)
		if err != nil {
			return err.Error(), false
		}
		c, ok := got.Check(gitops.CheckName)
		if ok && c.State == gitops.CheckSuccess || got.State != gitops.Open || string(got.Head) != head {
			t.Fatalf("the proposal became %+v", got)
		}
		return fmt.Sprintf("%+v", got), ok && string(got.Head) == head
	})
	if got, err := w.named("prod"); err != nil || got != before {
		t.Errorf("prod names %s, %v, want %s", got, err, before)
	}
	d.stop(t)
	w.ledger()
}

// TestBackdatedCommit holds that a commit's date makes no soak shorter: the
// clock starts when the version is first seen there.
func TestBackdatedCommit(t *testing.T) {
	t.Parallel()
	const soak = 4 * time.Second
	w := newWorld(t, setup{registry: memoryRegistry(t), envs: []string{"dev", "prod"}, soak: soak})
	d := w.run()
	w.settled(d)
	next := w.release("1.1.0")
	w.clock = func() time.Time { return time.Now().AddDate(-1, 0, 0) }
	began := time.Now()
	w.pushAs("root", rootToken, "main", map[string]string{file("dev"): w.manifest("1.1.0", next)})
	w.reaches("prod", next)
	if took := time.Since(began); took < soak {
		t.Errorf("prod has it after %s, before a soak of %s", took, soak)
	}
	d.stop(t)
	w.ledger()
}
