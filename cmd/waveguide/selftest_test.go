package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/signals"
)

// TestSelfTest holds that a self-test accepts strict policies and says of loose
// ones who gets past them.
func TestSelfTest(t *testing.T) {
	t.Parallel()
	const image, source = "registry.example.com/payments/order-api", "https://github.com/acme/order-api"
	const github = "https://token.actions.githubusercontent.com"
	known := config.Trust{
		Keys: []config.Key{{Name: "release", File: "/nowhere"}},
		Signers: []config.Signer{
			{Name: "ci", Identity: "https://github.com/acme/**", Issuer: github},
			{Name: "person", Identity: "release@acme.example", Issuer: "https://accounts.example"},
			{Name: "gitlab", Identity: "https://gitlab.com/acme/order-api//.gitlab-ci.yml@refs/heads/main", Issuer: "https://gitlab.com"},
		},
	}
	exact := gate.Signature{Identity: source + "/.github/workflows/release.yaml@refs/heads/main", Issuer: github}
	pattern := gate.Signature{Identity: source + "/.github/workflows/release.yaml@refs/**", Issuer: github}
	for name, c := range map[string]struct {
		set  gate.Set
		past []string
	}{
		"an identity":                       {set: gate.Set{Signature: &exact}},
		"a key":                             {set: gate.Set{Signature: &gate.Signature{Key: "release"}}},
		"a key, annotated":                  {set: gate.Set{Signature: &gate.Signature{Key: "release", Annotations: map[string]string{"stage": "release"}}}},
		"a person":                          {set: gate.Set{Signature: &gate.Signature{By: "person"}}},
		"GitLab":                            {set: gate.Set{Signature: &gate.Signature{By: "gitlab"}}},
		"a key that binds to nothing":       {set: gate.Set{Signature: &gate.Signature{Key: "release", UnsafeUnbound: true}}},
		"any branch":                        {set: gate.Set{Signature: &pattern}, past: []string{"a name that goes on", "a sibling branch"}},
		"any branch, and provenance of one": {set: gate.Set{Signature: &pattern, Provenance: &gate.Provenance{Source: source, Branch: "main"}}},
		"any branch, and provenance that only warns": {
			set:  gate.Set{Signature: &pattern, Provenance: &gate.Provenance{Source: source, Branch: "main", Mode: gate.Warn}},
			past: []string{"a name that goes on", "a sibling branch"},
		},
		"any repository":                 {set: gate.Set{Signature: &gate.Signature{By: "ci"}}, past: []string{"a name that goes on", "a sibling branch", "a sibling repository"}},
		"any repository, but one source": {set: gate.Set{Signature: &gate.Signature{By: "ci", Source: source}}, past: []string{"a name that goes on", "a sibling branch"}},
		"everything": {set: gate.Set{
			Signature: &exact, Provenance: &gate.Provenance{Source: source, Branch: "main", Builder: "https://github.com/actions/runner/*"}, SBOM: &gate.SBOM{},
			Vulnerabilities: &gate.Vulnerabilities{BlockFrom: "low", MaxAge: 1 << 40, By: "person"}, Tests: &gate.Tests{Suites: []string{"unit"}, By: "gitlab"},
		}},
		"a verifier's word in place of provenance": {set: gate.Set{
			Signature: &exact, Provenance: &gate.Provenance{Source: source, Branch: "main"},
			Summary: &gate.Summary{
				By: "person", Verifier: "https://verify.acme.example", Policy: "sha256:" + strings.Repeat("c", 64), Levels: []string{"SLSA_BUILD_LEVEL_3"},
				MaxAge: time.Hour, For: []signals.ProofKind{signals.ProofProvenance},
			},
		}},
		"a verifier's word that must be there": {set: gate.Set{
			Signature: &exact, SBOM: &gate.SBOM{Mode: gate.Warn},
			Summary: &gate.Summary{
				By: "person", Verifier: "https://verify.acme.example", Policy: "sha256:" + strings.Repeat("c", 64), Levels: []string{"X"},
				MaxAge: time.Hour, For: []signals.ProofKind{signals.ProofSBOM}, Required: true,
			},
		}},
		"a verifier's word in place of what is only warned of": {set: gate.Set{
			Signature: &exact, SBOM: &gate.SBOM{Mode: gate.Warn}, Tests: &gate.Tests{Mode: gate.UnsafeOff},
			Summary: &gate.Summary{
				By: "person", Verifier: "https://verify.acme.example", Policy: "sha256:" + strings.Repeat("c", 64), Levels: []string{"X"},
				MaxAge: time.Hour, For: []signals.ProofKind{signals.ProofSBOM, signals.ProofTests},
			},
		}},
		"tests that anybody of acme may sign": {
			set:  gate.Set{Signature: &exact, Tests: &gate.Tests{By: "ci"}},
			past: nil, // strangers are nobody of acme
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			trials, err := selfTest(t.Context(), &trust{Trust: known}, c.set, image)
			if err != nil {
				t.Fatal(err)
			}
			var past []string
			for _, trial := range trials {
				switch {
				case trial.Honest && !trial.Accepted:
					t.Errorf("the honest signer is refused: %s", trial.Says)
				case !trial.Honest && trial.Accepted:
					past = append(past, trial.Who)
				}
			}
			slices.Sort(past)
			if !slices.Equal(past, c.past) {
				t.Errorf("past the policy got %q, want %q", past, c.past)
			}
			if len(trials) < 5 {
				t.Errorf("only %d trials", len(trials))
			}
		})
	}
}
