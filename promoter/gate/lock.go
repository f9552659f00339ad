package gate

import (
	"fmt"
	"slices"
	"strings"
)

// Lock asks whether the concurrency limits that cover the lane leave room. In
// flight is from proposed until healthy; first come, first served.
//
//	maxInFlight: 2
//
// It waits while others take every place.
type Lock struct {
	// Limits are the named limits that cover the lane.
	Limits []Limit `yaml:"-" json:"limits,omitempty"`
}

// Limit is a named number of lanes that may be in flight together.
type Limit struct {
	Name string `json:"name"`
	Max  int    `json:"max"`
}

// Check implements [Gate].
func (l Lock) Check(c Case) Verdict {
	for _, s := range c.Locks {
		if !s.Ours && len(s.Taken) >= s.Limit {
			return wait("", never, "%s allows %d at once, taken by %s", s.Name, s.Limit, some(s.Taken))
		}
	}
	return pass("no concurrency limit is reached")
}

// some are the first few names, so that a crowded limit stays one sentence.
func some(names []string) string {
	const few = 5
	if len(names) <= few {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:few], ", ") + fmt.Sprintf(" and %d more", len(names)-few)
}

// Tighten is all limits of both, the smaller number where both have one name.
func (l Lock) Tighten(floor Lock) Lock {
	limits := slices.Clone(l.Limits)
	for _, f := range floor.Limits {
		i := slices.IndexFunc(limits, func(o Limit) bool { return o.Name == f.Name })
		if i < 0 {
			limits = append(limits, f)
			continue
		}
		limits[i].Max = min(limits[i].Max, f.Max)
	}
	return Lock{Limits: limits}
}
