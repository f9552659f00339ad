package gate

import "github.com/waveguide-dev/waveguide/signals"

// Tests asks whether signed test results of the digest pass for every named
// suite.
//
//	tests: {suites: [unit, integration]}
//
// It blocks when there are none, or one failed.
type Tests struct {
	Suites []string `yaml:"suites,omitempty" json:"suites,omitempty"`
	By     string   `yaml:"by,omitempty" json:"by,omitempty"`
}

// Check implements [Gate].
func (*Tests) Check(c Case) Verdict {
	_, v := proven(c, signals.ProofTests)
	return v
}
