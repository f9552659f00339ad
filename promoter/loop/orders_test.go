package loop_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/promoter/store"
)

// comment is something said below a proposal.
func (w *world) comment(id string, by gitops.Actor, format string, args ...any) {
	w.say(id, gitops.Event{Kind: gitops.Commented, By: by, Text: fmt.Sprintf(format, args...)})
}

// in is an instant as people write it.
func in(d time.Duration) string { return time.Now().Add(d).UTC().Format(time.RFC3339) }

// answer is the newest answer of the bot.
func (w *world) answer() string {
	for _, d := range slices.Backward(w.deeds) {
		if text, ok := strings.CutPrefix(d.What, "answer "); ok {
			return text
		}
	}
	return ""
}

// TestPin holds that a version that was pinned in a comment stays, in the
// proposal and after its merge, until the word that ends it: from somebody with
// the right, given once, and heard where nobody looks any more.
func TestPin(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.waiting(t)
		r.comment("1", triage, "/waveguide pin 1.1.0 until %s", in(20*time.Hour))
		r.tags = append(r.tags, "1.2.0")
		r.run(time.Hour)
		if r.names("dev") != "1.0.0" || r.count("push "+laneOf("dev").Branch()) < 2 || !strings.Contains(r.answer(), "`eve` may not `pin`") {
			t.Fatalf("a pin without the right: %v", r.deeds)
		}
		r.comment("1", writer, "/waveguide pin 1.2.0 until %s", in(20*time.Hour))
		r.tags = append(r.tags, "1.3.0")
		r.run(time.Hour)
		if r.count("answer 1") != 2 || !strings.Contains(r.answer(), "`dev/shop` is pinned to `1.2.0` until ") {
			t.Errorf("answers: %v", r.deeds)
		}
		if _, err := (forge{r.world}).Merge(t.Context(), "1", r.branches[laneOf("dev").Branch()]); err != nil {
			t.Fatal(err)
		}
		r.restart()
		r.run(5 * time.Hour)
		if r.names("dev") != "1.2.0" || r.count("open dev") != 1 || r.count("answer 1") != 2 {
			t.Fatalf("dev names %s: %v", r.names("dev"), r.deeds)
		}
		r.comment("1", writer, "/waveguide unpin")
		r.run(time.Hour)
		if r.count("open dev") != 2 || !strings.Contains(r.answer(), "is not pinned by comments any more") {
			t.Errorf("after the pin was ended: %v", r.deeds)
		}
	})
}

// TestPinOutlivesItsComment holds that a pin whose comment is gone goes on: by
// the memory of the loop with its version, and by the bot's own answer with
// none, until its time.
func TestPinOutlivesItsComment(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.waiting(t)
		r.comment("1", writer, "/waveguide pin 1.1.0 until %s", in(20*time.Hour))
		r.run(time.Hour)
		r.comments["1"] = r.comments["1"][1:] // the answer stays
		r.tags = append(r.tags, "1.2.0")
		r.restart()
		r.run(time.Hour)
		if r.count("push "+laneOf("dev").Branch()) != 1 || r.check("dev").State != gitops.CheckSuccess {
			t.Errorf("with its memory: %v, %v", r.check("dev"), r.deeds)
		}
		r.amnesia(t)
		r.run(time.Hour)
		if c := r.check("dev"); c.State != gitops.CheckFailure || !strings.Contains(c.Text, "was edited or deleted: nobody knows to which version") {
			t.Errorf("without: %v, %v", c, r.deeds)
		}
		r.run(20 * time.Hour)
		if r.check("dev").State != gitops.CheckSuccess || r.count("push "+laneOf("dev").Branch()) < 2 {
			t.Errorf("after its time: %v, %v", r.check("dev"), r.deeds)
		}
	})
}

// amnesia begins anew with an empty store.
func (r *rig) amnesia(t *testing.T) {
	t.Helper()
	r.opts.Store = emptyStore(t)
	r.store = r.opts.Store
	r.restart()
}

// frozen freezes every environment, but for emergencies.
func frozen(s *promoter.Stop) {
	s.Gates.Freeze.Freezes = []gate.Frozen{{Name: "audit", From: time.Now().Add(-time.Hour), Until: time.Now().Add(1000 * time.Hour), Allow: []string{"sev1"}}}
	s.Emergencies = []promoter.Emergency{{Name: "sev1"}, {Name: "fix", From: []string{"@acme/security"}}}
}

// TestEmergency holds that an emergency is declared by somebody with the right
// under a name that the rules know; that one issue asks for its review, whatever
// is lost on the way; and that everybody else is told once why it is none.
func TestEmergency(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.shape, r.auto = frozen, false
		r.tags = append(r.tags, "1.1.0")
		r.run(10 * time.Minute)
		refused := func(by gitops.Actor, words, why string) {
			t.Helper()
			n := r.count("answer 1")
			r.comment("1", by, "/waveguide emergency %s", words)
			r.run(time.Hour)
			if r.count("answer 1") != n+1 || !strings.Contains(r.answer(), why) || r.check("dev").State != gitops.CheckPending || len(r.reports) != 0 {
				t.Errorf("%s: %q, %v", words, r.answer(), r.check("dev"))
			}
		}
		refused(triage, "sev1 INC-1", "`eve` may not `emergency`")
		refused(writer, "sev7 INC-1", "The rules define no emergency `sev7` for `dev/shop`: they know `sev1`, `fix`.")
		refused(writer, "fix INC-1", "`ada` may not declare `fix` for `dev/shop`: the rules name `@acme/security`.")
		refused(writer, "sev1", "write /waveguide emergency NAME INCIDENT")
		r.fail["response of report"] = errors.New("connection reset")
		r.comment("1", writer, "/waveguide emergency sev1 INC-7|`x")
		r.run(10 * time.Minute)
		delete(r.fail, "response of report")
		r.run(time.Hour)
		r.amnesia(t)
		r.run(time.Hour)
		if r.check("dev").State != gitops.CheckSuccess || len(r.reports) != 1 || r.count("answer 1") != 5 || !strings.Contains(r.answer(), "A review is due until") {
			t.Fatalf("%v, %d reports: %v", r.check("dev"), len(r.reports), r.deeds)
		}
		if p := r.reports[0]; p.Title != "Review of emergency sev1 (INC-7x): 1.1.0 to dev/shop" || !strings.Contains(p.Body, "| declared by | `ada` |") || !strings.Contains(p.Body, "`previous`, `soak`, `age`, `window`") {
			t.Errorf("the issue is %+v", p)
		}
		if n := r.asked["report"]; n > 6 {
			t.Errorf("the issue was asked for %d times", n)
		}
		r.tags = append(r.tags, "1.2.0")
		r.run(time.Hour)
		if r.says(r.branches[laneOf("dev").Branch()]).State != gitops.CheckSuccess || r.count("push "+laneOf("dev").Branch()) != 1 {
			t.Errorf("a newer version slipped in: %v", r.deeds)
		}
	})
}

// TestEmergencyEnds holds that an emergency is over with its proposal.
func TestEmergencyEnds(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.shape, r.auto = frozen, false
		r.tags = append(r.tags, "1.1.0")
		r.run(10 * time.Minute)
		r.comment("1", writer, "/waveguide emergency sev1 INC-7")
		r.run(10 * time.Minute)
		if _, err := (forge{r.world}).Merge(t.Context(), "1", r.branches[laneOf("dev").Branch()]); err != nil {
			t.Fatal(err)
		}
		r.tags = append(r.tags, "1.2.0")
		r.run(3 * time.Hour)
		if r.count("open dev") != 2 || r.check("dev").State != gitops.CheckPending || len(r.reports) != 1 {
			t.Errorf("%v: %v", r.check("dev"), r.deeds)
		}
	})
}

// TestEditedComments holds that of a comment that was edited a stop counts and
// nothing else does.
func TestEditedComments(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.waiting(t)
		r.comment("1", writer, "looks good")
		r.comment("1", writer, "me too")
		r.run(10 * time.Minute)
		r.comments["1"][0].Text = "/waveguide pin 1.0.0 until " + in(time.Hour)
		r.comments["1"][1].Text = "/hold the invoices run"
		r.run(10 * time.Minute)
		if c := r.check("dev"); c.State != gitops.CheckFailure || !strings.Contains(c.Text, "hold: held by ada") {
			t.Errorf("the check is %v", c)
		}
		if r.count("answer 1") != 1 || !strings.Contains(r.answer(), "This comment was edited after it was written, so `pin` is not taken from it") {
			t.Errorf("answers: %v", r.deeds)
		}
	})
}

// TestCommanders holds that where the rules name who commands, nobody else's
// right is enough to release.
func TestCommanders(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.shape = func(s *promoter.Stop) { s.Commanders = [][]string{{"@acme/sre"}} }
		r.waiting(t)
		r.label("1", gitops.LabelHold, writer)
		r.unlabel("1", gitops.LabelHold, writer)
		r.comment("1", writer, "/unhold")
		r.run(time.Hour)
		if r.check("dev").State == gitops.CheckSuccess || r.count("answer 1") != 2 {
			t.Errorf("released by ada: %v, %v", r.check("dev"), r.deeds)
		}
		sre := gitops.Actor{Name: "sue", Permission: gitops.PermissionWrite, Teams: []string{"@acme/sre"}}
		r.comment("1", sre, "/unhold")
		r.run(time.Hour)
		if r.check("dev").State != gitops.CheckSuccess {
			t.Errorf("not released by sue: %v, %v", r.check("dev"), r.deeds)
		}
	})
}

// TestPersonsEmergency holds that an emergency may be declared on a person's own
// proposal too, and that a hold in its comments counts.
func TestPersonsEmergency(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.shape = frozen
		r.tags = append(r.tags, "1.1.0")
		r.run(10 * time.Minute)
		early := r.proposes("91", map[string]string{fileOf("prod"): contentOf("1.1.0")})
		r.run(10 * time.Minute)
		if c := r.says(early); c.State != gitops.CheckPending {
			t.Errorf("before: %+v", c)
		}
		r.comment("91", writer, "/waveguide emergency sev1 INC-7\n/waveguide pin 1.1.0 until %s", in(time.Hour))
		r.run(10 * time.Minute)
		if c := r.says(early); c.State != gitops.CheckSuccess || len(r.reports) != 1 || r.count("answer 91") != 2 {
			t.Errorf("after: %+v, %v", c, r.deeds)
		}
		r.comment("91", triage, "/hold wait for the lawyers")
		r.run(10 * time.Minute)
		if c := r.says(early); c.State != gitops.CheckFailure || !strings.Contains(c.Text, "hold: prod/shop: held by eve") {
			t.Errorf("held: %+v", c)
		}
	})
}

// TestPersonTakesAway holds that taking an artifact or its digest out is no
// promotion and is said, and that going back is judged as a way back.
func TestPersonTakesAway(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.tags = append(r.tags, "1.1.0")
		r.run(3 * time.Hour)
		r.shape = func(s *promoter.Stop) { s.Gates.Soak.For = 10 * soak }
		out := r.proposes("91", map[string]string{fileOf("prod"): "images: []\n"})
		unpinned := r.proposes("92", map[string]string{fileOf("dev"): "images:\n  - name: " + image + "\n    newTag: 1.1.0\n"})
		r.run(10 * time.Minute)
		if c := r.says(out); c.State != gitops.CheckSuccess || c.Text != "no promotion in this change; it takes shop out of prod" {
			t.Errorf("taking it out: %+v", c)
		}
		if c := r.says(unpinned); c.State != gitops.CheckSuccess || !strings.Contains(c.Text, "it takes the digest of shop in dev away") {
			t.Errorf("taking the digest away: %+v", c)
		}
		r.tags = append(r.tags, "1.2.0")
		r.run(10 * time.Minute)
		if r.count("open dev") != 1 {
			t.Errorf("a proposal beside one that changes the same lines: %v", r.deeds)
		}
		back := r.proposes("93", map[string]string{fileOf("prod"): contentOf("1.0.0")})
		r.run(10 * time.Minute)
		if c := r.says(back); c.State != gitops.CheckSuccess {
			t.Errorf("going back: %+v", c)
		}
	})
}

// emptyStore is a store that remembers nothing.
func emptyStore(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{Path: filepath.Join(t.TempDir(), "empty.db"), Holder: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
