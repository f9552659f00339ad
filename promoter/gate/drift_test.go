package gate_test

import (
	"testing"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/signals"
)

func TestDrift(t *testing.T) {
	t.Parallel()
	table(t, "drift", []row{
		{name: "runs what Git names", want: gate.Pass, says: "runs what Git names"},
		{name: "runs another digest", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Health[0].Digest, c.Facts.Health[1].Digest = digestNew, digestNew
		}, want: gate.Wait, says: "but Git names"},
		{name: "nobody can tell", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Health = nil
		}, want: gate.Wait, says: "nobody can tell"},
		{name: "Git is trusted", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Health = nil
			c.TrustDesired = true
		}, want: gate.Pass, says: "takes what Git desires"},
		{name: "trust does not settle a quarrel", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Health[0].Digest = digestNew
			c.TrustDesired = true
		}, want: gate.Wait, says: "disagree"},
		{name: "Git names a tag that the registry knows", change: func(c *gate.Case, _ *gate.Set) {
			c.Current.Version.Digest = ""
		}, want: gate.Pass},
		{name: "Git names a tag that nobody knows", change: func(c *gate.Case, _ *gate.Set) {
			c.Current.Version.Digest, c.Running = "", signals.Version{}
		}, want: gate.Wait, says: "nobody knows which digest"},
		{name: "the registry knows another tag than Git names", change: func(c *gate.Case, _ *gate.Set) {
			c.Current.Version = gitops.Version{Tag: "1.9.0"}
		}, want: gate.Wait, says: "nobody knows which digest"},
		{name: "several places disagree", change: func(c *gate.Case, _ *gate.Set) {
			c.Current.Presence = gitops.Mixed
		}, want: gate.Pass, says: "sets all of them"},
	})
}
