// Package statement reads what signed evidence says: in-toto statements with
// SLSA provenance, bills of materials, scans, test results, OpenVEX documents
// and verification summaries. It does no I/O and checks no signature; what it
// is given comes from strangers and is bounded by the caller.
//
// Each kind of predicate has a file of its own. A predicate type gets its
// meaning in Kind.
package statement

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/waveguide-dev/waveguide/signals"
)

// The types of predicates that have a meaning of their own.
const (
	// Sign is a plain signature of an image and says nothing more.
	Sign = "https://sigstore.dev/cosign/sign/v1"
	// Exploitability is an OpenVEX document.
	Exploitability = "https://openvex.dev/ns"
	// Summary is the verification summary of SLSA.
	Summary = "https://slsa.dev/verification_summary/v1"
)

// Statement is what an envelope holds. Fields that are not known are left
// alone, as in-toto asks.
type Statement struct {
	Type          string          `json:"_type"`
	PredicateType string          `json:"predicateType"`
	Subject       []Subject       `json:"subject"`
	Predicate     json.RawMessage `json:"predicate"`
}

// Subject is one thing that a statement is about.
type Subject struct {
	Name   string            `json:"name"`
	Digest map[string]string `json:"digest"`
	// Annotations are what a signer added with `cosign sign -a`.
	Annotations map[string]any `json:"annotations"`
}

const (
	mostSubjects = 1024
	// careful is how deep keys are looked at for being written twice.
	careful = 4
	// long is a predicate that is a list.
	long = 64 << 10
)

// Parse reads a statement. One in which a key stands twice is refused, because
// two readers may then see two statements.
func Parse(payload []byte) (Statement, error) {
	var s Statement
	if err := json.Unmarshal(payload, &s); err != nil {
		return s, fmt.Errorf("statement cannot be read: %w", err)
	}
	switch s.Type {
	case "https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1":
	default:
		return s, fmt.Errorf("%.100q is no statement of in-toto", s.Type)
	}
	if len(s.Subject) == 0 {
		return s, errors.New("statement is about nothing")
	}
	if len(s.Subject) > mostSubjects {
		return s, fmt.Errorf("statement is about %d things, more than %d", len(s.Subject), mostSubjects)
	}
	return s, s.once(payload)
}

// About says whether a subject has the SHA-256 digest.
func (s Statement) About(hexDigest string) bool {
	for _, subject := range s.Subject {
		if subject.Digest["sha256"] == hexDigest {
			return true
		}
	}
	return false
}

// Names are the names of the subjects with the digest.
func (s Statement) Names(hexDigest string) []string {
	var names []string
	for _, subject := range s.Subject {
		if subject.Digest["sha256"] == hexDigest && subject.Name != "" {
			names = append(names, subject.Name)
		}
	}
	return names
}

// Annotated says that one subject with the digest bears all annotations.
func (s Statement) Annotated(hexDigest string, with map[string]string) bool {
	for _, subject := range s.Subject {
		if subject.Digest["sha256"] == hexDigest && Bears(subject.Annotations, with) {
			return true
		}
	}
	return false
}

// Bears says that signed annotations hold all the wanted ones, as text.
func Bears(annotations map[string]any, with map[string]string) bool {
	for key, want := range with {
		if got, ok := annotations[key].(string); !ok || got != want {
			return false
		}
	}
	return true
}

// Kind is the kind of evidence that a type of predicate is; empty if none.
func Kind(predicateType string) signals.ProofKind {
	switch predicateType {
	case Sign:
		return signals.ProofSignature
	case provenanceV1, provenanceV02:
		return signals.ProofProvenance
	case scanCosign, scanV01, scanV02, Exploitability, Exploitability + "/v0.2.0":
		return signals.ProofVulnerabilities
	case testResult:
		return signals.ProofTests
	case Summary:
		return signals.ProofSummary
	}
	for _, prefix := range []string{spdx, cycloneDX} {
		if predicateType == prefix || strings.HasPrefix(predicateType, prefix+"/") {
			return signals.ProofSBOM
		}
	}
	return ""
}

// Once refuses JSON in which an object near the top has a key twice.
func Once(raw []byte) error { return unique(raw, careful, "") }

// once is [Once] for a statement, of which a long predicate is only looked at
// near its top: those are lists of packages.
func (s Statement) once(payload []byte) error {
	if err := unique(payload, careful, "predicate"); err != nil {
		return err
	}
	if len(s.Predicate) > long {
		return unique(s.Predicate, 1, "")
	}
	return unique(s.Predicate, careful, "")
}

func unique(raw []byte, depth int, skip string) error {
	if len(raw) == 0 {
		return nil
	}
	w := walk{json.NewDecoder(bytes.NewReader(raw)), skip}
	if err := w.value(depth); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// walk goes through JSON and leaves alone what stands under one key.
type walk struct {
	*json.Decoder
	skip string
}

func (w walk) value(depth int) error {
	token, err := w.Token()
	if err != nil {
		return fmt.Errorf("statement cannot be read: %w", err)
	}
	delim, ok := token.(json.Delim)
	if !ok {
		return nil
	}
	seen := map[string]bool{}
	for w.More() {
		name := ""
		if delim == '{' {
			if name, err = w.key(seen); err != nil {
				return err
			}
		}
		next := w.value
		if depth == 0 || name != "" && name == w.skip {
			next = w.pass
		}
		if err := next(depth - 1); err != nil {
			return err
		}
	}
	_, err = w.Token()
	return err
}

// pass leaves a value alone.
func (w walk) pass(int) error {
	var skipped json.RawMessage
	if err := w.Decode(&skipped); err != nil {
		return fmt.Errorf("statement cannot be read: %w", err)
	}
	return nil
}

// key reads one key. Readers that ignore case would take two keys that differ
// in it for one, so they count as the same.
func (w walk) key(seen map[string]bool) (string, error) {
	token, err := w.Token()
	if err != nil {
		return "", fmt.Errorf("statement cannot be read: %w", err)
	}
	name, _ := token.(string)
	folded := strings.ToLower(name)
	if seen[folded] {
		return "", fmt.Errorf("statement has the key %.60q twice", name)
	}
	seen[folded] = true
	return folded, nil
}
