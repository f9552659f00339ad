// Package attest says in signed statements what was verified and promoted, and
// puts them beside the digest that they are about, as referrers in its registry.
// It never writes what others wrote: where a registry keeps the list of
// referrers in a tag and knows no conditional writes, it writes nothing.
//
// What is said is in statement.go; how it is found and put, in place.go; how a
// list that lies under a tag is changed, in tag.go.
package attest

import (
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/sigstore/signer"
	"github.com/waveguide-dev/waveguide/signals/sigstore/statement"
)

// RecordType is the predicate type of a promotion record.
const RecordType = "https://waveguide.dev/promotion/v1"

// Policy is by which rules something was verified: its name, which holds the
// environment, and its digest.
type Policy struct {
	URI    string
	Digest signals.Digest
}

// Summary is a verification summary of SLSA that says: passed.
type Summary struct {
	// Verifier is who we are, and Version which program.
	Verifier, Version string
	At                time.Time
	// Image is the repository, and Digest what was verified.
	Image  string
	Digest signals.Digest
	Policy Policy
	// Levels are what was verified.
	Levels []string
	// Inputs are the digests of all evidence that was used.
	Inputs []signals.Digest
}

// object is a JSON object.
type object = map[string]any

func (p Policy) descriptor() object {
	return object{"uri": p.URI, "digest": digests(p.Digest)}
}

func digests(d signals.Digest) object {
	return object{"sha256": strings.TrimPrefix(string(d), "sha256:")}
}

// Resource is how our statements name a repository.
func Resource(image string) string { return "oci://" + image }

// Statement is the summary as it is signed.
func (s Summary) Statement() signer.Statement {
	inputs := make([]object, len(s.Inputs))
	for i, d := range s.Inputs {
		inputs[i] = object{"digest": digests(d)}
	}
	p := object{
		"verifier":     object{"id": s.Verifier, "version": object{"waveguide": s.Version}},
		"timeVerified": s.At.UTC().Format(time.RFC3339), "resourceUri": Resource(s.Image), "policy": s.Policy.descriptor(),
		"verificationResult": statement.Passed, "verifiedLevels": s.Levels, "slsaVersion": "1.0",
	}
	if len(inputs) > 0 {
		p["inputAttestations"] = inputs
	}
	return signer.Statement{PredicateType: statement.Summary, Name: s.Image, Digest: string(s.Digest), Predicate: p}
}

// Version is a version with the tag it was promoted under.
type Version struct {
	Tag    string         `json:"tag,omitempty"`
	Digest signals.Digest `json:"digest,omitempty"`
}

// Approval is one person's yes to a proposal.
type Approval struct {
	By string    `json:"by"`
	At time.Time `json:"at,omitzero"`
}

// Record says how a version came into an environment and what it earned there.
type Record struct {
	Verifier    string `json:"recorder"`
	Artifact    string `json:"artifact"`
	Image       string `json:"image"`
	Environment string `json:"environment"`
	Wave        string `json:"wave,omitempty"`
	// Repository is the GitOps repository, by its name in the daemon's file.
	Repository string  `json:"repository"`
	Version    Version `json:"version"`
	From       Version `json:"from,omitzero"`
	// Proposal and Merged are the proposal's address and the commit it was
	// merged as; empty if it came in without one.
	Proposal  string     `json:"proposal,omitempty"`
	Merged    string     `json:"merged,omitempty"`
	Approvals []Approval `json:"approvals,omitempty"`
	// Entry is the ledger's key of this publication, and Ledger the checkpoint
	// before it.
	Entry  string `json:"entry,omitempty"`
	Ledger string `json:"ledger,omitempty"`
	Times  Times  `json:"times"`
	Policy Policy `json:"-"`
}

// Times are when a version took its steps.
type Times struct {
	Proposed time.Time `json:"proposed,omitzero"`
	Merged   time.Time `json:"merged,omitzero"`
	Entered  time.Time `json:"entered,omitzero"`
	Earned   time.Time `json:"earned"`
}

// recorded is a record as it is signed.
type recorded struct {
	Record

	Policy object `json:"policy"`
}

// Statement is the record as it is signed.
func (r Record) Statement() signer.Statement {
	return signer.Statement{
		PredicateType: RecordType, Name: r.Image, Digest: string(r.Version.Digest), Predicate: recorded{r, r.Policy.descriptor()},
	}
}

// mark is what makes two statements the same publication.
type mark struct{ kind, digest, uri, policy string }

// marked reads the mark of a payload of ours.
func marked(payload []byte) (mark, bool) {
	s, err := statement.Parse(payload)
	if err != nil || len(s.Subject) != 1 {
		return mark{}, false
	}
	p := s.Policy()
	return mark{s.PredicateType, s.Subject[0].Digest["sha256"], p.URI, p.Digest["sha256"]}, p.URI != ""
}

// Types are the predicate types of statements, for people.
func Types(all []signer.Statement) []string {
	var out []string
	for _, s := range all {
		out = append(out, s.PredicateType)
	}
	slices.Sort(out)
	return out
}
