package gate

import "github.com/waveguide-dev/waveguide/signals"

// SBOM asks for a signed bill of materials of the digest.
//
//	sbom: required
//
// It blocks when there is none.
type SBOM struct {
	By string `yaml:"by,omitempty" json:"by,omitempty"`
}

// Check implements [Gate].
func (*SBOM) Check(c Case) Verdict {
	_, v := proven(c, signals.ProofSBOM)
	return v
}
