package gate_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/signals"
)

// rank orders answers: the greater moves less.
func rank(a gate.Answer) int {
	return slices.Index([]gate.Answer{gate.Pass, gate.Wait, gate.Block}, a)
}

// drawn is a good case at another good hour and with other ages.
func drawn(t *rapid.T) gate.Case {
	c := good()
	back := time.Duration(rapid.IntRange(0, 2*3600).Draw(t, "earlier")) * time.Second
	c.Now = c.Now.Add(-back)
	for i := range c.Facts.Health {
		c.Facts.Health[i].At = c.Now.Add(-time.Duration(rapid.IntRange(0, 330).Draw(t, "age")) * time.Second)
	}
	c.Proposal.Reviews[0].At = c.Now.Add(-time.Duration(rapid.IntRange(1, 25*3600).Draw(t, "approved")) * time.Second)
	c.Locks[0].Limit = rapid.IntRange(2, 4).Draw(t, "limit")
	return c
}

// worse are the ways to spoil one fact.
func worse() map[string]func(c *gate.Case, s *gate.Set, i int) {
	return map[string]func(c *gate.Case, s *gate.Set, i int){
		"drop a proof": func(c *gate.Case, _ *gate.Set, i int) { c.Facts.Proofs = slices.Delete(c.Facts.Proofs, i%5, i%5+1) },
		"refuse a proof": func(c *gate.Case, _ *gate.Set, i int) {
			c.Facts.Proofs[i%len(c.Facts.Proofs)].Outcome = signals.OutcomeRefused
		},
		"prove another digest": func(c *gate.Case, _ *gate.Set, i int) { c.Facts.Proofs[i%len(c.Facts.Proofs)].Digest = digestOld },
		"age a signal":         func(c *gate.Case, _ *gate.Set, i int) { c.Facts.Health[i%2].At = c.Now.Add(-time.Hour) },
		"silence a signal":     func(c *gate.Case, _ *gate.Set, i int) { c.Facts.Health[i%2].State = signals.StateUnknown },
		"a signal turns bad":   func(c *gate.Case, _ *gate.Set, i int) { c.Facts.Health[i%2].State = signals.StateUnhealthy },
		"signals disagree":     func(c *gate.Case, _ *gate.Set, i int) { c.Facts.Health[i%2].Digest = digestNew },
		"add a pause":          func(c *gate.Case, _ *gate.Set, _ int) { c.Pauses = append(c.Pauses, gitops.Pause{ID: "#1"}) },
		"pauses unread":        func(c *gate.Case, _ *gate.Set, _ int) { c.PausesUnread = "403" },
		"add a hold": func(c *gate.Case, _ *gate.Set, _ int) {
			c.Proposal.Labels = append(c.Proposal.Labels, gitops.Label{Name: gitops.LabelHold})
		},
		"proposal unread":  func(c *gate.Case, _ *gate.Set, _ int) { c.Proposal.Unread = "403" },
		"dismiss a review": func(c *gate.Case, _ *gate.Set, _ int) { c.Proposal.Reviews[0].State = gitops.Dismissed },
		"ask for changes": func(c *gate.Case, _ *gate.Set, _ int) {
			c.Proposal.Reviews = append(c.Proposal.Reviews, review("bob", gitops.ChangesRequested, c.Now))
		},
		"move the head":    func(c *gate.Case, _ *gate.Set, _ int) { c.Proposal.Head = "head2" },
		"cause the change": func(c *gate.Case, _ *gate.Set, _ int) { c.Proposal.Causers = []string{"ann"} },
		"edit the branch":  func(c *gate.Case, _ *gate.Set, _ int) { c.Proposal.Edited = "a line more" },
		"fail a check":     func(c *gate.Case, _ *gate.Set, _ int) { c.Proposal.Checks[0].State = gitops.CheckFailure },
		"start a freeze":   func(_ *gate.Case, s *gate.Set, _ int) { s.Freeze.Freezes[0].From = noon().AddDate(0, -1, 0) },
		"drop earned":      func(c *gate.Case, _ *gate.Set, _ int) { c.Upstream[0].Earned = time.Time{} },
		"drop earned and clock": func(c *gate.Case, _ *gate.Set, _ int) {
			c.Upstream[0].Earned, c.Upstream[0].Streak = time.Time{}, signals.Streak{}
		},
		"add a failing sibling": func(c *gate.Case, _ *gate.Set, _ int) { c.Failing = append(c.Failing, "prod-sg") },
		"lose a need":           func(c *gate.Case, _ *gate.Set, _ int) { c.Needs[0].Met = false },
		"fill a limit":          func(c *gate.Case, _ *gate.Set, _ int) { c.Locks[0].Limit = 0 },
		"forget a platform": func(c *gate.Case, _ *gate.Set, _ int) {
			c.Running.Platforms = append(c.Running.Platforms, "linux/s390x")
		},
	}
}

func TestWorseNewsNeverMovesMore(t *testing.T) {
	t.Parallel()
	ways := worse()
	var names []string
	for n := range ways {
		names = append(names, n)
	}
	slices.Sort(names)
	bases, passing := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		c, s := drawn(rt), full(t)
		bases++
		if gate.Fold(s.Check(c)) == gate.Pass {
			passing++
		}
		for range rapid.IntRange(1, 3).Draw(rt, "how many") {
			name := rapid.SampledFrom(names).Draw(rt, "way")
			if len(c.Facts.Proofs) < 5 && name == "drop a proof" {
				continue
			}
			i := rapid.IntRange(0, 9).Draw(rt, "which")
			ways[name](&c, s, i)
			answers := s.Check(c)
			if gate.Fold(answers) == gate.Pass {
				rt.Fatalf("%s and everything passes", name)
			}
		}
	})
	if passing*2 < bases {
		t.Errorf("only %d of %d bases pass: the law was hardly tried", passing, bases)
	}
}

func TestAnswersStandUntilWake(t *testing.T) {
	t.Parallel()
	ways := worse()
	var names []string
	for n := range ways {
		names = append(names, n)
	}
	slices.Sort(names)
	rapid.Check(t, func(rt *rapid.T) {
		c, s := drawn(rt), full(t)
		if rapid.Bool().Draw(rt, "spoil") {
			ways[rapid.SampledFrom(names).Draw(rt, "way")](&c, s, rapid.IntRange(0, 9).Draw(rt, "which"))
		}
		c.Now = c.Now.Add(time.Duration(rapid.IntRange(0, 20*24*60).Draw(rt, "later")) * time.Minute)
		before := s.Check(c)
		wake := gate.Wake(before, c.Now)
		if wake.IsZero() {
			wake = c.Now.AddDate(1, 0, 0)
		}
		c.Now = c.Now.Add(time.Duration(rapid.Int64Range(0, int64(wake.Sub(c.Now))-1).Draw(rt, "instant")))
		for i, v := range s.Check(c) {
			if v.Answer != before[i].Answer {
				rt.Fatalf("%q became %q at %s, before %s", before[i], v, c.Now, wake)
			}
		}
	})
}

// Nothing is known of a zero case, so only gates that then have nothing to ask
// about may pass it.
func TestZeroCaseWaits(t *testing.T) {
	t.Parallel()
	want := []string{"previous", "soak", "health", "pause", "lock", "freeze", "hold"}
	s := full(t)
	s.Freeze = gate.Freeze{}
	var got []string
	for _, v := range s.Check(gate.Case{Step: gate.Merge}) {
		if v.Answer == gate.Pass {
			got = append(got, v.Gate)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("gates that pass a zero case are %v, want %v", got, want)
	}
}

func TestTightenedNeverMovesMore(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		c := drawn(rt)
		c.Now = c.Now.Add(time.Duration(rapid.IntRange(0, 60*24).Draw(rt, "later")) * time.Hour)
		hours := func(name string) time.Duration {
			return time.Duration(rapid.IntRange(0, 72).Draw(rt, name)) * time.Hour
		}
		lines := func() (a gate.Approval) {
			for range rapid.IntRange(0, 3).Draw(rt, "lines") {
				a.Required = append(a.Required, gate.Approver{
					From:  rapid.SampledFrom([]string{"", "@ann", "@bob", "@acme/owners"}).Draw(rt, "from"),
					Count: rapid.IntRange(0, 2).Draw(rt, "count"), TTL: hours("ttl"),
				})
			}
			return a
		}
		c.Proposal.Reviews = append(c.Proposal.Reviews, review("bob", gitops.Approved, c.Now.Add(-hours("bob"))), review("cid", gitops.Approved, c.Now))
		freeze := func() gate.Freeze {
			from := noon().Add(hours("from"))
			return gate.Freeze{Freezes: []gate.Frozen{{Name: "f", From: from, Until: from.Add(hours("long"))}}}
		}
		age := func() *gate.Age { return &gate.Age{Min: hours("min"), Max: hours("max")} }
		scan := func() *gate.Vulnerabilities { return &gate.Vulnerabilities{MaxAge: hours("scan")} }
		a, b, f, g, x, y, v, w := lines(), lines(), freeze(), freeze(), age(), age(), scan(), scan()
		for name, o := range map[string][3]gate.Gate{
			"approval": {a, b, a.Tighten(b)}, "freeze": {f, g, f.Tighten(g)}, "age": {x, y, x.Tighten(y)}, "vulnerabilities": {v, w, v.Tighten(w)},
		} {
			both := max(rank(o[0].Check(c).Answer), rank(o[1].Check(c).Answer))
			if got := o[2].Check(c); rank(got.Answer) < both {
				rt.Fatalf("%s: %+v tightened by %+v says %q", name, o[0], o[1], got)
			}
		}
	})
}

func BenchmarkSetCheck(b *testing.B) {
	s, c := full(b), good()
	b.ReportAllocs()
	for b.Loop() {
		if gate.Fold(s.Check(c)) != gate.Pass {
			b.Fatal("the good case does not pass")
		}
	}
}
