package gitopstest

import (
	"errors"
	"testing"

	"github.com/waveguide-dev/waveguide/gitops"
)

var lane = gitops.Lane{Environment: "dev", Artifact: "app"} //nolint:gochecknoglobals // a constant

func (f Forge) open(t *testing.T, text string) gitops.Proposal {
	t.Helper()
	f.Push(t, lane.Branch(), "app.yaml", text)
	p, err := f.Bot.Open(t.Context(), gitops.Proposal{Lane: lane, Title: "promote " + text, Body: "body"}, nil)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	return p
}

func (f Forge) green(t *testing.T, head gitops.Commit) {
	t.Helper()
	if err := f.Bot.SetCheck(t.Context(), head, gitops.Check{Name: gitops.CheckName, State: gitops.CheckSuccess, Text: "all gates pass"}); err != nil {
		t.Fatalf("SetCheck: %v", err)
	}
}

func openTwice(t *testing.T, f Forge) {
	t.Helper()
	first := f.open(t, "1")
	second, err := f.Bot.Open(t.Context(), gitops.Proposal{Lane: lane, Title: "another"}, nil)
	if err != nil || second.ID != first.ID {
		t.Errorf("Open again = %s, %v, want %s", second.ID, err, first.ID)
	}
	if err := f.Bot.Update(t.Context(), first.ID, "new title", "new body"); err != nil {
		t.Fatal(err)
	}
	if p, err := f.Bot.Proposal(t.Context(), first.ID); err != nil || p.Title != "new title" || p.Body != "new body" {
		t.Errorf("after Update: %q %q, %v", p.Title, p.Body, err)
	}
}

func mergeNamesHead(t *testing.T, f Forge) {
	t.Helper()
	p := f.open(t, "1")
	moved := f.Push(t, lane.Branch(), "app.yaml", "2")
	f.green(t, p.Head)
	f.green(t, moved)
	if _, err := f.Bot.Merge(t.Context(), p.ID, p.Head); !errors.Is(err, gitops.ErrMoved) {
		t.Errorf("Merge of the old head: %v, want ErrMoved", err)
	}
	commit, err := f.Bot.Merge(t.Context(), p.ID, moved)
	if err != nil || commit == "" {
		t.Fatalf("Merge = %q, %v", commit, err)
	}
	if _, err := f.Bot.Merge(t.Context(), p.ID, moved); err == nil {
		t.Error("Merge twice: no error")
	}
	got, err := f.Bot.Proposal(t.Context(), p.ID)
	if err != nil || got.State != gitops.Merged || got.MergedAs != commit || got.Head != moved || got.EndedBy.Name == "" {
		t.Errorf("merged proposal = %+v, %v", got, err)
	}
}

func mergeNeedsGreen(t *testing.T, f Forge) {
	t.Helper()
	p := f.open(t, "1")
	if _, err := f.Bot.Merge(t.Context(), p.ID, p.Head); !errors.Is(err, gitops.ErrDenied) {
		t.Errorf("Merge without a check: %v, want ErrDenied", err)
	}
	if err := f.Bot.SetCheck(t.Context(), p.Head, gitops.Check{Name: gitops.CheckName, State: gitops.CheckFailure, Text: "no"}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Bot.Merge(t.Context(), p.ID, p.Head); !errors.Is(err, gitops.ErrDenied) {
		t.Errorf("Merge of a red head: %v, want ErrDenied", err)
	}
}

func endedOnce(t *testing.T, f Forge) {
	t.Helper()
	p := f.open(t, "1")
	list, cursor, err := f.Bot.Proposals(t.Context(), "")
	if err != nil || len(list) != 1 || list[0].State != gitops.Open {
		t.Fatalf("Proposals = %v, %v", list, err)
	}
	if err := f.Bot.Close(t.Context(), p.ID, "not this one"); err != nil {
		t.Fatal(err)
	}
	list, next, err := f.Bot.Proposals(t.Context(), cursor)
	if err != nil || len(list) != 1 || list[0].State != gitops.Closed || list[0].Head != p.Head || list[0].EndedBy.Name == "" {
		t.Errorf("Proposals since the cursor = %+v, %v", list, err)
	}
	if list, _, err = f.Bot.Proposals(t.Context(), next); err != nil || len(list) != 0 {
		t.Errorf("Proposals since the next cursor = %+v, %v", list, err)
	}
	if list, _, err = f.Bot.Proposals(t.Context(), ""); err != nil || len(list) != 1 {
		t.Errorf("Proposals of all times = %+v, %v", list, err)
	}
}

func labels(t *testing.T, f Forge) {
	t.Helper()
	p := f.open(t, "1")
	me, err := f.Bot.Whoami(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Bot.AddLabel(t.Context(), p.ID, gitops.LabelHold); err != nil {
		t.Fatal(err)
	}
	got, err := f.Bot.Proposal(t.Context(), p.ID)
	if l, ok := got.Label(gitops.LabelHold); err != nil || !ok || l.By.Name != me.Name || l.At.IsZero() || l.By.Permission == "" {
		t.Errorf("label = %+v, %v", got.Labels, err)
	}
	for range 2 {
		if err := f.Bot.RemoveLabel(t.Context(), p.ID, gitops.LabelHold); err != nil {
			t.Fatal(err)
		}
	}
	if got, err = f.Bot.Proposal(t.Context(), p.ID); err != nil || len(got.Labels) != 0 {
		t.Errorf("labels after removal = %+v, %v", got.Labels, err)
	}
}

func pauses(t *testing.T, f Forge) {
	t.Helper()
	if _, err := f.Bot.OpenIssue(t.Context(), "a bug", "", nil); err != nil {
		t.Fatal(err)
	}
	id, err := f.Bot.OpenIssue(t.Context(), "stop env:prod-*", "incident", []string{gitops.LabelPause})
	if err != nil {
		t.Fatal(err)
	}
	list, err := f.Bot.Pauses(t.Context())
	if err != nil || len(list) != 1 || list[0].By.Name == "" || list[0].Since.IsZero() || len(list[0].Environments) != 1 {
		t.Fatalf("Pauses = %+v, %v", list, err)
	}
	if err := f.Bot.CloseIssue(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if list, err = f.Bot.Pauses(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("Pauses after closing = %+v, %v", list, err)
	}
}

func shows(t *testing.T, f Forge) {
	t.Helper()
	head := f.Push(t, lane.Branch(), "app.yaml", "1")
	if _, err := f.Bot.Open(t.Context(), gitops.Proposal{Branch: lane.Branch(), Title: "t"}, []string{"b", "a"}); err != nil {
		t.Fatal(err)
	}
	f.green(t, head)
	list, _, err := f.Bot.Proposals(t.Context(), "")
	if err != nil || len(list) != 1 {
		t.Fatalf("Proposals = %+v, %v", list, err)
	}
	p := list[0]
	if p.Head != head || p.Base == "" || p.Branch != lane.Branch() || p.Lane.Environment != "dev" || p.Lane.Artifact != "app" || p.Unread != "" || len(p.Labels) != 2 {
		t.Errorf("proposal = %+v", p)
	}
	if c, ok := p.Check(gitops.CheckName); !ok || c.State != gitops.CheckSuccess {
		t.Errorf("checks = %+v", p.Checks)
	}
	me, err := f.Bot.Whoami(t.Context())
	if err != nil || p.Author.Name != me.Name {
		t.Errorf("author = %s, want %s (%v)", p.Author.Name, me.Name, err)
	}
}
