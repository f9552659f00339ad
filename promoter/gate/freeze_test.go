package gate_test

import (
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/gate"
)

func TestFreeze(t *testing.T) {
	t.Parallel()
	table(t, "freeze", []row{
		{name: "none soon", want: gate.Pass, says: "no freeze", until: noon().AddDate(0, 1, 0).Add(-15 * time.Minute)},
		{name: "in force", change: func(c *gate.Case, _ *gate.Set) {
			c.Now = noon().AddDate(0, 1, 0)
		}, want: gate.Wait, says: "in force", until: noon().AddDate(0, 2, 0)},
		{name: "exactly too soon", change: func(c *gate.Case, _ *gate.Set) {
			c.Now = noon().AddDate(0, 1, 0).Add(-15 * time.Minute)
		}, want: gate.Wait, says: "too soon"},
		{name: "a second before too soon", change: func(c *gate.Case, _ *gate.Set) {
			c.Now = noon().AddDate(0, 1, 0).Add(-15*time.Minute - time.Second)
		}, want: gate.Pass},
		{name: "over exactly on time", change: func(c *gate.Case, _ *gate.Set) {
			c.Now = noon().AddDate(0, 2, 0)
		}, want: gate.Pass},
		{name: "its last second", change: func(c *gate.Case, _ *gate.Set) {
			c.Now = noon().AddDate(0, 2, 0).Add(-time.Second)
		}, want: gate.Wait},
		{name: "without an end", change: func(c *gate.Case, s *gate.Set) {
			c.Now = noon().AddDate(9, 0, 0)
			s.Freeze.Freezes[0].Until = time.Time{}
		}, want: gate.Wait, says: "in force"},
		{name: "an emergency it allows", change: func(c *gate.Case, _ *gate.Set) {
			c.Now = noon().AddDate(0, 1, 0)
			c.Class = "emergency/sev1"
		}, want: gate.Pass},
		{name: "an emergency it does not allow", change: func(c *gate.Case, _ *gate.Set) {
			c.Now = noon().AddDate(0, 1, 0)
			c.Class = "emergency/sev2"
		}, want: gate.Wait},
		{name: "an emergency it allows with approvals", change: func(c *gate.Case, s *gate.Set) {
			c.Now, c.Class = noon().AddDate(0, 1, 0), "emergency/sev1"
			s.Freeze.Freezes[0].Approvals = []gate.Approver{{From: "@acme/head"}}
		}, want: gate.Wait, says: "freeze year-end lets emergency/sev1 pass once it is approved: needs 1 approval(s) from @acme/head", until: noon().AddDate(0, 2, 0)},
		{name: "an emergency it allows and the head approved", change: func(c *gate.Case, s *gate.Set) {
			c.Now, c.Class = noon().AddDate(0, 1, 0), "emergency/sev1"
			s.Freeze.Freezes[0].Approvals = []gate.Approver{{From: "@acme/head"}}
			head := gitops.Actor{Name: "hedda", Permission: gitops.PermissionWrite, Teams: []string{"@acme/head"}}
			c.Proposal.Reviews = append(c.Proposal.Reviews, gitops.Review{By: head, State: gitops.Approved, Head: c.Proposal.Head, At: noon()})
		}, want: gate.Pass},
		{name: "approvals before the freeze begins", change: func(c *gate.Case, s *gate.Set) {
			c.Class = "emergency/sev1"
			s.Freeze.Freezes[0].Approvals = []gate.Approver{{From: "@acme/head"}}
		}, want: gate.Pass},
		{name: "a rollback", change: func(c *gate.Case, _ *gate.Set) {
			c.Now = noon().AddDate(0, 1, 0)
			c.Class = gate.Rollback
		}, want: gate.Wait},
		{name: "hostile text", change: func(c *gate.Case, s *gate.Set) {
			c.Now = noon().AddDate(0, 1, 0)
			s.Freeze.Freezes[0].Name = hostile
		}, want: gate.Wait, says: hostile},
	})
}
