package loop_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/signals"
)

// sources are the world's registry, evidence, health and rules.
type sources struct{ *world }

func (s sources) Versions(ctx context.Context, _ string, selects func(string) bool) ([]signals.Version, error) {
	if err := s.question(ctx, "versions"); err != nil {
		return nil, err
	}
	var all []signals.Version
	for _, tag := range s.tags {
		if selects(tag) {
			all = append(all, signals.Version{Tag: tag, Digest: digestOf(tag)})
		}
	}
	return all, nil
}

func (s sources) Proofs(ctx context.Context, _ string, d signals.Digest, _ promoter.Stop, again bool) ([]signals.Proof, error) {
	if err := s.question(ctx, "proofs"); err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.proven[d] = proving{time.Now(), again}
	revoked, gone := s.revoked, s.gone
	s.mu.Unlock()
	if gone && again {
		return nil, errors.New("the registry does not have it")
	}
	if revoked {
		return []signals.Proof{{Kind: signals.ProofSignature, Digest: d, Outcome: signals.OutcomeRefused, Reason: "the digest is revoked", At: time.Now()}}, nil
	}
	return []signals.Proof{{Kind: signals.ProofSignature, Digest: d, Outcome: signals.OutcomeVerified, By: "release", Repository: image, At: time.Now()}}, nil
}

func (s sources) Health(ctx context.Context, at gitops.Lane, _ signals.Question) ([]signals.Health, error) {
	if err := s.question(ctx, "health "+at.Environment); err != nil {
		return nil, err
	}
	state, why := s.ill(s.runs(at.Environment))
	if h, ok := s.health[at.Environment]; ok {
		state = h
	}
	return []signals.Health{{Name: "web", State: state, Reason: why, Digest: digestOf(s.runs(at.Environment)), At: time.Now()}}, nil
}

// Rules gives the route from dev to prod while the rules are good, and a
// problem while they are not.
func (s sources) Rules(files map[string][]byte, _ time.Time) (loop.Ruling, error) {
	src, left, some := strings.Cut(string(files[rulesFile]), " but not ")
	var problems []string
	if some {
		problems = []string{"the rules do not say what of " + left}
	}
	if src != "good" {
		return loop.Ruling{Problems: []string{"the rules say " + src}}, s.fail["rules"]
	}
	selector, err := promoter.NewSelector(promoter.Selector{Semver: ">=1.0.0"})
	if err != nil {
		return loop.Ruling{}, err
	}
	r := promoter.Route{Promotion: "shop", Artifact: "shop", Image: image, Selector: selector, Rollback: s.rollback}
	for _, envs := range s.waves {
		w := promoter.Wave{Name: envs[0]}
		for _, env := range slices.DeleteFunc(slices.Clone(envs), func(env string) bool { return env == left }) {
			w.Stops = append(w.Stops, promoter.Stop{
				Lane: laneOf(env), Path: "environments/" + env, Auto: s.auto, Tolerate: 5 * time.Minute,
				Gates:   gate.Set{Signature: &gate.Signature{Key: "release"}, Soak: gate.Soak{For: soak}},
				Signals: []gate.Signal{{Name: "web", MaxAge: 10 * time.Minute}},
			})
			s.shape(&w.Stops[len(w.Stops)-1])
		}
		r.Waves = append(r.Waves, w)
	}
	return loop.Ruling{Routes: []promoter.Route{r}, Problems: problems}, s.fail["rules"]
}
