package loop_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/promoter/store"
)

// verdict is what a gate said last of a lane.
func (r *rig) verdict(env, word string) gate.Verdict {
	r.t.Helper()
	for _, p := range r.views[len(r.views)-1].Plans {
		for _, l := range p.Lanes {
			for _, v := range l.Verdicts {
				if l.Lane.Environment == env && v.Gate == word {
					return v
				}
			}
		}
	}
	return gate.Verdict{}
}

// notes are the bodies of the ledger's notes about a lane.
func (r *rig) notes(env string) string {
	r.t.Helper()
	list, err := r.store.Entries(r.t.Context(), store.Filter{Kind: store.Note, Subject: laneOf(env).String()}, 10)
	if err != nil {
		r.t.Fatal(err)
	}
	var all []string
	for _, e := range list {
		all = append(all, string(e.Body))
	}
	return strings.Join(all, "\n")
}

// TestMergedTreeIsRead holds that every merge of ours is compared with what was
// planned, and is no change past a proposal.
func TestMergedTreeIsRead(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.tags = append(r.tags, "1.1.0")
		r.run(10 * time.Minute)
		if r.names("dev") != "1.1.0" || !strings.Contains(r.notes("dev"), `"proposal":"1"`) || strings.Contains(r.notes("dev"), "difference") {
			t.Errorf("dev names %s, the ledger notes %s", r.names("dev"), r.notes("dev"))
		}
		r.restart()
		r.run(3 * time.Hour)
		if r.names("prod") != "1.1.0" || r.count("report") != 0 || r.count("answer") != 0 {
			t.Errorf("prod names %s: %v", r.names("prod"), r.deeds)
		}
	})
}

// TestMergeWroteMore holds that a merge that wrote something else stops the
// artifact everywhere, is said once, and that a person with the right ends it.
func TestMergeWroteMore(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.slip = map[string]string{"environments/prod/secret.yaml": "more"}
		r.tags = append(r.tags, "1.1.0")
		r.run(3 * time.Hour)
		if r.names("prod") != "1.0.0" || r.count("report") != 1 || r.count("answer 1") != 1 {
			t.Fatalf("prod names %s: %v", r.names("prod"), r.deeds)
		}
		v := r.verdict("prod", "pause")
		if v.Answer != gate.Block || !strings.Contains(v.Reason, "environments/prod/secret.yaml was changed, though the plan does not touch it") {
			t.Errorf("the pause of prod: %v", v)
		}
		if !strings.Contains(r.notes("dev"), "does not touch it") {
			t.Errorf("the ledger notes %s", r.notes("dev"))
		}
		issue := r.issues[0].ID
		r.closes(issue, triage)
		r.restart() // and forgets nothing
		r.run(time.Hour)
		if r.names("prod") != "1.0.0" || r.count("mend") != 1 {
			t.Fatalf("after somebody without the right closed it: prod names %s: %v", r.names("prod"), r.deeds)
		}
		r.closes(issue, writer)
		r.run(time.Hour)
		if r.names("prod") != "1.1.0" || r.count("report") != 1 || r.count("answer 1") != 1 || !strings.Contains(r.notes("dev"), `"released":"ada`) {
			t.Errorf("after the release: prod names %s: %v\n%s", r.names("prod"), r.deeds, r.notes("dev"))
		}
	})
}

// TestStrayOutlivesTheStore holds that the stop stands in an issue, so that an
// emptied store forgets the alarm but not the stop.
func TestStrayOutlivesTheStore(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.slip = map[string]string{"environments/prod/secret.yaml": "more"}
		r.tags = append(r.tags, "1.1.0")
		r.run(10 * time.Minute)
		r.slip = nil
		r.emptied()
		r.run(5 * time.Hour)
		if r.names("prod") != "1.0.0" || r.count("report") != 1 {
			t.Errorf("prod names %s: %v", r.names("prod"), r.deeds)
		}
	})
}

// TestDirectCommit holds that a version that somebody wrote past a proposal is
// asked to be recorded once, and that nothing newer follows before it is.
func TestDirectCommit(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.run(10 * time.Minute)
		r.tags = append(r.tags, "1.1.0")
		r.push(map[string]string{fileOf("prod"): contentOf("1.1.0"), fileOf("dev"): contentOf("1.1.0")})
		r.run(2 * time.Hour)
		if r.count("report") != 1 || len(r.reports) != 1 || !strings.Contains(r.reports[0].Body, "dev/shop") || !strings.Contains(r.reports[0].Body, "prod/shop") {
			t.Fatalf("reports %+v: %v", r.reports, r.deeds)
		}
		r.tags = append(r.tags, "1.2.0")
		r.restart()
		r.run(2 * time.Hour)
		v := r.verdict("dev", "drift")
		if r.names("dev") != "1.1.0" || v.Answer != gate.Wait || !strings.Contains(v.Reason, "was written to Git by ann@example.com") || !strings.Contains(v.Reason, "closing issue #direct") {
			t.Fatalf("dev names %s, drift says %v", r.names("dev"), v)
		}
		r.closes(r.issues[0].ID, writer)
		r.run(10 * time.Minute)
		if r.names("dev") != "1.2.0" || r.count("report") != 1 || r.count("end") != 0 {
			t.Errorf("after it was recorded dev names %s: %v", r.names("dev"), r.deeds)
		}
	})
}

// TestDirectCommitIsReplaced holds that the issue is closed when nothing is left
// to record.
func TestDirectCommitIsReplaced(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.run(10 * time.Minute)
		r.tags = append(r.tags, "1.1.0", "1.2.0")
		r.push(map[string]string{fileOf("prod"): contentOf("1.1.0")})
		r.run(10 * time.Minute)
		r.push(map[string]string{fileOf("prod"): contentOf("1.2.0")})
		r.run(10 * time.Minute)
		if r.count("report") != 2 || r.count("end") != 1 || r.issues[0].State != gitops.Closed || r.issues[1].State != gitops.Open {
			t.Errorf("%v", r.deeds)
		}
	})
}

// TestEmptiedStoreAdopts holds that what was there before we looked first raises
// no alarm.
func TestEmptiedStoreAdopts(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.tags = append(r.tags, "1.1.0")
		r.run(10 * time.Minute)
		r.push(map[string]string{fileOf("prod"): contentOf("1.1.0")})
		r.emptied()
		r.run(2 * time.Hour)
		if r.count("report") != 0 {
			t.Errorf("%v", r.deeds)
		}
	})
}

// TestRewrittenBranch holds that nobody is blamed for a version that a rewritten
// branch brought, and that it has to be put on record.
func TestRewrittenBranch(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		old := r.head
		r.tags = append(r.tags, "1.1.0")
		r.run(10 * time.Minute)
		r.head, r.forced = r.commit(old, map[string]string{"README.md": "again"}, "ann@example.com", ""), true
		r.run(10 * time.Minute)
		v := r.verdict("dev", "drift")
		if r.count("report") != 1 || !strings.Contains(v.Reason, "nobody can say how (the branch was rewritten") {
			t.Errorf("drift says %v: %v", v, r.deeds)
		}
	})
}

// TestForgeTellsLate holds that a merge of ours is no change past a proposal
// while the forge does not tell of it yet.
func TestForgeTellsLate(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		late := &lateForge{forge: forge{r.world}}
		r.opts.Forge = late
		r.restart()
		r.tags = append(r.tags, "1.1.0")
		r.run(5 * time.Minute)
		if v := r.verdict("dev", "drift"); r.names("dev") != "1.1.0" || r.count("report") != 0 || !strings.Contains(v.Reason, "nobody knows yet how") {
			t.Fatalf("dev names %s, drift says %v: %v", r.names("dev"), v, r.deeds)
		}
		late.tells = true
		r.run(3 * time.Hour)
		if r.names("prod") != "1.1.0" || r.count("report") != 0 {
			t.Errorf("prod names %s: %v", r.names("prod"), r.deeds)
		}
	})
}

// TestUnreadLine holds that a line of the branch that cannot be read holds
// everything for a few looks, and then has a person asked.
func TestUnreadLine(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.run(10 * time.Minute)
		r.fail["line"] = errors.New("the commits are gone")
		r.push(map[string]string{fileOf("prod"): contentOf("1.1.0")})
		r.run(time.Hour)
		if r.count("report") != 1 || !strings.Contains(r.reports[0].Body, "Nobody can say how") || !strings.Contains(r.reports[0].Body, "prod/shop") {
			t.Errorf("%+v: %v", r.reports, r.deeds)
		}
	})
}

// TestPersonsMerge holds that a merge of a person's own proposal is no change
// past a proposal if our check was green, and one if not.
func TestPersonsMerge(t *testing.T) {
	t.Parallel()
	for name, ripe := range map[string]time.Duration{"green": 3 * time.Hour, "not green": 10 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *rig) {
				t.Helper()
				r.tags = append(r.tags, "1.1.0")
				r.run(10 * time.Minute)
				head := r.proposes("90", map[string]string{fileOf("prod"): contentOf("1.1.0")})
				r.run(ripe)
				p := (forge{r.world}).find("90")
				r.head = r.commit(r.head, map[string]string{fileOf("prod"): contentOf("1.1.0")}, "ada@example.com", "merge")
				p.State, p.MergedAs, p.Head, p.Ended = gitops.Merged, r.head, head, time.Now()
				r.run(time.Hour)
				want := map[string]int{"green": 0, "not green": 1}[name]
				if r.count("report") != want {
					t.Errorf("%d reports, want %d: %+v", r.count("report"), want, r.reports)
				}
			})
		})
	}
}

// TestIssuesOff holds that where nobody can be asked by an issue, the ledger
// alone knows of a change past a proposal, and the lane goes on.
func TestIssuesOff(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.run(10 * time.Minute)
		r.fail["report"] = gitops.ErrDisabled
		r.tags = append(r.tags, "1.1.0", "1.2.0")
		r.push(map[string]string{fileOf("dev"): contentOf("1.1.0")})
		r.run(2 * time.Hour)
		if r.names("dev") != "1.2.0" {
			t.Errorf("dev names %s: %v", r.names("dev"), r.deeds)
		}
	})
}

// lateForge is a forge that tells of no ended proposal until it does.
type lateForge struct {
	forge

	tells bool
}

var _ loop.Forge = (*lateForge)(nil)

func (f *lateForge) Proposals(ctx context.Context, since string) ([]gitops.Proposal, string, error) {
	list, next, err := f.forge.Proposals(ctx, since)
	var told []gitops.Proposal
	for _, p := range list {
		if f.tells || p.State == gitops.Open {
			told = append(told, p)
		}
	}
	return told, next, err
}

func (f *lateForge) Proposal(ctx context.Context, id string) (gitops.Proposal, error) {
	p, err := f.forge.Proposal(ctx, id)
	if !f.tells && p.State != gitops.Open {
		return p, errors.New("not told yet")
	}
	return p, err
}

// emptied begins again with a store that knows nothing.
func (r *rig) emptied() {
	r.t.Helper()
	for _, bucket := range loop.Buckets() {
		records, err := r.store.List(r.t.Context(), bucket, "")
		if err != nil {
			r.t.Fatal(err)
		}
		for _, rec := range records {
			if err := r.store.Delete(r.t.Context(), bucket, rec.Key); err != nil {
				r.t.Fatal(err)
			}
		}
	}
	r.restart()
}
