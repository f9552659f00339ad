package gate

import (
	"fmt"
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
}

// NewWindow parses the cron line and the time zone of a window.
func NewWindow(name, schedule string, d time.Duration, zone string) (*Window, error) {
	loc, err := time.LoadLocation(zone)
	if err != nil {
		return nil, fmt.Errorf("time zone %.60q is unknown; write it as in Asia/Jakarta", zone)
	}
	s, err := cron.ParseStandard(schedule)
	if err != nil {
		return nil, fmt.Errorf("schedule %.80q: %w", schedule, err)
	}
	if d <= GreenFor {
		return nil, fmt.Errorf("a window of %s is too short: a check must be able to stay green for %s", d, GreenFor)
	}
	return &Window{Name: name, Schedule: s, Duration: d, Zone: loc}, nil
}

// Check implements [Gate].
func (s *Window) Check(c Case) Verdict {
	now := c.Now.In(s.Zone)
	// The newest opening that could still be open is less than one duration old.
	open := s.Schedule.Next(now.Add(-s.Duration))
	for next := open; !next.IsZero() && !next.After(now); next = s.Schedule.Next(next) {
		open = next
	}
	if open.IsZero() {
		return wait("", never, "%s never opens", s.Name)
	}
	if open.After(now) {
		return wait("", open.UTC(), "%s opens at %s", s.Name, stamp(open))
	}
	last := open.Add(s.Duration - GreenFor)
	if !now.Before(last) {
		next := s.Schedule.Next(now)
		return wait("", next.UTC(), "%s closes at %s, too soon; it opens again at %s", s.Name, stamp(open.Add(s.Duration)), stamp(next))
	}
	v := pass("%s is open until %s", s.Name, stamp(open.Add(s.Duration)))
	v.Until = last.UTC()
	return v
}
