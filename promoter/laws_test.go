package promoter_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/signals"
)

// base draws a world in which all is well and a version is somewhere on its
// way, after a history of ordinary events.
func base(t *rapid.T) *model {
	text := ""
	n := rapid.IntRange(2, 3).Draw(t, "waves")
	for i := range n {
		text += fmt.Sprintf("wave w%d:", i)
		for j := range rapid.IntRange(1, 3).Draw(t, "environments") {
			text += fmt.Sprintf(" e%d%d", i, j)
		}
		text += " soak=10m signature" + rapid.SampledFrom([]string{"", " auto", " approvals=@acme/owners", " limit=1"}).Draw(t, "more") + "\n"
	}
	text += rapid.SampledFrom([]string{"", "rollback propose\n", "whileSoaking replace\n"}).Draw(t, "rules")
	r, err := parseRules(text)
	if err != nil {
		t.Fatalf("parseRules(%q): %v", text, err)
	}
	m := newModel(r)
	_ = everyone(m, []string{"1.0.0"})
	m.run(began.Add(30 * time.Minute))
	for i := range rapid.IntRange(1, 3).Draw(t, "versions") {
		_ = version(m, []string{fmt.Sprintf("1.%d.0", i+1)})
		for range rapid.IntRange(0, 4).Draw(t, "steps") {
			m.run(m.s.Now.Add(time.Duration(rapid.IntRange(1, 12).Draw(t, "minutes")) * time.Minute))
			mergeGreen(m, rapid.Bool().Draw(t, "review"))
		}
	}
	// Often the law is most worth asking just before something moves.
	for range 15 {
		if len(advances(m.decide())) > 0 {
			break
		}
		m.run(m.s.Now)
		m.s.Now = m.s.Now.Add(beat)
	}
	m.look()
	return m
}

// mergeGreen lets a person approve and merge what is green.
func mergeGreen(m *model, approve bool) {
	for i := range m.s.Lanes {
		env := m.s.Lanes[i].Lane.Environment
		if approve {
			_ = review(gitops.Approved)(m, []string{env, "by", "olga"})
		}
		_ = merge(m, []string{env})
	}
}

// advances are the changes of a plan that move something forward.
func advances(p promoter.Plan) map[string]bool {
	all := map[string]bool{}
	for _, l := range p.Lanes {
		if c := l.Change; c != nil && c.Class != string(gate.Rollback) && forward(*c) {
			all[fmt.Sprint(c.Kind, c.Lane, c.To.Digest)] = true
		}
	}
	return all
}

func forward(c gitops.Change) bool {
	switch c.Kind {
	case gitops.OpenProposal, gitops.UpdateProposal, gitops.MergeProposal:
		return true
	case gitops.SetCheck:
		return c.Check.State == gitops.CheckSuccess
	case gitops.CloseProposal, gitops.DescribeProposal, gitops.RemoveLabel, gitops.MendStop, gitops.AnswerPerson, gitops.FileReport, gitops.EndIssue:
	}
	return false
}

// copied is a deep copy by way of JSON, as a replay reads it.
func copied(t interface{ Fatalf(string, ...any) }, s promoter.Snapshot) promoter.Snapshot {
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatalf("marshal: %v", err)
	}
	var c promoter.Snapshot
	if err := json.Unmarshal(b, &c); err != nil {
		t.Fatalf("unmarshal: %v", err)
	}
	return c
}

// worse are the ways in which one fact of a lane or of the world gets worse.
var worse = map[string]func(s *promoter.Snapshot, k *promoter.Lane){
	"nothing is known of the lane": func(_ *promoter.Snapshot, k *promoter.Lane) { *k = promoter.Lane{Lane: k.Lane} },
	"a signal is silent":           func(_ *promoter.Snapshot, k *promoter.Lane) { k.Facts.Health = nil },
	"a signal is unhealthy": func(_ *promoter.Snapshot, k *promoter.Lane) {
		k.Facts.Health = slices.Clone(k.Facts.Health)
		for i := range k.Facts.Health {
			k.Facts.Health[i].State = signals.StateUnhealthy
		}
	},
	"a signal is stale": func(s *promoter.Snapshot, k *promoter.Lane) {
		for i := range k.Facts.Health {
			k.Facts.Health[i].At = s.Now.Add(-time.Hour)
		}
	},
	"something else runs": func(_ *promoter.Snapshot, k *promoter.Lane) {
		for i := range k.Facts.Health {
			k.Facts.Health[i].Digest = digestOf("intruder")
		}
	},
	"the proofs are gone": func(_ *promoter.Snapshot, k *promoter.Lane) { k.Facts.Proofs = nil },
	"no signature holds": func(_ *promoter.Snapshot, k *promoter.Lane) {
		for i := range k.Facts.Proofs {
			k.Facts.Proofs[i].Outcome = signals.OutcomeRefused
		}
	},
	"nothing was earned here": func(_ *promoter.Snapshot, k *promoter.Lane) {
		k.Facts.Earned, k.Facts.Streak = nil, signals.Streak{}
		k.Desired.Left = append(k.Desired.Left, gitops.Left{Version: gitops.Version{Tag: "0.1.0", Digest: string(digestOf("0.1.0"))}})
	},
	"git cannot be read":   func(_ *promoter.Snapshot, k *promoter.Lane) { k.Desired = gitops.Desired{Problem: "unreadable"} },
	"everything is paused": func(s *promoter.Snapshot, _ *promoter.Lane) { s.World.Pauses = []gitops.Pause{{ID: "all"}} },
	"the lane is paused": func(s *promoter.Snapshot, k *promoter.Lane) {
		s.World.Pauses = []gitops.Pause{{ID: "one", Environments: []string{k.Lane.Environment}}}
	},
	"versions cannot be read": func(s *promoter.Snapshot, _ *promoter.Lane) { s.VersionsUnread = "503" },
	"pauses cannot be read":   func(s *promoter.Snapshot, _ *promoter.Lane) { s.World.PausesUnread = "503" },
	"a hold": func(_ *promoter.Snapshot, k *promoter.Lane) {
		for i := range k.Proposals {
			k.Proposals[i].Labels = append(k.Proposals[i].Labels, gitops.Label{Name: gitops.LabelHold})
		}
	},
	"the proposal cannot be read": func(_ *promoter.Snapshot, k *promoter.Lane) {
		for i := range k.Proposals {
			k.Proposals[i].Unread = "503"
		}
	},
	"a person pushed": func(_ *promoter.Snapshot, k *promoter.Lane) {
		for i := range k.Proposals {
			k.Proposals[i].Edited = "replicas"
		}
	},
	"somebody asks for changes": func(s *promoter.Snapshot, k *promoter.Lane) {
		for i, p := range k.Proposals {
			k.Proposals[i].Reviews = append(p.Reviews, gitops.Review{By: person("otto"), State: gitops.ChangesRequested, Head: p.Head, At: s.Now})
		}
	},
	"every tag was moved": func(s *promoter.Snapshot, _ *promoter.Lane) {
		for _, v := range s.Versions {
			v.Digest, v.Gone = digestOf("moved "+v.Tag), s.Now
			s.Versions = append(s.Versions, v)
		}
	},
}

// TestMoreBadNewsNeverPromotes: from a world where all is well, one worse fact
// never adds a change that moves something forward.
func TestMoreBadNewsNeverPromotes(t *testing.T) {
	t.Parallel()
	var bases, promoting atomic.Int64
	rapid.Check(t, func(t *rapid.T) {
		m := base(t)
		before := advances(promoter.Decide(m.s))
		bases.Add(1)
		if len(before) > 0 {
			promoting.Add(1)
		}
		s := copied(t, m.s)
		name := rapid.SampledFrom(slices.Sorted(keys(worse))).Draw(t, "worse")
		worse[name](&s, &s.Lanes[rapid.IntRange(0, len(s.Lanes)-1).Draw(t, "lane")])
		after := promoter.Decide(s)
		for change := range advances(after) {
			if !before[change] {
				t.Fatalf("%s: %s appeared\nbefore:\n%s\nafter:\n%s", name, change, promoter.Decide(m.s), after)
			}
		}
	})
	if promoting.Load()*2 < bases.Load() {
		t.Errorf("only %d of %d bases promote: the law is hardly asked", promoting.Load(), bases.Load())
	}
}

func keys[V any](m map[string]V) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// TestPlansSettle: doing what a plan says and looking again comes to an end
// within a few looks.
func TestPlansSettle(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := base(t)
		if n := m.settle(); n > 4 {
			t.Fatalf("still not settled after %d looks:\n%s", n, m.decide())
		}
		for _, k := range m.s.Lanes {
			open := 0
			for _, p := range k.Proposals {
				if p.State == gitops.Open {
					open++
				}
			}
			if open > 1 {
				t.Fatalf("%s has %d open proposals", k.Lane, open)
			}
		}
	})
}

// TestPromotionsNeverGoBackward: no promotion moves a lane to an older version,
// at most one change is wished per lane, and only what is wished for an
// existing lane.
func TestPromotionsNeverGoBackward(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := base(t)
		s := copied(t, m.s)
		worse[rapid.SampledFrom(slices.Sorted(keys(worse))).Draw(t, "worse")](&s, &s.Lanes[0])
		seen := map[gitops.Lane]bool{}
		for _, l := range promoter.Decide(s).Lanes {
			if seen[l.Lane] {
				t.Fatalf("%s is decided twice", l.Lane)
			}
			seen[l.Lane] = true
			c := l.Change
			if c == nil || c.Class == string(gate.Rollback) || c.Kind != gitops.OpenProposal && c.Kind != gitops.UpdateProposal && c.Kind != gitops.MergeProposal {
				continue
			}
			from := signals.Version{Tag: c.From.Tag, Digest: signals.Digest(c.From.Digest)}
			to := signals.Version{Tag: c.To.Tag, Digest: signals.Digest(c.To.Digest)}
			if c.From.Tag != "" && s.Route.Selector.Compare(to, from) <= 0 {
				t.Fatalf("%s moves backward", c)
			}
		}
	})
}

// TestSameSnapshotSamePlan: the plan does not depend on the order in which
// lanes and versions are listed, nor on having been stored, byte for byte; and
// deciding changes nothing in the snapshot.
func TestSameSnapshotSamePlan(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := base(t)
		before := marshal(t, m.s)
		want := marshal(t, promoter.Decide(m.s))
		s := copied(t, m.s)
		if got := marshal(t, promoter.Decide(s)); got != want {
			t.Fatalf("a stored snapshot decides otherwise: %s", cmp.Diff(want, got))
		}
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		r.Shuffle(len(s.Lanes), func(i, j int) { s.Lanes[i], s.Lanes[j] = s.Lanes[j], s.Lanes[i] })
		r.Shuffle(len(s.Versions), func(i, j int) { s.Versions[i], s.Versions[j] = s.Versions[j], s.Versions[i] })
		if got := marshal(t, promoter.Decide(s)); got != want {
			t.Fatalf("another order decides otherwise: %s", cmp.Diff(want, got))
		}
		if after := marshal(t, m.s); after != before {
			t.Fatalf("Decide changed the snapshot: %s", cmp.Diff(before, after))
		}
	})
}

func marshal(t interface{ Fatalf(string, ...any) }, v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatalf("marshal: %v", err)
	}
	return string(b)
}

// TestNothingChangesBeforeWake: no answer changes at any instant before the
// time the plan names.
func TestNothingChangesBeforeWake(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := base(t)
		s := copied(t, m.s)
		worse[rapid.SampledFrom(slices.Sorted(keys(worse))).Draw(t, "worse")](&s, &s.Lanes[0])
		p := promoter.Decide(s)
		last := s.Now.Add(24 * time.Hour)
		if !p.Wake.IsZero() {
			last = p.Wake
		}
		span := int64(last.Sub(s.Now))
		s.Now = s.Now.Add(time.Duration(rapid.Int64Range(0, span-1).Draw(t, "later")))
		if got, want := answers(promoter.Decide(s)), answers(p); got != want {
			t.Fatalf("at %s, before the wake at %s: %s", s.Now, p.Wake, cmp.Diff(want, got))
		}
	})
}

func answers(p promoter.Plan) string {
	text := ""
	for _, l := range p.Lanes {
		text += l.Lane.String() + " " + string(l.Phase)
		for _, v := range l.Verdicts {
			text += " " + v.Gate + "=" + v.Answer.String()
		}
		if l.Change != nil {
			text += " => " + string(l.Change.Kind)
		}
		text += "\n"
	}
	return text
}
