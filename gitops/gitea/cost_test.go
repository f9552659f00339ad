package gitea_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/gitea"
	"github.com/waveguide-dev/waveguide/gitops/gitopstest"
)

// counter counts what a client's looks at all proposals and pauses ask for.
type counter struct {
	*fake
	t      *testing.T
	bot    *gitea.Client
	cursor string
}

// look says what it found, and how many requests it took at most.
func (c *counter) look(what string, most int) []gitops.Proposal {
	c.t.Helper()
	before := c.faults.Count()
	list, next, err := c.bot.Proposals(c.t.Context(), c.cursor)
	if err != nil || len(list) != 200 {
		c.t.Fatalf("%s: %d proposals, %v", what, len(list), err)
	}
	if _, err := c.bot.Pauses(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
	c.cursor = next
	n := c.faults.Count() - before
	c.t.Logf("%s: %d requests", what, n)
	if n > most {
		c.t.Errorf("%s took %d requests, want at most %d:\n%s", what, n, most, strings.Join(c.faults.Sent()[before:], "\n"))
	}
	return list
}

// unread counts the proposals that count as held because nobody read them.
func unread(list []gitops.Proposal) int {
	return len(slices.DeleteFunc(slices.Clone(list), func(p gitops.Proposal) bool { return p.Unread == "" }))
}

// many opens 200 proposals and says the last one.
func (f *fake) many(t *testing.T) gitops.Proposal {
	t.Helper()
	var names []string
	for i := range 200 {
		names = append(names, gitops.Lane{Environment: "dev", Artifact: fmt.Sprintf("app-%d", i)}.Branch())
	}
	if err := f.Branches(names...); err != nil {
		t.Fatal(err)
	}
	bot := f.client()
	var last gitops.Proposal
	for _, name := range names {
		p, err := bot.Open(t.Context(), gitops.Proposal{Branch: name, Title: name}, []string{"waveguide"})
		if err != nil {
			t.Fatal(err)
		}
		last = p
	}
	if n := f.faults.Count(); n > 206 {
		t.Errorf("opening 200 proposals took %d requests, want one each and a few", n)
	}
	return last
}

// TestWhatALookCosts counts requests: 200 open proposals, of which nobody did
// anything to most.
func TestWhatALookCosts(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	start := time.Now().Add(-time.Hour)
	f.At(start)
	last := f.many(t)
	f.At(start.Add(time.Minute))
	kept := gitopstest.Memory{}
	c := &counter{fake: f, t: t, bot: f.client()}
	c.bot.KeepIn(kept)
	list := c.look("the first look of a new process", 71)
	if unread(list) != 140 {
		t.Errorf("the first look leaves %d unread, want 140", unread(list))
	}
	for range 3 {
		list = c.look("one of the next", 67)
	}
	if unread(list) != 0 {
		t.Errorf("after four looks %d are unread", unread(list))
	}
	c.look("a look with nothing changed", 7)
	for _, p := range list {
		if err := c.bot.SetCheck(t.Context(), p.Head, gitops.Check{Name: gitops.CheckName, State: gitops.CheckFailure, Text: "no"}); err != nil {
			t.Fatal(err)
		}
	}
	list = c.look("a look after our check was set on all", 7)
	for _, p := range list {
		if k, ok := p.Check(gitops.CheckName); !ok || k.State != gitops.CheckFailure || k.Text != "no" || k.By != "waveguide" || !k.Required {
			t.Fatalf("the check on %s is %+v", p.ID, k)
		}
	}
	f.do(t, gitopstest.Deed{Kind: gitopstest.DoLabel, ID: last.ID, Text: gitops.LabelHold})
	f.At(start.Add(2 * time.Minute))
	list = c.look("a look after one label", 22)
	i := slices.IndexFunc(list, func(p gitops.Proposal) bool { return p.ID == last.ID })
	if l, ok := list[i].Label(gitops.LabelHold); !ok || l.By.Name != "tess" {
		t.Errorf("labels = %+v", list[i].Labels)
	}
	c.look("and then", 17) // a minute later: ten statuses

	c.bot, c.cursor = f.client(), ""
	c.bot.KeepIn(kept)
	list = c.look("the first look after a restart", 21)
	if l, ok := list[i].Label(gitops.LabelHold); !ok || l.By.Name != "tess" || unread(list) != 0 {
		t.Errorf("after a restart: labels %+v, %d unread", list[i].Labels, unread(list))
	}
}

// TestEverythingAtOnce: what changes faster than it can be read waits for the
// next looks, and a hold counts at once.
func TestEverythingAtOnce(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	start := time.Now().Add(-time.Hour)
	f.At(start)
	f.many(t)
	f.At(start.Add(time.Minute))
	c := &counter{fake: f, t: t, bot: f.client()}
	for range 4 {
		c.look("the first looks", 71)
	}
	id := f.labelID(t, "tess-token", gitops.LabelHold)
	f.At(start.Add(2 * time.Minute))
	for n := range 200 {
		if err := f.as(t, "tess-token", http.MethodPost, fmt.Sprintf("/issues/%d/labels", n+1), map[string][]int64{"labels": {id}}, nil); err != nil {
			t.Fatal(err)
		}
	}
	f.At(start.Add(2*time.Minute + 5*time.Second))
	list := c.look("a look after all changed", 60*4+19)
	for _, p := range list {
		if _, held := p.Label(gitops.LabelHold); !held {
			t.Fatalf("%s is not held: %+v", p.ID, p)
		}
	}
	for i := range 3 {
		f.At(start.Add(2*time.Minute + time.Duration(i+1)*10*time.Second))
		list = c.look("the looks after", 60*4+19)
	}
	for _, p := range list {
		if l, _ := p.Label(gitops.LabelHold); l.By.Name != "tess" || p.Unread != "" {
			t.Fatalf("%s is held by %+v, unread %q", p.ID, l, p.Unread)
		}
	}
	c.look("and then", 17)
}

// TestRestartRemembersWhatWasSaid: a comment that is deleted while no process
// runs does not end what it made.
func TestRestartRemembersWhatWasSaid(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	kept := gitopstest.Memory{}
	bot := f.client()
	bot.KeepIn(kept)
	f.push(t, "waveguide/dev/app", "app.yaml", "1")
	p, err := bot.Open(t.Context(), gitops.Proposal{Branch: "waveguide/dev/app", Title: "t"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	f.do(t, gitopstest.Deed{Kind: gitopstest.DoComment, ID: p.ID, Text: "/hold"})
	if _, err := bot.Proposal(t.Context(), p.ID); err != nil {
		t.Fatal(err)
	}
	f.Unsay(1)
	bot = f.client()
	bot.KeepIn(kept)
	if p, err = bot.Proposal(t.Context(), p.ID); err != nil || len(gitops.Holds(p, "waveguide", nil).Stops) != 1 {
		t.Errorf("after a restart: %+v, %v", gitops.Holds(p, "waveguide", nil), err)
	}
}

// TestOthersChecksAreReadAgain: nothing tells that a status changed, so those
// that wait are read with every look, and the others now and then.
func TestOthersChecksAreReadAgain(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	bot := f.client()
	head := f.push(t, "waveguide/dev/app", "app.yaml", "1")
	if _, err := bot.Open(t.Context(), gitops.Proposal{Branch: "waveguide/dev/app", Title: "t"}, nil); err != nil {
		t.Fatal(err)
	}
	ci := func(state string) {
		t.Helper()
		if err := f.as(t, "ada-token", http.MethodPost, "/statuses/"+string(head), map[string]string{"context": "ci", "state": state}, nil); err != nil {
			t.Fatal(err)
		}
	}
	see := func(want gitops.CheckState) {
		t.Helper()
		list, _, err := bot.Proposals(t.Context(), "")
		if err != nil || len(list) != 1 {
			t.Fatalf("%d proposals, %v", len(list), err)
		}
		if k, _ := list[0].Check("ci"); k.State != want {
			t.Errorf("ci is %q, want %q", k.State, want)
		}
	}
	ci("pending")
	see(gitops.CheckPending)
	ci("success")
	see(gitops.CheckSuccess)
	ci("failure")
	see(gitops.CheckSuccess) // it had come to an end
	f.At(time.Now().Add(time.Minute))
	see(gitops.CheckFailure)
}
