package gate_test

import (
	"testing"

	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/signals"
)

func TestTests(t *testing.T) {
	t.Parallel()
	table(t, "tests", []row{
		{name: "verified", want: gate.Pass, says: "verified tests"},
		{name: "nobody looked", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Proofs = nil
		}, want: gate.Wait, says: "not looked at yet"},
		{name: "not collected", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Proofs, c.Uncollected = nil, []signals.ProofKind{"tests"}
		}, want: gate.Wait, says: "not collected by this build"},
		{name: "of another digest", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Proofs[4].Digest = digestOld
		}, want: gate.Wait, says: "not looked at yet"},
		{name: "absent", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Proofs[4].Outcome = signals.OutcomeAbsent
		}, want: gate.Block, says: "has no tests"},
		{name: "refused", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Proofs[4].Outcome, c.Facts.Proofs[4].Reason = signals.OutcomeRefused, hostile
		}, want: gate.Block, says: hostile},
		{name: "unreadable", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Proofs[4].Outcome = signals.OutcomeUnknown
		}, want: gate.Wait, says: "could not be read"},
		{name: "a suite without a result", change: func(_ *gate.Case, s *gate.Set) {
			s.Tests.Suites = []string{"e2e", "load"}
		}, want: gate.Block, says: "no result of the test suite load"},
		{name: "a suite that failed", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Proofs[4].Suites[1].Passed = false
		}, want: gate.Block, says: "test suite e2e failed"},
		{name: "another suite that failed", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Proofs[4].Suites[0].Passed = false
		}, want: gate.Pass},
		{name: "any suite that failed, where none is named", change: func(c *gate.Case, s *gate.Set) {
			c.Facts.Proofs[4].Suites[0].Passed, s.Tests.Suites = false, nil
		}, want: gate.Block, says: "failed: unit"},
		{name: "no suite at all", change: func(c *gate.Case, s *gate.Set) {
			c.Facts.Proofs[4].Suites, s.Tests.Suites = nil, nil
		}, want: gate.Block, says: "name no suite"},
		{name: "only warns", change: func(c *gate.Case, s *gate.Set) {
			c.Facts.Proofs, s.Tests.Mode = nil, gate.Warn
		}, want: gate.Pass, says: "would wait, but the rules only warn"},
	})
}
