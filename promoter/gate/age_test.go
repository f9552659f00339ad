package gate_test

import (
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/signals"
)

func TestAge(t *testing.T) {
	t.Parallel()
	table(t, "age", []row{
		{name: "old enough", want: gate.Pass, says: "is known since 2026-11-21 12:00Z", until: noon().Add(28 * 24 * time.Hour)},
		{name: "exactly old enough", change: func(c *gate.Case, _ *gate.Set) {
			c.Candidate.FirstSeen = c.Now.Add(-time.Hour)
			c.Facts.Proofs = nil
		}, want: gate.Pass},
		{name: "a second too young", change: func(c *gate.Case, _ *gate.Set) {
			c.Candidate.FirstSeen = c.Now.Add(-time.Hour + time.Second)
			c.Facts.Proofs = nil
		}, want: gate.Wait, says: "old enough at", until: noon().Add(time.Second)},
		{name: "the verified time counts", change: func(c *gate.Case, _ *gate.Set) {
			c.Candidate.FirstSeen = c.Now
		}, want: gate.Pass},
		{name: "the time of another digest does not count", change: func(c *gate.Case, _ *gate.Set) {
			c.Candidate.FirstSeen = c.Now
			c.Facts.Proofs = proofs(digestOld, c.Now)
		}, want: gate.Wait},
		{name: "an unverified time does not count", change: func(c *gate.Case, _ *gate.Set) {
			c.Candidate.FirstSeen = c.Now
			c.Facts.Proofs[0].Outcome = signals.OutcomeRefused
		}, want: gate.Wait},
		{name: "the own claim does not count", change: func(c *gate.Case, _ *gate.Set) {
			c.Candidate.Created, c.Candidate.FirstSeen = c.Now.AddDate(-1, 0, 0), c.Now
			c.Facts.Proofs = nil
		}, want: gate.Wait},
		{name: "nobody knows", change: func(c *gate.Case, _ *gate.Set) {
			c.Candidate.FirstSeen = time.Time{}
			c.Facts.Proofs = nil
		}, want: gate.Wait, says: "nobody knows"},
		{name: "exactly too old", change: func(c *gate.Case, _ *gate.Set) {
			c.Candidate.FirstSeen = c.Now.Add(-30 * 24 * time.Hour)
		}, want: gate.Block, says: "too old since 2026-11-23 12:00Z"},
		{name: "no greatest age", change: func(c *gate.Case, s *gate.Set) {
			c.Candidate.FirstSeen = c.Now.AddDate(-9, 0, 0)
			s.Age.Max = 0
		}, want: gate.Pass},
	})
}
