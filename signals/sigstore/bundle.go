package sigstore

import (
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"
)

// signPredicate is the statement that says "I signed this image" and nothing
// more. Bundles with other statements are other evidence: a failed test is
// signed too, and is no signature of the image.
const signPredicate = "https://sigstore.dev/cosign/sign/v1"

// statement is what a bundle says.
type statement struct {
	PredicateType string `json:"predicateType"`
	Subject       []struct {
		Digest map[string]string `json:"digest"`
	} `json:"subject"`
}

func (s statement) about(hexDigest string) bool {
	for _, subject := range s.Subject {
		if subject.Digest["sha256"] == hexDigest {
			return true
		}
	}
	return false
}

func (v *Verifier) judgeBundle(e Evidence, item Item) verdict {
	var b bundle.Bundle
	if err := b.UnmarshalJSON(item.Raw); err != nil {
		return refuse(malformed, "bundle %s cannot be read: %.200q", item.Blob, err.Error())
	}
	envelope, err := b.Envelope()
	if err != nil {
		return refuse(malformed, "bundle %s has no envelope", item.Blob)
	}
	payload, err := envelope.RawEnvelope().DecodeB64Payload()
	if err != nil {
		return refuse(malformed, "bundle %s: payload cannot be decoded", item.Blob)
	}
	var said statement
	if err := json.Unmarshal(payload, &said); err != nil {
		return refuse(malformed, "bundle %s: statement cannot be read", item.Blob)
	}
	if said.PredicateType != signPredicate {
		return verdict{Standing: unrelated}
	}
	hexDigest := strings.TrimPrefix(e.Subject.DigestStr(), "sha256:")
	if !said.about(hexDigest) {
		return refuse(misplaced, "bundle %s is for another digest, not for this one", item.Blob)
	}
	return v.checkBundle(e, item, hexDigest)
}

// checkBundle tries the trusted keys, the one that the bundle hints at first.
func (v *Verifier) checkBundle(e Evidence, item Item, hexDigest string) verdict {
	digest, err := hex.DecodeString(hexDigest)
	if err != nil {
		return refuse(malformed, "subject: %v", err)
	}
	whose, hint, err := bundleSigner(item.Raw)
	if err != nil {
		return refuse(malformed, "bundle %s: %v", item.Blob, err)
	}
	keys := slices.Clone(v.keys)
	slices.SortStableFunc(keys, func(a, b trusted) int {
		return order(b.hint == hint) - order(a.hint == hint)
	})
	for _, key := range keys {
		for _, verifier := range key.verifiers {
			if result, err := checkKey(item.Raw, verifier, digest); err == nil {
				return bindStatement(key.name, result, e, hexDigest)
			}
		}
	}
	return refuse(strange, "signed by %s, which is none of the trusted keys (%s)", whose, v.names())
}

func order(first bool) int {
	if first {
		return 1
	}
	return 0
}

// checkKey parses the bundle anew, because a parsed one remembers its checks.
func checkKey(raw []byte, key signature.Verifier, digest []byte) (*verify.VerificationResult, error) {
	var b bundle.Bundle
	if err := b.UnmarshalJSON(raw); err != nil {
		return nil, err
	}
	material := root.NewTrustedPublicKeyMaterial(func(string) (root.TimeConstrainedVerifier, error) {
		return root.NewExpiringKey(key, time.Time{}, time.Time{}), nil
	})
	verifier, err := verify.NewVerifier(material, verify.WithNoObserverTimestamps(), verify.WithoutStatementPredicate())
	if err != nil {
		return nil, err
	}
	return verifier.Verify(&b, verify.NewPolicy(verify.WithArtifactDigest("sha256", digest), verify.WithKey()))
}

// bindStatement reads what the library verified, not what was read before.
func bindStatement(by string, result *verify.VerificationResult, e Evidence, hexDigest string) verdict {
	said := result.Statement
	if said.GetPredicateType() != signPredicate {
		return verdict{Standing: unrelated}
	}
	reference := ""
	for _, subject := range said.GetSubject() {
		if subject.GetDigest()["sha256"] != hexDigest || subject.GetName() == "" {
			continue
		}
		if reference = subject.GetName(); bind(by, reference, e.Subject).Standing == verified {
			break
		}
	}
	return bind(by, reference, e.Subject)
}

// bundleSigner says who claims to have signed, and the hint at the key.
func bundleSigner(raw []byte) (whose, hint string, err error) {
	var b bundle.Bundle
	if err := b.UnmarshalJSON(raw); err != nil {
		return "", "", err
	}
	content, err := b.VerificationContent()
	if err != nil {
		return "", "", err
	}
	if cert := content.Certificate(); cert != nil {
		return certificateSigner(cert), "", nil
	}
	if key := content.PublicKey(); key != nil && key.Hint() != "" {
		return fmt.Sprintf("the key %.100q", key.Hint()), key.Hint(), nil
	}
	return "an unknown key", "", nil
}

// certificateSigner names the holder of a certificate that was not verified.
func certificateSigner(cert *x509.Certificate) string {
	names := cryptoutils.GetSubjectAlternateNames(cert)
	if len(names) == 0 {
		return "a certificate without a name"
	}
	return fmt.Sprintf("the certificate of %.200q", names[0])
}
