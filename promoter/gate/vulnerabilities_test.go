package gate_test

import (
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/signals"
)

func TestVulnerabilities(t *testing.T) {
	t.Parallel()
	table(t, "vulnerabilities", []row{
		{name: "young scan", want: gate.Pass, says: "verified", until: noon().Add(6 * 24 * time.Hour)},
		{name: "exactly too old", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Proofs[3].Signed = c.Now.Add(-7 * 24 * time.Hour)
		}, want: gate.Wait, says: "older than the rules allow"},
		{name: "a moment before too old", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Proofs[3].Signed = c.Now.Add(-7*24*time.Hour + time.Second)
		}, want: gate.Pass, until: noon().Add(time.Second)},
		{name: "no verified time", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Proofs[3].Signed = time.Time{}
		}, want: gate.Wait, says: "nobody verified when"},
		{name: "any age", change: func(c *gate.Case, s *gate.Set) {
			c.Facts.Proofs[3].Signed = time.Time{}
			s.Vulnerabilities.MaxAge = 0
		}, want: gate.Pass},
		{name: "finds too much", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Proofs[3].Outcome, c.Facts.Proofs[3].Reason = signals.OutcomeRefused, hostile
		}, want: gate.Block, says: hostile},
		{name: "scan of another digest", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Proofs[3].Digest = digestOld
		}, want: gate.Wait},
	})
}
