package config

import (
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/waveguide-dev/waveguide/promoter/gate"
)

// Guardrail tightens what promotions write for the lanes it matches.
type Guardrail struct {
	Header         `yaml:",inline"`
	Match          Match    `yaml:"match,omitempty"`
	Require        Require  `yaml:"require" jsonschema:"required"`
	ExceptionsFrom []string `yaml:"exceptionsFrom,omitempty" jsonschema_description:"who must have approved the change that adds an Exception"`
	Paused         []Pause  `yaml:"paused,omitempty" jsonschema_description:"stops what it matches"`
	CommandsFrom   []string `yaml:"commandsFrom,omitempty" jsonschema_description:"people and teams of whom alone a release, a pin, a retry and an emergency count in what it matches, if they may write"`
}

// Require is what a guardrail demands.
type Require struct {
	Signature       bool             `yaml:"signature,omitempty"`
	Provenance      bool             `yaml:"provenance,omitempty"`
	SBOM            bool             `yaml:"sbom,omitempty"`
	Vulnerabilities *Vulnerabilities `yaml:"vulnerabilities,omitempty"`
	Tests           *Tests           `yaml:"tests,omitempty"`
	// Summary says what becomes of verification summaries here.
	Summary string `yaml:"summary,omitempty" jsonschema:"enum=forbidden,enum=accepted,enum=required" jsonschema_description:"forbidden: a summary stands in for nothing; accepted: it may stand in for what this guardrail demands; required: there must be one"`
	Merge   string `yaml:"merge,omitempty" jsonschema:"enum=auto,enum=manual"`
	// MinSoak is of the matched environments and of the wave before them.
	MinSoak      time.Duration   `yaml:"minSoak,omitempty"`
	MinApprovals int             `yaml:"minApprovals,omitempty"`
	Approvals    []gate.Approver `yaml:"approvals,omitempty"`
	Window       string          `yaml:"window,omitempty"`
}

// Vulnerabilities is true, or the least that a scan must show.
type Vulnerabilities struct {
	gate.Vulnerabilities `yaml:",inline"`
	Off                  bool `yaml:"-"`
}

func (v *Vulnerabilities) short(d *document, n *yaml.Node, at string) bool {
	return demanded(d, n, at, &v.Off)
}

// Tests is true, or the suites that must pass.
type Tests struct {
	gate.Tests `yaml:",inline"`
	Off        bool `yaml:"-"`
}

func (t *Tests) short(d *document, n *yaml.Node, at string) bool {
	return demanded(d, n, at, &t.Off)
}

// demanded reads `true` or `false` in place of settings.
func demanded(d *document, n *yaml.Node, at string, off *bool) bool {
	if n.Kind != yaml.ScalarNode {
		return false
	}
	if d.wants(n, at, "true or a mapping", "!!bool") {
		*off = n.Value != "true" && n.Value != "True" && n.Value != "TRUE"
	}
	return true
}

// check reports demands that cannot be. The names of windows are unknown to a
// daemon's file, which passes nil.
func (r Require) check(d *document, windows []string, at []any) {
	checkApprovers(d, r.Approvals, append(at, "approvals"))
	d.checkKnown("window", r.Window, windows, append(slices.Clip(at), "window"))
	if v := r.Vulnerabilities; v != nil {
		d.checkKnown("severity", v.BlockFrom, severities(), append(slices.Clip(at), "vulnerabilities", "blockFrom"))
	}
}

func checkApprovers(d *document, as []gate.Approver, at []any) {
	for i, a := range as {
		if a.Count > 50 {
			d.reportAt(append(slices.Clip(at), i, "count"), "", "%d people are more than will ever approve", a.Count)
		}
		if a.From != "" {
			checkPerson(d, a.From, append(slices.Clip(at), i, "from"))
		}
	}
}

func severities() []string { return []string{"low", "medium", "high", "critical"} }

// ChangeWindow is a time table in which merging is allowed.
type ChangeWindow struct {
	Header   `yaml:",inline"`
	Schedule string        `yaml:"schedule" jsonschema:"required" jsonschema_description:"opens by this cron line"`
	Duration time.Duration `yaml:"duration" jsonschema:"required" jsonschema_description:"and stays open for this long"`
	TimeZone string        `yaml:"timeZone" jsonschema:"required"`

	gate *gate.Window
}

func (w *ChangeWindow) check(d *document) {
	d.checkName(w.Name, "a window", "name")
	zone := w.TimeZone
	if zone == "Local" {
		d.reportAt([]any{"timeZone"}, "write it as in Asia/Jakarta", "the time zone must not depend on the machine")
		return
	}
	if _, err := time.LoadLocation(zone); err != nil {
		d.reportAt([]any{"timeZone"}, "write it as in Asia/Jakarta", "time zone %q is unknown", clip(zone))
		zone = "UTC"
	}
	g, err := gate.NewWindow(w.Name, w.Schedule, max(w.Duration, gate.GreenFor+1), zone)
	if err != nil {
		d.reportAt([]any{"schedule"}, `write five fields as in "0 9 * * MON-THU"`, "%s", err)
		return
	}
	if _, err := gate.NewWindow(w.Name, w.Schedule, w.Duration, zone); err != nil {
		d.reportAt([]any{"duration"}, "", "%s", err)
	}
	w.gate = g
}

// Freeze is a dated stop of the lanes it matches.
type Freeze struct {
	Header    `yaml:",inline"`
	Match     Match           `yaml:"match,omitempty"`
	From      time.Time       `yaml:"from" jsonschema:"required"`
	Until     time.Time       `yaml:"until" jsonschema:"required" jsonschema_description:"the first moment after the freeze"`
	Allow     []string        `yaml:"allow,omitempty" jsonschema_description:"names of emergencies that may pass"`
	Approvals []gate.Approver `yaml:"approvals,omitempty" jsonschema_description:"without which no emergency passes, beside those that are needed anyway"`
}

func (f *Freeze) check(d *document) {
	if !f.Until.After(f.From) {
		d.reportAt([]any{"until"}, "", "the freeze is over before it begins")
	}
	checkApprovers(d, f.Approvals, []any{"approvals"})
	for i, a := range f.Allow {
		d.checkName(a, "an emergency", "allow", i)
	}
}

// frozen is the freeze as its gate sees it.
func (f *Freeze) frozen() gate.Frozen {
	return gate.Frozen{Name: f.Name, From: f.From, Until: f.Until, Allow: f.Allow, Approvals: f.Approvals}
}

// RiskRule says how risky lanes are and what follows from it.
type RiskRule struct {
	Header      `yaml:",inline"`
	Match       Match         `yaml:"match,omitempty"`
	Risk        string        `yaml:"risk" jsonschema:"required,enum=low,enum=medium,enum=high,enum=critical"`
	ApprovalTTL time.Duration `yaml:"approvalTTL,omitempty"`
	Reviewers   []string      `yaml:"reviewers,omitempty" jsonschema_description:"each must approve too"`
}

func (r *RiskRule) check(d *document) {
	checkPeople(d, r.Reviewers, []any{"reviewers"})
}

// Exception is a dated permission to pass one gate.
type Exception struct {
	Header          `yaml:",inline"`
	Gate            string    `yaml:"gate" jsonschema:"required"`
	Vulnerabilities []string  `yaml:"vulnerabilities,omitempty" jsonschema_description:"what it excuses, and nothing else"`
	Match           Match     `yaml:"match" jsonschema:"required"`
	Reason          string    `yaml:"reason" jsonschema:"required"`
	Expires         time.Time `yaml:"expires" jsonschema:"required"`
}

// excusable are the gates that an exception can excuse: proofs of quality and
// time tables, never who signed or what people said.
func excusable() []string {
	return []string{"vulnerabilities", "sbom", "tests", "age", "alerts", "requires", "policy", "window"}
}

func gateWords() []string {
	return append(excusable(), "version", "signature", "provenance", "summary", "previous", "soak", "health", "drift", "pause", "lock", "freeze", "hold", "approval", "checks")
}

func (e *Exception) check(d *document, now time.Time) {
	switch {
	case !slices.Contains(gateWords(), e.Gate):
		d.reportAt([]any{"gate"}, nearest(e.Gate, gateWords()), "unknown gate %q", clip(e.Gate))
	case !slices.Contains(excusable(), e.Gate):
		d.reportAt([]any{"gate"}, "", "no exception can excuse %s", e.Gate)
	case e.Gate == "vulnerabilities" && len(e.Vulnerabilities) == 0:
		d.reportAt(nil, "write vulnerabilities: [CVE-…]", "the exception does not say which vulnerabilities it excuses")
	case e.Gate != "vulnerabilities" && len(e.Vulnerabilities) > 0:
		d.reportAt([]any{"vulnerabilities"}, "", "an exception of %s excuses no vulnerabilities", e.Gate)
	}
	if len(e.Match) == 0 {
		d.reportAt([]any{"match"}, "name an artifact or an environment", "an exception must not match everything")
	}
	if !e.Expires.After(now) {
		d.reportAt([]any{"expires"}, "remove the exception or have a new one approved", "the exception was over at %s", e.Expires.UTC().Format(time.RFC3339))
	}
}
