package simulation_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// hunts is in how many seeds a planted bug must be found.
const hunts = 200

// TestPlantedBugsAreFound plants every bug in turn and counts the seeds and the
// seconds until a law says so. One that is not found is a hole in the laws.
func TestPlantedBugsAreFound(t *testing.T) {
	t.Parallel()
	if racing || testing.Short() {
		t.Skip("it takes minutes; it runs without -race and -short")
	}
	var lock sync.Mutex
	var table []string
	t.Cleanup(func() {
		slices.Sort(table)
		t.Log("found after so many seeds and seconds:\n" + strings.Join(table, "\n"))
	})
	for _, b := range slices.Concat(bugsOfRules(), bugsOfForges(), bugsOfGit(), bugsOfSignals(), bugsOfNeeds(), bugsOfPins(), bugsOfEmergencies(), bugsOfGuards()) {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			for seed := range uint64(hunts) {
				o := day(seed)
				o.Plant = b.plant
				for _, v := range simulate(t, o).Violations {
					if slices.Contains(b.laws, v.Law) {
						line := fmt.Sprintf("| %s | %d | %.1f | %s |", b.name, seed+1, time.Since(began).Seconds(), v)
						t.Log(line)
						lock.Lock()
						defer lock.Unlock()
						table = append(table, line)
						return
					}
				}
			}
			t.Errorf("%s: no law noticed in %d seeds", b.name, hunts)
		})
	}
}
