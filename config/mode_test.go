package config_test

import (
	"testing"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/promoter/gate"
)

// TestDemandsAreEnforced holds that a team's warn or unsafe-off does not get
// past a guardrail that demands the evidence, and stands where none does.
func TestDemandsAreEnforced(t *testing.T) {
	t.Parallel()
	for _, mode := range []gate.Mode{gate.Warn, gate.UnsafeOff} {
		set := gate.Set{
			Provenance: &gate.Provenance{Mode: mode}, SBOM: &gate.SBOM{Mode: mode},
			Vulnerabilities: &gate.Vulnerabilities{Mode: mode}, Tests: &gate.Tests{Mode: mode},
		}
		modes := func(s gate.Set) [4]gate.Mode {
			return [4]gate.Mode{s.Provenance.Mode, s.SBOM.Mode, s.Vulnerabilities.Mode, s.Tests.Mode}
		}
		if got, _ := config.Tighten(set, config.Require{}, nil); modes(got) != [4]gate.Mode{mode, mode, mode, mode} {
			t.Errorf("without a demand the modes are %q, want %q", modes(got), mode)
		}
		got, _ := config.Tighten(set, config.Require{
			Provenance: true, SBOM: true, Vulnerabilities: &config.Vulnerabilities{}, Tests: &config.Tests{},
		}, nil)
		if modes(got) != [4]gate.Mode{} {
			t.Errorf("with a demand the modes are %q, want that all enforce", modes(got))
		}
		if modes(set) != [4]gate.Mode{mode, mode, mode, mode} {
			t.Errorf("the promotion's own gates were changed: %q", modes(set))
		}
	}
}

// TestModeIsRead holds that the rules can be written down.
func TestModeIsRead(t *testing.T) {
	t.Parallel()
	rules, err := config.ParseRules([]config.File{base(t), {Name: "team.yaml", Data: []byte(summaryHead + "  sbom: {mode: warn}\n")}}, names(), exampleNow())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules.Routes {
		if g := r.Waves[0].Stops[0].Gates.SBOM; r.Artifact == "shop" && (g == nil || g.Mode != gate.Warn) {
			t.Errorf("the mode is read as %+v", g)
		}
	}
}
