package loop_test

import (
	"strings"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/loop"
)

// proposes opens a person's proposal with these files.
func (w *world) proposes(id string, files map[string]string) gitops.Commit {
	head := w.commit(w.head, files, "ada@example.com", "")
	branch := "ada/" + id
	w.branches[branch] = head
	w.list = append(w.list, gitops.Proposal{ID: id, State: gitops.Open, Author: writer, Branch: branch, Head: head, Base: w.head, Opened: time.Now()})
	return head
}

// says is the bot's check on a commit.
func (w *world) says(head gitops.Commit) gitops.Check {
	c, _ := gitops.Proposal{Checks: w.checks[head]}.Check(gitops.CheckName)
	return c
}

// TestPersonsProposal holds that the check stands on a person's proposal too:
// green at once where no version moves, by the gates where one does. Our own
// proposal for that lane waits behind it.
func TestPersonsProposal(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.tags = append(r.tags, "1.1.0")
		r.run(10 * time.Minute)
		readme := r.proposes("90", map[string]string{"README.md": "hello"})
		early := r.proposes("91", map[string]string{fileOf("prod"): contentOf("1.1.0")})
		r.run(10 * time.Minute)
		if c := r.says(readme); c.State != gitops.CheckSuccess || c.Text != "no promotion in this change" {
			t.Errorf("the check of a change without a promotion: %+v", c)
		}
		if c := r.says(early); c.State != gitops.CheckPending || !strings.Contains(c.Text, "has not earned dev") {
			t.Errorf("the check of a change before its time: %+v", c)
		}
		r.run(3 * time.Hour)
		if c := r.says(early); c.State != gitops.CheckSuccess {
			t.Errorf("the check after the soak: %+v", c)
		}
		if r.count("open prod") != 0 {
			t.Errorf("two proposals for one lane: %v", r.deeds)
		}
		(forge{r.world}).find("91").State = gitops.Closed
		r.run(time.Hour)
		if r.count("open prod") != 1 {
			t.Errorf("after it was closed: %v", r.deeds)
		}
	})
}

// TestWarnHumans holds that a person's proposal can be let through, with a word.
func TestWarnHumans(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.opts.HumanChanges = loop.WarnHumans
		r.restart()
		r.tags = append(r.tags, "1.1.0")
		r.run(10 * time.Minute)
		early := r.proposes("91", map[string]string{fileOf("prod"): contentOf("1.1.0")})
		r.run(10 * time.Minute)
		if c := r.says(early); c.State != gitops.CheckSuccess || !strings.Contains(c.Text, "has not earned dev") {
			t.Errorf("the check is %+v", c)
		}
	})
}

// TestNobodyLeft holds that the loop rests once the last proposal of a person
// has ended, however soon its verdict would have changed.
func TestNobodyLeft(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.tags = append(r.tags, "1.1.0")
		r.run(10 * time.Minute)
		r.proposes("91", map[string]string{fileOf("prod"): contentOf("1.1.0")})
		r.run(10 * time.Minute)
		(forge{r.world}).find("91").State = gitops.Closed
		r.run(10 * time.Minute)
		before := len(r.views)
		r.run(3 * time.Hour)
		if n := len(r.views) - before; n > 1000 {
			t.Errorf("%d looks in three hours", n)
		}
	})
}

// TestBrokenRulesAndPeople holds that while the rules are broken nothing of a
// person turns green but what may mend them.
func TestBrokenRulesAndPeople(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.push(map[string]string{rulesFile: "nonsense"})
		r.run(time.Minute)
		other := r.proposes("91", map[string]string{fileOf("prod"): contentOf("6.6.6")})
		mends := r.proposes("92", map[string]string{rulesFile: "good"})
		r.run(10 * time.Minute)
		if c := r.says(other); c.State != gitops.CheckPending {
			t.Errorf("a change beside broken rules: %+v", c)
		}
		if c := r.says(mends); c.State != gitops.CheckSuccess {
			t.Errorf("a change that may mend them: %+v", c)
		}
	})
}
