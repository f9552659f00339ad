package gate_test

import (
	"testing"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/gate"
)

func TestChecks(t *testing.T) {
	t.Parallel()
	table(t, "checks", []row{
		{name: "green", want: gate.Pass, says: "every other required check is green"},
		{name: "no proposal", change: func(c *gate.Case, _ *gate.Set) {
			c.Proposal = nil
		}, want: gate.Wait, says: "no proposal"},
		{name: "somebody pushed", change: func(c *gate.Case, _ *gate.Set) {
			c.Proposal.Edited = hostile
		}, want: gate.Block, says: hostile},
		{name: "behind", change: func(c *gate.Case, _ *gate.Set) {
			c.Proposal.Behind = true
		}, want: gate.Wait, says: "newest commit"},
		{name: "another digest", change: func(c *gate.Case, _ *gate.Set) {
			c.Proposal.To.Digest = string(digestOld)
		}, want: gate.Wait, says: "the branch names"},
		{name: "failed", change: func(c *gate.Case, _ *gate.Set) {
			c.Proposal.Checks[0].State = gitops.CheckFailure
		}, want: gate.Block, says: "ci failed"},
		{name: "pending", change: func(c *gate.Case, _ *gate.Set) {
			c.Proposal.Checks[0].State = gitops.CheckPending
		}, want: gate.Wait, says: "ci is pending"},
		{name: "a state nobody knows", change: func(c *gate.Case, _ *gate.Set) {
			c.Proposal.Checks[0].State = ""
		}, want: gate.Wait, says: "says nothing"},
		{name: "failed but not required", change: func(c *gate.Case, _ *gate.Set) {
			c.Proposal.Checks[0].State, c.Proposal.Checks[0].Required = gitops.CheckFailure, false
		}, want: gate.Pass},
		{name: "a block behind a wait", change: func(c *gate.Case, _ *gate.Set) {
			c.Proposal.Checks = []gitops.Check{{Name: "a", Required: true}, {Name: "b", State: gitops.CheckFailure, Required: true}}
		}, want: gate.Block, says: "b failed"},
		{name: "the files name only the tag", change: func(c *gate.Case, _ *gate.Set) {
			c.Proposal.To.Digest = ""
		}, want: gate.Pass},
		{name: "only another tag", change: func(c *gate.Case, _ *gate.Set) {
			c.Proposal.To = gitops.Version{Tag: "2.0.9"}
		}, want: gate.Wait, says: "the branch names 2.0.9"},
	})
}
