package gate_test

import (
	"testing"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/gate"
)

func TestHold(t *testing.T) {
	t.Parallel()
	table(t, "hold", []row{
		{name: "nobody", want: gate.Pass, says: "nobody holds it"},
		{name: "no proposal", change: func(c *gate.Case, _ *gate.Set) {
			c.Proposal = nil
		}, want: gate.Pass, says: "no proposal"},
		{name: "held", change: func(c *gate.Case, _ *gate.Set) {
			c.Proposal.Labels = []gitops.Label{{Name: gitops.LabelHold, By: gitops.Actor{Name: "bob"}, At: c.Now, Reason: hostile}}
		}, want: gate.Block, says: hostile},
		{name: "held in the words of prow", change: func(c *gate.Case, _ *gate.Set) {
			c.Proposal.Labels = []gitops.Label{{Name: gitops.LabelHoldProw}}
		}, want: gate.Block, says: "held by somebody; remove"},
		{name: "another label", change: func(c *gate.Case, _ *gate.Set) {
			c.Proposal.Labels = []gitops.Label{{Name: hostile}}
		}, want: gate.Pass},
		{name: "unreadable", change: func(c *gate.Case, _ *gate.Set) {
			c.Proposal.Unread = hostile
		}, want: gate.Wait, says: hostile},
		{name: "asked of an emergency", change: func(c *gate.Case, _ *gate.Set) {
			c.Class = "emergency/sev1"
			c.Proposal.Labels = []gitops.Label{{Name: gitops.LabelHold}}
		}, want: gate.Block},
	})
}
