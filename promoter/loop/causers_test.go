package loop_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/signals"
)

// scribe knows who wrote the source of every version.
type scribe struct {
	asked *[]string
	fails *error
}

func (s scribe) Authors(_ context.Context, source, from, to string) ([]string, error) {
	if s.fails != nil && *s.fails != nil {
		return nil, *s.fails
	}
	*s.asked = append(*s.asked, source+" "+from+".."+to)
	return []string{"ada"}, nil
}

// traced is evidence that names the source commit of each digest.
type traced struct{ sources }

func (s traced) Proofs(ctx context.Context, image string, d signals.Digest, stop promoter.Stop, again bool) ([]signals.Proof, error) {
	list, err := s.sources.Proofs(ctx, image, d, stop, again)
	list = append(list, signals.Proof{
		Kind: signals.ProofSignature, Digest: d, Outcome: signals.OutcomeVerified, By: "release", Repository: image, At: time.Now(),
		Builds: []signals.Build{{Source: "https://github.com/acme/shop", Revision: string(d[7:47])}},
	})
	return list, err
}

// TestAuthorsDoNotApprove holds that who wrote the source of what is proposed
// cannot approve it, and that who pushed to its branch cannot either.
func TestAuthorsDoNotApprove(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		var asked []string
		r.opts.Authors, r.opts.Prover = scribe{asked: &asked}, traced{sources{r.world}}
		r.shape = func(s *promoter.Stop) {
			if s.Lane.Environment == "dev" {
				s.Gates.Approval = gate.Approval{Required: []gate.Approver{{Count: 1}}}
			}
		}
		r.restart()
		r.tags = append(r.tags, "1.1.0")
		r.run(10 * time.Minute)
		review := func(who string) {
			p := (forge{r.world}).find("1")
			p.Reviews = append(slices.Clone(p.Reviews), gitops.Review{
				By: gitops.Actor{Name: who, Permission: gitops.PermissionWrite}, State: gitops.Approved, Head: r.branches[p.Branch], At: time.Now(),
			})
		}
		review("bob")
		r.run(10 * time.Minute)
		if r.names("dev") != "1.1.0" {
			t.Fatalf("dev names %s: %v", r.names("dev"), r.deeds)
		}
		r.tags = append(r.tags, "1.2.0")
		r.run(3 * time.Hour)
		p := (forge{r.world}).find(r.list[len(r.list)-1].ID)
		for i := range r.list {
			if r.list[i].State == gitops.Open && r.list[i].Lane.Environment == "dev" {
				p = &r.list[i]
			}
		}
		for _, who := range []string{"ada", "carl"} {
			p.Reviews = append(slices.Clone(p.Reviews), gitops.Review{
				By: gitops.Actor{Name: who, Permission: gitops.PermissionWrite}, State: gitops.Approved, Head: r.branches[p.Branch], At: time.Now(),
			})
			if who == "ada" {
				r.say(p.ID, gitops.Event{Kind: gitops.Pushed, By: gitops.Actor{Name: "carl", Permission: gitops.PermissionWrite}})
			}
			r.run(10 * time.Minute)
			if r.names("dev") != "1.1.0" {
				t.Fatalf("%s approved their own: %v", who, r.deeds)
			}
		}
		if len(asked) != 2 || !strings.HasPrefix(asked[1], "https://github.com/acme/shop ") {
			t.Errorf("asked %q", asked)
		}
		p.Reviews = append(slices.Clone(p.Reviews), gitops.Review{
			By: gitops.Actor{Name: "bob", Permission: gitops.PermissionWrite}, State: gitops.Approved, Head: r.branches[p.Branch], At: time.Now(),
		})
		r.run(10 * time.Minute)
		if r.names("dev") != "1.2.0" {
			t.Errorf("dev names %s: %v", r.names("dev"), r.deeds)
		}
	})
}

// TestUnknownAuthorsWait holds that no approval counts while nobody can say who
// wrote the source, and that nobody waits for a source that is not connected.
func TestUnknownAuthorsWait(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		var asked []string
		var fails error
		r.opts.Authors, r.opts.Prover = scribe{&asked, &fails}, traced{sources{r.world}}
		r.shape = func(s *promoter.Stop) {
			if s.Lane.Environment == "dev" {
				s.Gates.Approval = gate.Approval{Required: []gate.Approver{{Count: 1}}}
			}
		}
		r.restart()
		approve := func(tag string) {
			r.tags = append(r.tags, tag)
			r.run(3 * time.Hour)
			for i := range r.list {
				p := &r.list[i]
				if p.State == gitops.Open && p.Lane.Environment == "dev" {
					p.Reviews = append(slices.Clone(p.Reviews), gitops.Review{
						By: gitops.Actor{Name: "bob", Permission: gitops.PermissionWrite}, State: gitops.Approved, Head: r.branches[p.Branch], At: time.Now(),
					})
				}
			}
			r.run(time.Hour)
		}
		approve("1.1.0")
		fails = errors.New("the forge is down")
		approve("1.2.0")
		if got := r.names("dev"); got != "1.1.0" {
			t.Fatalf("dev names %s while nobody knows who wrote 1.2.0: %v", got, r.deeds)
		}
		fails = gitops.ErrUnsupported
		r.run(2 * time.Hour)
		if got := r.names("dev"); got != "1.2.0" {
			t.Errorf("dev names %s where no source is connected: %v", got, r.deeds)
		}
	})
}

// TestAuthorsAfterTheStoreIsLost holds that approvals do not count either while
// nobody has read where the version comes from that is to be replaced.
func TestAuthorsAfterTheStoreIsLost(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		var asked []string
		r.opts.Authors, r.opts.Prover = scribe{asked: &asked}, traced{sources{r.world}}
		r.shape = func(s *promoter.Stop) {
			s.Gates.Approval = gate.Approval{Required: []gate.Approver{{Count: 1}}}
		}
		r.restart()
		r.tags = append(r.tags, "1.1.0")
		r.run(10 * time.Minute)
		p := &r.list[0]
		p.Reviews = []gitops.Review{{
			By: gitops.Actor{Name: "ada", Permission: gitops.PermissionWrite}, State: gitops.Approved, Head: r.branches[p.Branch], At: time.Now(),
		}}
		r.amnesia(t)
		r.run(time.Hour)
		if r.names("dev") != "1.0.0" || len(asked) != 2 {
			t.Errorf("ada approved her own, dev names %s, and %q were asked: %v", r.names("dev"), asked, r.deeds)
		}
	})
}
