package gate_test

import (
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/signals"
)

func TestHealth(t *testing.T) {
	t.Parallel()
	table(t, "health", []row{
		{name: "healthy", want: gate.Pass, says: "are healthy", until: noon().Add(4 * time.Minute)},
		{name: "no signal named", change: func(c *gate.Case, _ *gate.Set) {
			c.Signals = nil
		}, want: gate.Pass, says: "no signal is named"},
		{name: "a sibling fails", change: func(c *gate.Case, _ *gate.Set) {
			c.Failing = []string{"prod-sg"}
		}, want: gate.Block, says: "prod-sg turned unhealthy"},
		{name: "unhealthy", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Health[0].State, c.Facts.Health[0].Reason = signals.StateUnhealthy, hostile
		}, want: gate.Block, says: hostile, until: noon().Add(4 * time.Minute)},
		{name: "progressing", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Health[0].State = signals.StateProgressing
		}, want: gate.Wait, says: "progressing"},
		{name: "a state nobody knows", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Health[0].State = hostile
		}, want: gate.Wait, says: "which is no state"},
		{name: "no data", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Health = nil
		}, want: gate.Wait, says: "has no data"},
		{name: "no data is accepted", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Health = nil
			c.Signals[0].NoDataHealthy = true
		}, want: gate.Pass, says: "are healthy; synced of prod-id has no data, which the rules call healthy"},
		{name: "exactly too old", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Health[0].At = c.Now.Add(-5 * time.Minute)
		}, want: gate.Wait, says: "too long ago"},
		{name: "a second before too old", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Health[0].At = c.Now.Add(-5*time.Minute + time.Second)
		}, want: gate.Pass, until: noon().Add(time.Second)},
		{name: "old bad news", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Health[0].At, c.Facts.Health[0].State = c.Now.Add(-5*time.Minute), signals.StateUnhealthy
		}, want: gate.Wait, says: "too long ago"},
		{name: "dated in the future", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Health[0].At = c.Now.Add(signals.Skew + time.Second)
		}, want: gate.Wait, says: "in the future"},
		{name: "a clock that goes a little ahead", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Health[0].At = c.Now.Add(signals.Skew)
		}, want: gate.Pass},
		{name: "asked about another version", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Health[0].For = digestNew
		}, want: gate.Wait, says: "which Git no longer names"},
		{name: "asked about this version", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Health[0].For = digestOld
		}, want: gate.Pass},
		{name: "not collected", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Health[0].Uncollected = true
		}, want: gate.Wait, says: "not collected by this build"},
		{name: "a block behind a wait", change: func(c *gate.Case, _ *gate.Set) {
			c.Signals = append([]gate.Signal{{Name: "none"}}, c.Signals...)
			c.Facts.Health[0].State = signals.StateUnhealthy
		}, want: gate.Block, says: "synced"},
	})
}
