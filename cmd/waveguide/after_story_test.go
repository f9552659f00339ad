package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
)

// TestUnhealthyAfterMerge plays a bad release with the real program: it is said
// on the merged proposal once, going back is proposed and merged, and the next
// wave never sees the version.
func TestUnhealthyAfterMerge(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{registry: memoryRegistry(t), envs: []string{"dev", "prod"}, soak: time.Hour})
	first, err := w.named("dev")
	if err != nil {
		t.Fatal(err)
	}
	next := w.release("1.1.0")
	d := w.run()
	w.reaches("dev", next)
	w.mu.Lock()
	w.sick["dev"] = true
	w.mu.Unlock()
	w.answered("1", "**`1.1.0` turned unhealthy in `dev`**")
	w.reaches("dev", first)
	d.stop(t)
	var titles []string
	for _, p := range w.proposals() {
		titles = append(titles, string(p.State)+" "+p.Title)
		said := slices.DeleteFunc(p.Events, func(e gitops.Event) bool { return e.Kind != gitops.Commented })
		if p.ID == "1" && (len(said) != 1 || !strings.Contains(said[0].Text, "Going back to `1.0.0") || !strings.Contains(said[0].Text, "Later waves do not get it")) {
			t.Errorf("said on the proposal: %+v", said)
		}
	}
	if len(titles) != 2 || !strings.HasPrefix(titles[0], "merged promote(dev): shop 1.1.0") || !strings.HasPrefix(titles[1], "merged rollback(dev): shop 1.0.0") {
		t.Errorf("proposals: %q", titles)
	}
	w.ledger()
}

// TestDirectCommitIsAskedToBeRecorded plays a change past a proposal with the
// real program: an issue asks to put it on record, nothing newer follows until
// it is, and nothing is taken back.
func TestDirectCommitIsAskedToBeRecorded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{registry: memoryRegistry(t), envs: []string{"dev"}})
	d := w.run()
	w.settled(d)
	aside := w.push("aside")
	commit := w.pushAs("root", rootToken, "main", map[string]string{file("dev"): w.manifest("0.9.9", aside)})
	ada := w.client(adaToken)
	var issue gitops.Issue
	eventually(t, "an issue", func() (string, bool) {
		list, err := ada.Issues(t.Context(), []string{"1"})
		if err != nil || len(list) != 1 {
			return "none", false
		}
		issue = list[0]
		return "", true
	})
	if issue.Title != "Put on record: 0.9.9 came to dev/shop past a proposal" {
		t.Errorf("the issue is called %q", issue.Title)
	}
	next := w.release("1.1.0")
	page := "http://" + d.says(t, `for=page address=(\S+)`)
	want := "0.9.9 in dev was written to Git by root with commit " + commit[:10] + ", not by a proposal: put it on record by closing issue 1"
	eventually(t, "a page that says what has to be done", func() (string, bool) {
		text := w.get(page + "/lane/dev/shop")
		return text, strings.Contains(text, want)
	})
	if got, err := w.named("dev"); err != nil || got != aside {
		t.Fatalf("dev names %s, %v", got, err)
	}
	if err := ada.CloseIssue(t.Context(), "1"); err != nil {
		t.Fatal(err)
	}
	w.reaches("dev", next)
	d.stop(t)
	w.ledger()
}
