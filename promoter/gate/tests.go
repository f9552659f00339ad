package gate

import (
	"slices"

	"github.com/waveguide-dev/waveguide/signals"
)

// Tests asks whether signed test results of the digest pass for every named
// suite: a configuration that was run, or a test by its name. Of each suite
// the newest result counts. Without names all that were run must pass.
//
//	tests: {suites: [unit, integration]}
//
// It blocks when there are none, or one failed. With mode: warn it only says
// so.
type Tests struct {
	Suites []string `yaml:"suites,omitempty" json:"suites,omitempty"`
	By     string   `yaml:"by,omitempty" json:"by,omitempty"`
	Mode   Mode     `yaml:"mode,omitempty" json:"mode,omitempty" jsonschema:"enum=enforce,enum=warn,enum=unsafe-off"`
}

// Check implements [Gate].
func (s *Tests) Check(c Case) Verdict {
	p, v := proven(c, signals.ProofTests)
	if v.Answer == Pass {
		v = s.passed(c, p, v)
	}
	return s.Mode.weigh(v)
}

func (s *Tests) passed(c Case, p signals.Proof, v Verdict) Verdict {
	for _, name := range s.Suites {
		i := slices.IndexFunc(p.Suites, func(r signals.Suite) bool { return r.Name == name })
		switch {
		case i < 0:
			return block("the build", "%s has no result of the test suite %s", c.Candidate, name)
		case !p.Suites[i].Passed:
			return block("the build", "the test suite %s failed for %s", name, c.Candidate)
		}
	}
	if len(s.Suites) > 0 {
		return v
	}
	if len(p.Suites) == 0 {
		return block("the build", "the test results of %s name no suite and no result", c.Candidate)
	}
	for _, r := range p.Suites {
		if !r.Passed {
			return block("the build", "the tests of %s failed: %s", c.Candidate, orElse(r.Name, "no suite is named"))
		}
	}
	return v
}
