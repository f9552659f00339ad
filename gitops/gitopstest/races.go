package gitopstest

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
)

// everyStep opens a proposal once for every request that opening takes, with
// that request going wrong: labels that are half there are completed.
func everyStep(t *testing.T, f Forge) {
	t.Helper()
	labels := []string{"waveguide", "env/dev", "wave/one"}
	n := 0
	open := func() (gitops.Proposal, func() (gitops.Proposal, error)) {
		n++
		at := gitops.Lane{Environment: "dev", Artifact: fmt.Sprintf("app-%d", n)}
		f.Push(t, at.Branch(), at.Artifact+".yaml", "1")
		draft := gitops.Proposal{Lane: at, Branch: at.Branch(), Title: "t", Body: "b"}
		return draft, func() (gitops.Proposal, error) { return f.Bot.Open(t.Context(), draft, labels) }
	}
	before := len(f.Faults.Sent())
	_, whole := open()
	if _, err := whole(); err != nil {
		t.Fatal(err)
	}
	steps := len(f.Faults.Sent()) - before
	for step := range steps {
		fault := Fault{Mode: After, Status: http.StatusBadGateway, Skip: step} // the others are in writesSurvive
		draft, do := open()
		var p gitops.Proposal
		f.try(t, &fault, "open", func() (err error) { p, err = do(); return err })
		got := f.read(t, p.ID)
		if got.State != gitops.Open || got.Branch != draft.Branch || len(got.Labels) != len(labels) {
			t.Errorf("with request %d of %d broken after its effect: %+v", step, steps, got)
		}
	}
	if list, _, err := f.Bot.Proposals(t.Context(), ""); err != nil || len(list) != n {
		t.Errorf("%d proposals, %v, want %d", len(list), err, n)
	}
}

// limitedHalfWay: what was done before the limit is done, nothing is sent while
// it lasts, and the rest is done afterwards, each once.
func limitedHalfWay(t *testing.T, f Forge) {
	t.Helper()
	var all []gitops.Proposal
	for n := range 4 {
		all = append(all, f.begin(t, n, nil))
	}
	f.Faults.Inject(Fault{Mode: Before, Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"60"}}, Writes: true, Skip: 1})
	limited := refuseAll(t, f.Bot, all)
	if f.Faults.Clear() != 1 || len(limited) < 3 {
		t.Fatalf("%d of 4 were limited, want 3 at least by one answer", len(limited))
	}
	later := f.Fresh() // the limit is over
	if left := refuseAll(t, later, limited); len(left) != 0 {
		t.Fatalf("%d are limited for ever", len(left))
	}
	for _, p := range all {
		got, err := later.Proposal(t.Context(), p.ID)
		if k, ok := got.Check(gitops.CheckName); err != nil || !ok || k.State != gitops.CheckFailure || len(got.Checks) != 1 {
			t.Errorf("%s ends with %+v, %v", p.ID, got.Checks, err)
		}
	}
}

// refuseAll turns the checks of proposals red, and says which a limit met.
func refuseAll(t *testing.T, c Client, all []gitops.Proposal) (limited []gitops.Proposal) {
	t.Helper()
	for _, p := range all {
		err := c.SetCheck(t.Context(), p.Head, gitops.Check{Name: gitops.CheckName, State: gitops.CheckFailure, Text: "no"})
		if err == nil {
			continue
		}
		if limit, ok := errors.AsType[*gitops.LimitError](err); !ok || time.Until(limit.Until) > 2*time.Minute {
			t.Fatalf("SetCheck in the middle of a limit: %v", err)
		}
		limited = append(limited, p)
	}
	return limited
}

// lostRace: of two proposals that cannot both be merged the second is refused,
// and stays as it is.
func lostRace(t *testing.T, f Forge) {
	t.Helper()
	var all []gitops.Proposal
	for n, text := range []string{"1", "2"} {
		at := gitops.Lane{Environment: "dev", Artifact: fmt.Sprintf("app-%d", n)}
		head := f.Push(t, at.Branch(), "app.yaml", text)
		p, err := f.Bot.Open(t.Context(), gitops.Proposal{Lane: at, Branch: at.Branch(), Title: "t"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		f.green(t, head)
		all = append(all, p)
	}
	if _, err := f.Bot.Merge(t.Context(), all[0].ID, all[0].Head); err != nil {
		t.Fatal(err)
	}
	commit, err := f.Bot.Merge(t.Context(), all[1].ID, all[1].Head)
	if err == nil || commit != "" {
		t.Errorf("a merge onto a base that moved against it = %q, %v", commit, err)
	}
	if got := f.read(t, all[1].ID); got.State != gitops.Open || got.MergedAs != "" {
		t.Errorf("the one that lost is %+v", got)
	}
	if _, err := f.Bot.Merge(t.Context(), all[0].ID, all[0].Head); err == nil {
		t.Error("what is merged was merged again")
	}
}

// endedMeanwhile: what a person ended is not merged.
func endedMeanwhile(t *testing.T, f Forge) {
	t.Helper()
	p := f.open(t, "1")
	f.green(t, p.Head)
	f.act(t, releaser, Deed{Kind: DoClose, ID: p.ID})
	if _, err := f.Bot.Merge(t.Context(), p.ID, p.Head); err == nil {
		t.Error("a closed proposal was merged")
	}
	if got := f.read(t, p.ID); got.State != gitops.Closed || got.MergedAs != "" || got.EndedBy.Name == f.me(t) {
		t.Errorf("afterwards it is %+v", got)
	}
}

// staleMerge: whatever stale answers say, a head that is gone is not merged.
func staleMerge(t *testing.T, f Forge) {
	t.Helper()
	p := f.open(t, "1")
	f.green(t, p.Head)
	if _, err := f.Bot.Proposal(t.Context(), p.ID); err != nil {
		t.Fatal(err)
	}
	moved := f.Push(t, lane.Branch(), "app.yaml", "2")
	f.green(t, moved)
	f.Faults.Inject(Fault{Mode: Stale, Reads: true, Times: -1})
	_, err := f.Bot.Merge(t.Context(), p.ID, p.Head)
	f.Faults.Clear()
	if !errors.Is(err, gitops.ErrMoved) {
		t.Errorf("Merge of a head that is gone, by stale answers: %v, want ErrMoved", err)
	}
	if got := f.read(t, p.ID); got.State != gitops.Open || got.Head != moved {
		t.Errorf("afterwards it is %s at %s", got.State, got.Head)
	}
}

// queueSurvives enqueues under faults: the proposal waits there once, with the
// head that was named.
func queueSurvives(t *testing.T, f Forge) {
	t.Helper()
	if f.Queue == nil {
		t.Skip("this forge has no queue")
	}
	f.Queue(t)
	for n, fault := range shaky() {
		p := f.begin(t, n, nil)
		f.green(t, p.Head)
		f.try(t, &fault, "enqueue", func() error { return f.Bot.Enqueue(t.Context(), p.ID, p.Head) })
		if got := f.read(t, p.ID); !got.Queued || got.Head != p.Head {
			t.Errorf("enqueue under %+v ends as %+v", fault, got)
		}
	}
	if err := f.Bot.Enqueue(t.Context(), "", gitops.Commit(strings.Repeat("1", 40))); err == nil {
		t.Error("nothing was enqueued")
	}
}
