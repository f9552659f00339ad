package gate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/signals"
)

// Vulnerabilities asks for a signed scan of the digest that is young enough
// and finds nothing of the blocked severity, apart from what an exception
// excuses and what signed OpenVEX documents say does not affect it. A severity
// that nobody knows counts as blocked.
//
//	vulnerabilities: {blockFrom: critical, maxAge: 168h, by: scanner}
//
// It blocks when there is no scan or the newest finds too much, and waits when
// the newest one is too old. With mode: warn it only says so.
type Vulnerabilities struct {
	// BlockFrom is the lowest severity that blocks: low, medium, high, critical.
	BlockFrom string `yaml:"blockFrom,omitempty" json:"blockFrom,omitempty"`
	// MaxAge is how old the newest scan may be; zero is any age.
	MaxAge time.Duration `yaml:"maxAge,omitempty" json:"maxAge,omitempty"`
	By     string        `yaml:"by,omitempty" json:"by,omitempty"`
	Mode   Mode          `yaml:"mode,omitempty" json:"mode,omitempty" jsonschema:"enum=enforce,enum=warn,enum=unsafe-off"`
	// Excused are the identifiers that an exception in force lets pass.
	Excused []string `yaml:"-" json:"excused,omitempty"`
}

// Check implements [Gate].
func (s *Vulnerabilities) Check(c Case) Verdict {
	p, v := proven(c, signals.ProofVulnerabilities)
	if v.Answer == Pass {
		v = s.found(c, p, v)
	}
	return s.Mode.weigh(v)
}

func (s *Vulnerabilities) found(c Case, p signals.Proof, v Verdict) Verdict {
	if p.Scan == nil {
		return wait("the scanner", never, "what the scan of %s found is not known", c.Candidate)
	}
	if bad := s.blocked(p.Scan); bad != "" {
		return block("the build", "the newest scan of %s finds %s", c.Candidate, bad)
	}
	if s.MaxAge == 0 {
		return v
	}
	// A scan is as old as the older of when it was made and when it was signed.
	made := sooner(p.Signed, p.Scan.Finished)
	if made.IsZero() {
		return wait("the scanner", never, "nobody verified when %s was scanned, and the rules limit the age of a scan", c.Candidate)
	}
	end := made.Add(s.MaxAge)
	if !c.Now.Before(end) {
		return wait("the scanner", never, "the newest scan of %s is of %s, older than the rules allow", c.Candidate, stamp(made))
	}
	v.Until = end
	return v
}

// mostNamed bounds how many vulnerabilities a sentence names.
const mostNamed = 5

// blocked names what a scan finds of the blocked severity.
func (s *Vulnerabilities) blocked(scan *signals.Scan) string {
	if s.BlockFrom == "" {
		return ""
	}
	var named []string
	count, last := 0, false
	for _, f := range scan.Findings {
		worst := severity(f.Severity)
		last = worst == 0 || worst >= severity(s.BlockFrom) // none at all, or a word that nobody knows, blocks too
		if !last || f.Unaffected != "" || slices.Contains(s.Excused, f.ID) {
			continue
		}
		if count++; count <= mostNamed {
			named = append(named, f.ID+" ("+orElse(f.Severity, "severity unknown")+")")
		}
	}
	if last { // the list was cut before it came to what does not block
		count += scan.Omitted
		if scan.Omitted > 0 {
			named = append(named, "more than the list holds")
		}
	}
	if count == 0 {
		return ""
	}
	text := strings.Join(named, ", ")
	if count > len(named) {
		text += ", …"
	}
	return fmt.Sprintf("%d that may not be: %s", count, text)
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
	if floor.Mode == "" || floor.Mode == Enforce || t.Mode == UnsafeOff {
		t.Mode = floor.Mode
	}
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
