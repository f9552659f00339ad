package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waveguide-dev/waveguide/config"
)

const governed = `apiVersion: waveguide.dev/v1alpha1
kind: Guardrail
name: g
match: {stage: prod}
require: {}
commandsFrom: ['@acme/sre']
paused: [{reason: audit, until: 2026-12-01T00:00:00Z}]
---
apiVersion: waveguide.dev/v1alpha1
kind: Freeze
name: f
from: 2026-12-20T00:00:00Z
until: 2027-01-06T00:00:00Z
allow: [sev1, fix, torn]
approvals: [{from: '@acme/head'}]
---
apiVersion: waveguide.dev/v1alpha1
kind: Emergency
name: fix
match: {stage: prod}
from: ['@acme/security']
---
apiVersion: waveguide.dev/v1alpha1
kind: Promotion
name: web
artifacts: [{name: web, image: registry.example.com/web, versions: {semver: '>=2.0.0'}}]
verify: {signature: {key: release}}
waves: [{name: dev, environments: [dev]}, {name: prod, environments: [prod]}]
paused:
  - {scope: 'env:d* artifact:web', reason: move}
  - {scope: scope:all, reason: everything}
pins: [{artifact: web, environment: prod, version: 2.1.0, until: 2026-12-01T00:00:00Z, reason: audit, by: '@ann'}]
`

// TestPeopleInRules holds what the rules say of people in each lane: pauses with
// what they cover, pins, emergencies and who commands.
func TestPeopleInRules(t *testing.T) {
	t.Parallel()
	torn := "---\napiVersion: waveguide.dev/v1alpha1\nkind: Emergency\nname: torn\nfrm: ['@acme/security']\n"
	rules, err := config.ParseRules([]config.File{base(t), {Name: "case.yaml", Data: []byte(governed + torn)}}, names(), exampleNow())
	if err == nil || !strings.Contains(err.Error(), `unknown key "frm"; did you mean "from"?`) {
		t.Errorf("the broken emergency: %v", err)
	}
	var got strings.Builder
	for _, r := range rules.Routes {
		if r.Artifact != "web" {
			continue
		}
		for stop := range r.Stops() {
			fmt.Fprintf(&got, "%s held %q\n", stop.Lane, stop.Held)
			for _, p := range stop.Paused {
				fmt.Fprintf(&got, "  paused by %s (%s) until %s: environments %v, waves %v, artifacts %v\n", p.ID, p.Title, p.Until.Format("2006-01-02"), p.Environments, p.Waves, p.Artifacts)
			}
			if stop.Pinned != nil {
				fmt.Fprintf(&got, "  %s\n", stop.Pinned)
			}
			fmt.Fprintf(&got, "  emergencies %v, commands %v, freeze %v\n", stop.Emergencies, stop.Commanders, stop.Gates.Freeze.Freezes[0].Approvals)
		}
	}
	want := `dev/web held ""
  paused by promotion web (move) until 0001-01-01: environments [d*], waves [], artifacts [web]
  paused by promotion web (everything) until 0001-01-01: environments [], waves [web/*], artifacts []
  emergencies [{sev1 []}], commands [], freeze [{@acme/head 0 0s}]
prod/web held ""
  paused by promotion web (everything) until 0001-01-01: environments [], waves [web/*], artifacts []
  paused by guardrail g (audit) until 2026-12-01: environments [prod], waves [], artifacts []
  pinned to 2.1.0 by @ann until 2026-12-01 00:00Z (audit); a change of promotion web ends it
  emergencies [{fix [@acme/security]} {sev1 []}], commands [[@acme/sre]], freeze [{@acme/head 0 0s}]
`
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
