package promoter_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/signals"
)

// pinned adds a pin to one lane, by a comment or by the rules.
func pinned(t *rapid.T, s *promoter.Snapshot) (gitops.Lane, string) {
	k := &s.Lanes[rapid.IntRange(0, len(s.Lanes)-1).Draw(t, "pinned lane")]
	version := rapid.SampledFrom([]string{"1.0.0", "1.1.0", "1.2.0", "1.3.0", "9.9.9", ""}).Draw(t, "version")
	until := s.Now.Add(time.Duration(rapid.IntRange(-2, 8).Draw(t, "until")) * time.Minute)
	if version != "" && rapid.Bool().Draw(t, "by the rules") {
		for stop := range s.Route.Stops() {
			if stop.Lane == k.Lane {
				stop.Pinned = &promoter.Pin{Version: version, Until: until, By: "@sam", Rule: "promotion orders"}
			}
		}
		return k.Lane, version
	}
	k.Orders = append(k.Orders, gitops.Given{Command: gitops.Command{Word: gitops.CommandPin, Version: version, Until: until}, ID: "#1", Key: "1#0", By: person("sam"), At: s.Now})
	if rapid.IntRange(0, 4).Draw(t, "unpinned") == 0 {
		k.Orders = append(k.Orders, gitops.Given{Command: gitops.Command{Word: gitops.CommandUnpin}, ID: "#1", Key: "1#1", By: person("sam"), At: s.Now})
	}
	return k.Lane, version
}

// declared has an emergency declared on every open proposal.
func declared(s *promoter.Snapshot) {
	for stop := range s.Route.Stops() {
		stop.Emergencies = []promoter.Emergency{{Name: "sev1"}}
	}
	for i := range s.Lanes {
		for j := range s.Lanes[i].Proposals {
			p := &s.Lanes[i].Proposals[j]
			p.Orders = append(p.Orders, gitops.Given{Command: gitops.Command{Word: gitops.CommandEmergency, Name: "sev1", Incident: "INC-1"}, ID: p.ID, Key: p.ID + "#0", By: person("sam"), At: s.Now})
		}
	}
}

// TestPinsOnlyHold: a pin adds no step forward but one to the version that it
// names, in its own lane; and what steps into a later wave has earned the
// earlier ones, pinned or not.
func TestPinsOnlyHold(t *testing.T) {
	t.Parallel()
	var stopped, moved atomic.Int64
	rapid.Check(t, func(t *rapid.T) {
		m := base(t)
		s := copied(t, m.s)
		before := advances(promoter.Decide(s))
		lane, version := pinned(t, &s)
		plan := promoter.Decide(s)
		for change := range before {
			if !advances(plan)[change] {
				stopped.Add(1)
			}
		}
		for _, l := range plan.Lanes {
			if l.Pin != nil && (l.Wake.IsZero() || l.Wake.After(l.Pin.Until)) {
				t.Fatalf("%s is pinned and not decided again when that ends, at %s:\n%s", l.Lane, l.Pin.Until, plan)
			}
			c := l.Change
			if c == nil || !forward(*c) || c.Class == string(gate.Rollback) {
				continue
			}
			moved.Add(1)
			if key := fmt.Sprint(c.Kind, c.Lane, c.To.Digest); !before[key] && (l.Lane != lane || l.Candidate.Tag != version) {
				t.Fatalf("a pin of %s to %q adds %s:\n%s", lane, version, c, plan)
			}
			earnedAll(t, s, plan, l)
		}
	})
	if stopped.Load() == 0 || moved.Load() == 0 {
		t.Errorf("%d steps were stopped and %d made: the law is hardly asked", stopped.Load(), moved.Load())
	}
}

// earnedAll holds that what steps into a lane has earned every earlier wave.
func earnedAll(t *rapid.T, s promoter.Snapshot, plan promoter.Plan, l promoter.LanePlan) {
	for _, up := range plan.Lanes {
		if up.Wave == l.Wave {
			return
		}
		k := s.Lanes[slices.IndexFunc(s.Lanes, func(k promoter.Lane) bool { return k.Lane == up.Lane })]
		earned := up.Earned != nil && !up.Earned.Adopted && up.Earned.Digest == l.Candidate.Digest
		if !earned && !slices.ContainsFunc(k.Facts.Earned, func(e signals.Earned) bool { return !e.Adopted && e.Digest == l.Candidate.Digest }) {
			t.Fatalf("%s steps into %s and has not earned %s:\n%s", l.Candidate, l.Lane, up.Lane, plan)
		}
	}
}

// TestOrdersPassNoStop: whatever people order, nothing steps forward without a
// signature that holds or while it is paused, and nothing turns green or merges
// that is held or lacks an approval, that of the giver included.
func TestOrdersPassNoStop(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	rapid.Check(t, func(t *rapid.T) {
		m := base(t)
		s := copied(t, m.s)
		if rapid.Bool().Draw(t, "a pin") {
			pinned(t, &s)
		}
		declared(&s)
		if len(advances(promoter.Decide(s))) > 0 {
			asked.Add(1)
		}
		name := rapid.SampledFrom([]string{"no signature holds", "everything is paused", "pauses cannot be read", "a hold", "only the giver approved"}).Draw(t, "stop")
		for i := range s.Lanes {
			if do := worse[name]; do != nil {
				do(&s, &s.Lanes[i])
				continue
			}
			for j, p := range s.Lanes[i].Proposals {
				s.Lanes[i].Proposals[j].Reviews = []gitops.Review{{By: person("sam"), State: gitops.Approved, Head: p.Head, At: s.Now}}
			}
		}
		for _, l := range promoter.Decide(s).Lanes {
			c := l.Change
			if c == nil || !forward(*c) || l.Class == gate.Rollback {
				continue
			}
			merging := c.Kind == gitops.MergeProposal || c.Kind == gitops.SetCheck
			needs := len(stopOf(s, l.Lane).Gates.Approval.Required) > 0
			switch {
			case strings.HasPrefix(name, "no signature"), strings.Contains(name, "pause"),
				name == "a hold" && merging, name == "only the giver approved" && merging && needs:
				t.Fatalf("%s: %s of class %s:\n%s", name, c, l.Class, l)
			}
		}
	})
	if asked.Load() == 0 {
		t.Error("nothing ever steps forward: the law is not asked")
	}
}

func stopOf(s promoter.Snapshot, at gitops.Lane) *promoter.Stop {
	for stop := range s.Route.Stops() {
		if stop.Lane == at {
			return stop
		}
	}
	return &promoter.Stop{}
}

// TestClassTable holds that the page about people tells what each class passes
// over.
func TestClassTable(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/people.md")
	if err != nil {
		t.Fatal(err)
	}
	for class, name := range map[gate.Class]string{gate.Rollback: "rollback", gate.EmergencyClass("x"): "emergency/NAME"} {
		row := ""
		for line := range strings.Lines(string(page)) {
			if strings.HasPrefix(line, "| `"+name+"` |") {
				row = line
			}
		}
		for _, word := range class.PassesOver() {
			if !strings.Contains(row, "`"+word+"`") {
				t.Errorf("the row of %s does not name %s: %s", name, word, row)
			}
		}
		for _, word := range []string{"signature", "approval", "hold", "pause"} {
			if slices.Contains(class.PassesOver(), word) || strings.Contains(row, "`"+word+"`") {
				t.Errorf("%s passes over %s", name, word)
			}
		}
	}
}
