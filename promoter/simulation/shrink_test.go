package simulation_test

import (
	"flag"
	"fmt"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/simulation"
)

// quietly tells rapid to keep no files, to take a bounded time, and to begin
// with the same lots each time. Its settings are flags of the whole process.
var quietly = sync.OnceFunc(func() {
	for name, value := range map[string]string{"rapid.nofailfile": "true", "rapid.shrinktime": "10s", "rapid.seed": "1", "rapid.checks": "10"} {
		if err := flag.Set(name, value); err != nil {
			panic(err)
		}
	}
})

// judge is told by rapid what it found, and keeps it from failing the test.
type judge struct {
	*testing.T

	failed bool
}

func (j *judge) Fail()                    { j.failed = true }
func (j *judge) FailNow()                 { j.failed = true }
func (j *judge) Failed() bool             { return j.failed }
func (j *judge) Error(...any)             { j.failed = true }
func (j *judge) Fatal(...any)             { j.failed = true }
func (j *judge) Errorf(string, ...any)    { j.failed = true }
func (j *judge) Fatalf(string, ...any)    { j.failed = true }
func (j *judge) Logf(string, ...any)      {}
func (j *judge) Log(...any)               {}
func (j *judge) Skipf(f string, a ...any) { j.T.Skipf(f, a...) }

// refine has rapid leave out what else it can of the acts of a run that were
// not left out yet, while the same law is broken.
func refine(t *testing.T, o simulation.Options, r simulation.Report) map[int]bool {
	t.Helper()
	quietly()
	least := o.Skip
	rapid.Check(&judge{T: t}, func(rt *rapid.T) {
		skip := map[int]bool{}
		for n := 1; n <= r.Acts; n++ {
			// Zero is what rapid shrinks to: to leave it out.
			if o.Skip[n] || rapid.IntRange(0, 63).Draw(rt, fmt.Sprint("act ", n)) == 0 {
				skip[n] = true
			}
		}
		again := o
		again.Skip = skip
		for _, v := range simulate(t, again).Violations {
			if v.Law != r.Violations[0].Law {
				continue
			}
			if len(skip) > len(least) {
				least = skip
			}
			rt.Fatalf("%s", v)
		}
	})
	return least
}

// TestRapidFindsTheStory holds that what is left of a story is short: of a
// rejection that is forgotten, a handful of acts.
func TestRapidFindsTheStory(t *testing.T) {
	if racing || testing.Short() {
		t.Skip("it tells a story some dozens of times")
	}
	t.Parallel()
	var o simulation.Options
	var r simulation.Report
	for seed := uint64(0); len(r.Violations) == 0; seed++ {
		if seed == hunts {
			t.Fatal("the planted bug was not found")
		}
		o = day(seed)
		o.Plant = proposals(without(gitops.Closed)) // rejections are forgotten
		r = simulate(t, o)
	}
	o.Skip = shrink(t, o, r)
	first := len(o.Skip)
	o.Skip = refine(t, o, r)
	left := r.Acts - len(o.Skip)
	t.Logf("%d acts, %d after halving, %d after rapid", r.Acts, r.Acts-first, left)
	if left > 5 {
		t.Errorf("%d of %d acts are left of the story:\n%s", left, r.Acts, strings.Join(simulate(t, o).Story, "\n"))
	}
}
