package promoter_test

import (
	"fmt"
	"testing"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
)

// fleet is one artifact in twelve environments and three waves, with twenty
// versions, one of them on its way.
func fleet(tb testing.TB) promoter.Snapshot {
	tb.Helper()
	r, err := parseRules(`wave dev: d1 d2 soak=10m auto signature
wave staging: s1 s2 soak=1h auto signature
wave prod: p1 p2 p3 p4 p5 p6 p7 p8 soak=24h signature age=1m approvals=@acme/owners limit=2
`)
	if err != nil {
		tb.Fatal(err)
	}
	m := newModel(r)
	for i := range 18 {
		_ = version(m, []string{fmt.Sprintf("0.%d.0", i)})
	}
	_ = everyone(m, []string{"1.0.0"})
	m.run(began.Add(beat))
	_ = version(m, []string{"1.1.0"})
	m.run(began.Add(90 * beat))
	m.look()
	return m.s
}

// BenchmarkDecide decides 10,000 artifacts in 12 environments each, and
// reports lanes per second; the promise is 100,000 per core.
func BenchmarkDecide(b *testing.B) {
	s := fleet(b)
	fleets := make([]promoter.Snapshot, 10_000)
	for i := range fleets {
		fleets[i] = s
		fleets[i].Lanes = append([]promoter.Lane{}, s.Lanes...)
	}
	b.ReportAllocs()
	lanes := 0
	for b.Loop() {
		for i := range fleets {
			lanes += len(promoter.Decide(fleets[i]).Lanes)
		}
	}
	b.ReportMetric(float64(lanes)/b.Elapsed().Seconds(), "lanes/s")
}

// BenchmarkDecideOne decides one artifact in 12 environments.
func BenchmarkDecideOne(b *testing.B) {
	s := fleet(b)
	b.ReportAllocs()
	lanes := 0
	for b.Loop() {
		lanes += len(promoter.Decide(s).Lanes)
	}
	b.ReportMetric(float64(lanes)/b.Elapsed().Seconds(), "lanes/s")
}

// BenchmarkAdmit gives the places to 10,000 plans.
func BenchmarkAdmit(b *testing.B) {
	p := promoter.Decide(fleet(b))
	plans := make([]promoter.Plan, 10_000)
	for i := range plans {
		plans[i] = p
		plans[i].Lanes = append([]promoter.LanePlan{}, p.Lanes...)
		for j := range plans[i].Lanes {
			plans[i].Lanes[j].Lane = gitops.Lane{Environment: p.Lanes[j].Lane.Environment, Artifact: fmt.Sprintf("a%05d", i)}
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		promoter.Admit(plans)
	}
}
