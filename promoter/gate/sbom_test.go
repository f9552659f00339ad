package gate_test

import (
	"testing"

	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/signals"
)

func TestSBOM(t *testing.T) {
	t.Parallel()
	table(t, "sbom", []row{
		{name: "verified", want: gate.Pass, says: "verified sbom"},
		{name: "nobody looked", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Proofs = nil
		}, want: gate.Wait, says: "not looked at yet"},
		{name: "not collected", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Proofs, c.Uncollected = nil, []signals.ProofKind{"sbom"}
		}, want: gate.Wait, says: "not collected by this build"},
		{name: "of another digest", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Proofs[2].Digest = digestOld
		}, want: gate.Wait, says: "not looked at yet"},
		{name: "absent", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Proofs[2].Outcome = signals.OutcomeAbsent
		}, want: gate.Block, says: "has no sbom"},
		{name: "refused", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Proofs[2].Outcome, c.Facts.Proofs[2].Reason = signals.OutcomeRefused, hostile
		}, want: gate.Block, says: hostile},
		{name: "unreadable", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Proofs[2].Outcome = signals.OutcomeUnknown
		}, want: gate.Wait, says: "could not be read"},
		{name: "only warns", change: func(c *gate.Case, s *gate.Set) {
			c.Facts.Proofs[2].Outcome, s.SBOM.Mode = signals.OutcomeAbsent, gate.Warn
		}, want: gate.Pass, says: "would block, but the rules only warn"},
	})
}
