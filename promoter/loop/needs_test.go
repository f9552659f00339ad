package loop_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/signals"
)

// needy are rules by which the shop in dev needs a database, which a promotion
// of its own brings there.
type needy struct{ sources }

const (
	database     = "registry.example.com/db"
	databaseFile = "databases/dev/kustomization.yaml"
)

func (s needy) Rules(files map[string][]byte, now time.Time) (loop.Ruling, error) {
	ruling, err := s.sources.Rules(files, now)
	selector, wrong := promoter.NewSelector(promoter.Selector{Semver: "9.9.9"})
	if err != nil || wrong != nil {
		return ruling, err
	}
	ruling.Routes = append(ruling.Routes, promoter.Route{
		Promotion: "db", Artifact: "db", Image: database, Selector: selector,
		Waves: []promoter.Wave{{Name: "dev", Stops: []promoter.Stop{{
			Lane: gitops.Lane{Repository: repository, Environment: "dev", Artifact: "db"}, Path: "databases/dev",
			Gates:   gate.Set{Signature: &gate.Signature{Key: "release"}},
			Signals: []gate.Signal{{Name: "db", MaxAge: 10 * time.Minute}},
		}}}},
	})
	return ruling, nil
}

// TestRequired holds that a version waits until the artifact that it needs is in
// the environment at the needed version and healthy there, and that it enters as
// soon as that is so.
func TestRequired(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.settle([]string{"dev"})
		r.opts.Rules = needy{sources{r.world}}
		r.opts.Health = databases{sources{r.world}}
		r.shape = func(s *promoter.Stop) {
			if s.Lane.Environment == "dev" {
				s.Signals, s.TrustDesired = nil, true // nothing but what it needs has it decided again
				s.Gates.Requires = &gate.Requires{Artifacts: []gate.Requirement{{Artifact: "db", Version: ">=2.0.0"}}}
			}
		}
		r.restart()
		r.tags = append(r.tags, "1.1.0")
		waits := func(reason string) {
			t.Helper()
			r.run(time.Hour)
			if got := r.sentence("dev"); got != "db >=2.0.0 must be in dev first: "+reason || r.count("open dev") != 0 {
				t.Errorf("it says %q: %v", got, r.deeds)
			}
		}
		waits("it is not there")
		r.push(map[string]string{databaseFile: databaseAt("1.9.0")})
		waits("1.9.0 is there")
		r.health["db"] = signals.StateUnhealthy
		r.push(map[string]string{databaseFile: databaseAt("2.0.0")})
		waits("2.0.0 is not known to run there and be healthy")
		r.run(3 * time.Minute) // between two looks at the registry
		r.health["db"] = signals.StateHealthy
		r.run(2 * time.Minute)
		if r.count("open dev") != 1 {
			t.Errorf("db is there and healthy, and nothing was opened: %q, %v", r.sentence("dev"), r.deeds)
		}
	})
}

func databaseAt(tag string) string {
	return strings.ReplaceAll(contentOf(tag), image, database)
}

// databases are well as the world says, at what Git names.
type databases struct{ sources }

func (s databases) Health(ctx context.Context, at gitops.Lane, about signals.Question) ([]signals.Health, error) {
	if at.Artifact != "db" {
		return s.sources.Health(ctx, at, about)
	}
	return []signals.Health{{Name: "db", State: s.health["db"], Digest: about.Digest, At: time.Now()}}, nil
}
