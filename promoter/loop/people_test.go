package loop_test

import (
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
)

// waiting runs until the first proposal of dev waits for a person to merge it.
func (r *rig) waiting(t *testing.T) {
	t.Helper()
	r.auto = false
	r.tags = append(r.tags, "1.1.0")
	r.run(10 * time.Minute)
	if r.check("dev").State != gitops.CheckSuccess {
		t.Fatalf("check is %v", r.check("dev"))
	}
}

// TestHoldStands holds that a hold ends by a release of somebody with the right
// and by nothing else: a label that anybody else takes off is put back, and
// they are told, once.
func TestHoldStands(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.waiting(t)
		r.label("1", gitops.LabelHold, writer)
		r.run(10 * time.Minute)
		if r.check("dev").State == gitops.CheckSuccess {
			t.Fatalf("held, and the check is %v", r.check("dev"))
		}
		r.unlabel("1", gitops.LabelHold, triage)
		r.run(time.Hour)
		if r.check("dev").State == gitops.CheckSuccess || r.count("mend 1: put-label "+gitops.LabelHold) != 1 || r.count("answer 1") != 1 {
			t.Errorf("after somebody without the right took it off: %v, %v", r.check("dev"), r.deeds)
		}
		r.unlabel("1", gitops.LabelHold, writer)
		r.run(10 * time.Minute)
		if r.check("dev").State != gitops.CheckSuccess {
			t.Errorf("after a release with the right: %v", r.check("dev"))
		}
	})
}

// TestHoldSurvives holds that a hold whose label went while nobody looked is
// still in force after a restart with an empty memory: the forge remembers.
func TestHoldSurvives(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.waiting(t)
		r.label("1", gitops.LabelHold, triage)
		r.unlabel("1", gitops.LabelHold, triage)
		r.restart()
		r.run(10 * time.Minute)
		if r.check("dev").State == gitops.CheckSuccess {
			t.Errorf("check is %v: %v", r.check("dev"), r.deeds)
		}
	})
}

// TestRightAtFirstSight holds that what somebody did counts with the rights
// they had when it was first seen.
func TestRightAtFirstSight(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.waiting(t)
		r.label("1", gitops.LabelHold, writer)
		r.unlabel("1", gitops.LabelHold, triage)
		r.run(10 * time.Minute)
		r.unlabel("1", gitops.LabelHold, triage)
		r.run(10 * time.Minute)
		for i := range r.comments["1"] {
			r.comments["1"][i].By.Permission = gitops.PermissionAdmin // promoted meanwhile
		}
		r.restart()
		r.run(time.Hour)
		if r.check("dev").State == gitops.CheckSuccess {
			t.Errorf("a right that came later ended the hold: %v", r.check("dev"))
		}
	})
}

// TestPauseStands holds the same of an issue that pauses: one that is closed
// without the right is opened again and goes on pausing meanwhile.
func TestPauseStands(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.pause("7", "stop env:dev")
		r.run(time.Minute)
		r.issues[0].State = gitops.Closed
		r.say("7", gitops.Event{Kind: gitops.Ended, By: triage})
		r.tags = append(r.tags, "1.1.0")
		r.run(time.Hour)
		if r.count("open") != 0 || r.issues[0].State != gitops.Open || r.count("mend 7") != 1 || r.count("answer 7") != 1 {
			t.Errorf("issue is %s: %v", r.issues[0].State, r.deeds)
		}
		r.issues[0].State = gitops.Closed
		r.say("7", gitops.Event{Kind: gitops.Ended, By: writer})
		r.run(3 * time.Hour)
		if r.count("open dev") != 1 {
			t.Errorf("after it was closed with the right: %v", r.deeds)
		}
	})
}

// TestRetry holds that a rejected version comes back when somebody with the
// right asks for it, and not before.
func TestRetry(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.waiting(t)
		r.list[0].State, r.list[0].Ended, r.list[0].EndedBy = gitops.Closed, time.Now(), writer
		r.list[0].Head = r.branches[laneOf("dev").Branch()]
		r.run(time.Hour)
		r.say("1", gitops.Event{Kind: gitops.Commented, By: triage, Text: "/waveguide retry"})
		r.run(time.Hour)
		if r.count("open dev") != 1 {
			t.Fatalf("a rejection was forgotten: %v", r.deeds)
		}
		r.say("1", gitops.Event{Kind: gitops.Commented, By: writer, Text: "/waveguide retry"})
		r.run(time.Hour)
		if r.count("open dev") != 2 {
			t.Errorf("after the word: %v", r.deeds)
		}
	})
}

func chartOf(env string) string { return "environments/" + env + "/app.yaml" }

// tagOnly is a file as charts have it: no digest beside the tag.
func tagOnly(tag string) string {
	return "spec:\n  source:\n    repoURL: registry.example.com\n    chart: shop\n    targetRevision: " + tag + "\n"
}

// TestRetryOfTag holds the same of what has a tag and no digest.
func TestRetryOfTag(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.push(map[string]string{fileOf("dev"): "resources: []\n", chartOf("dev"): tagOnly("1.0.0")})
		r.waiting(t)
		r.opts.Forge = behindhand{forge{r.world}} // the list does not tell what happened after the end
		r.list[0].State, r.list[0].Ended, r.list[0].EndedBy = gitops.Closed, time.Now(), writer
		r.list[0].Head = r.branches[laneOf("dev").Branch()]
		r.amnesia(t) // what was proposed is read from the files, which name no digest
		r.run(time.Hour)
		if r.count("open dev") != 1 {
			t.Fatalf("a rejection was forgotten: %v", r.deeds)
		}
		r.say("1", gitops.Event{Kind: gitops.Commented, By: writer, Text: "/waveguide retry"})
		r.run(time.Hour)
		if r.count("open dev") != 2 {
			t.Errorf("after the word: %v", r.deeds)
		}
	})
}

// TestMisplacedWords holds that a command below a pause issue is answered once
// and not obeyed.
func TestMisplacedWords(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.pause("7", "stop env:dev")
		r.say("7", gitops.Event{Kind: gitops.Commented, By: writer, Text: "/waveguide emergency sev1 INC-7"})
		r.run(time.Hour)
		if r.count("answer 7") != 1 || len(r.reports) != 0 {
			t.Errorf("did %v", r.deeds)
		}
	})
}

// TestRebaseWord holds that the word does what the label does, once.
func TestRebaseWord(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.waiting(t)
		r.say("1", gitops.Event{Kind: gitops.Commented, By: writer, Text: "/waveguide rebase"})
		r.run(time.Hour)
		if r.count("mend 1: put-label "+gitops.LabelRebase) != 1 || r.count("unlabel "+gitops.LabelRebase) != 1 || r.count("answer 1") != 1 {
			t.Errorf("did %v", r.deeds)
		}
	})
}
