package signals

import "time"

// ProofKind names a kind of evidence; it is the word of the gate that asks
// for it.
type ProofKind string

// The kinds of evidence that rules can demand of a digest.
const (
	ProofSignature       ProofKind = "signature"
	ProofProvenance      ProofKind = "provenance"
	ProofSBOM            ProofKind = "sbom"
	ProofVulnerabilities ProofKind = "vulnerabilities"
	ProofTests           ProofKind = "tests"
)

// Outcome is what looking for evidence came to. The zero value is that nobody
// could look, which is never the same as absent.
type Outcome string

// The outcomes of a look.
const (
	// OutcomeUnknown says that the look failed or never happened.
	OutcomeUnknown Outcome = ""
	// OutcomeVerified says that the evidence is there and holds.
	OutcomeVerified Outcome = "verified"
	// OutcomeRefused says that there is evidence, but none that holds.
	OutcomeRefused Outcome = "refused"
	// OutcomeAbsent says that the source was read and has no evidence.
	OutcomeAbsent Outcome = "absent"
)

// Proof is the result of verifying one kind of evidence about one digest.
type Proof struct {
	Kind    ProofKind `json:"kind" yaml:"kind"`
	Digest  Digest    `json:"digest" yaml:"digest"`
	Outcome Outcome   `json:"outcome" yaml:"outcome"`
	// By is the name of the key or the identity that signed.
	By string `json:"by,omitempty" yaml:"by,omitempty"`
	// Repository is the OCI repository that the signed content names; empty
	// if the signed content names none.
	Repository string `json:"repository,omitempty" yaml:"repository,omitempty"`
	// Tag is the version that the signed content names, if it names one.
	Tag string `json:"tag,omitempty" yaml:"tag,omitempty"`
	// Reason is one sentence for people; it may hold untrusted text.
	Reason string `json:"reason,omitempty" yaml:"reason,omitempty"`
	// Signed is the verified time of the evidence itself, zero if none.
	Signed time.Time `json:"signed,omitzero" yaml:"signed,omitempty"`
	// At is when the evidence list was last read.
	At time.Time `json:"at" yaml:"at"`
	// Evidence are the digests of the blobs that were verified.
	Evidence []Digest `json:"evidence,omitempty" yaml:"evidence,omitempty"`
	// Policy is the hash of the trust and the rule it was verified under.
	Policy string `json:"policy,omitempty" yaml:"policy,omitempty"`
	// Identity and Issuer are the subject of the certificate that signed and
	// who vouched for it; empty for keys.
	Identity string `json:"identity,omitempty" yaml:"identity,omitempty"`
	Issuer   string `json:"issuer,omitempty" yaml:"issuer,omitempty"`
	// Builds are what the certificates and the provenance say of the build,
	// the newest first. A signature has the one of its certificate.
	Builds []Build `json:"builds,omitempty" yaml:"builds,omitempty"`
	// Bill, Scan and Suites are what evidence of their kind says.
	Bill   *Bill   `json:"bill,omitempty" yaml:"bill,omitempty"`
	Scan   *Scan   `json:"scan,omitempty" yaml:"scan,omitempty"`
	Suites []Suite `json:"suites,omitempty" yaml:"suites,omitempty"`
	// Summaries are what verifiers say of it, the newest first.
	Summaries []Summary `json:"summaries,omitempty" yaml:"summaries,omitempty"`
}

// Revision is the source revision that verified evidence names for a digest:
// a certificate's word first, else provenance. It is empty while there is none
// or pieces of evidence name different ones.
func (f Facts) Revision(d Digest) (source, revision string) {
	for _, certified := range []bool{true, false} {
		builds := f.builds(d, certified)
		for _, b := range builds {
			if b.Source != builds[0].Source || b.Revision != builds[0].Revision {
				return "", ""
			}
		}
		if len(builds) > 0 {
			return builds[0].Source, builds[0].Revision
		}
	}
	return "", ""
}

// builds are those of verified evidence that name a source and a revision.
func (f Facts) builds(d Digest, certified bool) []Build {
	var out []Build
	for _, p := range f.Proofs {
		if p.Digest != d || p.Outcome != OutcomeVerified || p.Kind != ProofProvenance && p.Kind != ProofSignature {
			continue
		}
		for _, b := range p.Builds {
			if b.Certified == certified && b.Source != "" && b.Revision != "" {
				out = append(out, b)
			}
		}
	}
	return out
}
