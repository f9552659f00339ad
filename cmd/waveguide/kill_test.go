package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
)

// killings is for how long the daemon is killed again and again. A longer time
// is asked for by the environment: WAVEGUIDE_KILL_FOR=10m.
func killings(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv("WAVEGUIDE_KILL_FOR")
	if text == "" {
		return 20 * time.Second
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestKilledAtRandom kills the real daemon with SIGKILL at random moments while
// versions arrive, signed and unsigned, and then reads what Debian's registry, Git over HTTP and the
// forge hold: every version that arrived entered every environment at most
// once, the newest exactly once, by one merge of one file, after the environment
// before it and signed; the ledger is whole, has an outcome for every intent,
// and every decision in it is made again with the same bytes; and the bot's token stands in nothing that it wrote.
func TestKilledAtRandom(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{registry: dockerRegistry(t), envs: []string{"dev", "staging", "prod"}})
	// Chance need not be repeated here: what was killed is told by the log.
	seed := uint64(time.Now().UnixNano())
	lots := rand.New(rand.NewPCG(seed, 1))
	t.Logf("seed %d", seed)
	kills := 0
	var next, tag string
	released, said := map[string]bool{}, []string(nil)
	end := time.Now().Add(killings(t))
	for n := 1; time.Now().Before(end); n++ {
		if n%4 == 1 {
			tag = fmt.Sprintf("1.%d.0", n)
			next = w.release(tag)
			released[next] = true
		}
		if n%4 == 3 {
			w.push(fmt.Sprintf("1.%d.0", n)) // nobody signs it
		}
		d := w.run()
		time.Sleep(time.Duration(lots.IntN(2500)) * time.Millisecond)
		if err := d.cmd.Process.Signal(syscall.SIGKILL); err != nil {
			t.Fatalf("the daemon ended by itself: %v\n%s", err, d.out.String())
		}
		d.killed(t)
		said = append(said, d.out.String())
		kills++
		w.atMostOne()
	}
	tag = fmt.Sprintf("1.%d.0", kills+5)
	next = w.release(tag)
	released[next] = true
	d := w.run()
	for _, e := range w.envs {
		w.reaches(e, next)
	}
	w.settled(d)
	d.stop(t)
	w.atMostOne()
	merged := map[string]int{}
	for _, p := range w.proposals() {
		if p.State == gitops.Closed {
			t.Errorf("proposal %s of %s was closed by %s", p.ID, p.Lane, p.EndedBy.Name)
		}
		merged[p.Title]++
	}
	for title, n := range merged {
		if n > 1 {
			t.Errorf("%d proposals are called %q", n, title)
		}
	}
	w.oneFileEach()
	w.noBranches()
	w.ledger()
	w.climbs(released)
	w.keepsSecrets(append(said, d.out.String())...)
	t.Logf("%d kills, %d proposals, the last version was %s", kills, len(merged), tag)
}

// atMostOne holds that no lane has two open proposals.
func (w *world) atMostOne() {
	w.t.Helper()
	open := map[gitops.Lane]string{}
	for _, p := range w.proposals() {
		if p.State != gitops.Open {
			continue
		}
		if other, two := open[p.Lane]; two {
			w.t.Errorf("%s has two open proposals, %s and %s", p.Lane, other, p.ID)
		}
		open[p.Lane] = p.ID
	}
}

// oneFileEach holds that every merge on main changed one environment's file.
func (w *world) oneFileEach() {
	w.t.Helper()
	_, c, err := w.main()
	for ; err == nil && c.NumParents() > 0; c, err = c.Parent(0) {
		before, err := c.Parent(0)
		if err != nil {
			w.t.Fatal(err)
		}
		if changes := treeChanges(w.t, before, c); len(changes) != 1 {
			w.t.Errorf("commit %s on main changed %d files", c.Hash, len(changes))
		}
	}
	if err != nil {
		w.t.Fatal(err)
	}
}
