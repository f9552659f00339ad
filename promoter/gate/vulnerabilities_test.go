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
		{name: "findings are not known", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Proofs[3].Scan = nil
		}, want: gate.Wait, says: "not known"},
		{name: "of the blocked severity", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Proofs[3].Scan.Findings[0].Severity = "critical"
		}, want: gate.Block, says: "finds 1 that may not be: CVE-2026-1 (critical)"},
		{name: "above the blocked severity", change: func(c *gate.Case, s *gate.Set) {
			c.Facts.Proofs[3].Scan.Findings[0].Severity, s.Vulnerabilities.BlockFrom = "critical", "low"
		}, want: gate.Block, says: "CVE-2026-1 (critical)"},
		{name: "of an unknown severity", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Proofs[3].Scan.Findings[0].Severity = ""
		}, want: gate.Block, says: "CVE-2026-1 (severity unknown)"},
		{name: "of a severity that is no word of ours", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Proofs[3].Scan.Findings[0].Severity = "terrible"
		}, want: gate.Block, says: "CVE-2026-1 (terrible)"},
		{name: "excused by an exception", change: func(c *gate.Case, s *gate.Set) {
			c.Facts.Proofs[3].Scan.Findings[0].Severity, s.Vulnerabilities.Excused = "critical", []string{"CVE-2026-1"}
		}, want: gate.Pass},
		{name: "another one is excused", change: func(c *gate.Case, s *gate.Set) {
			c.Facts.Proofs[3].Scan.Findings[0].Severity, s.Vulnerabilities.Excused = "critical", []string{"CVE-2026-10"}
		}, want: gate.Block},
		{name: "not affected by signed word", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Proofs[3].Scan.Findings[0] = signals.Finding{ID: "CVE-2026-1", Severity: "critical", Unaffected: "not affected: code is not present"}
		}, want: gate.Pass},
		{name: "more than the list holds", change: func(c *gate.Case, s *gate.Set) {
			c.Facts.Proofs[3].Scan.Omitted, s.Vulnerabilities.BlockFrom, s.Vulnerabilities.Excused = 7, "high", []string{"CVE-2026-1"}
		}, want: gate.Block, says: "more than the list holds"},
		{name: "more that do not block than the list holds", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Proofs[3].Scan.Omitted = 7
		}, want: gate.Pass},
		{name: "signed long after it was made", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Proofs[3].Scan.Finished = c.Now.Add(-8 * 24 * time.Hour)
		}, want: gate.Wait, says: "older than the rules allow"},
		{name: "the scanner's own time where nobody verified one", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Proofs[3].Signed, c.Facts.Proofs[3].Scan.Finished = time.Time{}, c.Now.Add(-24*time.Hour)
		}, want: gate.Pass, until: noon().Add(6 * 24 * time.Hour)},
		{name: "only warns", change: func(c *gate.Case, s *gate.Set) {
			c.Facts.Proofs[3].Scan.Findings[0].Severity, s.Vulnerabilities.Mode = "critical", gate.Warn
		}, want: gate.Pass, says: "would block, but the rules only warn"},
	})
}
