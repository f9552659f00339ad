package gate

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// GreenFor is how long a check must be able to stay green: it does not turn
// green when a window closes or a freeze begins sooner than that.
const GreenFor = 15 * time.Minute

// Window asks whether the change window is open. A proposal may be prepared
// and reviewed before it opens.
//
//	window: office-hours
//
// It waits until the window opens.
type Window struct {
	Name string
	// Schedule opens the window, as in Argo CD's sync windows (cron, five
	// fields); it stays open for Duration. Zone is where the clock hangs.
	Schedule cron.Schedule
	Duration time.Duration
	Zone     *time.Location

	line string // the source of Schedule
}

// NewWindow parses the cron line and the time zone of a window.
func NewWindow(name, schedule string, d time.Duration, zone string) (*Window, error) {
	loc, err := time.LoadLocation(zone)
	if err != nil || zone == "" || zone == "Local" {
		return nil, fmt.Errorf("time zone %.60q is unknown; write it as in Asia/Jakarta", zone)
	}
	s, err := cron.ParseStandard(schedule)
	if err != nil {
		return nil, fmt.Errorf("schedule %.80q: %w", schedule, err)
	}
	if _, ok := s.(*cron.SpecSchedule); !ok || strings.Contains(schedule, "TZ=") {
		return nil, fmt.Errorf("schedule %.80q: write five cron fields; the time zone has a key of its own", schedule)
	}
	if d <= GreenFor {
		return nil, fmt.Errorf("a window of %s is too short: a check must be able to stay green for %s", d, GreenFor)
	}
	return &Window{Name: name, Schedule: s, Duration: d, Zone: loc, line: schedule}, nil
}

// Check implements [Gate].
func (s *Window) Check(c Case) Verdict {
	if s.Schedule == nil || s.Zone == nil {
		return wait("", never, "window %s has no schedule", orElse(s.Name, "without a name"))
	}
	now := c.Now.In(s.Zone)
	// The newest opening that could still be open is less than one duration old.
	open := s.Schedule.Next(now.Add(-s.Duration))
	if open.IsZero() {
		return wait("", never, "%s never opens", s.Name)
	}
	if open.After(now) {
		return wait("", open.UTC(), "%s opens at %s", s.Name, stamp(open))
	}
	end := s.end(open, now)
	last := end.Add(-GreenFor)
	if now.Before(last) {
		v := pass("%s is open until %s", s.Name, stamp(end))
		v.Until = last.UTC()
		return v
	}
	next := s.Schedule.Next(now)
	if next.IsZero() {
		return wait("", never, "%s closes at %s, too soon, and never opens again", s.Name, stamp(end))
	}
	return wait("", next.UTC(), "%s closes at %s, too soon; it opens again at %s", s.Name, stamp(end), stamp(next))
}

// end is when a window that opened at open closes. Openings that begin before
// the one before them ends are one; looking ahead stops where a check could
// stay green.
func (s *Window) end(open, now time.Time) time.Time {
	end := open.Add(s.Duration)
	for next := s.Schedule.Next(open); !next.IsZero() && !next.After(end); next = s.Schedule.Next(next) {
		if now.Before(end.Add(-GreenFor)) && next.After(now) {
			break
		}
		end = next.Add(s.Duration)
	}
	return end
}

// storedWindow is a window as it is stored: a stored snapshot must decide as
// it did, so the source is written and compiled again when it is read.
type storedWindow struct {
	Name     string        `json:"name"`
	Schedule string        `json:"schedule"`
	Duration time.Duration `json:"duration"`
	Zone     string        `json:"zone"`
}

// MarshalJSON writes the window's source.
func (s *Window) MarshalJSON() ([]byte, error) {
	w := storedWindow{Name: s.Name, Schedule: s.line, Duration: s.Duration}
	if s.Zone != nil {
		w.Zone = s.Zone.String()
	}
	return json.Marshal(w)
}

// UnmarshalJSON compiles the window again. One that was stored without a
// schedule never opens.
func (s *Window) UnmarshalJSON(b []byte) error {
	var w storedWindow
	if err := json.Unmarshal(b, &w); err != nil {
		return fmt.Errorf("window: %w", err)
	}
	if w.Schedule == "" {
		*s = Window{Name: w.Name, Duration: w.Duration}
		return nil
	}
	again, err := NewWindow(w.Name, w.Schedule, w.Duration, w.Zone)
	if err != nil {
		return fmt.Errorf("window %.60q: %w", w.Name, err)
	}
	*s = *again
	return nil
}
