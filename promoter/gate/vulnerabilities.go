package gate

import (
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
	end := p.Signed.Add(s.MaxAge)
	if p.Signed.IsZero() || !c.Now.Before(end) {
		return wait("the scanner", never, "the newest scan of %s is of %s, older than the rules allow", c.Candidate, stamp(p.Signed))
	}
	v.Until = end
	return v
}
