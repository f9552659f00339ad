package gate_test

import (
	"testing"

	"github.com/waveguide-dev/waveguide/promoter/gate"
)

func TestRequires(t *testing.T) {
	t.Parallel()
	table(t, "requires", []row{
		{name: "there", want: gate.Pass, says: "is in prod-id"},
		{name: "not there", change: func(c *gate.Case, _ *gate.Set) {
			c.Needs[0].Met, c.Needs[0].Reason = false, hostile
		}, want: gate.Wait, says: hostile},
		{name: "nobody knows", change: func(c *gate.Case, _ *gate.Set) {
			c.Needs = nil
		}, want: gate.Wait, says: "nobody knows"},
		{name: "met for another version", change: func(c *gate.Case, _ *gate.Set) {
			c.Needs[0].Constraint = ">=1.0.0"
		}, want: gate.Wait, says: "nobody knows"},
	})
}
