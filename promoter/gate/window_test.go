package gate_test

import (
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/promoter/gate"
)

func TestWindow(t *testing.T) {
	t.Parallel()
	table(t, "window", []row{
		{name: "open", want: gate.Pass, says: "open until 2026-11-23 17:00Z", until: noon().Add(4*time.Hour + 45*time.Minute)},
		{name: "opens exactly now", change: func(c *gate.Case, _ *gate.Set) {
			c.Now = at(t, "2026-11-23T09:00:00Z")
		}, want: gate.Pass},
		{name: "a second before it opens", change: func(c *gate.Case, _ *gate.Set) {
			c.Now = at(t, "2026-11-23T08:59:59Z")
		}, want: gate.Wait, says: "opens at 2026-11-23 09:00Z", until: noon().Add(-3 * time.Hour)},
		{name: "closes exactly too soon", change: func(c *gate.Case, _ *gate.Set) {
			c.Now = at(t, "2026-11-23T16:45:00Z")
		}, want: gate.Wait, says: "opens again at 2026-11-24 09:00Z", until: noon().Add(21 * time.Hour)},
		{name: "the last second", change: func(c *gate.Case, _ *gate.Set) {
			c.Now = at(t, "2026-11-23T16:44:59Z")
		}, want: gate.Pass},
		{name: "weekend", change: func(c *gate.Case, _ *gate.Set) {
			c.Now = at(t, "2026-11-21T12:00:00Z")
		}, want: gate.Wait, says: "2026-11-23 09:00Z"},
		{name: "no schedule", change: func(_ *gate.Case, s *gate.Set) {
			s.Window = &gate.Window{}
		}, want: gate.Wait, says: "no schedule"},
		{name: "across midnight", change: func(c *gate.Case, s *gate.Set) {
			s.Window = window(t, "0 22 * * *", 4*time.Hour, "UTC")
			c.Now = at(t, "2026-11-24T01:00:00Z")
		}, want: gate.Pass, says: "open until 2026-11-24 02:00Z"},
		{name: "openings that overlap are one", change: func(c *gate.Case, s *gate.Set) {
			s.Window = window(t, "0 * * * *", time.Hour, "UTC")
			c.Now = at(t, "2026-11-23T12:50:00Z")
		}, want: gate.Pass, says: "open until"},
		{name: "a clock put forward", change: func(c *gate.Case, s *gate.Set) {
			s.Window = window(t, "0 9 * * *", time.Hour, "Europe/Berlin")
			c.Now = at(t, "2026-03-29T07:00:00Z")
		}, want: gate.Pass, says: "open until 2026-03-29 08:00Z"},
		{name: "a clock put back", change: func(c *gate.Case, s *gate.Set) {
			s.Window = window(t, "0 9 * * *", time.Hour, "Europe/Berlin")
			c.Now = at(t, "2026-10-25T07:59:59Z")
		}, want: gate.Wait, says: "opens at 2026-10-25 08:00Z"},
	})
}

func window(t *testing.T, schedule string, d time.Duration, zone string) *gate.Window {
	t.Helper()
	w, err := gate.NewWindow("w", schedule, d, zone)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestNewWindowRefuses(t *testing.T) {
	t.Parallel()
	for name, w := range map[string]struct {
		schedule, zone string
		d              time.Duration
	}{
		"a clock that starts when asked": {"@every 1h", "UTC", time.Hour},
		"a second zone":                  {"TZ=Asia/Jakarta 0 9 * * *", "UTC", time.Hour},
		"the machine's zone":             {"0 9 * * *", "Local", time.Hour},
		"no zone":                        {"0 9 * * *", "", time.Hour},
		"no cron":                        {hostile, "UTC", time.Hour},
		"too short for a check":          {"0 9 * * *", "UTC", gate.GreenFor},
	} {
		if _, err := gate.NewWindow("w", w.schedule, w.d, w.zone); err == nil {
			t.Errorf("NewWindow takes %s", name)
		}
	}
}
