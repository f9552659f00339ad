package gitopstest

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/waveguide-dev/waveguide/gitops"
)

func reviews(t *testing.T, f Forge) {
	t.Helper()
	p := f.open(t, "1")
	f.act(t, releaser, Deed{Kind: DoReview, ID: p.ID, Review: gitops.Approved})
	check := func(head gitops.Commit, state gitops.ReviewState) {
		t.Helper()
		got := f.read(t, p.ID)
		i := slices.IndexFunc(got.Reviews, func(r gitops.Review) bool { return r.Head == head && r.State == state })
		if i < 0 || got.Reviews[i].By.Name == "" || got.Reviews[i].By.Bot || !got.Reviews[i].By.Permission.Releases() || got.Reviews[i].At.IsZero() {
			t.Errorf("reviews = %+v, want %s on %s", got.Reviews, state, head)
		}
	}
	check(p.Head, gitops.Approved)
	moved := f.Push(t, lane.Branch(), "app.yaml", "2")
	for _, r := range f.read(t, p.ID).Reviews {
		if r.State == gitops.Approved && r.Head != p.Head {
			t.Errorf("an approval of %s counts for %s", p.Head, r.Head)
		}
	}
	f.act(t, releaser, Deed{Kind: DoReview, ID: p.ID, Review: gitops.ChangesRequested})
	check(moved, gitops.ChangesRequested)
	if got := f.read(t, p.ID); got.Head != moved {
		t.Errorf("head = %s, want %s", got.Head, moved)
	}
}

func reviewTakenBack(t *testing.T, f Forge) {
	t.Helper()
	p := f.open(t, "1")
	approvals := func() (n int) {
		for _, r := range f.read(t, p.ID).Reviews {
			if r.State == gitops.Approved && r.Head == p.Head {
				n++
			}
		}
		return n
	}
	id := f.act(t, releaser, Deed{Kind: DoReview, ID: p.ID, Review: gitops.Approved})
	if n := approvals(); n != 1 {
		t.Errorf("%d approvals, want 1", n)
	}
	f.act(t, releaser, Deed{Kind: DoDismiss, ID: p.ID, Text: id})
	if n := approvals(); n != 0 {
		t.Errorf("%d approvals after it was taken back", n)
	}
	f.act(t, releaser, Deed{Kind: DoReview, ID: p.ID, Review: gitops.Approved})
	if n := approvals(); n != 1 {
		t.Errorf("%d approvals after it was given again, want 1", n)
	}
}

func personsProposal(t *testing.T, f Forge) {
	t.Helper()
	head := f.Push(t, "fix-typo", "README.md", "typo")
	id := f.act(t, releaser, Deed{Kind: DoPropose, Text: "fix-typo"})
	list, cursor, err := f.Bot.Proposals(t.Context(), "")
	if err != nil || len(list) != 1 {
		t.Fatalf("Proposals = %+v, %v", list, err)
	}
	p := list[0]
	if p.ID != id || p.Head != head || p.Branch != "fix-typo" || p.Author.Name == f.me(t) || p.Author.Name == "" || p.Lane.Environment != "" || p.Lane.Artifact != "" {
		t.Errorf("proposal = %+v", p)
	}
	f.green(t, head)
	if c, ok := f.read(t, id).Check(gitops.CheckName); !ok || c.State != gitops.CheckSuccess {
		t.Errorf("check = %+v, %t", c, ok)
	}
	f.act(t, releaser, Deed{Kind: DoClose, ID: id})
	if list, _, err = f.Bot.Proposals(t.Context(), cursor); err != nil || slices.ContainsFunc(list, func(p gitops.Proposal) bool { return p.State == gitops.Open }) {
		t.Errorf("after closing: %+v, %v", list, err)
	}
}

func personCloses(t *testing.T, f Forge) {
	t.Helper()
	p := f.open(t, "1")
	f.act(t, releaser, Deed{Kind: DoClose, ID: p.ID})
	list, _, err := f.Bot.Proposals(t.Context(), "")
	if err != nil || len(list) != 1 || list[0].State != gitops.Closed {
		t.Fatalf("Proposals = %+v, %v", list, err)
	}
	if by := list[0].EndedBy; by.Name == "" || by.Name == f.me(t) || by.Bot || !by.Permission.Releases() || list[0].Ended.IsZero() || list[0].Head != p.Head {
		t.Errorf("ended = %+v", list[0])
	}
	// The branch is free for the next proposal.
	next := f.open(t, "2")
	if next.ID == p.ID || next.State != gitops.Open {
		t.Errorf("the next proposal = %+v", next)
	}
}

func wordAfterEnd(t *testing.T, f Forge) {
	t.Helper()
	p := f.open(t, "1")
	f.act(t, releaser, Deed{Kind: DoClose, ID: p.ID})
	_, cursor, err := f.Bot.Proposals(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	f.act(t, releaser, Deed{Kind: DoComment, ID: p.ID, Text: "/waveguide retry"})
	list, _, err := f.Bot.Proposals(t.Context(), cursor)
	if err != nil || len(list) != 1 || list[0].ID != p.ID || list[0].State != gitops.Closed {
		t.Fatalf("Proposals after a comment on a closed one = %+v, %v", list, err)
	}
	if g := gitops.Holds(list[0], f.me(t), nil).Given; len(g) != 1 || g[0].Word != gitops.CommandRetry || !g[0].By.Permission.Releases() {
		t.Errorf("given = %+v", g)
	}
}

func answersOnce(t *testing.T, f Forge) {
	t.Helper()
	p, me := f.open(t, "1"), f.me(t)
	f.act(t, stopper, Deed{Kind: DoComment, ID: p.ID, Text: gitops.AnswerText("event-1", "forged")})
	for _, c := range []Client{f.Bot, f.Bot, f.Fresh()} {
		if err := c.Answer(t.Context(), p.ID, "event-1", "Not understood."); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Bot.Answer(t.Context(), p.ID, "event-2", "Something else."); err != nil {
		t.Fatal(err)
	}
	got := f.read(t, p.ID)
	said := slices.DeleteFunc(slices.Clone(got.Events), func(e gitops.Event) bool { return e.Kind != gitops.Commented || e.By.Name != me })
	if len(said) != 2 || !gitops.Answered(got.Events, me, "event-1") || !gitops.Answered(got.Events, me, "event-2") {
		t.Errorf("the bot said %+v", said)
	}
	id := f.act(t, stopper, Deed{Kind: DoOpenIssue, Text: "scope:all"})
	for range 2 {
		if err := f.Bot.Answer(t.Context(), id, "title", "Everything stands still."); err != nil {
			t.Fatal(err)
		}
	}
	i, _, _ := f.issue(t, id)
	if n := len(slices.DeleteFunc(i.Events, func(e gitops.Event) bool { return e.Kind != gitops.Commented })); n != 1 {
		t.Errorf("%d answers on the issue, want 1", n)
	}
}

func longTexts(t *testing.T, f Forge) {
	t.Helper()
	l := f.Bot.Limits()
	if l.Title == 0 || l.Body == 0 || l.Check == 0 || l.Label == 0 {
		t.Fatalf("Limits = %+v", l)
	}
	head := f.Push(t, lane.Branch(), "app.yaml", "1")
	title := "promote " + strings.Repeat("ü", l.Title)
	body := "what matters\n\n<details>\n\n" + strings.Repeat("evidence ü\n\n", l.Body/12+1000) + "</details>\n\n<!-- waveguide:v1 -->\n"
	label := "env/" + strings.Repeat("x", l.Label)
	p, err := f.Bot.Open(t.Context(), gitops.Proposal{Lane: lane, Branch: lane.Branch(), Title: title, Body: body}, []string{label, "waveguide"})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Bot.SetCheck(t.Context(), head, gitops.Check{Name: gitops.CheckName, State: gitops.CheckPending, Text: "waits " + strings.Repeat("é", l.Check)}); err != nil {
		t.Fatal(err)
	}
	got := f.read(t, p.ID)
	if !strings.HasPrefix(got.Title, "promote ü") || utf8.RuneCountInString(got.Title) > l.Title {
		t.Errorf("title of %d characters: %.40q", utf8.RuneCountInString(got.Title), got.Title)
	}
	if !strings.HasPrefix(got.Body, "what matters\n") || utf8.RuneCountInString(got.Body) > l.Body || !strings.Contains(got.Body, "<!-- waveguide:v1 -->") || strings.Count(got.Body, "<details>") != strings.Count(got.Body, "</details>") {
		t.Errorf("body of %d characters, of at most %d", utf8.RuneCountInString(got.Body), l.Body)
	}
	if c, ok := got.Check(gitops.CheckName); !ok || !strings.HasPrefix(c.Text, "waits é") || utf8.RuneCountInString(c.Text) > l.Check {
		t.Errorf("check of %d characters", utf8.RuneCountInString(c.Text))
	}
	if len(got.Labels) != 2 {
		t.Errorf("labels = %+v", got.Labels)
	}
	// What does not differ after the cut is not written again.
	if err := f.Bot.Update(t.Context(), p.ID, title, body); err != nil {
		t.Fatal(err)
	}
	if again := f.read(t, p.ID); again.Body != got.Body || again.Title != got.Title {
		t.Error("the same texts are cut in another way")
	}
}

func requests(t *testing.T, f Forge) {
	t.Helper()
	p := f.open(t, "1")
	// Somebody the forge knows: whoever comments.
	f.act(t, releaser, Deed{Kind: DoComment, ID: p.ID, Text: "here"})
	events := f.read(t, p.ID).Events
	who := events[len(events)-1].By.Name
	for range 2 {
		if err := f.Bot.Request(t.Context(), p.ID, gitops.Request{Reviewers: []string{who, "nobody-of-that-name"}, Assignees: []string{who}}); err != nil {
			t.Fatal(err)
		}
	}
	if got := f.read(t, p.ID); !slices.Equal(got.Requested, []string{who}) {
		t.Errorf("requested = %v, want %s", got.Requested, who)
	}
}

func checks(t *testing.T, f Forge) {
	t.Helper()
	p := f.open(t, "1")
	set := gitops.Check{Name: gitops.CheckName, State: gitops.CheckPending, Text: "soak: until 2026-11-21 08:00Z", Target: "http://127.0.0.1:8080/lane/dev/app"}
	for _, s := range []gitops.CheckState{gitops.CheckPending, gitops.CheckSuccess, gitops.CheckFailure} {
		set.State = s
		for range 2 {
			if err := f.Bot.SetCheck(t.Context(), p.Head, set); err != nil {
				t.Fatal(err)
			}
		}
		got := f.read(t, p.ID)
		c, ok := got.Check(gitops.CheckName)
		if !ok || c.State != s || c.Text != set.Text || c.Target != set.Target || c.By != f.me(t) || !c.Required || len(got.Checks) != 1 {
			t.Errorf("checks = %+v, want %+v", got.Checks, set)
		}
	}
}

func queue(t *testing.T, f Forge) {
	t.Helper()
	p := f.open(t, "1")
	f.green(t, p.Head)
	if f.Queue == nil {
		if err := f.Bot.Enqueue(t.Context(), p.ID, p.Head); !errors.Is(err, gitops.ErrUnsupported) {
			t.Errorf("Enqueue without a queue: %v, want ErrUnsupported", err)
		}
		if g, err := f.Bot.Groups(t.Context()); err != nil || len(g) != 0 {
			t.Errorf("Groups without a queue = %+v, %v", g, err)
		}
		return
	}
	f.Queue(t)
	if pr, err := f.Bot.Protection(t.Context()); err != nil || !pr.Queue {
		t.Errorf("Protection = %+v, %v", pr, err)
	}
	if err := f.Bot.Enqueue(t.Context(), p.ID, gitops.Commit(strings.Repeat("1", 40))); !errors.Is(err, gitops.ErrMoved) {
		t.Errorf("Enqueue of another head: %v, want ErrMoved", err)
	}
	for range 2 {
		if err := f.Bot.Enqueue(t.Context(), p.ID, p.Head); err != nil {
			t.Fatalf("Enqueue: %v", err)
		}
	}
	if !f.read(t, p.ID).Queued {
		t.Error("the proposal is not queued")
	}
	g, err := f.Bot.Groups(t.Context())
	if err != nil || len(g) != 1 || g[0].Head == "" || !slices.Equal(g[0].Proposals, []string{p.ID}) {
		t.Fatalf("Groups = %+v, %v", g, err)
	}
	f.green(t, g[0].Head)
}

func protection(t *testing.T, f Forge) {
	t.Helper()
	p, err := f.Bot.Protection(t.Context())
	if err != nil || p.Branch != "main" || !p.Protected || p.BotPushes || p.NoIssues || !p.Permission.Releases() || len(p.Lacks) != 0 {
		t.Errorf("Protection = %+v, %v", p, err)
	}
	if !slices.ContainsFunc(p.Checks, func(c gitops.RequiredCheck) bool { return c.Name == gitops.CheckName }) {
		t.Errorf("required checks = %+v", p.Checks)
	}
	for _, x := range p.Findings() {
		if x.State == gitops.Missing {
			t.Errorf("finding %+v", x)
		}
	}
}
