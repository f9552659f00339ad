package gate

import (
	"cmp"
	"slices"
	"time"

	"github.com/waveguide-dev/waveguide/signals"
)

// Vulnerabilities asks for a signed scan of the digest that is young enough
// and finds nothing of the blocked severity, exceptions aside.
//
//	vulnerabilities: {blockFrom: critical, maxAge: 168h, by: scanner}
//
// It blocks when there is no scan or the scan finds too much, and waits when
// the newest one is too old.
type Vulnerabilities struct {
	// BlockFrom is the lowest severity that blocks: low, medium, high, critical.
	BlockFrom string `yaml:"blockFrom,omitempty" json:"blockFrom,omitempty"`
	// MaxAge is how old the newest scan may be; zero is any age.
	MaxAge time.Duration `yaml:"maxAge,omitempty" json:"maxAge,omitempty"`
	By     string        `yaml:"by,omitempty" json:"by,omitempty"`
	// Excused are the identifiers that an exception in force lets pass.
	Excused []string `yaml:"-" json:"excused,omitempty"`
}

// Check implements [Gate].
func (s *Vulnerabilities) Check(c Case) Verdict {
	p, v := proven(c, signals.ProofVulnerabilities)
	if v.Answer != Pass || s.MaxAge == 0 {
		return v
	}
	if p.Signed.IsZero() {
		return wait("the scanner", never, "nobody verified when %s was scanned, and the rules limit the age of a scan", c.Candidate)
	}
	end := p.Signed.Add(s.MaxAge)
	if !c.Now.Before(end) {
		return wait("the scanner", never, "the newest scan of %s is of %s, older than the rules allow", c.Candidate, stamp(p.Signed))
	}
	v.Until = end
	return v
}

// Tighten is the lower of the two severities and the younger of the two ages;
// only what both excuse stays excused.
func (s *Vulnerabilities) Tighten(floor *Vulnerabilities) *Vulnerabilities {
	if s == nil || floor == nil {
		return cmp.Or(s, floor)
	}
	t := *s
	if severity(floor.BlockFrom) < severity(t.BlockFrom) {
		t.BlockFrom = floor.BlockFrom
	}
	t.MaxAge = shorter(t.MaxAge, floor.MaxAge)
	t.By = orElse(floor.By, t.By)
	t.Excused = slices.DeleteFunc(slices.Clone(t.Excused), func(id string) bool { return !slices.Contains(floor.Excused, id) })
	return &t
}

// severity orders severities; none at all blocks nothing, and a word that
// nobody knows blocks everything.
func severity(s string) int {
	switch s {
	case "":
		return 5
	case "critical":
		return 4
	case "high":
		return 3
	case "medium":
		return 2
	case "low":
		return 1
	}
	return 0
}

// shorter is the shorter of two times of which zero is no limit.
func shorter(a, b time.Duration) time.Duration {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}
