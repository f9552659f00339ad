package gate_test

import (
	"testing"

	"github.com/waveguide-dev/waveguide/promoter/gate"
)

func TestLock(t *testing.T) {
	t.Parallel()
	table(t, "lock", []row{
		{name: "room", want: gate.Pass},
		{name: "full", change: func(c *gate.Case, _ *gate.Set) {
			c.Locks[0].Limit = 1
		}, want: gate.Wait, says: "taken by prod-sg/order-api"},
		{name: "ours already", change: func(c *gate.Case, _ *gate.Set) {
			c.Locks[0].Limit, c.Locks[0].Ours = 1, true
		}, want: gate.Pass},
	})
}
