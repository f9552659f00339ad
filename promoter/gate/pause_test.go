package gate_test

import (
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/gate"
)

func TestPause(t *testing.T) {
	t.Parallel()
	table(t, "pause", []row{
		{name: "none", want: gate.Pass, says: "nothing pauses"},
		{name: "everything", change: func(c *gate.Case, _ *gate.Set) {
			c.Pauses = []gitops.Pause{{ID: "#7", By: gitops.Actor{Name: hostile}}}
		}, want: gate.Block, says: hostile},
		{name: "unreadable", change: func(c *gate.Case, _ *gate.Set) {
			c.PausesUnread = hostile
		}, want: gate.Wait, says: hostile},
		{name: "another environment", change: func(c *gate.Case, _ *gate.Set) {
			c.Pauses = []gitops.Pause{{ID: "#7", Environments: []string{"dev"}}}
		}, want: gate.Pass},
		{name: "this wave", change: func(c *gate.Case, _ *gate.Set) {
			c.Pauses = []gitops.Pause{{ID: "#7", Waves: []string{"payments/prod"}}}
		}, want: gate.Block, says: "#7"},
		{name: "a word not understood", change: func(c *gate.Case, _ *gate.Set) {
			c.Pauses = []gitops.Pause{gitops.ParsePause("env:dev until:tomorrow")}
		}, want: gate.Block, says: "until:tomorrow was not understood"},
		{name: "a second before it ends", change: func(c *gate.Case, _ *gate.Set) {
			c.Pauses = []gitops.Pause{{ID: "#7", Until: c.Now.Add(time.Second)}}
		}, want: gate.Block, says: "it ends at", until: noon().Add(time.Second)},
		{name: "ends exactly on time", change: func(c *gate.Case, _ *gate.Set) {
			c.Pauses = []gitops.Pause{{ID: "#7", Until: c.Now}}
		}, want: gate.Pass},
		{name: "asked of an emergency", change: func(c *gate.Case, _ *gate.Set) {
			c.Class = "emergency/sev1"
			c.Pauses = []gitops.Pause{{ID: "#7"}}
		}, want: gate.Block},
	})
}
