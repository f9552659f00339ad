package promoter_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/gate"
)

// wish is a plan of one lane that wants to open a proposal.
func wish(artifact string, since time.Time, limit int) promoter.Plan {
	lane := gitops.Lane{Repository: repository, Environment: "prod", Artifact: artifact}
	return promoter.Plan{Artifact: artifact, Lanes: []promoter.LanePlan{{
		Lane: lane, Waiting: since, Limits: []gate.Limit{{Name: "cluster eu", Max: limit}},
		Verdicts: []gate.Verdict{{Gate: "lock", Answer: gate.Pass}},
		Change:   &gitops.Change{Kind: gitops.OpenProposal, Lane: lane},
	}}}
}

func TestAdmitServesWhoCameFirst(t *testing.T) {
	t.Parallel()
	plans := []promoter.Plan{wish("a", began.Add(time.Hour), 1), wish("b", began, 1)}
	before := marshal(t, plans)
	got := promoter.Admit(plans)
	if got[0].Lanes[0].Change != nil || got[1].Lanes[0].Change == nil {
		t.Errorf("Admit gave the place to a, who came after b:\n%s%s", got[0], got[1])
	}
	if diff := cmp.Diff(before, marshal(t, plans)); diff != "" {
		t.Errorf("Admit changed the plans that others may hold: %s", diff)
	}
}

func TestAdmitAgainChangesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		plans := promoter.Admit(drawPlans(t))
		want := marshal(t, plans)
		if got := marshal(t, promoter.Admit(plans)); got != want {
			t.Fatalf("Admit again: %s", cmp.Diff(want, got))
		}
	})
}

// TestOneAloneEqualsAllTogether: where no limit binds, the plans of all are
// the plans of each.
func TestOneAloneEqualsAllTogether(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		plans := drawPlans(t)
		for i := range plans {
			plans[i].Lanes[0].Limits[0].Max = len(plans)
		}
		var alone []promoter.Plan
		if err := json.Unmarshal([]byte(marshal(t, plans)), &alone); err != nil {
			t.Fatalf("unmarshal: %v", err)
		}
		for i := range alone {
			alone[i] = promoter.Admit(alone[i : i+1])[0]
		}
		if got, want := marshal(t, promoter.Admit(plans)), marshal(t, alone); got != want {
			t.Fatalf("all together: %s", cmp.Diff(want, got))
		}
	})
}

func drawPlans(t *rapid.T) []promoter.Plan {
	var plans []promoter.Plan
	for i := range rapid.IntRange(1, 8).Draw(t, "plans") {
		p := wish(fmt.Sprintf("a%d", i), began.Add(time.Duration(rapid.IntRange(0, 5).Draw(t, "since"))*time.Minute), rapid.IntRange(1, 4).Draw(t, "limit"))
		if rapid.Bool().Draw(t, "flies") {
			p.Lanes[0].InFlight, p.Lanes[0].Change = true, nil
		}
		plans = append(plans, p)
	}
	return plans
}

// TestTighterGatesNeverAllowMore: a gate that is added or tightened never adds
// a change that moves something forward.
func TestTighterGatesNeverAllowMore(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := base(t)
		before := advances(promoter.Decide(m.s))
		s := copied(t, m.s)
		name := rapid.SampledFrom([]string{"soak", "age", "sbom", "approval", "freeze", "alerts"}).Draw(t, "gate")
		for i := range s.Route.Waves {
			for j := range s.Route.Waves[i].Stops {
				tighten(&s.Route.Waves[i].Stops[j].Gates, name, s.Now)
			}
		}
		after := promoter.Decide(s)
		for change := range advances(after) {
			if !before[change] {
				t.Fatalf("tighter %s: %s appeared\nbefore:\n%s\nafter:\n%s", name, change, promoter.Decide(m.s), after)
			}
		}
	})
}

func tighten(s *gate.Set, name string, now time.Time) {
	switch name {
	case "soak":
		s.Soak.For += time.Hour
	case "age":
		s.Age = &gate.Age{Min: time.Hour}
	case "sbom":
		s.SBOM = &gate.SBOM{}
	case "approval":
		s.Approval.Required = append(s.Approval.Required, gate.Approver{From: "@acme/security"})
	case "freeze":
		s.Freeze.Freezes = append(s.Freeze.Freezes, gate.Frozen{Name: "all", From: now, Until: now.Add(time.Hour)})
	case "alerts":
		s.Alerts = &gate.Alerts{Signal: "alerts"}
	}
}
