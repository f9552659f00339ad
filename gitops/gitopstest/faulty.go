package gitopstest

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
)

// deed is a write that is repeated until it succeeds, and how it looks when it
// was done exactly once.
type deed struct {
	name string
	do   func(f Forge, t *testing.T, p gitops.Proposal) error
	done func(p gitops.Proposal, me string) bool
}

func deeds() []deed {
	said := func(p gitops.Proposal, me string) int {
		return len(slices.DeleteFunc(slices.Clone(p.Events), func(e gitops.Event) bool { return e.Kind != gitops.Commented || e.By.Name != me }))
	}
	return []deed{
		{"update", func(f Forge, t *testing.T, p gitops.Proposal) error { //nolint:thelper // the work of the case
			return f.Bot.Update(t.Context(), p.ID, "new title", "new body")
		}, func(p gitops.Proposal, _ string) bool { return p.Title == "new title" && p.Body == "new body" }},
		{"check", func(f Forge, t *testing.T, p gitops.Proposal) error { //nolint:thelper // the work of the case
			return f.Bot.SetCheck(t.Context(), p.Head, gitops.Check{Name: gitops.CheckName, State: gitops.CheckFailure, Text: "no"})
		}, func(p gitops.Proposal, _ string) bool {
			c, ok := p.Check(gitops.CheckName)
			return ok && c.State == gitops.CheckFailure && len(p.Checks) == 1
		}},
		{"label", func(f Forge, t *testing.T, p gitops.Proposal) error { //nolint:thelper // the work of the case
			return f.Bot.AddLabel(t.Context(), p.ID, gitops.LabelHold)
		}, func(p gitops.Proposal, _ string) bool { _, ok := p.Label(gitops.LabelHold); return ok }},
		{"unlabel", func(f Forge, t *testing.T, p gitops.Proposal) error { //nolint:thelper // the work of the case
			return f.Bot.RemoveLabel(t.Context(), p.ID, "waveguide")
		}, func(p gitops.Proposal, _ string) bool { _, ok := p.Label("waveguide"); return !ok }},
		{"mend", func(f Forge, t *testing.T, p gitops.Proposal) error { //nolint:thelper // the work of the case
			return f.Bot.Mend(t.Context(), gitops.Mend{ID: p.ID, Kind: gitops.PutLabel, Value: gitops.LabelHold, Why: "nobody may"})
		}, func(p gitops.Proposal, _ string) bool { _, ok := p.Label(gitops.LabelHold); return ok }},
		{"answer", func(f Forge, t *testing.T, p gitops.Proposal) error { //nolint:thelper // the work of the case
			return f.Bot.Answer(t.Context(), p.ID, "key", "text")
		}, func(p gitops.Proposal, me string) bool { return said(p, me) == 1 }},
		{"close", func(f Forge, t *testing.T, p gitops.Proposal) error { //nolint:thelper // the work of the case
			return f.Bot.Close(t.Context(), p.ID, "superseded")
		}, func(p gitops.Proposal, me string) bool { return p.State == gitops.Closed && said(p, me) == 1 }},
		{"merge", func(f Forge, t *testing.T, p gitops.Proposal) error { //nolint:thelper // the work of the case
			if err := f.Bot.SetCheck(t.Context(), p.Head, gitops.Check{Name: gitops.CheckName, State: gitops.CheckSuccess}); err != nil {
				return err
			}
			_, err := f.Bot.Merge(t.Context(), p.ID, p.Head)
			return err
		}, func(p gitops.Proposal, _ string) bool { return p.State == gitops.Merged && p.MergedAs != "" }},
	}
}

// shaky are the ways in which one write goes wrong.
func shaky() []Fault {
	var out []Fault
	for skip := range 2 { // also half-way through what takes several requests
		out = append(out,
			Fault{Mode: Before, Status: http.StatusBadGateway, Writes: true, Skip: skip},
			Fault{Mode: After, Status: http.StatusServiceUnavailable, Writes: true, Skip: skip},
			Fault{Mode: Lost, Writes: true, Skip: skip})
	}
	return out
}

// begin opens the n-th proposal under a fault.
func (f Forge) begin(t *testing.T, n int, fault *Fault) gitops.Proposal {
	t.Helper()
	at := gitops.Lane{Environment: "dev", Artifact: fmt.Sprintf("app-%d", n)}
	f.Push(t, at.Branch(), at.Artifact+".yaml", "1")
	var p gitops.Proposal
	f.try(t, fault, "open", func() (err error) {
		p, err = f.Bot.Open(t.Context(), gitops.Proposal{Lane: at, Branch: at.Branch(), Title: "t", Body: "b"}, []string{"waveguide", "env/dev"})
		return err
	})
	return p
}

func writesSurvive(t *testing.T, f Forge) {
	t.Helper()
	n := 0
	for _, fault := range shaky() {
		n++
		p := f.begin(t, n, &fault)
		if got := f.read(t, p.ID); len(got.Labels) != 2 || got.State != gitops.Open {
			t.Errorf("%+v: opened as %+v", fault, got)
		}
		list, _, err := f.Bot.Proposals(t.Context(), "")
		if err != nil || len(slices.DeleteFunc(list, func(o gitops.Proposal) bool { return o.Branch != p.Branch })) != 1 {
			t.Errorf("%+v: %d proposals, %v", fault, len(list), err)
		}
	}
	for _, d := range deeds() {
		for _, fault := range shaky() {
			n++
			d.survives(t, f, f.begin(t, n, nil), fault)
		}
	}
}

// survives does a deed under a fault until it is done.
func (d deed) survives(t *testing.T, f Forge, p gitops.Proposal, fault Fault) {
	t.Helper()
	me := f.me(t)
	f.try(t, &fault, d.name, func() error {
		err := d.do(f, t, p)
		if err != nil && f.Faults.Clear() >= 0 && d.done(f.read(t, p.ID), me) {
			return nil // a lost answer: looking again shows that it was done
		}
		return err
	})
	if got := f.read(t, p.ID); !d.done(got, me) {
		t.Errorf("%s under %+v ends as %+v", d.name, fault, got)
	}
}

// try repeats a write under a fault until it succeeds.
func (f Forge) try(t *testing.T, fault *Fault, name string, do func() error) {
	t.Helper()
	if fault != nil {
		f.Faults.Inject(*fault)
	}
	var err error
	for range 3 {
		if err = do(); err == nil {
			break
		}
		f.Faults.Clear()
	}
	f.Faults.Clear()
	if err != nil {
		t.Fatalf("%s under %+v: %v", name, fault, err)
	}
}

func staleList(t *testing.T, f Forge) {
	t.Helper()
	f.Push(t, lane.Branch(), "app.yaml", "1")
	draft := gitops.Proposal{Lane: lane, Branch: lane.Branch(), Title: "t"}
	first, err := f.Bot.Open(t.Context(), draft, nil)
	if err != nil {
		t.Fatal(err)
	}
	f.Faults.Inject(Fault{Mode: Stale, Reads: true, Times: 1})
	second, err := f.Bot.Open(t.Context(), draft, nil)
	f.Faults.Clear()
	if err != nil {
		if second, err = f.Bot.Open(t.Context(), draft, nil); err != nil {
			t.Fatal(err)
		}
	}
	if second.ID != first.ID {
		t.Errorf("Open with a stale list = %s, want %s", second.ID, first.ID)
	}
	if list, _, err := f.Bot.Proposals(t.Context(), ""); err != nil || len(list) != 1 {
		t.Errorf("Proposals = %d, %v", len(list), err)
	}
}

func listWithHole(t *testing.T, f Forge) {
	t.Helper()
	for i := range 3 {
		at := gitops.Lane{Environment: "dev", Artifact: fmt.Sprintf("app-%d", i)}
		f.Push(t, at.Branch(), at.Artifact+".yaml", "1")
		if _, err := f.Bot.Open(t.Context(), gitops.Proposal{Lane: at, Branch: at.Branch(), Title: "t"}, []string{gitops.LabelHold}); err != nil {
			t.Fatal(err)
		}
	}
	before := f.Faults.Count()
	if list, _, err := f.Fresh().Proposals(t.Context(), ""); err != nil || len(list) != 3 {
		t.Fatalf("Proposals = %+v, %v", list, err)
	}
	for i := range f.Faults.Count() - before {
		f.Faults.Inject(Fault{Mode: Before, Status: http.StatusBadGateway, Skip: i})
		list, _, err := f.Fresh().Proposals(t.Context(), "")
		f.Faults.Clear()
		if err == nil {
			allHeld(t, list, i)
		}
	}
}

func allHeld(t *testing.T, list []gitops.Proposal, broken int) {
	t.Helper()
	if len(list) != 3 {
		t.Errorf("with request %d broken there are %d proposals and no error", broken, len(list))
	}
	for _, p := range list {
		if _, ok := p.Label(gitops.LabelHold); !ok && p.Unread == "" {
			t.Errorf("with request %d broken %s has lost its hold", broken, p.Branch)
		}
	}
}

func nonsense(t *testing.T, f Forge) {
	t.Helper()
	p := f.open(t, "1")
	for name, do := range map[string]func(c Client) error{
		"Proposals": func(c Client) error { _, _, err := c.Proposals(t.Context(), ""); return err },
		"Proposal":  func(c Client) error { _, err := c.Proposal(t.Context(), p.ID); return err },
		"Pauses":    func(c Client) error { _, err := c.Pauses(t.Context()); return err },
		"Whoami":    func(c Client) error { _, err := c.Whoami(t.Context()); return err },
		"Merge":     func(c Client) error { _, err := c.Merge(t.Context(), p.ID, p.Head); return err },
	} {
		f.Faults.Inject(Fault{Mode: Nonsense, Times: -1})
		if err := do(f.Fresh()); err == nil {
			t.Errorf("%s of nonsense: no error", name)
		}
		f.Faults.Clear()
	}
	f.Faults.Inject(Fault{Mode: Before, Status: http.StatusUnauthorized, Times: -1})
	if _, _, err := f.Fresh().Proposals(t.Context(), ""); !errors.Is(err, gitops.ErrDenied) {
		t.Errorf("Proposals with a token that is refused: %v, want ErrDenied", err)
	}
	f.Faults.Clear()
}

func limited(t *testing.T, f Forge) {
	t.Helper()
	p := f.open(t, "1")
	f.Faults.Inject(Fault{Mode: Before, Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"40"}}})
	start := time.Now()
	_, err := f.Bot.Proposal(t.Context(), p.ID)
	limit, ok := errors.AsType[*gitops.LimitError](err)
	if !ok || limit.Until.Before(start.Add(35*time.Second)) || limit.Until.After(start.Add(2*time.Minute)) {
		t.Fatalf("Proposal under a limit: %v", err)
	}
	f.Faults.Clear()
	before := f.Faults.Count()
	for name, err := range map[string]error{
		"Close":    f.Bot.Close(t.Context(), p.ID, "no"),
		"SetCheck": f.Bot.SetCheck(t.Context(), p.Head, gitops.Check{Name: gitops.CheckName, State: gitops.CheckPending}),
	} {
		if _, ok := errors.AsType[*gitops.LimitError](err); !ok {
			t.Errorf("%s under a limit: %v", name, err)
		}
	}
	if n := f.Faults.Count() - before; n != 0 {
		t.Errorf("%d requests were sent while the forge asked to wait", n)
	}
}

func withdrawn(t *testing.T, f Forge) {
	t.Helper()
	if f.Withdraw == nil {
		t.Skip("this forge's rights do not change")
	}
	p := f.open(t, "1")
	next := gitops.Lane{Environment: "dev", Artifact: "next"}
	f.Push(t, next.Branch(), "next.yaml", "1")
	f.Withdraw(t)
	if _, err := f.Bot.Open(t.Context(), gitops.Proposal{Lane: next, Branch: next.Branch(), Title: "t"}, nil); !errors.Is(err, gitops.ErrDenied) {
		t.Errorf("Open without the right: %v, want ErrDenied", err)
	}
	if err := f.Bot.SetCheck(t.Context(), p.Head, gitops.Check{Name: gitops.CheckName, State: gitops.CheckSuccess}); !errors.Is(err, gitops.ErrDenied) {
		t.Errorf("SetCheck without the right: %v, want ErrDenied", err)
	}
	if _, err := f.Bot.Merge(t.Context(), p.ID, p.Head); !errors.Is(err, gitops.ErrDenied) {
		t.Errorf("Merge without the right: %v, want ErrDenied", err)
	}
	if pr, err := f.Bot.Protection(t.Context()); err == nil && len(pr.Lacks) == 0 && pr.Permission.Releases() {
		t.Errorf("Protection = %+v, and nothing lacks", pr)
	}
}

func quiet(t *testing.T, f Forge) {
	t.Helper()
	f.open(t, "1")
	look := func() int {
		before := f.Faults.Count()
		if _, _, err := f.Bot.Proposals(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Bot.Pauses(t.Context()); err != nil {
			t.Fatal(err)
		}
		return f.Faults.Count() - before
	}
	first := look()
	if again := look(); again > first {
		t.Errorf("the second look took %d requests, the first %d", again, first)
	}
}
