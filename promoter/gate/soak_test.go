package gate_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/signals"
)

func TestSoak(t *testing.T) {
	t.Parallel()
	table(t, "soak", []row{
		{name: "earned", want: gate.Pass, says: "soaked in every earlier wave"},
		{name: "first wave", change: func(c *gate.Case, _ *gate.Set) {
			c.Upstream = nil
		}, want: gate.Pass, says: "first wave"},
		{name: "still running", change: func(c *gate.Case, _ *gate.Set) {
			c.Upstream[0].Earned, c.Upstream[0].Streak.Healthy = time.Time{}, 0
		}, want: gate.Wait, says: "until 2026-11-23 12:59Z", until: noon().Add(59 * time.Minute)},
		{name: "flapping that passed in time", change: func(c *gate.Case, _ *gate.Set) {
			c.Upstream[0].Earned, c.Upstream[0].Streak.Healthy, c.Upstream[0].Streak.Turns = time.Time{}, 0, 3
		}, want: gate.Wait, says: "after 3 times of bad news that passed in time"},
		{name: "flapping that began the clock anew", change: func(c *gate.Case, _ *gate.Set) {
			c.Upstream[0].Earned, c.Upstream[0].Streak.Healthy, c.Upstream[0].Streak.Turns, c.Upstream[0].Streak.Resets = time.Time{}, 0, 3, 2
		}, want: gate.Wait, says: "after 3 times of bad news, 2 of which began the clock anew"},
		{name: "exactly on time waits for the look", change: func(c *gate.Case, _ *gate.Set) {
			c.Upstream[0].Earned, c.Upstream[0].Streak.Healthy, c.Upstream[0].Streak.Last = time.Time{}, 0, c.Now.Add(-time.Hour)
		}, want: gate.Wait, says: "the next look"},
		{name: "bad news", change: func(c *gate.Case, _ *gate.Set) {
			c.Upstream[0].Earned, c.Upstream[0].Streak.Bad = time.Time{}, c.Now
		}, want: gate.Wait, says: "stands"},
		{name: "the clock of another digest", change: func(c *gate.Case, _ *gate.Set) {
			c.Upstream[0].Earned, c.Upstream[0].Streak.Digest = time.Time{}, digestOld
		}, want: gate.Wait, says: "has not begun"},
		{name: "another digest is desired", change: func(c *gate.Case, _ *gate.Set) {
			c.Upstream[0].Earned, c.Upstream[0].Desired = time.Time{}, digestOld
		}, want: gate.Wait, says: "has not begun"},
		{name: "absent and allowed", change: func(c *gate.Case, _ *gate.Set) {
			c.Upstream[0] = gate.Upstream{Presence: gitops.Absent, Optional: true}
		}, want: gate.Pass},
		{name: "what is there must finish", change: func(c *gate.Case, _ *gate.Set) {
			c.Finishing = &gate.Upstream{Environment: "prod-id", Desired: digestOld, Soak: time.Hour, Streak: signals.Streak{Digest: digestOld, Began: c.Now, Last: c.Now}}
		}, want: gate.Wait, says: "soaks in prod-id", until: noon().Add(time.Hour)},
		{name: "what is there is exactly on time", change: func(c *gate.Case, _ *gate.Set) {
			c.Finishing = &gate.Upstream{Environment: "prod-id", Desired: digestOld, Soak: time.Hour, Streak: signals.Streak{Digest: digestOld, Began: c.Now.Add(-time.Hour), Last: c.Now.Add(-time.Hour)}}
		}, want: gate.Wait, says: "the next look"},
		{name: "what is there stands", change: func(c *gate.Case, _ *gate.Set) {
			c.Finishing = &gate.Upstream{Environment: "prod-id", Desired: digestOld, Soak: time.Hour}
		}, want: gate.Wait, says: "has not finished"},
	})
}

func ExampleSoak() {
	began := noon()
	v := gate.Soak{}.Check(gate.Case{
		Now:       began.Add(6 * time.Hour),
		Candidate: signals.Version{Digest: digestNew, Tag: "2.1.0"},
		Upstream: []gate.Upstream{{
			Environment: "staging", Presence: gitops.At, Desired: digestNew, Soak: 24 * time.Hour,
			Streak: signals.Streak{Digest: digestNew, Began: began, Healthy: 6 * time.Hour, Last: began.Add(6 * time.Hour)},
		}},
	})
	fmt.Println(v.Answer, v.Reason)
	// Output: wait 2.1.0 (sha256:aaaaaaaaaaaa) soaks in staging until 2026-11-24 12:00Z
}
