package signals

import "time"

// ProofSummary is the word of a verifier who looked at the evidence in our
// place.
const ProofSummary ProofKind = "summary"

// Summary is what a verifier says that it verified about a digest (SLSA
// verification summary).
type Summary struct {
	// Verifier is who the verifier says it is; who signed is in the proof.
	Verifier string `json:"verifier" yaml:"verifier"`
	// At is when the verifier says it looked.
	At time.Time `json:"at" yaml:"at"`
	// Resource is what it says it looked at; Repository is the OCI repository
	// that this names, empty if it names none.
	Resource   string `json:"resource" yaml:"resource"`
	Repository string `json:"repository,omitempty" yaml:"repository,omitempty"`
	// Policy is the digest of the policy it looked by, as sha256:…, and
	// PolicyURI its name.
	Policy    Digest `json:"policy,omitempty" yaml:"policy,omitempty"`
	PolicyURI string `json:"policyURI,omitempty" yaml:"policyURI,omitempty"`
	Passed    bool   `json:"passed" yaml:"passed"`
	// Levels are the levels it verified, the highest of each track.
	Levels []string `json:"levels,omitempty" yaml:"levels,omitempty"`
}
