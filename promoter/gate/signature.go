package gate

import "github.com/waveguide-dev/waveguide/signals"

// Signature asks whether the digest is signed by whom the rules name, and
// whether what was signed names this artifact's repository and, where it names
// a version, this version.
//
//	signature: {key: release}
//	signature: {identity: "https://github.com/acme/app/.github/workflows/release.yaml@refs/heads/main", issuer: https://token.actions.githubusercontent.com}
//
// It blocks when there is no signature, none that holds, or one that was made
// for another repository. It is asked for every class of change.
type Signature struct {
	// Key is the name of a key of the daemon's trust.
	Key string `yaml:"key,omitempty" json:"key,omitempty"`
	// Identity and Issuer name a keyless signer, exactly.
	Identity string `yaml:"identity,omitempty" json:"identity,omitempty"`
	Issuer   string `yaml:"issuer,omitempty" json:"issuer,omitempty"`
	// By is the name of a signer of the daemon's trust.
	By string `yaml:"by,omitempty" json:"by,omitempty"`
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
	switch {
	case p.Repository == "" && !s.UnsafeUnbound:
		return block("the build", "the signature of %s names no repository, so it may have been made for another artifact", c.Candidate)
	case p.Repository != "" && p.Repository != c.Image:
		return block("the build", "the signature of %s was made for %s, not for %s", c.Candidate, p.Repository, c.Image)
	case p.Tag != "" && p.Tag != c.Candidate.Tag:
		return block("the build", "%s was signed as version %s", c.Candidate, p.Tag)
	}
	return v
}
