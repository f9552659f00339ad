package loop_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/promoter/store"
)

// wall is where publications are put up, each at most once if all is well.
type wall struct {
	mu    sync.Mutex
	put   []loop.Publication
	times map[string][]time.Time
	reads int
	// fail is why nothing can be put up, deaf why the answer is lost though it
	// was, and blind why nobody can see what is there.
	fail, deaf, blind error
	// after is called when something was put up.
	after func()
}

func named(p loop.Publication) string {
	return fmt.Sprintf("%s %s", p.Stop.Lane.Environment, p.Version.Tag)
}

func (w *wall) Missing(_ context.Context, p loop.Publication) ([]string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reads++
	if w.blind != nil {
		return nil, w.blind
	}
	if slices.ContainsFunc(w.put, func(o loop.Publication) bool { return named(o) == named(p) }) {
		return nil, nil
	}
	return []string{"summary", "record"}, nil
}

func (w *wall) Publish(ctx context.Context, p loop.Publication) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if w.times == nil {
		w.times = map[string][]time.Time{}
	}
	w.times[named(p)] = append(w.times[named(p)], time.Now())
	if w.fail != nil {
		return w.fail
	}
	w.put = append(w.put, p)
	if w.after != nil {
		w.after()
	}
	return w.deaf
}

func (w *wall) shows() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []string
	for _, p := range w.put {
		all = append(all, named(p))
	}
	slices.Sort(all)
	return all
}

// results are what the ledger says became of publications.
func (r *rig) results() []string {
	r.t.Helper()
	all, err := r.store.Entries(r.t.Context(), store.Filter{}, 1000)
	if err != nil {
		r.t.Fatal(err)
	}
	var out []string
	for _, e := range all {
		var body struct {
			Image   string
			Publish []string
			Result  string
		}
		if err := json.Unmarshal(e.Body, &body); err == nil && body.Image != "" {
			out = append(out, strings.TrimSpace(fmt.Sprint(e.Kind, " ", strings.Join(body.Publish, "+"), " ", body.Result)))
		}
	}
	return out
}

// all is what soaks in the tests' worlds: prod's first version too, which the
// loop saw there for as long as it takes.
var all = []string{"dev 1.1.0", "prod 1.0.0", "prod 1.1.0"}

// TestPublishes holds that what soaked is published once, with how it came in,
// and that what was adopted is not.
func TestPublishes(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		w := &wall{}
		r.opts.Publisher = w
		r.restart()
		r.tags = append(r.tags, "1.1.0")
		r.run(3 * time.Hour)
		r.restart()
		r.run(10 * time.Minute)
		if got := w.shows(); !slices.Equal(got, all) {
			t.Errorf("published %v, want %v", got, all)
			return
		}
		i := slices.IndexFunc(w.put, func(p loop.Publication) bool { return named(p) == "dev 1.1.0" })
		p := w.put[i]
		ripe := r.began.Add(poll.Health + soak)
		from, to := gitops.Version{Tag: "1.0.0", Digest: string(digestOf("1.0.0"))}, gitops.Version{Tag: "1.1.0", Digest: string(digestOf("1.1.0"))}
		if p.Version != to || p.From != from || !p.Earned.Equal(ripe) || p.Image != image || p.Wave != "dev" || p.Merged == "" || p.MergedAt.IsZero() || len(p.Proofs) != 1 {
			t.Errorf("published %+v", p)
		}
		if p.Entry == "" || !strings.Contains(p.Ledger, "@") && p.Ledger == "" {
			t.Errorf("the ledger is named as %q %q", p.Entry, p.Ledger)
		}
		once := []string{"intent summary+record", "outcome summary+record done"}
		if diff := cmp.Diff(slices.Sorted(slices.Values(slices.Concat(once, once, once))), slices.Sorted(slices.Values(r.results()))); diff != "" {
			t.Errorf("ledger (-want +got):\n%s", diff)
		}
		if len(r.warns) != 0 {
			t.Errorf("warned about %v", r.warns)
		}
	})
}

// TestPublishesAfterACrash kills the loop at every step and holds that there is
// one of each in the end.
func TestPublishesAfterACrash(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(w *wall, r *rig, stop func()){
		"the answer was lost": func(w *wall, _ *rig, _ func()) { w.deaf = errors.New("connection reset") },
		"killed after it was put": func(w *wall, _ *rig, stop func()) {
			w.after = stop
		},
		"killed before it was put": func(_ *wall, r *rig, stop func()) {
			r.opts.Crash = func(point string) {
				if point == "intent-publish" {
					stop()
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *rig) {
				t.Helper()
				w := &wall{}
				r.opts.Publisher = w
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Hour)
				defer cancel()
				spoil(w, r, cancel)
				r.restart()
				r.tags = append(r.tags, "1.1.0")
				if err := r.loop.Run(ctx); err != nil {
					t.Fatal(err)
				}
				w.after, w.deaf, r.opts.Crash = nil, nil, nil
				r.restart()
				r.run(3 * time.Hour)
				if got := w.shows(); !slices.Equal(got, all) {
					t.Errorf("published %v: %v", got, r.results())
				}
			})
		})
	}
}

// TestPublishingStandsInNobodysWay holds that a registry that takes nothing is
// tried a bounded number of times, at growing distances, while versions go on.
func TestPublishingStandsInNobodysWay(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		w := &wall{fail: errors.New("403 Forbidden")}
		r.opts.Publisher = w
		r.restart()
		r.tags = append(r.tags, "1.1.0")
		r.run(2 * time.Hour)
		if r.names("prod") != "1.1.0" {
			t.Errorf("prod is at %s", r.names("prod"))
		}
		if r.warns["publication of dev/shop"] != 1 {
			t.Errorf("warned %v", r.warns)
		}
		r.run(6 * time.Hour)
		dev := w.times["dev 1.1.0"]
		if len(dev) != 41 || len(w.times["prod 1.1.0"]) != 41 {
			t.Errorf("tried %d and %d times, want 41 each", len(dev), len(w.times["prod 1.1.0"]))
		}
		if first, second, last := dev[1].Sub(dev[0]), dev[2].Sub(dev[1]), dev[40].Sub(dev[39]); first != time.Minute || second != 2*time.Minute || last != 5*time.Minute {
			t.Errorf("the rests are %s, %s and at last %s", first, second, last)
		}
		results := r.results()
		if last := results[len(results)-1]; last != "note  not published: 403 Forbidden" {
			t.Errorf("the last entry is %q", last)
		}
		w.fail = nil
		r.run(10 * time.Minute)
		if got := w.shows(); len(got) != 0 {
			t.Errorf("published %v after giving up", got)
		}
	})
}

func TestNotPublished(t *testing.T) {
	t.Parallel()
	never := fmt.Errorf("%w: no Referrers API", loop.ErrUnpublishable)
	for name, tt := range map[string]struct {
		spoil func(w *wall, r *rig)
		says  string
	}{
		"where it never can be, seen before": {func(w *wall, _ *rig) { w.blind = never }, "note  not published: it cannot be published there: no Referrers API"},
		"where it never can be, seen late":   {func(w *wall, _ *rig) { w.fail = never }, "note  not published: it cannot be published there: no Referrers API"},
		"what does not hold any more": {func(_ *wall, r *rig) {
			go func() {
				time.Sleep(30 * time.Minute)
				r.mu.Lock()
				defer r.mu.Unlock()
				r.revoked = true
			}()
		}, "note  not published: it cannot be published there: signature: "},
		"while everything is paused": {func(_ *wall, r *rig) {
			r.opts.Paused = func() (*gitops.Pause, error) {
				if time.Since(r.began) < soak {
					return nil, nil //nolint:nilnil // nobody paused
				}
				return &gitops.Pause{ID: "x"}, nil
			}
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *rig) {
				t.Helper()
				w := &wall{}
				r.opts.Publisher = w
				tt.spoil(w, r)
				r.restart()
				r.tags = append(r.tags, "1.1.0")
				r.run(90 * time.Minute)
				if got := w.shows(); len(got) != 0 {
					t.Errorf("published %v", got)
				}
				if got := strings.Join(r.results(), "\n"); !strings.Contains(got, tt.says) {
					t.Errorf("the ledger says %s, want %q", got, tt.says)
				}
				if len(w.times["dev 1.1.0"]) > 1 || w.reads > 2 {
					t.Errorf("read %d times, tried %v", w.reads, w.times)
				}
			})
		})
	}
}

// TestPublicationIsDatedByTheLoop holds that the ledger tells one time, also
// where the clock of the loop is before this machine's.
func TestPublicationIsDatedByTheLoop(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.opts.Publisher, r.opts.Now = &wall{}, func() time.Time { return time.Now().Add(90 * time.Second) }
		r.restart()
		r.tags = append(r.tags, "1.1.0")
		r.run(2 * soak)
		if len(r.results()) == 0 {
			t.Error("nothing was published")
		}
		list, err := r.store.Entries(t.Context(), store.Filter{}, 1000)
		if err != nil {
			t.Error(err)
		}
		slices.SortFunc(list, func(a, b store.Entry) int { return int(a.Seq - b.Seq) })
		for i := range list[1:] {
			if e := list[i+1]; e.At.Before(list[i].At) {
				t.Errorf("%s of %s is dated %s, the entry before it %s", e.Kind, e.Subject, e.At, list[i].At)
			}
		}
	})
}

// TestLookPublishesNothing holds that whoever only looks leaves no trace.
func TestLookPublishesNothing(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		w := &wall{blind: errors.New("503")}
		r.opts.Publisher = w
		r.restart()
		r.tags = append(r.tags, "1.1.0")
		r.run(soak + 5*time.Minute)
		before, reads := r.checkpoint(), w.reads
		w.blind = nil
		r.restart()
		r.loop.Look(t.Context())
		if reads == 0 || len(w.shows()) != 0 || w.reads != reads || r.checkpoint() != before {
			t.Errorf("looking published %v", w.shows())
		}
		r.run(time.Hour)
		if got := w.shows(); !slices.Contains(got, "dev 1.1.0") {
			t.Errorf("published %v, want what was earned in the earlier life", got)
		}
	})
}
