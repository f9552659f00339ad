package gate_test

import (
	"testing"

	"github.com/waveguide-dev/waveguide/promoter/gate"
)

func TestPolicy(t *testing.T) {
	t.Parallel()
	table(t, "policy", []row{
		{name: "holds", want: gate.Pass, says: "every policy holds"},
		{name: "does not hold", change: func(c *gate.Case, _ *gate.Set) {
			c.Labels = map[string]string{"stage": "dev"}
		}, want: gate.Block, says: "does not hold"},
		{name: "fails", change: func(c *gate.Case, _ *gate.Set) {
			c.Labels = nil
		}, want: gate.Block, says: "failed"},
		{name: "hostile text", change: func(c *gate.Case, _ *gate.Set) {
			c.Lane.Artifact = hostile
		}, want: gate.Block, says: "does not hold"},
		{name: "not compiled", change: func(_ *gate.Case, s *gate.Set) {
			s.Policy.Rules = []gate.Expression{{Name: "raw", Text: "true"}}
		}, want: gate.Wait, says: "not compiled"},
	})
}
