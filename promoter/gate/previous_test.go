package gate_test

import (
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/gate"
)

func TestPrevious(t *testing.T) {
	t.Parallel()
	table(t, "previous", []row{
		{name: "earned", want: gate.Pass, says: "earned dev at 2026-11-23 10:00Z"},
		{name: "first wave", change: func(c *gate.Case, _ *gate.Set) {
			c.Upstream = nil
		}, want: gate.Pass, says: "first wave"},
		{name: "not earned", change: func(c *gate.Case, _ *gate.Set) {
			c.Upstream[0].Earned, c.Upstream[0].Reason = time.Time{}, hostile
		}, want: gate.Wait, says: hostile},
		{name: "absent in an earlier wave", change: func(c *gate.Case, _ *gate.Set) {
			c.Upstream[0].Presence = gitops.Absent
		}, want: gate.Block, says: "absentIn"},
		{name: "absent and allowed", change: func(c *gate.Case, _ *gate.Set) {
			c.Upstream[0].Presence, c.Upstream[0].Optional = gitops.Absent, true
		}, want: gate.Pass, says: "allow order-api to be absent in dev"},
		{name: "one of two not earned", change: func(c *gate.Case, _ *gate.Set) {
			c.Upstream = append(c.Upstream, gate.Upstream{Wave: "qa", Environment: "qa", Presence: gitops.At})
		}, want: gate.Wait, says: "has not earned qa"},
		{name: "a block behind a wait", change: func(c *gate.Case, _ *gate.Set) {
			c.Upstream[0].Earned = time.Time{}
			c.Upstream = append(c.Upstream, gate.Upstream{Environment: "qa", Presence: gitops.Absent})
		}, want: gate.Block, says: "is not in qa"},
	})
}
