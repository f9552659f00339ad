package gate

import (
	"strings"

	"github.com/waveguide-dev/waveguide/signals"
)

// Signature asks whether the digest is signed by whom the rules name, and
// whether what was signed is this artifact: signed content names its
// repository and, where it names a version, this version, or the certificate
// names the source that the rules name.
//
//	signature: {key: release}
//	signature: {key: release, annotations: {stage: release}}
//	signature: {identity: "https://github.com/acme/app/.github/workflows/release.yaml@refs/heads/main", issuer: https://token.actions.githubusercontent.com}
//
// It blocks when there is no signature, none that holds, or one that was made
// for another repository or source. It is asked for every class of change.
type Signature struct {
	// Key is the name of a key of the daemon's trust.
	Key string `yaml:"key,omitempty" json:"key,omitempty"`
	// Identity and Issuer name a keyless signer. In an identity * stands for
	// anything but / and @, ** for anything.
	Identity string `yaml:"identity,omitempty" json:"identity,omitempty"`
	Issuer   string `yaml:"issuer,omitempty" json:"issuer,omitempty"`
	// By is the name of a signer of the daemon's trust.
	By string `yaml:"by,omitempty" json:"by,omitempty"`
	// Source is the source repository that the certificate must name. An
	// identity without * is bound to the repository that it begins with.
	Source string `yaml:"source,omitempty" json:"source,omitempty"`
	// Annotations must stand in what was signed, as `cosign sign -a` puts them
	// there.
	Annotations map[string]string `yaml:"annotations,omitempty" json:"annotations,omitempty"`
	// UnsafeUnbound accepts signatures that name no repository: anybody who
	// may copy a signed image into the repository can then promote it.
	UnsafeUnbound bool `yaml:"unsafeUnbound,omitempty" json:"unsafeUnbound,omitempty"`
}

// Check implements [Gate].
func (s *Signature) Check(c Case) Verdict {
	p, v := proven(c, signals.ProofSignature)
	if v.Answer != Pass {
		return v
	}
	source := certified(p)
	switch {
	case s.Source != "" && source != s.Source:
		return block("the build", "%s was signed by a build of %s, not of %s", c.Candidate, orElse(source, "no source that a certificate names"), s.Source)
	case p.Repository == "" && !s.UnsafeUnbound && !s.binds(source):
		return block("the build", "the signature of %s names no repository, so it may have been made for another artifact", c.Candidate)
	case p.Repository != "" && p.Repository != c.Image:
		return block("the build", "the signature of %s was made for %s, not for %s", c.Candidate, p.Repository, c.Image)
	case p.Tag != "" && p.Tag != c.Candidate.Tag:
		return block("the build", "%s was signed as version %s", c.Candidate, p.Tag)
	}
	return v
}

// binds says whether the rules tie the source of a certificate to the
// artifact: they name it, or an identity that lies in it and is nobody else.
func (s *Signature) binds(source string) bool {
	if source == "" {
		return false
	}
	return source == s.Source || !strings.Contains(s.Identity, "*") && strings.HasPrefix(s.Identity, source+"/")
}

// certified is the one source that the certificates of a proof name.
func certified(p signals.Proof) string {
	source := ""
	for _, b := range p.Builds {
		switch {
		case !b.Certified:
		case source == "":
			source = b.Source
		case source != b.Source:
			return ""
		}
	}
	return source
}
