package gate_test

import (
	"testing"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/signals"
)

func TestVersion(t *testing.T) {
	t.Parallel()
	table(t, "version", []row{
		{name: "it is the candidate", want: gate.Pass, says: "is the candidate"},
		{name: "absent here", change: func(c *gate.Case, _ *gate.Set) {
			c.Current.Presence = gitops.Absent
		}, want: gate.Wait, says: "add it once by hand"},
		{name: "nobody read Git", change: func(c *gate.Case, _ *gate.Set) {
			c.Current = gitops.Desired{Problem: hostile}
		}, want: gate.Wait, says: hostile},
		{name: "no candidate", change: func(c *gate.Case, _ *gate.Set) {
			c.Candidate = signals.Version{}
			c.Why = hostile
		}, want: gate.Wait, says: hostile},
		{name: "a tag with two digests", change: func(c *gate.Case, _ *gate.Set) {
			c.Conflict = hostile
		}, want: gate.Block, says: hostile},
		{name: "the registry is silent", change: func(c *gate.Case, _ *gate.Set) {
			c.VersionsUnread = hostile
		}, want: gate.Wait, says: hostile},
		{name: "older than what is there", change: func(c *gate.Case, _ *gate.Set) {
			c.Backwards = true
		}, want: gate.Block, says: "older"},
		{name: "an index without its children", change: func(c *gate.Case, _ *gate.Set) {
			c.Candidate.Incomplete = true
		}, want: gate.Wait, says: "does not have yet"},
		{name: "a platform is missing", change: func(c *gate.Case, _ *gate.Set) {
			c.Running.Platforms = []string{"linux/amd64", "linux/arm64"}
		}, want: gate.Block, says: "lacks linux/arm64"},
	})
}
