package loop_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/gate"
)

// breaks has the rules unreadable, mends whole again.
func (r *rig) breaks() { r.push(map[string]string{rulesFile: "nonsense"}) }
func (r *rig) mends()  { r.push(map[string]string{rulesFile: "good"}) }

// TestDirectCommitWhileHidden holds that what a person writes past a proposal
// while the rules cannot be read is asked about once, when they can.
func TestDirectCommitWhileHidden(t *testing.T) {
	t.Parallel()
	for name, restarts := range map[string]bool{"one life": false, "several": true} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *rig) {
				t.Helper()
				again := func() {
					if restarts {
						r.restart()
					}
					r.run(10 * time.Minute)
				}
				r.run(10 * time.Minute)
				r.breaks()
				again()
				r.tags = append(r.tags, "1.1.0")
				r.push(map[string]string{fileOf("prod"): contentOf("1.1.0")})
				again()
				if r.count("report") != 0 {
					t.Fatalf("nobody knows yet whether a version moved: %v", r.deeds)
				}
				r.push(map[string]string{"README.md": "hello"})
				r.mends()
				again()
				if r.count("report") != 1 || !strings.Contains(r.reports[0].Body, "ann@example.com") || !strings.Contains(r.reports[0].Body, "prod/shop") {
					t.Fatalf("reports %+v: %v", r.reports, r.deeds)
				}
				r.closes(r.issues[0].ID, writer)
				r.run(10 * time.Minute)
				r.breaks()
				again()
				r.mends()
				again()
				if v := r.verdict("prod", "drift"); r.count("report") != 1 || v.Answer != gate.Pass {
					t.Errorf("it was on record, and drift says %v: %v", v, r.deeds)
				}
			})
		})
	}
}

// TestDirectCommitThatBreaks holds that the commit that breaks the rules may
// move a version itself, and the one before it, also where it was read before
// and nobody knew yet how it came.
func TestDirectCommitThatBreaks(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]bool{"in one look": false, "read before": true} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *rig) {
				t.Helper()
				r.run(10 * time.Minute)
				r.push(map[string]string{fileOf("prod"): contentOf("1.1.0")})
				if read {
					r.fail["forge"] = errors.New("answers 502")
					r.run(10 * time.Minute)
				}
				r.push(map[string]string{rulesFile: "nonsense", fileOf("dev"): contentOf("1.1.0")})
				r.run(10 * time.Minute)
				r.fail["forge"] = nil
				r.run(20 * time.Minute)
				r.mends()
				r.run(10 * time.Minute)
				var said strings.Builder
				for _, p := range r.reports {
					said.WriteString(p.Body)
				}
				if !strings.Contains(said.String(), "prod/shop") || !strings.Contains(said.String(), "dev/shop") || r.count("report") != 2 {
					t.Errorf("reports %+v: %v", r.reports, r.deeds)
				}
			})
		})
	}
}

// TestMergeWroteMoreWhileHidden holds that a merge that wrote something else
// while the rules could not be read stops the artifact when they can, and that a
// merge as it was asked for does not.
func TestMergeWroteMoreWhileHidden(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		slip map[string]string
		want int
	}{
		"another tree": {map[string]string{"environments/prod/secret.yaml": "more"}, 1},
		"as asked for": {nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *rig) {
				t.Helper()
				r.auto = false
				r.tags = append(r.tags, "1.1.0")
				r.run(10 * time.Minute)
				r.breaks()
				r.run(10 * time.Minute)
				r.slip = c.slip
				p := (forge{r.world}).find("1")
				if _, err := (forge{r.world}).Merge(t.Context(), "1", r.branches[p.Branch]); err != nil {
					t.Fatal(err)
				}
				r.slip = nil
				r.run(10 * time.Minute)
				r.mends()
				r.run(10 * time.Minute)
				if r.names("dev") != "1.1.0" || r.count("report") != c.want || r.count("answer 1") != c.want {
					t.Fatalf("dev names %s, reports %+v: %v", r.names("dev"), r.reports, r.deeds)
				}
				if c.want == 0 {
					return
				}
				r.closes(r.issues[0].ID, writer)
				r.run(10 * time.Minute)
				r.breaks()
				r.restart()
				r.run(10 * time.Minute)
				r.mends()
				r.run(10 * time.Minute)
				if v := r.verdict("prod", "pause"); r.count("report") != 1 || v.Answer == gate.Block {
					t.Errorf("it was settled, and the pause says %v: %v", v, r.deeds)
				}
			})
		})
	}
}

// TestOtherLanesGoOn holds that what the rules still name is followed at once,
// and not looked at again for the lanes that were hidden.
func TestOtherLanesGoOn(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.run(10 * time.Minute)
		r.push(map[string]string{rulesFile: "good but not prod"})
		r.slip = map[string]string{fileOf("prod"): contentOf("0.9.0")}
		r.tags = append(r.tags, "1.1.0")
		r.run(20 * time.Minute)
		if r.names("dev") != "1.1.0" || r.count("report") != 1 {
			t.Fatalf("dev names %s: %v", r.names("dev"), r.deeds)
		}
		r.closes(r.issues[0].ID, writer)
		r.slip = nil
		r.run(10 * time.Minute)
		r.mends()
		r.run(10 * time.Minute)
		if v := r.verdict("dev", "pause"); v.Answer == gate.Block || strings.Count(r.notes("dev"), `"difference"`) != 2 {
			t.Errorf("it was settled, and the pause says %v: %s", v, r.notes("dev"))
		}
	})
}

// TestLongHidden holds that nobody is blamed for a version where more came than
// is read at once, and that it has to be put on record: also what was seen before
// the rules broke, and also if the forge cannot be read for a while.
func TestLongHidden(t *testing.T) {
	t.Parallel()
	for name, early := range map[string]bool{"meanwhile": false, "right before": true} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *rig) {
				t.Helper()
				r.run(10 * time.Minute)
				direct := map[string]string{fileOf("prod"): contentOf("1.1.0")}
				if early {
					r.fail["forge"] = errors.New("answers 502")
					r.push(direct)
					r.run(10 * time.Minute)
				}
				r.breaks()
				r.run(10 * time.Minute)
				r.fail["forge"] = nil
				r.push(direct)
				for range 3 {
					for range 50 {
						r.push(map[string]string{"README.md": time.Now().String()})
						time.Sleep(time.Millisecond)
					}
					r.run(10 * time.Minute)
				}
				r.mends()
				r.fail["forge"] = errors.New("answers 502")
				r.run(10 * time.Minute)
				r.push(map[string]string{"README.md": "hello"})
				r.run(10 * time.Minute)
				r.fail["forge"] = nil
				r.run(time.Hour)
				if r.count("report") != 1 || !strings.Contains(r.reports[0].Body, "Nobody can say how") {
					t.Errorf("reports %+v: %v", r.reports, r.deeds)
				}
			})
		})
	}
}

// TestHiddenLineUnread holds that a line that cannot be read when the rules are
// mended is tried again, and nothing is adopted meanwhile.
func TestHiddenLineUnread(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.run(10 * time.Minute)
		r.breaks()
		r.run(10 * time.Minute)
		r.tags = append(r.tags, "1.1.0")
		r.push(map[string]string{fileOf("prod"): contentOf("1.1.0")})
		r.run(10 * time.Minute)
		r.fail["line"] = gitops.ErrMoved
		r.mends()
		r.run(6 * time.Minute)
		r.fail["line"] = nil
		r.run(10 * time.Minute)
		if r.count("report") != 1 || !strings.Contains(r.reports[0].Body, "ann@example.com") {
			t.Errorf("reports %+v: %v", r.reports, r.deeds)
		}
	})
}
