package gate_test

import (
	"testing"
	"time"

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
		{name: "what Git names ran there", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Health[0].Digest, c.Facts.Health[1].Digest = digestNew, digestNew
			c.Facts.Streak = signals.Streak{Digest: digestOld, Began: c.Now.Add(-time.Hour)}
		}, want: gate.Wait, says: "changed it past Git"},
		{name: "what Git names ran there until it was unhealthy", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Health[0].Digest, c.Facts.Health[1].Digest = digestNew, digestNew
			c.Facts.Streak = signals.Streak{Digest: digestOld, Resets: 1}
		}, want: gate.Wait, says: "changed it past Git"},
		{name: "what Git named before still runs", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Health[0].Digest, c.Facts.Health[1].Digest = digestNew, digestNew
			c.Current.Left = []gitops.Left{{Version: gitops.Version{Digest: string(digestNew)}}}
			c.Current.Since = c.Now.Add(-time.Minute)
		}, want: gate.Wait, says: "since 2026-11-23 11:59Z: it is not reconciled yet"},
		{name: "on the way", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Health[0].Digest, c.Facts.Health[1].Digest = digestNew, digestNew
			c.Facts.Health[0].State = signals.StateProgressing
		}, want: gate.Wait, says: "not reconciled yet"},
		{name: "a controller's doing", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Health[0].Digest, c.Facts.Health[1].Digest = digestNew, digestNew
			c.Facts.Health[0].Drift = signals.DriftController
		}, want: gate.Wait, says: "a controller changed it"},
		{name: "a signal knows better than the history", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Health[0].Digest, c.Facts.Health[1].Digest = digestNew, digestNew
			c.Facts.Health[0].Drift = signals.DriftUnknown
			c.Facts.Streak = signals.Streak{Digest: digestOld, Began: c.Now}
		}, want: gate.Wait, says: "nobody can say why"},
		{name: "a person's commit", change: func(c *gate.Case, _ *gate.Set) {
			c.Current.Direct = &gitops.Direct{By: hostile, Commit: "0123456789abcdef"}
		}, want: gate.Wait, says: "with commit 0123456789, not by a proposal"},
		{name: "a program's commit", change: func(c *gate.Case, _ *gate.Set) {
			c.Current.Direct = &gitops.Direct{By: hostile, Program: true}
		}, want: gate.Wait, says: "by the program " + hostile},
		{name: "a commit on record", change: func(c *gate.Case, _ *gate.Set) {
			c.Current.Direct = &gitops.Direct{By: hostile, Recorded: "#12"}
		}, want: gate.Pass},
		{name: "trust does not settle a direct commit", change: func(c *gate.Case, _ *gate.Set) {
			c.Facts.Health, c.TrustDesired = nil, true
			c.Current.Direct = &gitops.Direct{By: hostile}
		}, want: gate.Wait, says: "put it on record"},
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
