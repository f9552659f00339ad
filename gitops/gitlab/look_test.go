package gitlab_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/gitlab"
	"github.com/waveguide-dev/waveguide/gitops/gitlab/gitlabtest"
	"github.com/waveguide-dev/waveguide/gitops/gitopstest"
)

// clock is a time that tests move.
type clock struct{ now time.Time }

func (c *clock) read() time.Time { return c.now }

func (c *clock) pass(d time.Duration) { c.now = c.now.Add(d) }

// timed is a world whose server and client share a clock.
func timed(t *testing.T) (*world, *gitlab.Client, *clock) {
	t.Helper()
	at := &clock{time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}
	w := newWorld(t, func(o *gitlabtest.Options) { o.Now = at.read })
	return w, w.client(func(o *gitlab.Options) { o.Now = at.read }), at
}

func (w *world) open(c *gitlab.Client, branch, text string) gitops.Proposal {
	w.t.Helper()
	w.push(w.t, branch, "app.yaml", text)
	p, err := c.Open(w.t.Context(), gitops.Proposal{Branch: branch, Title: "promote " + branch, Body: "b"}, []string{"waveguide"})
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// look reads all proposals and says how many requests that took.
func (w *world) look(c *gitlab.Client, since string) (list []gitops.Proposal, next string, requests int) {
	w.t.Helper()
	before := w.faults.Count()
	list, next, err := c.Proposals(w.t.Context(), since)
	if err != nil {
		w.t.Fatal(err)
	}
	return list, next, w.faults.Count() - before
}

func one(t *testing.T, list []gitops.Proposal, id string) gitops.Proposal {
	t.Helper()
	i := slices.IndexFunc(list, func(p gitops.Proposal) bool { return p.ID == id })
	if i < 0 {
		t.Fatalf("no proposal %s among %d", id, len(list))
	}
	return list[i]
}

// TestLooksAt200 counts what a look at 200 open merge requests asks for.
func TestLooksAt200(t *testing.T) {
	t.Parallel()
	w, c, at := timed(t)
	var branches []string
	for i := range 200 {
		branches = append(branches, fmt.Sprintf("waveguide/dev/app-%03d", i))
	}
	if err := w.server.Propose(w.project, "bot", branches); err != nil {
		t.Fatal(err)
	}
	at.pass(10 * time.Minute)
	list, cursor, first := w.look(c, "")
	read := func(list []gitops.Proposal) int {
		return len(slices.DeleteFunc(slices.Clone(list), func(p gitops.Proposal) bool { return p.Unread != "" }))
	}
	if len(list) != 200 || read(list) != 60 || first > 260 {
		t.Errorf("the first look found %d, read %d closely with %d requests; want 200, 60 and at most 260", len(list), read(list), first)
	}
	for range 3 {
		list, cursor, _ = w.look(c, cursor)
	}
	if read(list) != 200 {
		t.Errorf("after four looks %d of 200 are read", read(list))
	}
	for _, p := range list {
		if err := c.SetCheck(t.Context(), p.Head, gitops.Check{Name: gitops.CheckName, State: gitops.CheckFailure, Text: "no"}); err != nil {
			t.Fatal(err)
		}
	}
	for range 4 {
		_, cursor, _ = w.look(c, cursor)
	}
	list, cursor, quiet := w.look(c, cursor)
	if quiet > 4 || read(list) != 200 {
		t.Errorf("a look at 200 unchanged ones took %d requests and read %d, want at most 4 and 200", quiet, read(list))
	}
	if _, err := w.ask(rexToken, http.MethodPut, "/merge_requests/7", map[string]any{"add_labels": gitops.LabelHold}); err != nil {
		t.Fatal(err)
	}
	list, cursor, changed := w.look(c, cursor)
	if l, ok := one(t, list, "!7").Label(gitops.LabelHold); !ok || l.By.Name != "rex" || l.By.Permission != gitops.PermissionTriage {
		t.Errorf("the hold is %+v, %t", l, ok)
	}
	if changed > 9 {
		t.Errorf("a look with one changed of 200 took %d requests, want at most 9", changed)
	}
	for i := range 200 { // everything is touched at once
		if err := c.AddLabel(t.Context(), fmt.Sprintf("!%d", i+1), "touched"); err != nil {
			t.Fatal(err)
		}
	}
	list, cursor, burst := w.look(c, cursor)
	if read(list) != 200 || burst > 200 || len(one(t, list, "!200").Labels) != 1 {
		t.Errorf("a look at 200 that changed within three minutes took %d requests and read %d, want at most 200 and all", burst, read(list))
	}
	at.pass(10 * time.Minute)
	if list, _, _ = w.look(c, cursor); read(list) != 60 {
		t.Errorf("ten minutes later %d are read, want 60", read(list))
	}
	t.Logf("requests: first %d, quiet %d, one changed %d", first, quiet, changed)
}

// TestCommentInTheSameMinute: GitLab moves updated_at at most once a minute.
func TestCommentInTheSameMinute(t *testing.T) {
	t.Parallel()
	w, c, at := timed(t)
	p := w.open(c, "waveguide/dev/app", "1")
	at.pass(10 * time.Second)
	_, cursor, _ := w.look(c, "")
	at.pass(20 * time.Second)
	if _, err := w.ask(rexToken, http.MethodPost, "/merge_requests/1/notes", map[string]any{"body": "/hold"}); err != nil {
		t.Fatal(err)
	}
	list, cursor, _ := w.look(c, cursor)
	if s := gitops.Holds(one(t, list, p.ID), "bot", nil); len(s.Stops) != 1 {
		t.Errorf("a hold within the minute: %+v", s)
	}
	at.pass(10 * time.Minute)
	_, cursor, _ = w.look(c, cursor)
	if err := c.SetCheck(t.Context(), p.Head, gitops.Check{Name: gitops.CheckName, State: gitops.CheckFailure}); err != nil {
		t.Fatal(err)
	}
	_, cursor, _ = w.look(c, cursor)
	if _, _, n := w.look(c, cursor); n > 2 {
		t.Errorf("a quiet look took %d requests, want 2", n)
	}
}

func TestWhatWasSaidStays(t *testing.T) {
	t.Parallel()
	w, c, at := timed(t)
	p := w.open(c, "waveguide/dev/app", "1")
	said := func(body string) {
		t.Helper()
		if _, err := w.ask(rexToken, http.MethodPost, "/merge_requests/1/notes", map[string]any{"body": body}); err != nil {
			t.Fatal(err)
		}
		at.pass(time.Second)
	}
	said("/hold first")
	said("/waveguide rebase")
	said("nothing")
	w.look(c, "")
	w.server.Rewrite(w.project, 1, "/hold first", "never mind")
	w.server.Rewrite(w.project, 1, "/waveguide rebase", "")
	w.server.Rewrite(w.project, 1, "nothing", "/hold second")
	list, _, _ := w.look(c, "")
	got := one(t, list, p.ID)
	s := gitops.Holds(got, "bot", nil)
	if len(s.Stops) != 1 || s.Stops[0].Reason != "first" || len(s.Given) != 1 {
		t.Errorf("after comments were rewritten and deleted: %+v", s)
	}
	var texts []string
	for _, e := range got.Events {
		if e.Kind == gitops.Commented {
			texts = append(texts, e.Text)
		}
	}
	if want := []string{"/hold first", "/waveguide rebase", "/hold second", "never mind"}; !slices.Equal(texts, want) {
		t.Errorf("comments = %q, want %q", texts, want)
	}
}

func TestApprovalsAreOfAHeadOrOfNone(t *testing.T) {
	t.Parallel()
	w, c, at := timed(t)
	p := w.open(c, "waveguide/dev/app", "1")
	approve := func(token string) gitops.Review {
		t.Helper()
		if _, err := w.ask(token, http.MethodPost, "/merge_requests/1/approve", nil); err != nil {
			t.Fatal(err)
		}
		got, err := c.Proposal(t.Context(), p.ID)
		if err != nil || len(got.Reviews) == 0 {
			t.Fatalf("reviews = %+v, %v", got.Reviews, err)
		}
		return got.Reviews[len(got.Reviews)-1]
	}
	at.pass(time.Minute)
	if r := approve(adaToken); r.Head != p.Head || r.By.Name != "ada" || !slices.Equal(r.By.Teams, []string{"@acme/sre"}) {
		t.Errorf("approval = %+v", r)
	}
	moved := w.push(t, "waveguide/dev/app", "app.yaml", "2")
	at.pass(3 * time.Second)
	if r := approve(rootToken); r.By.Name != "root" || r.Head != "" {
		t.Errorf("an approval 3 s after a push = %+v, want no head", r)
	}
	if _, err := w.ask(rootToken, http.MethodPost, "/merge_requests/1/unapprove", nil); err != nil {
		t.Fatal(err)
	}
	at.pass(time.Minute)
	if r := approve(rootToken); r.Head != moved || len(r.By.Teams) != 0 {
		t.Errorf("an approval a minute after the push = %+v, want %s", r, moved)
	}
	w.look(c, "")
	w.server.Calls()
	w.look(c, "")
	if calls, _ := w.server.Calls(); calls["GET /api/v4/groups/{group}/members/all/{user}"] != 0 {
		t.Errorf("teams are asked for again: %v", calls)
	}
	c.Heed([]string{"@acme/other"})
	got, err := c.Proposal(t.Context(), p.ID)
	if err != nil || len(got.Reviews[0].By.Teams) != 0 {
		t.Errorf("teams after the rules changed = %+v, %v", got.Reviews, err)
	}
}

func TestBotsAreKnown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *gitlabtest.Options) {
		o.Users = append(o.Users, gitlabtest.User{ID: 20, Name: "renovate", Token: "x1", Level: 30, Bot: true}, gitlabtest.User{ID: 21, Name: "project_7_bot_0123456789abcdef", Token: "x2", Level: 30})
	})
	c := w.client()
	p := w.open(c, "waveguide/dev/app", "1")
	for _, token := range []string{"x1", "x2"} {
		if _, err := w.ask(token, http.MethodPost, "/merge_requests/1/approve", nil); err != nil {
			t.Fatal(err)
		}
	}
	got, err := c.Proposal(t.Context(), p.ID)
	if err != nil || len(got.Reviews) != 2 || !got.Reviews[0].By.Bot || !got.Reviews[1].By.Bot || !got.Author.Bot {
		t.Errorf("reviews = %+v by %+v, %v", got.Reviews, got.Author, err)
	}
}

func TestBranchOfAForkIsNoLane(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	c := w.client()
	w.open(c, "waveguide/dev/app", "1")
	w.server.Fork(w.project, 1)
	list, _, _ := w.look(c, "")
	if list[0].Lane.Environment != "" || list[0].Branch != "waveguide/dev/app" {
		t.Errorf("proposal = %+v", list[0])
	}
	p, err := c.Open(t.Context(), gitops.Proposal{Branch: "waveguide/dev/app", Title: "ours"}, nil)
	if err == nil && p.ID == list[0].ID {
		t.Errorf("Open took the fork's merge request for ours: %+v", p)
	}
}

func TestOpenAfterAStaleList(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	p := w.open(w.client(), "waveguide/dev/app", "1")
	w.faults.Inject(gitopstest.Fault{Mode: gitopstest.Stale, Reads: true})
	again, err := w.client().Open(t.Context(), gitops.Proposal{Branch: "waveguide/dev/app", Title: "again"}, nil)
	if err != nil || again.ID != p.ID || w.faults.Clear() != 1 {
		t.Errorf("Open = %+v, %v, want %s", again, err, p.ID)
	}
}

func TestPauseStaysWhenItsWordIsDeleted(t *testing.T) {
	t.Parallel()
	w, c, at := timed(t)
	id, err := w.act(t, gitops.PermissionWrite, gitopstest.Deed{Kind: gitopstest.DoOpenIssue, Text: "scope:all"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.act(t, gitops.PermissionWrite, gitopstest.Deed{Kind: gitopstest.DoCommentIssue, ID: id, Text: "/waveguide pin 1.2 until 2026-12-01T08:00Z"}); err != nil {
		t.Fatal(err)
	}
	at.pass(time.Second)
	for _, want := range []int{1, 1} {
		issues, err := c.Issues(t.Context(), []string{id})
		if err != nil || len(issues) != 1 {
			t.Fatalf("Issues = %+v, %v", issues, err)
		}
		if _, _, s := gitops.Stands(issues[0], "bot", at.now, nil); len(s.Given) != want {
			t.Errorf("given = %+v, want %d", s.Given, want)
		}
		w.server.RewriteIssue(w.project, 1, "/waveguide pin 1.2 until 2026-12-01T08:00Z", "")
	}
}

func TestTokenRotates(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	token := "glpat-old-never-printed"
	c := w.client(func(o *gitlab.Options) { o.Token = func(context.Context) (string, error) { return token, nil } })
	_, err := c.Whoami(t.Context())
	if !errors.Is(err, gitops.ErrDenied) || strings.Contains(err.Error(), token) {
		t.Errorf("with an old token: %v", err)
	}
	token = botToken
	if me, err := c.Whoami(t.Context()); err != nil || me.Name != "bot" || me.Permission != gitops.PermissionWrite || !me.Bot {
		t.Errorf("with the new token: %+v, %v", me, err)
	}
	token = ""
	if _, err := c.Proposal(t.Context(), "!1"); err == nil || !strings.Contains(err.Error(), "token is empty") {
		t.Errorf("without a token: %v", err)
	}
}

func TestBudgetIsReadAndKept(t *testing.T) {
	t.Parallel()
	w, c, at := timed(t)
	w.open(c, "waveguide/dev/app", "1")
	reset := at.now.Add(50 * time.Second)
	w.server.Limit(4, reset)
	start := time.Now() // limits are kept by the clock of the machine
	_, _, err := c.Proposals(t.Context(), "")
	limit, ok := errors.AsType[*gitops.LimitError](err)
	if !ok || limit.Until.Before(start.Add(50*time.Second)) {
		t.Fatalf("in the middle of a look: %v, want to wait for 50 s", err)
	}
	if b := c.Budget(); b.Limit != 4 || b.Remaining != 0 || !b.Reset.Equal(reset) {
		t.Errorf("Budget = %+v", b)
	}
	before := w.faults.Count()
	if _, _, err := c.Proposals(t.Context(), ""); !errors.As(err, &limit) || w.faults.Count() != before {
		t.Errorf("while the limit lasts %d requests were sent: %v", w.faults.Count()-before, err)
	}
	at.pass(2 * time.Minute)
	later := w.client(func(o *gitlab.Options) { o.Now = at.read })
	if list, _, err := later.Proposals(t.Context(), ""); err != nil || len(list) != 1 {
		t.Errorf("after the limit: %d, %v", len(list), err)
	}
}

// TestUnreadIsSaid: whose history fails alone counts as unread, and others
// are not held up by it.
func TestUnreadIsSaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	c := w.client()
	a, b := w.open(c, "waveguide/dev/a", "1"), w.open(c, "waveguide/dev/b", "1")
	w.faults.Inject(gitopstest.Fault{Mode: gitopstest.Before, Status: http.StatusInternalServerError, Path: "/merge_requests/1/notes", Times: -1})
	list, _, _ := w.look(c, "")
	if one(t, list, a.ID).Unread == "" || one(t, list, b.ID).Unread != "" {
		t.Errorf("unread: %q and %q", list[0].Unread, list[1].Unread)
	}
	w.faults.Clear()
	list, _, _ = w.look(c, "")
	if one(t, list, a.ID).Unread != "" {
		t.Errorf("still unread: %q", list[0].Unread)
	}
	w.faults.Inject(gitopstest.Fault{Mode: gitopstest.Before, Status: http.StatusForbidden, Path: "/merge_requests/1/notes", Times: -1})
	if _, _, err := c.Proposals(t.Context(), ""); !errors.Is(err, gitops.ErrDenied) {
		t.Errorf("notes that may not be read: %v, want ErrDenied", err)
	}
}

func TestProtectionTellsWhoPassesBy(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	c := w.client()
	w.server.Set(func() { w.project.PushLevel, w.project.PipelineMustSucceed, w.project.Approvals = 30, false, 2 })
	p, err := c.Protection(t.Context())
	if err != nil || !p.Protected || !p.BotPushes || len(p.Checks) != 0 || p.Approvals != 2 || !p.KeepsStale || len(p.Bypass) != 1 || !strings.Contains(p.Bypass[0], "Developers") {
		t.Errorf("Protection = %+v, %v", p, err)
	}
	states := map[gitops.FindingState]int{}
	for _, f := range p.Findings() {
		states[f.State]++
	}
	if states[gitops.Missing] == 0 || states[gitops.Risk] == 0 {
		t.Errorf("findings = %v", slices.Collect(maps.Keys(states)))
	}
	w.server.Set(func() { w.project.MergeLevel = 40 })
	if p, err = c.Protection(t.Context()); err != nil || len(p.Lacks) != 1 || !strings.Contains(p.Lacks[0], "merge into main") {
		t.Errorf("Lacks = %v, %v", p.Lacks, err)
	}
}
