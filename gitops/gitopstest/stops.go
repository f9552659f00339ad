package gitopstest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waveguide-dev/waveguide/gitops"
)

const (
	stopper  = gitops.PermissionTriage // may stop, not release
	releaser = gitops.PermissionWrite
)

// act does what must succeed.
func (f Forge) act(t *testing.T, who gitops.Permission, d Deed) string {
	t.Helper()
	id, err := f.Act(t, who, d)
	if err != nil {
		t.Fatalf("%s by somebody with %s: %v", d.Kind, who, err)
	}
	return id
}

func (f Forge) read(t *testing.T, id string) gitops.Proposal {
	t.Helper()
	p, err := f.Bot.Proposal(t.Context(), id)
	if err != nil || p.Unread != "" {
		t.Fatalf("Proposal: %v, unread %q", err, p.Unread)
	}
	return p
}

func (f Forge) me(t *testing.T) string {
	t.Helper()
	me, err := f.Bot.Whoami(t.Context())
	if err != nil || me.Name == "" {
		t.Fatalf("Whoami = %+v, %v", me, err)
	}
	return me.Name
}

func (f Forge) mend(t *testing.T, all []gitops.Mend) {
	t.Helper()
	for _, m := range all {
		for range 2 { // doing it again changes nothing
			if err := f.Bot.Mend(t.Context(), m); err != nil {
				t.Fatalf("Mend %+v: %v", m, err)
			}
		}
	}
}

func events(t *testing.T, f Forge) {
	t.Helper()
	p := f.open(t, "1")
	f.act(t, stopper, Deed{Kind: DoLabel, ID: p.ID, Text: gitops.LabelHold})
	f.act(t, stopper, Deed{Kind: DoComment, ID: p.ID, Text: "/hold looks odd\r\n\r\n> quoted"})
	f.act(t, releaser, Deed{Kind: DoUnlabel, ID: p.ID, Text: gitops.LabelHold})
	got := f.read(t, p.ID)
	told := slices.DeleteFunc(slices.Clone(got.Events), func(e gitops.Event) bool { return e.Kind == gitops.Pushed })
	want := []gitops.EventKind{gitops.Labelled, gitops.Commented, gitops.Unlabelled}
	seen := map[string]bool{}
	var kinds []gitops.EventKind
	for _, e := range told {
		kinds = append(kinds, e.Kind)
		if seen[e.ID] {
			t.Errorf("two events are called %s", e.ID)
		}
		seen[e.ID] = true
		plausible(t, e)
	}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Error("events:", diff)
	}
	again, err := f.Fresh().Proposal(t.Context(), p.ID)
	if diff := cmp.Diff(got.Events, again.Events); err != nil || diff != "" {
		t.Errorf("events read again: %v %s", err, diff)
	}
	list, _, err := f.Bot.Proposals(t.Context(), "")
	if err != nil || len(list) != 1 || cmp.Diff(got.Events, list[0].Events) != "" {
		t.Errorf("events in the list: %v %s", err, cmp.Diff(got.Events, list[0].Events))
	}
}

// plausible looks at one event of the case.
func plausible(t *testing.T, e gitops.Event) {
	t.Helper()
	if e.ID == "" || e.At.IsZero() || e.By.Name == "" || e.By.Permission == gitops.PermissionUnknown {
		t.Errorf("event %+v", e)
	}
	if releases := e.Kind == gitops.Unlabelled; e.By.Permission.Releases() != releases {
		t.Errorf("%s by %+v: may release = %t, want %t", e.Kind, e.By, !releases, releases)
	}
	if e.Kind == gitops.Commented && len(gitops.ParseCommands(e.Text)) != 1 {
		t.Errorf("comment %q holds no command", e.Text)
	}
	if e.Kind != gitops.Commented && e.Label != gitops.LabelHold {
		t.Errorf("%s of %q", e.Kind, e.Label)
	}
}

func stops(t *testing.T, f Forge) {
	t.Helper()
	p, me := f.open(t, "1"), f.me(t)
	f.act(t, stopper, Deed{Kind: DoLabel, ID: p.ID, Text: gitops.LabelHold})
	held := gitops.Holds(f.read(t, p.ID), me, nil)
	if len(held.Stops) != 1 || len(held.Mends) != 0 {
		t.Fatalf("held = %+v", held)
	}
	if _, err := f.Act(t, stopper, Deed{Kind: DoUnlabel, ID: p.ID, Text: gitops.LabelHold}); err == nil {
		s := gitops.Holds(f.read(t, p.ID), me, nil)
		if len(s.Stops) != 1 || len(s.Mends) != 1 || len(s.Replies) != 1 {
			t.Fatalf("after a removal without the right: %+v", s)
		}
		f.mend(t, s.Mends)
	} else if !errors.Is(err, gitops.ErrDenied) {
		t.Fatal(err)
	}
	back := f.read(t, p.ID)
	if s := gitops.Holds(back, me, nil); len(s.Stops) != 1 || len(s.Mends) != 0 || s.Stops[0].By.Name != held.Stops[0].By.Name || !s.Stops[0].At.Equal(held.Stops[0].At) {
		t.Errorf("after mending: %+v, want the stop of %+v", s, held.Stops)
	}
	if _, ok := back.Label(gitops.LabelHold); !ok {
		t.Errorf("labels after mending = %+v", back.Labels)
	}
	f.act(t, releaser, Deed{Kind: DoUnlabel, ID: p.ID, Text: gitops.LabelHold})
	if s := gitops.Holds(f.read(t, p.ID), me, nil); len(s.Stops)+len(s.Mends) != 0 {
		t.Errorf("after the release: %+v", s)
	}
}

func words(t *testing.T, f Forge) {
	t.Helper()
	p, me := f.open(t, "1"), f.me(t)
	f.act(t, stopper, Deed{Kind: DoComment, ID: p.ID, Text: "/hold wait for me"})
	s := gitops.Holds(f.read(t, p.ID), me, nil)
	if len(s.Stops) != 1 || s.Stops[0].Reason != "wait for me" {
		t.Fatalf("after /hold: %+v", s)
	}
	f.mend(t, s.Mends)
	got := f.read(t, p.ID)
	if _, ok := got.Label(gitops.LabelHold); !ok || len(gitops.Holds(got, me, nil).Mends) != 0 {
		t.Errorf("labels after mending = %+v, %+v", got.Labels, gitops.Holds(got, me, nil))
	}
	f.act(t, stopper, Deed{Kind: DoComment, ID: p.ID, Text: "/unhold"})
	if s = gitops.Holds(f.read(t, p.ID), me, nil); len(s.Stops) != 1 || len(s.Replies) != 1 {
		t.Errorf("/unhold without the right: %+v", s)
	}
	f.act(t, releaser, Deed{Kind: DoComment, ID: p.ID, Text: "/unhold"})
	s = gitops.Holds(f.read(t, p.ID), me, nil)
	if len(s.Stops) != 0 || len(s.Mends) != 1 {
		t.Fatalf("/unhold with the right: %+v", s)
	}
	f.mend(t, s.Mends)
	got = f.read(t, p.ID)
	if s = gitops.Holds(got, me, nil); len(got.Labels) != 0 || len(s.Stops)+len(s.Mends) != 0 {
		t.Errorf("in the end: labels %+v, %+v", got.Labels, s)
	}
}

// issue reads the one issue that is or was a pause.
func (f Forge) issue(t *testing.T, id string) (gitops.Issue, gitops.Standing, bool) {
	t.Helper()
	list, err := f.Bot.Issues(t.Context(), []string{id})
	if err != nil || len(list) != 1 || list[0].ID != id || list[0].Unread != "" {
		t.Fatalf("Issues = %+v, %v", list, err)
	}
	_, in, s := gitops.Stands(list[0], f.me(t), time.Now(), nil)
	return list[0], s, in
}

func (f Forge) inForce(t *testing.T, want ...string) {
	t.Helper()
	list, err := f.Bot.Pauses(t.Context())
	if err != nil || len(list) != len(want) {
		t.Fatalf("Pauses = %+v, %v, want %d", list, err, len(want))
	}
	for _, p := range list {
		if !slices.Contains(want, p.Title) || p.By.Name == "" || p.Since.IsZero() {
			t.Errorf("pause = %+v, want %s", p, want)
		}
	}
}

func pauseStands(t *testing.T, f Forge) {
	t.Helper()
	id := f.act(t, stopper, Deed{Kind: DoOpenIssue, Text: "incident env:prod-*"})
	f.inForce(t, "incident env:prod-*")
	if _, err := f.Act(t, stopper, Deed{Kind: DoCloseIssue, ID: id}); err != nil && !errors.Is(err, gitops.ErrDenied) {
		t.Fatal(err)
	}
	f.inForce(t, "incident env:prod-*")
	i, s, in := f.issue(t, id)
	if !in || (i.State != gitops.Open && (len(s.Mends) != 1 || len(s.Replies) != 1)) {
		t.Fatalf("closed without the right: %+v, in force %t, %+v", i, in, s)
	}
	f.mend(t, s.Mends)
	if i, s, in = f.issue(t, id); !in || i.State != gitops.Open || len(s.Mends) != 0 {
		t.Errorf("after mending: %+v, in force %t, %+v", i, in, s)
	}
	f.act(t, releaser, Deed{Kind: DoCloseIssue, ID: id})
	f.inForce(t)
	if _, s, in = f.issue(t, id); in || len(s.Mends) != 0 {
		t.Errorf("after the release: in force %t, %+v", in, s)
	}
}

func pauseNarrowed(t *testing.T, f Forge) {
	t.Helper()
	id := f.act(t, stopper, Deed{Kind: DoOpenIssue, Text: "env:dev env:prod"})
	if _, err := f.Act(t, stopper, Deed{Kind: DoRetitleIssue, ID: id, Text: "env:dev"}); err != nil {
		if !errors.Is(err, gitops.ErrDenied) {
			t.Fatal(err)
		}
		return
	}
	f.inForce(t, "env:dev env:prod")
	_, s, _ := f.issue(t, id)
	if len(s.Mends) != 1 || s.Mends[0].Value != "env:dev env:prod" {
		t.Fatalf("narrowed without the right: %+v", s)
	}
	f.mend(t, s.Mends)
	if i, s, in := f.issue(t, id); !in || i.Title != "env:dev env:prod" || len(s.Mends) != 0 {
		t.Errorf("after mending: %+v, %+v", i, s)
	}
	f.act(t, stopper, Deed{Kind: DoRetitleIssue, ID: id, Text: "env:dev env:prod env:test"})
	f.inForce(t, "env:dev env:prod env:test")
	f.act(t, releaser, Deed{Kind: DoRetitleIssue, ID: id, Text: "env:dev"})
	f.inForce(t, "env:dev")
}

func pauseUnlabelled(t *testing.T, f Forge) {
	t.Helper()
	id := f.act(t, stopper, Deed{Kind: DoOpenIssue, Text: "scope:all"})
	f.inForce(t, "scope:all")
	if _, err := f.Act(t, stopper, Deed{Kind: DoUnlabelIssue, ID: id, Text: gitops.LabelPause}); err != nil {
		if !errors.Is(err, gitops.ErrDenied) {
			t.Fatal(err)
		}
	} else {
		_, s, in := f.issue(t, id)
		if !in || len(s.Mends) != 1 {
			t.Fatalf("unlabelled without the right: in force %t, %+v", in, s)
		}
		f.inForce(t, "scope:all") // a client that saw it once does not forget it
		f.mend(t, s.Mends)
		f.inForce(t, "scope:all")
	}
	f.act(t, releaser, Deed{Kind: DoUnlabelIssue, ID: id, Text: gitops.LabelPause})
	f.inForce(t)
}

func issuesOff(t *testing.T, f Forge) {
	t.Helper()
	if f.DisableIssues == nil {
		t.Skip("this forge cannot switch issues off")
	}
	f.DisableIssues(t)
	for _, c := range []Client{f.Bot, f.Fresh()} {
		if list, err := c.Pauses(t.Context()); err != nil || len(list) != 0 {
			t.Errorf("Pauses = %+v, %v", list, err)
		}
		if _, err := c.Issues(t.Context(), nil); !errors.Is(err, gitops.ErrDisabled) {
			t.Errorf("Issues: %v, want ErrDisabled", err)
		}
	}
	if p, err := f.Bot.Protection(t.Context()); err != nil || !p.NoIssues {
		t.Errorf("Protection = %+v, %v", p, err)
	}
}
