package gitlab_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/gitlab"
	"github.com/waveguide-dev/waveguide/gitops/gitopstest"
)

func TestRestartRemembers(t *testing.T) {
	t.Parallel()
	w, _, at := timed(t)
	kept := gitopstest.Memory{}
	start := func() *gitlab.Client {
		c := w.client(func(o *gitlab.Options) { o.Now = at.read })
		c.KeepIn(kept)
		return c
	}
	c := start()
	p := w.open(c, "waveguide/dev/app", "1")
	if err := c.SetCheck(t.Context(), p.Head, gitops.Check{Name: gitops.CheckName, State: gitops.CheckFailure, Text: "no"}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.act(t, gitops.PermissionTriage, gitopstest.Deed{Kind: gitopstest.DoComment, ID: p.ID, Text: "/hold"}); err != nil {
		t.Fatal(err)
	}
	at.pass(time.Minute * 10)
	_, cursor, _ := w.look(c, "")
	list, _, n := w.look(start(), cursor)
	// Who we are takes two, each list one, and the author and the bot's role one more each.
	if s := gitops.Holds(list[0], "bot", nil); n > 6 || len(s.Stops) != 1 || list[0].Base != p.Base && list[0].Base == "" {
		t.Errorf("after a restart a look took %d requests and found %+v", n, s)
	}
	w.server.Rewrite(w.project, 1, "/hold", "")
	again, err := start().Proposal(t.Context(), p.ID)
	if s := gitops.Holds(again, "bot", nil); err != nil || len(s.Stops) != 1 {
		t.Errorf("a comment deleted while nobody looked: %+v, %v", s, err)
	}
}

func TestWhatIsBeingMergedIsHeld(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	c := w.client()
	p := w.open(c, "waveguide/dev/app", "1")
	_, cursor, _ := w.look(c, "")
	w.server.State(w.project, 1, "locked")
	list, _, _ := w.look(c, cursor)
	if got := one(t, list, p.ID); len(list) != 1 || got.State != gitops.Open || got.Unread == "" {
		t.Errorf("proposals = %+v", list)
	}
}

func TestMergedWhileLooking(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	c := w.client()
	p := w.open(c, "waveguide/dev/app", "1")
	_, cursor, _ := w.look(c, "")
	if err := c.SetCheck(t.Context(), p.Head, gitops.Check{Name: gitops.CheckName, State: gitops.CheckSuccess}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Merge(t.Context(), p.ID, p.Head); err != nil {
		t.Fatal(err)
	}
	w.faults.Inject(gitopstest.Fault{Mode: gitopstest.Stale, Reads: true}) // the list of open ones
	list, _, _ := w.look(c, cursor)
	if w.faults.Clear() != 1 || len(list) != 1 || list[0].State != gitops.Merged {
		t.Errorf("proposals = %+v", list)
	}
}

func TestSlippedBetweenPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	c := w.client()
	p := w.open(c, "waveguide/dev/app", "1")
	_, cursor, _ := w.look(c, "")
	w.server.Hide(w.project, 1)
	list, _, _ := w.look(c, cursor)
	if len(list) != 1 || list[0].ID != p.ID || list[0].State != gitops.Open {
		t.Errorf("proposals = %+v", list)
	}
}

func TestStrangersAreLookedUpAgain(t *testing.T) {
	t.Parallel()
	w, c, at := timed(t)
	p := w.open(c, "waveguide/dev/app", "1")
	if _, err := w.act(t, gitops.PermissionTriage, gitopstest.Deed{Kind: gitopstest.DoLabel, ID: p.ID, Text: gitops.LabelHold}); err != nil {
		t.Fatal(err)
	}
	at.pass(time.Hour)
	w.faults.Inject(gitopstest.Fault{Mode: gitopstest.Before, Status: http.StatusBadGateway, Path: "/members/all/13", Times: -1})
	list, cursor, _ := w.look(c, "")
	if l, _ := one(t, list, p.ID).Label(gitops.LabelHold); l.By.Name != "rex" || l.By.Permission != gitops.PermissionUnknown {
		t.Errorf("while the role cannot be read: %+v", l)
	}
	w.faults.Clear()
	list, _, _ = w.look(c, cursor)
	if l, _ := one(t, list, p.ID).Label(gitops.LabelHold); l.By.Permission != gitops.PermissionTriage {
		t.Errorf("afterwards: %+v", l)
	}
}
