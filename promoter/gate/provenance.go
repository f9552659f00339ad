package gate

import (
	"fmt"
	"strings"

	"github.com/waveguide-dev/waveguide/signals"
)

// Provenance asks whether the digest was built by the named builder, from the
// named source repository and branch, or a tag of it (SLSA provenance v0.2 or
// v1). What a certificate says of the source is believed before what the build
// says of itself; where the two disagree, the evidence is refused.
//
//	provenance: {source: "https://github.com/acme/app", branch: main, builder: "https://github.com/actions/runner/*"}
//
// It blocks when there is none, or when it disagrees. With mode: warn it only
// says so.
type Provenance struct {
	Source string `yaml:"source,omitempty" json:"source,omitempty"`
	// Branch is the branch that was built; it should be a protected one.
	Branch string `yaml:"branch,omitempty" json:"branch,omitempty"`
	// Tag accepts builds of tags, in place of the branch; * stands for
	// anything but /.
	Tag string `yaml:"tag,omitempty" json:"tag,omitempty"`
	// Builder is who built; * stands for anything but /.
	Builder string `yaml:"builder,omitempty" json:"builder,omitempty"`
	By      string `yaml:"by,omitempty" json:"by,omitempty"`
	Mode    Mode   `yaml:"mode,omitempty" json:"mode,omitempty" jsonschema:"enum=enforce,enum=warn,enum=unsafe-off"`
}

// Check implements [Gate].
func (s *Provenance) Check(c Case) Verdict {
	p, v := proven(c, signals.ProofProvenance)
	if v.Answer == Pass {
		v = s.built(c, p, v)
	}
	return s.Mode.weigh(v)
}

// built passes if one of the builds is what the rules name; of others the
// newest is told.
func (s *Provenance) built(c Case, p signals.Proof, v Verdict) Verdict {
	why := "it says nothing of a build"
	for i, b := range p.Builds {
		other := s.other(b)
		if other == "" {
			return v
		}
		if i == 0 {
			why = other
		}
	}
	return block("the build", "the provenance of %s is not what the rules name: %s", c.Candidate, why)
}

// other says in what a build is not the one that the rules name.
func (s *Provenance) other(b signals.Build) string {
	switch {
	case s.Source != "" && b.Source != s.Source:
		return fmt.Sprintf("it was built from %s, not from %s", orElse(b.Source, "an unnamed source"), s.Source)
	case s.Builder != "" && !wildcard(s.Builder, b.Builder):
		return fmt.Sprintf("it was built by %s, not by %s", orElse(b.Builder, "an unnamed builder"), s.Builder)
	case s.Branch == "" && s.Tag == "":
		return ""
	case s.Branch != "" && b.Ref == "refs/heads/"+s.Branch:
		return ""
	case s.Tag != "" && strings.HasPrefix(b.Ref, "refs/tags/") && wildcard(s.Tag, strings.TrimPrefix(b.Ref, "refs/tags/")):
		return ""
	case s.Branch == "":
		return fmt.Sprintf("it was built from %s, not from a tag %s", orElse(b.Ref, "an unnamed ref"), s.Tag)
	}
	return fmt.Sprintf("it was built from %s, not from the branch %s", orElse(b.Ref, "an unnamed ref"), s.Branch)
}

// wildcard compares a text with a pattern in which * stands for anything but a
// slash.
func wildcard(pattern, text string) bool {
	before, after, found := strings.Cut(pattern, "*")
	if !found {
		return pattern == text
	}
	rest, ok := strings.CutPrefix(text, before)
	if !ok {
		return false
	}
	for i := 0; i <= len(rest); i++ {
		if wildcard(after, rest[i:]) {
			return true
		}
		if i < len(rest) && rest[i] == '/' {
			return false
		}
	}
	return false
}
