package gate

import "strings"

// Requires asks whether the artifacts that this one depends on are in the
// target at the needed version.
//
//	requires:
//	  - {artifact: order-db-migrations, version: ">=12.0.0"}
//
// It waits until they are.
type Requires struct {
	Artifacts []Requirement
}

// Requirement is one required artifact with a version constraint.
type Requirement struct {
	Artifact string `yaml:"artifact" json:"artifact" jsonschema:"required"`
	Version  string `yaml:"version,omitempty" json:"version,omitempty"`
}

// Check implements [Gate].
func (s *Requires) Check(c Case) Verdict {
	for _, r := range s.Artifacts {
		met := false
		reason := "nobody knows what is there"
		for _, n := range c.Needs {
			if n.Artifact == r.Artifact && n.Constraint == r.Version {
				met, reason = n.Met, orElse(n.Reason, reason)
			}
		}
		if !met {
			return wait("", never, "%s must be in %s first: %s", strings.TrimSpace(r.Artifact+" "+r.Version), c.Lane.Environment, reason)
		}
	}
	return pass("every required artifact is in %s", c.Lane.Environment)
}
