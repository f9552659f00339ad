package dashboard

import (
	"fmt"
	"strings"
	"time"
)

// instant is a point in time as the page writes it: absolute, with the
// distance from now beside it.
type instant struct {
	Machine, Text, Distance string
	// Said says that the sentence before it names the instant already.
	Said bool
}

func at(now, t time.Time) instant {
	i := instant{Machine: t.UTC().Format(time.RFC3339), Text: t.UTC().Format("2006-01-02 15:04Z")}
	if d := t.Sub(now); d >= 0 {
		i.Distance = "in " + rough(d)
	} else {
		i.Distance = rough(-d) + " ago"
	}
	return i
}

// until is the instant at which a verdict may change by itself.
func until(now time.Time, v verdict) instant {
	i := at(now, v.Until)
	i.Said = strings.Contains(v.Reason, i.Text)
	return i
}

// rough is an amount of time in its largest unit that leaves two or more, as
// people say it. The script counts in the same steps.
func rough(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", d/time.Hour)
	}
	return fmt.Sprintf("%d d", d/(24*time.Hour))
}
