package prose_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/promoter/prose"
	"github.com/waveguide-dev/waveguide/signals"
)

var update = flag.Bool("update", false, "write docs/proposals.md")

const bodies = "../../docs/proposals.md"

// shop is a proposal as the states of its life have it.
func shop(vs ...gate.Verdict) promoter.Letter {
	old := signals.Version{Tag: "1.4.2", Digest: signals.Digest("sha256:" + strings.Repeat("4a", 32))}
	fresh := signals.Version{Tag: "1.5.0", Digest: signals.Digest("sha256:" + strings.Repeat("5b", 32)), Platforms: []string{"linux/amd64", "linux/arm64"}}
	signed := time.Date(2026, 11, 20, 16, 4, 0, 0, time.UTC)
	return promoter.Letter{
		Plan: promoter.LanePlan{
			Lane: gitops.Lane{Repository: "env-gitops", Environment: "prod-sg", Artifact: "payment-api"}, Wave: "production",
			Phase: promoter.PhaseProposed, Class: gate.Promotion, Current: old, Candidate: fresh, Verdicts: vs, Proposal: "412", Skipped: []string{"1.4.3"},
		},
		Route: promoter.Route{Promotion: "payments", Image: "registry.example.com/payments/payment-api", Rollback: promoter.Rollback{Propose: true}},
		Stop: promoter.Stop{
			Risk: "high", Labels: map[string]string{"stage": "prod", "region": "sg", "cluster": "sg-1"},
			Gates: gate.Set{Approval: gate.Approval{Required: []gate.Approver{{From: "@acme/payments", Count: 2}}}},
		},
		Desired: gitops.Desired{Places: []gitops.Place{{File: "environments/prod-sg/payment-api/values.yaml", Line: 7}}},
		Proofs:  []signals.Proof{{Kind: signals.ProofSignature, Digest: fresh.Digest, Outcome: signals.OutcomeVerified, By: "release-workflow", Signed: signed}},
		From:    promoter.Origin{Source: "https://github.com/acme/payment-api", Revision: strings.Repeat("c", 40)},
		To:      promoter.Origin{Source: "https://github.com/acme/payment-api", Revision: strings.Repeat("d", 40)},
		Running: []string{"dev", "staging"},
	}
}

// TestBodies renders a proposal in each state of its life.
func TestBodies(t *testing.T) {
	t.Parallel()
	pass := func(g, reason string) gate.Verdict { return gate.Verdict{Gate: g, Answer: gate.Pass, Reason: reason} }
	signature := pass("signature", "sha256:5b5b5b5b5b5b has a verified signature by release-workflow")
	previous := pass("previous", "1.5.0 earned staging at 2026-11-20 20:04Z")
	rollback := shop(signature)
	rollback.Plan.Class, rollback.Plan.Current, rollback.Plan.Candidate = gate.Rollback, rollback.Plan.Candidate, rollback.Plan.Current
	rollback.From, rollback.To = rollback.To, rollback.From
	declared := shop(signature, gate.Verdict{Gate: "approval", Reason: "needs 1 approval(s) from @acme/head-of-engineering for 9f86d08188", Owner: "@acme/head-of-engineering"})
	declared.Plan.Class = gate.EmergencyClass("security-fix")
	declared.Plan.Emergency = &gitops.Given{
		Command: gitops.Command{Word: gitops.CommandEmergency, Name: "security-fix", Incident: "INC-2471"},
		By:      gitops.Actor{Name: "sam"}, At: time.Date(2026, 12, 24, 22, 10, 0, 0, time.UTC),
	}
	pinned := shop(signature, gate.Verdict{Gate: "version", Answer: gate.Block, Reason: "pinned to 1.4.2 by sam until 2026-12-01 08:00Z; /waveguide unpin ends it", Owner: "a person with the right"})
	pinned.Plan.Pin = &promoter.Pin{Version: "1.4.2", By: "sam", Until: time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC), Proposal: "409"}
	behind := shop(signature, previous, gate.Verdict{
		Gate: "approval", Reason: "needs 2 approval(s) from @acme/payments for 3f2a9c1b0d", Owner: "@acme/payments",
	})
	behind.Plan.Behind = "1.6.0 (sha256:6c6c6c6c6c6c)"
	states := []struct {
		name   string
		letter promoter.Letter
	}{
		{"It waits for its reviewers", shop(signature, previous, gate.Verdict{
			Gate: "approval", Answer: gate.Wait, Reason: "needs 2 approval(s) from @acme/payments for 3f2a9c1b0d", Owner: "@acme/payments",
		})},
		{"A person holds it, and the window is closed", shop(signature, previous,
			gate.Verdict{Gate: "window", Answer: gate.Wait, Reason: "the window business-hours opens at 2026-11-23 01:00Z"},
			gate.Verdict{Gate: "hold", Answer: gate.Block, Reason: "held by grace since 2026-11-21 08:12Z: the ledger migration is still running; remove the label waveguide/hold to go on", Owner: "grace"})},
		{"An issue pauses its environment", shop(signature, previous,
			gate.Verdict{Gate: "pause", Answer: gate.Block, Reason: "paused by ada since 2026-11-21 08:12Z with #57; close it to resume", Owner: "ada"})},
		{"A person pushed to its branch", shop(signature, previous,
			gate.Verdict{Gate: "checks", Answer: gate.Block, Reason: "the branch is not the planned edit: README.md was added or removed; add the label waveguide/rebase to rebuild it", Owner: "whoever pushed"})},
		{"Somebody approved it, and a newer version waits", behind},
		{"What was proven is not any more", shop(gate.Verdict{
			Gate: "signature", Answer: gate.Block, Reason: "1.5.0 (sha256:5b5b5b5b5b5b) has no signature that counts: the key release-workflow is revoked in the daemon's file", Owner: "the build",
		}, previous)},
		{"Every gate passes", shop(signature, previous, pass("approval", "approved by ada, grace"))},
		{"It is the way back", rollback},
		{"An emergency was declared in a freeze", declared},
		{"A person pinned another version", pinned},
	}
	var b strings.Builder
	b.WriteString("# A proposal in each state\n\nWhat reviewers read, as the forge gets it. A test keeps this page equal to what the program writes.\n")
	for _, s := range states {
		fmt.Fprintf(&b, "\n## %s\n\nTitle: `%s`\n\n%s\n---\n", s.name, prose.Proposal{}.Title(s.letter.Plan), prose.Proposal{}.Body(s.letter))
	}
	got := strings.ReplaceAll(b.String(), "### What you can do", "#### What you can do")
	if *update {
		if err := os.WriteFile(bodies, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(bodies)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got); write it with -update:\n%s", bodies, diff)
	}
}
