package loop_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/promoter/prose"
	"github.com/waveguide-dev/waveguide/promoter/store"
	"github.com/waveguide-dev/waveguide/signals"
)

// poll is how often the tests' loops look.
var poll = loop.Poll{Repository: 5 * time.Minute, Versions: 10 * time.Minute, Health: time.Minute, Gap: 3 * time.Minute}

// rig is a world, a store and the loop between them, inside a bubble.
type rig struct {
	*world

	t     *testing.T
	store *store.Store
	loop  *loop.Loop
	opts  loop.Options
	warns map[string]int // warnings by the source they name
	views []loop.View
}

// bubble runs a test where time passes only while everything waits.
func bubble(t *testing.T, do func(*testing.T, *rig)) {
	t.Helper()
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	synctest.Test(t, func(t *testing.T) {
		s, err := store.Open(t.Context(), store.Options{Path: path, Holder: "test"})
		if err != nil {
			t.Fatal(err)
		}
		w := newWorld()
		r := &rig{world: w, t: t, store: s, warns: map[string]int{}}
		r.opts = loop.Options{
			Repository: repository, RulesDir: ".waveguide", Email: email, Poll: poll,
			Repo: repo{w}, History: repo{w}, Branches: repo{w}, Forge: forge{w}, Proposer: forge{w}, Marker: forge{w}, Talker: forge{w}, Reporter: forge{w}, Queue: forge{w},
			Registry: sources{w}, Prover: sources{w}, Health: sources{w}, Rules: sources{w},
			Writer: prose.Proposal{}, Store: s, Log: slog.New(counter{slog.DiscardHandler, r.warns}),
			Observe: func(v loop.View) { r.views = append(r.views, v) },
		}
		r.restart()
		do(t, r)
		r.honest()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

// restart forgets all that the loop has in memory.
func (r *rig) restart() { r.loop = loop.New(r.opts) }

// run lets the loop work for that long.
func (r *rig) run(d time.Duration) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), d)
	defer cancel()
	if err := r.loop.Run(ctx); err != nil {
		r.t.Fatal(err)
	}
}

// honest holds what is true at every end: no intent lacks its outcome, the
// ledger is whole, and every decision in it is made again with the same bytes.
func (r *rig) honest() {
	r.t.Helper()
	if open, err := r.store.Unfinished(r.t.Context()); err != nil || len(open) > 0 {
		r.t.Errorf("%d intents have no outcome, %v", len(open), err)
	}
	if err := r.store.Verify(r.t.Context()); err != nil {
		r.t.Error(err)
	}
	all, err := r.store.Entries(r.t.Context(), store.Filter{}, 1<<20)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, e := range all {
		if _, err := loop.Replay(r.t.Context(), r.store, e); err != nil {
			r.t.Error(err)
		}
	}
}

func (r *rig) checkpoint() string {
	r.t.Helper()
	cp, err := r.store.Checkpoint(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return cp.String()
}

// counter counts warnings by the source they are about.
type counter struct {
	slog.Handler

	warns map[string]int
}

func (counter) Enabled(context.Context, slog.Level) bool { return true }

func (c counter) Handle(_ context.Context, rec slog.Record) error {
	rec.Attrs(func(a slog.Attr) bool {
		if a.Key == "silent" && rec.Level == slog.LevelWarn {
			c.warns[a.Value.String()]++
		}
		return true
	})
	return nil
}

// TestDevToProd holds the exact times of a promotion: the second wave's
// proposal opens with the look at health that ends the soak.
func TestDevToProd(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.tags = append(r.tags, "1.1.0")
		r.run(3 * time.Hour)
		// Health of dev is first read on the new version after a minute; from
		// there the soak counts.
		ripe := poll.Health + soak
		want := []deed{
			{0, "push waveguide/dev/shop"},
			{0, "open dev"},
			{0, "check pending"},
			{beat, "update dev"},
			{beat, "check success"},
			{2 * beat, "merge dev"},
			{ripe, "push waveguide/prod/shop"},
			{ripe, "open prod"},
			{ripe, "check pending"},
			{ripe + beat, "update prod"},
			{ripe + beat, "check success"},
			{ripe + 2*beat, "merge prod"},
		}
		if diff := cmp.Diff(want, r.deeds); diff != "" {
			t.Errorf("deeds (-want +got):\n%s", diff)
		}
		if r.names("prod") != "1.1.0" {
			t.Errorf("prod is at %s", r.names("prod"))
		}
	})
}

// TestSilence holds that a source that cannot be read stops what rests on it,
// is warned about once, and is believed again as soon as it speaks.
func TestSilence(t *testing.T) {
	t.Parallel()
	for source, named := range map[string]string{
		"git": "git", "files": "git", "rules": "git", "forge": "forge", "whoami": "forge", "pauses": "pauses",
		"versions": "versions of shop", "proofs": "proofs of dev/shop", "health": "health of dev/shop",
	} {
		t.Run(source, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *rig) {
				t.Helper()
				r.fail[source] = errors.New("answers 503")
				r.tags = append(r.tags, "1.1.0")
				r.run(2 * time.Hour)
				if len(r.deeds) > 0 {
					t.Errorf("while it was silent: %v", r.deeds)
				}
				if r.warns[named] != 1 {
					t.Errorf("warnings %v, want 1 of %s", r.warns, named)
				}
				if v := r.views[len(r.views)-1]; v.Silent[named] == "" {
					t.Errorf("the view does not say that %s is silent: %v", named, v.Silent)
				}
				delete(r.fail, source)
				r.run(3 * time.Hour)
				if r.names("prod") != "1.1.0" || r.count("merge") != 2 {
					t.Errorf("after it spoke: prod at %s, %v", r.names("prod"), r.deeds)
				}
			})
		})
	}
}

// TestSilenceOnTheWay holds the same once the first wave has merged: nothing
// enters the second wave, and a soak that nobody watched does not count.
func TestSilenceOnTheWay(t *testing.T) {
	t.Parallel()
	for _, source := range []string{"git", "forge", "pauses", "versions", "proofs", "health"} {
		t.Run(source, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *rig) {
				t.Helper()
				r.tags = append(r.tags, "1.1.0")
				r.run(30 * time.Minute)
				r.fail[source] = errors.New("answers 503")
				r.run(5 * time.Hour)
				if r.names("dev") != "1.1.0" || r.count("open prod") != 0 {
					t.Errorf("dev at %s, %v", r.names("dev"), r.deeds)
				}
				delete(r.fail, source)
				r.run(3 * time.Hour)
				if r.names("prod") != "1.1.0" || r.count("merge prod") != 1 {
					t.Errorf("after it spoke: prod at %s, %v", r.names("prod"), r.deeds)
				}
			})
		})
	}
}

// died is what a crash point panics with.
type died struct{ point string }

// live runs the loop and says whether it died.
func (r *rig) live(d time.Duration) (dead bool) {
	r.t.Helper()
	defer func() {
		switch p := recover().(type) {
		case nil:
		case died:
			dead = true
		default:
			panic(p)
		}
	}()
	r.run(d)
	return false
}

// TestCrash dies at every point, each time it is passed, and begins anew with
// nothing but the store: everything is done exactly once.
func TestCrash(t *testing.T) {
	t.Parallel()
	for _, point := range []string{
		"intent-open", "pushed", "opened", "effect-open", "outcome-open",
		"intent-check", "effect-check", "outcome-check",
		"intent-merge", "effect-merge", "outcome-merge",
	} {
		t.Run(point, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *rig) {
				t.Helper()
				r.tags = append(r.tags, "1.1.0")
				deaths, armed := 0, true
				r.opts.Crash = func(at string) {
					if at == point && armed {
						armed = false
						panic(died{at})
					}
				}
				r.restart()
				for r.live(3 * time.Hour) {
					deaths++
					time.Sleep(time.Second)
					armed = deaths < 2 && r.names("dev") == "1.1.0" // once more on the way to prod
					r.restart()
				}
				if deaths == 0 {
					t.Fatal("the point was never passed")
				}
				for _, what := range []string{"open dev", "merge dev", "open prod", "merge prod"} {
					if r.count(what) != 1 {
						t.Errorf("%s happened %d times", what, r.count(what))
					}
				}
				if r.names("prod") != "1.1.0" || len(r.list) != 2 {
					t.Errorf("prod at %s, %d proposals", r.names("prod"), len(r.list))
				}
			})
		})
	}
}

// TestIdle holds what a look at an unchanged world costs: no write to the
// forge, to Git or to the ledger, and a bounded number of looks.
func TestIdle(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.run(2 * time.Hour)
		deeds, before, looks := len(r.deeds), r.checkpoint(), r.looks
		r.run(time.Hour)
		if len(r.deeds) != deeds {
			t.Errorf("an idle hour did %v", r.deeds[deeds:])
		}
		if after := r.checkpoint(); after != before {
			t.Errorf("an idle hour wrote the ledger: %s, %s", before, after)
		}
		// One look a health reading, and one for the beginning.
		if n, most := r.looks-looks, int(time.Hour/poll.Health)+1; n > most {
			t.Errorf("an idle hour looked %d times, want at most %d", n, most)
		}
	})
}

// TestKillSwitch holds that a paused loop advances nothing and still turns red.
func TestKillSwitch(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.auto = false
		r.tags = append(r.tags, "1.1.0")
		r.run(10 * time.Minute)
		if r.check("dev").State != gitops.CheckSuccess {
			t.Fatalf("check is %v", r.check("dev"))
		}
		deeds := len(r.deeds)
		over := time.Now().Add(3 * time.Hour)
		r.opts.Paused = func() (*gitops.Pause, error) {
			return &gitops.Pause{ID: "the daemon's file", Title: "the night of the sale", Until: over}, nil
		}
		r.restart()
		r.health["dev"] = signals.StateUnhealthy
		r.tags = append(r.tags, "1.2.0")
		r.run(2 * time.Hour)
		if r.check("dev").State == gitops.CheckSuccess {
			t.Errorf("check is %v", r.check("dev"))
		}
		r.deeds = r.deeds[deeds:]
		for _, what := range []string{"push", "open", "merge", "check success"} {
			if r.count(what) > 0 {
				t.Errorf("%s while paused: %v", what, r.deeds)
			}
		}
		delete(r.health, "dev")
		r.run(2 * time.Hour)
		if r.check("dev").State != gitops.CheckSuccess {
			t.Errorf("after it is over: %v", r.check("dev"))
		}
	})
}
