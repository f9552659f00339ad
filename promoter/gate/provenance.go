package gate

import "github.com/waveguide-dev/waveguide/signals"

// Provenance asks whether the digest was built by the named builder, from the
// named source repository and branch (SLSA provenance v0.2 or v1).
//
//	provenance: {source: "https://github.com/acme/app", branch: main, builder: "https://github.com/actions/runner/*"}
//
// It blocks when there is none, or when it disagrees.
type Provenance struct {
	Source  string `yaml:"source,omitempty" json:"source,omitempty"`
	Branch  string `yaml:"branch,omitempty" json:"branch,omitempty"`
	Builder string `yaml:"builder,omitempty" json:"builder,omitempty"`
	By      string `yaml:"by,omitempty" json:"by,omitempty"`
}

// Check implements [Gate].
func (*Provenance) Check(c Case) Verdict {
	_, v := proven(c, signals.ProofProvenance)
	return v
}
