package gate_test

import (
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/gate"
)

func TestApproval(t *testing.T) {
	t.Parallel()
	table(t, "approval", []row{
		{name: "approved", want: gate.Pass, says: "approved by ann", until: noon().Add(23 * time.Hour)},
		{name: "none required", change: func(_ *gate.Case, s *gate.Set) {
			s.Approval = gate.Approval{}
		}, want: gate.Pass, says: "no approval is required"},
		{name: "no proposal", change: func(c *gate.Case, _ *gate.Set) {
			c.Proposal = nil
		}, want: gate.Wait, says: "no proposal"},
		{name: "an approval of an older head", change: func(c *gate.Case, _ *gate.Set) {
			c.Proposal.Head = "head2"
		}, want: gate.Wait, says: "needs 1 approval(s)"},
		{name: "expired exactly on time", change: func(c *gate.Case, _ *gate.Set) {
			c.Proposal.Reviews[0].At = c.Now.Add(-24 * time.Hour)
		}, want: gate.Wait, says: "needs 1"},
		{name: "a second before it expires", change: func(c *gate.Case, _ *gate.Set) {
			c.Proposal.Reviews[0].At = c.Now.Add(-24*time.Hour + time.Second)
		}, want: gate.Pass, until: noon().Add(time.Second)},
		{name: "dismissed", change: func(c *gate.Case, _ *gate.Set) {
			c.Proposal.Reviews[0].State = gitops.Dismissed
		}, want: gate.Wait},
		{name: "a cause of the change", change: func(c *gate.Case, _ *gate.Set) {
			c.Proposal.Causers = []string{"ANN"}
		}, want: gate.Wait},
		{name: "a bot", change: func(c *gate.Case, _ *gate.Set) {
			c.Proposal.Reviews[0].By.Bot = true
		}, want: gate.Wait},
		{name: "the author", change: func(c *gate.Case, _ *gate.Set) {
			c.Proposal.Author.Name = "Ann"
		}, want: gate.Wait},
		{name: "somebody without a name", change: func(c *gate.Case, _ *gate.Set) {
			c.Proposal.Reviews[0].By.Name = ""
		}, want: gate.Wait},
		{name: "another team", change: func(c *gate.Case, _ *gate.Set) {
			c.Proposal.Reviews[0].By.Teams = []string{hostile}
		}, want: gate.Wait},
		{name: "may not write", change: func(c *gate.Case, s *gate.Set) {
			s.Approval.Required[0].From = ""
			c.Proposal.Reviews[0].By.Permission = gitops.PermissionRead
		}, want: gate.Wait, says: "people who may write"},
		{name: "two wanted, one person twice", change: func(c *gate.Case, s *gate.Set) {
			s.Approval.Required[0].Count = 2
			c.Proposal.Reviews = append(c.Proposal.Reviews, c.Proposal.Reviews[0])
			c.Proposal.Reviews[1].By.Name = "Ann"
		}, want: gate.Wait, says: "needs 2"},
		{name: "people are moved to the line they fit", change: func(c *gate.Case, s *gate.Set) {
			s.Approval.Required = []gate.Approver{{}, {From: "@ann"}}
			c.Proposal.Reviews = append(c.Proposal.Reviews, review("bob", gitops.Approved, c.Now))
		}, want: gate.Pass, says: "approved by ann, bob"},
		{name: "changes requested", change: func(c *gate.Case, _ *gate.Set) {
			c.Proposal.Reviews = append(c.Proposal.Reviews, review("bob", gitops.ChangesRequested, c.Now))
		}, want: gate.Block, says: "bob asks for changes"},
		{name: "changes requested and none required", change: func(c *gate.Case, s *gate.Set) {
			s.Approval = gate.Approval{}
			c.Proposal.Reviews = append(c.Proposal.Reviews, review("bob", gitops.ChangesRequested, c.Now))
		}, want: gate.Block},
		{name: "changes requested on an older head", change: func(c *gate.Case, _ *gate.Set) {
			c.Proposal.Reviews = append(c.Proposal.Reviews, review("bob", gitops.ChangesRequested, c.Now))
			c.Proposal.Reviews[1].Head = "head0"
		}, want: gate.Block},
		{name: "changes requested, later approved", change: func(c *gate.Case, _ *gate.Set) {
			c.Proposal.Reviews = append(c.Proposal.Reviews, review("ann", gitops.ChangesRequested, c.Now.Add(-2*time.Hour)))
		}, want: gate.Pass},
		{name: "approved, later changes requested", change: func(c *gate.Case, _ *gate.Set) {
			c.Proposal.Reviews = append(c.Proposal.Reviews, review("ann", gitops.ChangesRequested, c.Now))
		}, want: gate.Block},
		{name: "an approval of the future", change: func(c *gate.Case, _ *gate.Set) {
			c.Proposal.Reviews[0].At = c.Now.Add(time.Second)
		}, want: gate.Wait, until: noon().Add(time.Second)},
		{name: "asked of an emergency", change: func(c *gate.Case, _ *gate.Set) {
			c.Class = "emergency/sev1"
			c.Proposal.Reviews = nil
		}, want: gate.Wait},
	})
}

func review(who string, state gitops.ReviewState, at time.Time) gitops.Review {
	return gitops.Review{By: gitops.Actor{Name: who, Permission: gitops.PermissionWrite}, State: state, Head: "head1", At: at}
}
