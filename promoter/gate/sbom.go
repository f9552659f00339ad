package gate

import "github.com/waveguide-dev/waveguide/signals"

// SBOM asks for a signed bill of materials of the digest, SPDX or CycloneDX.
//
//	sbom: required
//
// It blocks when there is none. With {mode: warn} it only says so.
type SBOM struct {
	By   string `yaml:"by,omitempty" json:"by,omitempty"`
	Mode Mode   `yaml:"mode,omitempty" json:"mode,omitempty" jsonschema:"enum=enforce,enum=warn,enum=unsafe-off"`
}

// Check implements [Gate].
func (s *SBOM) Check(c Case) Verdict {
	_, v := proven(c, signals.ProofSBOM)
	return s.Mode.weigh(v)
}
