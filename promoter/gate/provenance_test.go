package gate_test

import (
	"testing"

	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/signals"
)

func TestProvenance(t *testing.T) {
	t.Parallel()
	table(t, "provenance", []row{
		{name: "verified", want: gate.Pass, says: "verified provenance"},
		{name: "nobody looked", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Proofs = nil
		}, want: gate.Wait, says: "not looked at yet"},
		{name: "not collected", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Proofs, c.Uncollected = nil, []signals.ProofKind{"provenance"}
		}, want: gate.Wait, says: "not collected by this build"},
		{name: "of another digest", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Proofs[1].Digest = digestOld
		}, want: gate.Wait, says: "not looked at yet"},
		{name: "absent", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Proofs[1].Outcome = signals.OutcomeAbsent
		}, want: gate.Block, says: "has no provenance"},
		{name: "refused", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Proofs[1].Outcome, c.Facts.Proofs[1].Reason = signals.OutcomeRefused, hostile
		}, want: gate.Block, says: hostile},
		{name: "unreadable", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Proofs[1].Outcome = signals.OutcomeUnknown
		}, want: gate.Wait, says: "could not be read"},
		{name: "nothing of a build", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Proofs[1].Builds = nil
		}, want: gate.Block, says: "nothing of a build"},
		{name: "another source", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Proofs[1].Builds[0].Source = source + "-fork"
		}, want: gate.Block, says: "built from " + source + "-fork"},
		{name: "another branch", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Proofs[1].Builds[0].Ref = "refs/heads/main2"
		}, want: gate.Block, says: "not from the branch main"},
		{name: "a tag named like the branch", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Proofs[1].Builds[0].Ref = "refs/tags/main"
		}, want: gate.Block, says: "not from the branch main"},
		{name: "a tag that may be built", change: func(c *gate.Case, s *gate.Set) {
			c.Facts.Proofs[1].Builds[0].Ref, s.Provenance.Tag = "refs/tags/v2.1.0", "v*"
		}, want: gate.Pass},
		{name: "only tags may be built", change: func(_ *gate.Case, s *gate.Set) {
			s.Provenance.Branch, s.Provenance.Tag = "", "v*"
		}, want: gate.Block, says: "not from a tag v*"},
		{name: "the builder", change: func(_ *gate.Case, s *gate.Set) {
			s.Provenance.Builder = "https://github.com/actions/runner/*"
		}, want: gate.Pass},
		{name: "another builder", change: func(c *gate.Case, s *gate.Set) {
			c.Facts.Proofs[1].Builds[0].Builder += "/evil"
			s.Provenance.Builder = "https://github.com/actions/runner/*"
		}, want: gate.Block, says: "not by https://github.com/actions/runner/*"},
		{name: "one of several builds", change: func(c *gate.Case, _ *gate.Set) {
			good := c.Facts.Proofs[1].Builds[0]
			c.Facts.Proofs[1].Builds = []signals.Build{{Source: hostile}, good}
		}, want: gate.Pass},
		{name: "only warns", change: func(c *gate.Case, s *gate.Set) {
			c.Facts.Proofs[1].Builds, s.Provenance.Mode = nil, gate.Warn
		}, want: gate.Pass, says: "would block, but the rules only warn"},
		{name: "switched off", change: func(c *gate.Case, s *gate.Set) {
			c.Facts.Proofs, s.Provenance.Mode = nil, gate.UnsafeOff
		}, want: gate.Pass, says: "unsafe-off"},
		{name: "a mode nobody knows", change: func(c *gate.Case, s *gate.Set) {
			c.Facts.Proofs[1].Builds, s.Provenance.Mode = nil, "relaxed"
		}, want: gate.Block},
	})
}
