package simulation_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/waveguide-dev/waveguide/promoter/simulation"
)

// folder is where the stores of a run are: in memory where there is such a
// place.
func folder(t *testing.T) string {
	t.Helper()
	if dir, err := os.MkdirTemp("/dev/shm", "waveguide-simulation-"); err == nil {
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		return dir
	}
	return t.TempDir()
}

// simulate runs one seed in a bubble of its own.
func simulate(t *testing.T, o simulation.Options) (r simulation.Report) {
	t.Helper()
	o.Dir = folder(t)
	synctest.Test(t, func(*testing.T) { r = simulation.Run(o) })
	return r
}

func day(seed uint64) simulation.Options {
	return simulation.Options{Seed: seed, Storm: 16 * time.Hour, Calm: 8 * time.Hour}
}

func TestSeeds(t *testing.T) {
	t.Parallel()
	n, _ := strconv.Atoi(os.Getenv("N"))
	for seed := range uint64(n) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			r := simulate(t, day(seed))
			t.Logf("seed %d %s steps %d deeds %d crashes %d faults %d acts %d decisions %d converged %d explained %d", seed, time.Since(began).Round(time.Millisecond), r.Steps, r.Deeds, r.Crashes, r.Faults, r.Acts, r.Decisions, r.Converged, r.Explained)
			for _, v := range r.Violations {
				t.Errorf("seed %d VIOLATION %s", seed, v)
			}
		})
	}
}

func TestOne(t *testing.T) {
	seed, err := strconv.ParseUint(os.Getenv("SEED"), 10, 64)
	if err != nil {
		t.Skip("no seed")
	}
	o := day(seed)
	o.Loud = os.Getenv("LOUD") != ""
	r := simulate(t, o)
	for _, l := range r.Story {
		t.Log(l)
	}
	t.Logf("%+v", r.Violations)
	t.Logf("steps %d deeds %d crashes %d faults %d decisions %d converged %d explained %d trace %s", r.Steps, r.Deeds, r.Crashes, r.Faults, r.Decisions, r.Converged, r.Explained, r.Trace)
}
