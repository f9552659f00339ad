package gate_test

import (
	"testing"

	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/signals"
)

func TestSignature(t *testing.T) {
	t.Parallel()
	table(t, "signature", []row{
		{name: "verified", want: gate.Pass, says: "verified"},
		{name: "nobody looked", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Proofs = nil
		}, want: gate.Wait, says: "not looked at yet"},
		{name: "proof of another digest", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Proofs = proofs(digestOld, c.Now)
		}, want: gate.Wait, says: "not looked at yet"},
		{name: "absent", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Proofs[0].Outcome = signals.OutcomeAbsent
		}, want: gate.Block, says: "has no signature"},
		{name: "refused", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Proofs[0].Outcome, c.Facts.Proofs[0].Reason = signals.OutcomeRefused, hostile
		}, want: gate.Block, says: hostile},
		{name: "unreadable", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Proofs[0].Outcome, c.Facts.Proofs[0].Reason = "", hostile
		}, want: gate.Wait, says: hostile},
		{name: "an outcome nobody knows", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Proofs[0].Outcome = "fine"
		}, want: gate.Wait, says: "could not be read"},
		{name: "no candidate and a proof of nothing", change: func(c *gate.Case, _ *gate.Set) {
			c.Candidate.Digest, c.Facts.Proofs[0].Digest = "", ""
		}, want: gate.Wait, says: "no version"},
		{name: "names no repository", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Proofs[0].Repository = ""
		}, want: gate.Block, says: "names no repository"},
		{name: "names no repository and that is accepted", change: func(c *gate.Case, s *gate.Set) {
			c.Facts.Proofs[0].Repository = ""
			s.Signature.UnsafeUnbound = true
		}, want: gate.Pass},
		{name: "made for another repository", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Proofs[0].Repository = "registry.example.com/evil"
		}, want: gate.Block, says: "was made for"},
		{name: "made for another version", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Proofs[0].Tag = "1.0.0"
		}, want: gate.Block, says: "signed as version 1.0.0"},
		{name: "asked of a rollback", change: func(c *gate.Case, _ *gate.Set) {
			c.Class = gate.Rollback
			c.Facts.Proofs = nil
		}, want: gate.Wait},
		{name: "asked of an emergency", change: func(c *gate.Case, _ *gate.Set) {
			c.Class = "emergency/sev1"
			c.Facts.Proofs = nil
		}, want: gate.Wait},
		{name: "names no repository, but the source of an exact identity", change: func(c *gate.Case, s *gate.Set) {
			s.Signature = &gate.Signature{Identity: source + "/.github/workflows/release.yaml@refs/heads/main", Issuer: "github"}
			c.Facts.Proofs[0].Repository, c.Facts.Proofs[0].Builds = "", []signals.Build{{Source: source, Certified: true}}
		}, want: gate.Pass},
		{name: "names no repository, and the source is only the build's word", change: func(c *gate.Case, s *gate.Set) {
			s.Signature = &gate.Signature{Identity: source + "/.github/workflows/release.yaml@refs/heads/main", Issuer: "github"}
			c.Facts.Proofs[0].Repository, c.Facts.Proofs[0].Builds = "", []signals.Build{{Source: source}}
		}, want: gate.Block, says: "names no repository"},
		{name: "names no repository, and a pattern of identities", change: func(c *gate.Case, s *gate.Set) {
			s.Signature = &gate.Signature{Identity: source + "/.github/workflows/*@refs/heads/main", Issuer: "github"}
			c.Facts.Proofs[0].Repository, c.Facts.Proofs[0].Builds = "", []signals.Build{{Source: source, Certified: true}}
		}, want: gate.Block, says: "names no repository"},
		{name: "a pattern of identities and the source that is named", change: func(c *gate.Case, s *gate.Set) {
			s.Signature = &gate.Signature{By: "ci", Source: source}
			c.Facts.Proofs[0].Repository, c.Facts.Proofs[0].Builds = "", []signals.Build{{Source: source, Certified: true}}
		}, want: gate.Pass},
		{name: "another source", change: func(c *gate.Case, s *gate.Set) {
			s.Signature = &gate.Signature{By: "ci", Source: source}
			c.Facts.Proofs[0].Builds = []signals.Build{{Source: source + "-fork", Certified: true}}
		}, want: gate.Block, says: "signed by a build of " + source + "-fork"},
		{name: "no source", change: func(_ *gate.Case, s *gate.Set) {
			s.Signature.Source = source
		}, want: gate.Block, says: "no source that a certificate names"},
		{name: "a source of another artifact of the same identity", change: func(c *gate.Case, s *gate.Set) {
			s.Signature = &gate.Signature{Identity: "https://github.com/acme/ci/.github/workflows/release.yaml@refs/heads/main", Issuer: "github"}
			c.Facts.Proofs[0].Repository, c.Facts.Proofs[0].Builds = "", []signals.Build{{Source: source, Certified: true}}
		}, want: gate.Block, says: "names no repository"},
	})
}
