package trail_test

import (
	"strings"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/loop/trail"
)

// TestMadeOf holds by what a step is known as the merge of a proposal, whatever
// the method.
func TestMadeOf(t *testing.T) {
	t.Parallel()
	merged := gitops.Proposal{State: gitops.Merged, Head: "head", MergedAs: "made"}
	for name, c := range map[string]struct {
		step trail.Step
		p    gitops.Proposal
		want bool
	}{
		"a squash or a rebase, by the word of the forge": {trail.Step{Commit: "made", Parents: []gitops.Commit{"base"}}, merged, true},
		"a merge commit, by the word of the forge":       {trail.Step{Commit: "made", Parents: []gitops.Commit{"base", "head"}}, merged, true},
		"a merge commit of which the forge says no word": {trail.Step{Commit: "x", Parents: []gitops.Commit{"base", "head"}}, gitops.Proposal{State: gitops.Merged, Head: "head"}, true},
		"a fast-forward":                                   {trail.Step{Commit: "head", Parents: []gitops.Commit{"base"}}, merged, true},
		"another commit":                                   {trail.Step{Commit: "x", Parents: []gitops.Commit{"base"}}, merged, false},
		"a commit on top of the head":                      {trail.Step{Commit: "x", Parents: []gitops.Commit{"head"}}, merged, false},
		"a proposal that was closed":                       {trail.Step{Commit: "head", Parents: []gitops.Commit{"base"}}, gitops.Proposal{State: gitops.Closed, Head: "head"}, false},
		"a proposal that is open, merged by hand":          {trail.Step{Commit: "x", Parents: []gitops.Commit{"base", "head"}}, gitops.Proposal{State: gitops.Open, Head: "head"}, false},
		"a proposal of which nothing is known but its end": {trail.Step{Commit: "x", Parents: []gitops.Commit{"base"}}, gitops.Proposal{State: gitops.Merged, Head: "y"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := c.step.MadeOf(c.p); got != c.want {
				t.Errorf("MadeOf = %t", got)
			}
		})
	}
}

func TestDifference(t *testing.T) {
	t.Parallel()
	plan := map[string][]byte{"a.yaml": []byte("2")}
	file := func(before, after string) [2][]byte { return [2][]byte{[]byte(before), []byte(after)} }
	for name, c := range map[string]struct {
		changed map[string][2][]byte
		want    string
	}{
		"exactly the plan":           {map[string][2][]byte{"a.yaml": file("1", "2")}, ""},
		"other bytes":                {map[string][2][]byte{"a.yaml": file("1", "3")}, "a.yaml has changes that are not the planned edit"},
		"nothing":                    {nil, "a.yaml was not changed, though the plan changes it"},
		"another file besides":       {map[string][2][]byte{"a.yaml": file("1", "2"), "b.yaml": file("1", "2")}, "b.yaml was changed, though the plan does not touch it"},
		"the file is gone":           {map[string][2][]byte{"a.yaml": {[]byte("1"), nil}}, "a.yaml was removed, or is no plain file any more"},
		"the first of several is it": {map[string][2][]byte{"z.yaml": file("1", "2")}, "a.yaml was not changed, though the plan changes it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := trail.Difference(plan, c.changed); got != c.want {
				t.Errorf("Difference = %q, want %q", got, c.want)
			}
		})
	}
}

// TestForeignTextIsTame holds that what an author calls themself is no Markdown
// and no token of a pause.
func TestForeignTextIsTame(t *testing.T) {
	t.Parallel()
	at := gitops.Lane{Environment: "dev", Artifact: "shop"}
	e := &trail.Entry{How: trail.Direct, Version: gitops.Version{Tag: "1.1.0"}}
	e.WrittenBy(trail.Step{Commit: "0123456789abcdef", Name: "`@everyone` | <img>\n/hold " + strings.Repeat("x", 500), At: time.Unix(0, 0)})
	r := trail.Report(map[gitops.Lane]*trail.Entry{at: e})
	if strings.Contains(r.Body, "`@everyone` |") || strings.Contains(r.Body, "\n/hold") || len(r.Body) > 1000 {
		t.Errorf("body:\n%s", r.Body)
	}
	x := trail.Stray{Lane: at, Proposal: "7", Commit: "0123456789abcdef", What: "a: b`c` was changed", At: time.Unix(0, 0)}
	if p := gitops.ParsePause(x.Report().Title); len(p.Unread) > 0 || len(p.Artifacts) != 1 || p.Artifacts[0] != "shop" {
		t.Errorf("the title %q pauses %+v", x.Report().Title, p)
	}
}

// TestWords holds which word is said when: each once, and none of what goes well.
func TestWords(t *testing.T) {
	t.Parallel()
	at := time.Unix(1_700_000_000, 0)
	well, gone, bad := trail.Stand{Runs: true, Healthy: true}, trail.Stand{}, trail.Stand{Runs: true, Failing: true}
	for name, c := range map[string]struct {
		said  string
		stand trail.Stand
		after time.Duration
		want  string
		over  bool
	}{
		"well in time":                  {"", well, time.Minute, "", false},
		"well and earned":               {"", trail.Stand{Runs: true, Healthy: true, Earned: true}, time.Hour, "", true},
		"not there, and not due":        {"", gone, 29 * time.Minute, "", false},
		"not there, exactly when due":   {"", gone, 30 * time.Minute, trail.WordLate, false},
		"not there, and said":           {trail.WordLate, gone, time.Hour, "", false},
		"unhealthy at once":             {"", bad, time.Minute, trail.WordSick, false},
		"unhealthy after it was late":   {trail.WordLate, bad, time.Hour, trail.WordSick, false},
		"unhealthy, and said":           {trail.WordSick, bad, time.Hour, "", false},
		"well after all":                {trail.WordSick, well, time.Hour, trail.WordWell, false},
		"unhealthy again, and said all": {trail.WordSick + " " + trail.WordWell, bad, time.Hour, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := &trail.Entry{At: at, Said: strings.Fields(c.said)}
			word, over := e.Word(c.stand, 30*time.Minute, at.Add(c.after))
			if word != c.want || over != c.over {
				t.Errorf("Word = %q, %t, want %q, %t", word, over, c.want, c.over)
			}
		})
	}
}
