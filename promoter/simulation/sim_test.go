package simulation_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/waveguide-dev/waveguide/promoter/simulation"
)

// folder is where the stores of a run are: in memory where there is such a
// place.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "waveguide-simulation-") //nolint:usetesting // a disk would cost most of the time
	if err == nil {
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
	_ = os.RemoveAll(o.Dir) // gone with the test otherwise
	return r
}

// day is what a seed is run for: two thirds of it in a storm.
func day(seed uint64) simulation.Options {
	return simulation.Options{Seed: seed, Storm: 16 * time.Hour, Calm: 8 * time.Hour}
}

// seeds are those to run: WAVEGUIDE_SEEDS=200, or a range, 1000-3000.
func seeds(t *testing.T) (from, to uint64) {
	t.Helper()
	text := os.Getenv("WAVEGUIDE_SEEDS")
	switch {
	case text != "":
	case racing:
		text = "2"
	case testing.Short():
		text = "5"
	default:
		text = "10"
	}
	first, last, ranged := strings.Cut(text, "-")
	if !ranged {
		first, last = "0", first
	}
	from, errFrom := strconv.ParseUint(first, 10, 64)
	to, errTo := strconv.ParseUint(last, 10, 64)
	if errFrom != nil || errTo != nil {
		t.Fatalf("WAVEGUIDE_SEEDS=%s is neither a number of seeds nor a range such as 1000-3000", text)
	}
	return from, to
}

// TestSeeds runs a day for every seed and holds the laws after every step.
func TestSeeds(t *testing.T) {
	t.Parallel()
	began := time.Now()
	from, to := seeds(t)
	var lock sync.Mutex
	fired := map[simulation.Fault]int{}
	var days, steps, deeds, crashes, faults, acts, decisions, converged, explained, failures atomic.Int64
	t.Cleanup(func() {
		t.Logf("%d seeds, %d simulated days, %d steps, %d acts of people and fate, %d faults, %d crashes, %d writes, %d decisions replayed; %d lanes at the newest version, %d with a sentence why not; %s",
			to-from, days.Load(), steps.Load(), acts.Load(), faults.Load(), crashes.Load(), deeds.Load(), decisions.Load(), converged.Load(), explained.Load(), time.Since(began).Round(time.Second))
		for _, f := range simulation.Faults() {
			t.Logf("| %s | %d |", f, fired[f])
			if fired[f] == 0 && to-from >= hunts {
				t.Errorf("%s never happened in %d seeds", f, to-from)
			}
		}
	})
	for seed := from; seed < to; seed++ {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			r := simulate(t, day(seed))
			days.Add(int64(r.Days + 0.5))
			lock.Lock()
			for f, n := range r.Fired {
				fired[f] += n
			}
			lock.Unlock()
			for to, n := range map[*atomic.Int64]int{&steps: r.Steps, &deeds: r.Deeds, &crashes: r.Crashes, &faults: r.Faults, &acts: r.Acts, &decisions: r.Decisions, &converged: r.Converged, &explained: r.Explained} {
				to.Add(int64(n))
			}
			if len(r.Violations) > 0 {
				t.Error(story(t, r, failures.Add(1) <= shortened))
			}
		})
	}
}

// lines is how much of a story is printed.
const lines = 60

// story is what happened before a law was broken, and how to see all of it.
func story(t *testing.T, r simulation.Report, short bool) string {
	t.Helper()
	var b strings.Builder
	for _, v := range r.Violations {
		fmt.Fprintf(&b, "seed %d broke the law: %s\n", r.Seed, v)
	}
	skip, told := map[int]bool{}, r.Story
	if short {
		o := day(r.Seed)
		o.Skip = shrink(t, o, r)
		skip = refine(t, o, r)
		o.Skip = skip
		told = simulate(t, o).Story
	}
	fmt.Fprintf(&b, "it takes %d of %d acts; the end of that story:\n", r.Acts-len(skip), r.Acts)
	for _, l := range told[max(0, len(told)-lines):] {
		b.WriteString("  " + l + "\n")
	}
	var left []string
	for n := range r.Acts {
		if skip[n+1] {
			left = append(left, strconv.Itoa(n+1))
		}
	}
	fmt.Fprintf(&b, "all of it:          WAVEGUIDE_SEED=%d go test -run 'TestSeed$' -v ./promoter/simulation\n", r.Seed)
	fmt.Fprintf(&b, "without the others: WAVEGUIDE_SEED=%d WAVEGUIDE_SKIP=%s go test -run 'TestSeed$' -v ./promoter/simulation\n", r.Seed, strings.Join(left, ","))
	return b.String()
}

// tries bounds how often a story is told anew to find the acts that matter, and
// shortened how many stories are.
const (
	tries     = 40
	shortened = 1
)

// shrink leaves out as many acts as it can while the same law is broken: big
// pieces first; rapid does the rest.
func shrink(t *testing.T, o simulation.Options, r simulation.Report) map[int]bool {
	t.Helper()
	law, skip, left := r.Violations[0].Law, map[int]bool{}, tries
	for size := max(1, r.Acts/2); size > 0; size /= 2 {
		for from := 1; from <= r.Acts && left > 0; from += size {
			more := map[int]bool{}
			for n := range skip {
				more[n] = true
			}
			for n := from; n < from+size && n <= r.Acts; n++ {
				more[n] = true
			}
			if len(more) == len(skip) {
				continue
			}
			left--
			again := o
			again.Skip = more
			for _, v := range simulate(t, again).Violations {
				if v.Law == law {
					skip = more
					break
				}
			}
		}
	}
	return skip
}

// TestSeed tells the story of one seed.
func TestSeed(t *testing.T) {
	t.Parallel()
	text := os.Getenv("WAVEGUIDE_SEED")
	if text == "" {
		t.Skip("WAVEGUIDE_SEED names the seed to tell")
	}
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	o := day(seed)
	o.Loud, o.Skip = os.Getenv("WAVEGUIDE_LOUD") != "", map[int]bool{}
	for n := range strings.SplitSeq(os.Getenv("WAVEGUIDE_SKIP"), ",") {
		if act, err := strconv.Atoi(n); err == nil {
			o.Skip[act] = true
		}
	}
	r := simulate(t, o)
	for _, l := range r.Story {
		t.Log(l)
	}
	t.Logf("%d steps, %d writes, %d crashes, %d faults, %d decisions, %d and %d lanes, trace %s", r.Steps, r.Deeds, r.Crashes, r.Faults, r.Decisions, r.Converged, r.Explained, r.Trace)
	if len(r.Violations) > 0 {
		t.Error(slices.Concat(r.Violations))
	}
}
