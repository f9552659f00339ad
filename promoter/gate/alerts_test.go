package gate_test

import (
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/signals"
)

func TestAlerts(t *testing.T) {
	t.Parallel()
	table(t, "alerts", []row{
		{name: "none", want: gate.Pass, says: "no alert covers prod-id", until: noon().Add(14 * time.Minute)},
		{name: "one fires", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Health[1].State, c.Facts.Health[1].Reason = signals.StateUnhealthy, hostile
		}, want: gate.Block, says: hostile},
		{name: "nobody can tell", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Health = nil
		}, want: gate.Wait, says: "nobody can tell"},
		{name: "exactly too old", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Health[1].At = c.Now.Add(-15 * time.Minute)
		}, want: gate.Wait, says: "too long ago"},
		{name: "dated in the future", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Health[1].At = c.Now.Add(time.Hour)
		}, want: gate.Wait, says: "in the future"},
		{name: "older than the signal allows", change: func(c *gate.Case, _ *gate.Set) {
			c.Signals = append(c.Signals, gate.Signal{Name: "alerts", MaxAge: time.Minute})
		}, want: gate.Wait, says: "too long ago"},
		{name: "not collected", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Health[1].Uncollected = true
		}, want: gate.Wait, says: "not collected by this build"},
	})
}
