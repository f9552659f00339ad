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

// later is where the hunt for a bug begins that the seeds before it were seen
// to miss: a hunt of all from the first seed takes ten minutes of two cores, and
// docs/reliability.md has its numbers.
var later = map[string]uint64{
	"a forge that fails is as it was":                       4,
	"a merge that is refused is tried with the newest head": 41,
	"a proposal is not looked for before it is opened":      42,
	"a queue's group is always green":                       10,
	"a remote that fails is as it was":                      4,
	"a revocation is ignored":                               10,
	"an approval counts for every head":                     7,
	"an emergency passes every freeze":                      7,
	"an exception counts wherever it stands":                27,
	"anybody may approve":                                   20,
	"anybody may declare an emergency":                      5,
	"approvals never expire":                                72,
	"authors approve their own work":                        21,
	"broken rules hold nothing":                             14,
	"freezes are ignored":                                   10,
	"limits are ignored":                                    4,
	"nobody is asked to review an emergency":                7,
	"pins of the rules are not read":                        4,
	"what the branch named before is not read":              66,
	"whoever declared an emergency may approve it":          7,
	"whoever pinned a version may approve it":               7,
}

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
				o := day(later[b.name] + seed)
				o.Plant = b.plant
				for _, v := range simulate(t, o).Violations {
					if slices.Contains(b.laws, v.Law) {
						line := fmt.Sprintf("| %s | %d | %.1f | %s |", b.name, later[b.name]+seed+1, time.Since(began).Seconds(), v)
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
