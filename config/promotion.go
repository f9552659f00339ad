package config

import (
	"go.yaml.in/yaml/v3"

	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/gate"
)

// Promotion is what a team writes: which artifacts, what must be proven about
// them, and the waves they travel.
type Promotion struct {
	Header    `yaml:",inline"`
	Owners    []string   `yaml:"owners,omitempty"`
	Artifacts []Artifact `yaml:"artifacts" jsonschema:"required"`
	Verify    Verify     `yaml:"verify,omitempty" jsonschema_description:"what must be proven; may also stand under one artifact"`
	Waves     []Wave     `yaml:"waves" jsonschema:"required"`
	// WhileSoaking says what a newer version does to one that still soaks.
	WhileSoaking string   `yaml:"whileSoaking,omitempty" jsonschema:"enum=finish,enum=replace"`
	Rollback     Rollback `yaml:"rollback,omitempty"`
	AbsentIn     []string `yaml:"absentIn,omitempty" jsonschema_description:"environments that need not have the artifacts"`
	Paused       []Pause  `yaml:"paused,omitempty" jsonschema_description:"what stands still of this promotion"`
	Pins         []Pin    `yaml:"pins,omitempty" jsonschema_description:"versions that stay where they are until a time"`
}

// Artifact is one thing that is promoted.
type Artifact struct {
	Name     string   `yaml:"name" jsonschema:"required,pattern=^[a-z0-9][a-z0-9.-]*$"`
	Image    string   `yaml:"image" jsonschema:"required" jsonschema_description:"the OCI repository, without tag or digest"`
	Versions Versions `yaml:"versions" jsonschema:"required"`
	Verify   *Verify  `yaml:"verify,omitempty"`
	Place    string   `yaml:"place,omitempty"`
	Writing  `yaml:",inline"`
	Requires []gate.Requirement `yaml:"requires,omitempty"`
	AbsentIn []string           `yaml:"absentIn,omitempty"`

	selector promoter.Selector
}

// Versions selects the tags that are versions; exactly one way must be written.
type Versions struct {
	Semver  string `yaml:"semver,omitempty"`
	Pattern string `yaml:"pattern,omitempty"`
	SortBy  string `yaml:"sortBy,omitempty" jsonschema_description:"the named group of pattern that orders, as a number"`
	Channel string `yaml:"channel,omitempty"`
	Newest  string `yaml:"newest,omitempty"`
}

// Verify is what must be proven about a version.
type Verify struct {
	Signature       *gate.Signature       `yaml:"signature,omitempty"`
	Provenance      *gate.Provenance      `yaml:"provenance,omitempty"`
	SBOM            *SBOM                 `yaml:"sbom,omitempty"`
	Vulnerabilities *gate.Vulnerabilities `yaml:"vulnerabilities,omitempty"`
	Tests           *gate.Tests           `yaml:"tests,omitempty"`
	// Summary is whose word stands in for evidence that is not there.
	Summary *gate.Summary `yaml:"summary,omitempty" jsonschema_description:"whose verification summary stands in for evidence that is not there"`
	// UnsafeUnsigned accepts versions that nobody signed.
	UnsafeUnsigned bool `yaml:"unsafeUnsigned,omitempty" jsonschema_description:"accept versions that nobody signed: whoever may push can then promote"`
}

// SBOM is `required`, or who must have signed it.
type SBOM struct {
	gate.SBOM `yaml:",inline"`
}

func (s *SBOM) short(d *document, n *yaml.Node, at string) bool {
	if n.Kind != yaml.ScalarNode {
		return false
	}
	if n.Value != "required" {
		d.report(n, "write required, or {by: SIGNER}", "%s: %q is not known", at, clip(n.Value))
	}
	return true
}

// Wave is an ordered step.
type Wave struct {
	Name         string       `yaml:"name" jsonschema:"required,pattern=^[a-z0-9][a-z0-9.-]*$"`
	Environments Environments `yaml:"environments" jsonschema:"required"`
	Merge        string       `yaml:"merge,omitempty" jsonschema:"enum=auto,enum=manual"`
	// Soak is how long a version must be healthy here to earn the wave.
	Soak        Soak               `yaml:"soak,omitempty"`
	Window      string             `yaml:"window,omitempty"`
	Approvals   []gate.Approver    `yaml:"approvals,omitempty" jsonschema_description:"every line must be met, by different people"`
	MaxInFlight int                `yaml:"maxInFlight,omitempty"`
	Age         *gate.Age          `yaml:"age,omitempty"`
	Alerts      *gate.Alerts       `yaml:"alerts,omitempty"`
	Requires    []gate.Requirement `yaml:"requires,omitempty"`
	Policy      []PolicyRule       `yaml:"policy,omitempty"`
	OnFailure   string             `yaml:"onFailure,omitempty" jsonschema:"enum=stopWave,enum=stopEnvironment"`

	policy *gate.Policy
}

// PolicyRule is a CEL expression with a name.
type PolicyRule struct {
	Name       string `yaml:"name" jsonschema:"required"`
	Expression string `yaml:"expression" jsonschema:"required"`
}

// Soak is a duration, or {for: duration}.
type Soak struct {
	gate.Soak `yaml:",inline"`
}

func (s *Soak) short(d *document, n *yaml.Node, at string) bool {
	if n.Kind != yaml.ScalarNode {
		return false
	}
	d.duration(n, &s.For, at)
	return true
}

// Environments is a list of names, or what they must match.
type Environments struct {
	Names  []string `yaml:"-"`
	Match  Match    `yaml:"match" jsonschema:"required"`
	Except []string `yaml:"except,omitempty"`
}

func (e *Environments) short(d *document, n *yaml.Node, at string) bool {
	if n.Kind == yaml.MappingNode {
		return false
	}
	if n.Kind != yaml.SequenceNode {
		d.report(n, "write [name, …] or {match: {label: pattern}}", "%s is %s, but must be a list or a match", at, article(n))
		return true
	}
	for _, c := range n.Content {
		if d.wants(c, at, "a list of texts", "!!str") {
			e.Names = append(e.Names, c.Value)
		}
	}
	return true
}

// Rollback is what happens when a merged version turns unhealthy.
type Rollback struct {
	OnUnhealthy string `yaml:"onUnhealthy,omitempty" jsonschema:"enum=propose,enum=off"`
	Mode        string `yaml:"mode,omitempty" jsonschema:"enum=revert,enum=roll-forward"`
}
