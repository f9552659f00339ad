package sigstore

import (
	"cmp"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"

	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/sigstore/statement"
)

const intotoType = "application/vnd.in-toto+json"

func parseBundle(raw []byte) (*bundle.Bundle, error) {
	var b bundle.Bundle
	if err := b.UnmarshalJSON(raw); err != nil {
		return nil, err
	}
	return &b, nil
}

// letter is an opened envelope.
type letter struct {
	statement.Statement
	raw []byte
	// leaf is the certificate that claims to have signed; nil for keys, of
	// which hint tells one.
	leaf *x509.Certificate
	hint string
}

// open reads a bundle without believing it.
func open(raw []byte) (letter, error) {
	b, err := parseBundle(raw)
	if err != nil {
		return letter{}, fmt.Errorf("cannot be read: %.200q", err.Error())
	}
	envelope, err := b.Envelope()
	if err != nil {
		return letter{}, errors.New("has no envelope")
	}
	inner := envelope.RawEnvelope()
	if len(inner.Signatures) != 1 {
		return letter{}, fmt.Errorf("has %d signatures in one envelope, where one is allowed", len(inner.Signatures))
	}
	if inner.PayloadType != intotoType {
		return letter{}, fmt.Errorf("holds %.100q, which is no statement", inner.PayloadType)
	}
	payload, err := inner.DecodeB64Payload()
	if err != nil {
		return letter{}, errors.New("payload cannot be decoded")
	}
	out := letter{raw: raw}
	if out.Statement, err = statement.Parse(payload); err != nil {
		return letter{}, err
	}
	content, err := b.VerificationContent()
	if err != nil {
		return letter{}, fmt.Errorf("says nothing of who signed: %.200q", err.Error())
	}
	out.leaf = content.Certificate()
	if key := content.PublicKey(); key != nil {
		out.hint = key.Hint()
	}
	return out, nil
}

// judgeBundle checks a bundle, of which raw is the content whatever form it
// was stored in.
func (v *Verifier) judgeBundle(e Evidence, item Item, raw []byte) verdict {
	l, err := open(raw)
	if err != nil {
		return refuse(malformed, "%s %s: %v", item.Kind, item.Blob, err)
	}
	kind := statement.Kind(l.PredicateType)
	if !slices.Contains(v.kinds, kind) {
		return verdict{Standing: unrelated, Kind: kind}
	}
	hexDigest := strings.TrimPrefix(e.Subject.DigestStr(), "sha256:")
	if !l.About(hexDigest) {
		return refuse(misplaced, "%s %s is for another digest, not for this one", item.Kind, item.Blob).about(kind)
	}
	digest, err := hex.DecodeString(hexDigest)
	if err != nil {
		return refuse(malformed, "subject: %v", err)
	}
	found := v.signedBy(l, digest)
	if found.Standing != verified {
		return found.about(kind)
	}
	return v.read(l, found.about(kind), e, hexDigest)
}

// signedBy says which trusted signer signed a letter.
func (v *Verifier) signedBy(l letter, digest []byte) verdict {
	artifact := verify.WithArtifactDigest("sha256", digest)
	if l.leaf != nil {
		return v.certified(l.raw, l.leaf, artifact)
	}
	keys := slices.Clone(v.keys)
	slices.SortStableFunc(keys, func(a, b trusted) int {
		return order(b.hint == l.hint) - order(a.hint == l.hint)
	})
	for _, key := range keys {
		for _, verifier := range key.verifiers {
			if checkKey(l.raw, verifier, artifact) == nil {
				return verdict{Standing: verified, By: key.name, Signed: v.seen(l.raw, verifier, artifact)}
			}
		}
	}
	whose := "an unknown key"
	if l.hint != "" {
		whose = fmt.Sprintf("the key %.100q", l.hint)
	}
	return refuse(strange, "signed by %s, which is none of the trusted %s (%s)", whose, v.whom(), v.names())
}

// certified checks what a certificate signed.
func (v *Verifier) certified(raw []byte, leaf *x509.Certificate, artifact verify.ArtifactPolicyOption) verdict {
	if len(v.identities) == 0 {
		return refuse(strange, "signed by %s, which is none of the trusted %s (%s)", certificateSigner(leaf), v.whom(), v.names())
	}
	by, why := v.vouch(raw, leaf, artifact)
	if why != "" {
		return refuse(strange, "the signature of %s is not proven: %s", certificateSigner(leaf), why)
	}
	who, s, why := v.recognise(leaf, by.summary)
	if s != verified {
		return refuse(s, "%s", why)
	}
	found := verdict{
		Standing: verified, By: cmp.Or(who.Name, by.summary.SubjectAlternativeName), Identity: by.summary.SubjectAlternativeName, Issuer: by.summary.Issuer, Build: build(by.summary),
	}
	for _, t := range by.result.VerifiedTimestamps {
		if found.Signed.IsZero() || t.Timestamp.Before(found.Signed) {
			found.Signed = t.Timestamp.UTC()
		}
	}
	return found
}

func order(first bool) int {
	if first {
		return 1
	}
	return 0
}

// keyMaterial trusts one key for all hints.
func keyMaterial(key signature.Verifier) root.TrustedMaterial {
	return root.NewTrustedPublicKeyMaterial(func(string) (root.TimeConstrainedVerifier, error) {
		return root.NewExpiringKey(key, time.Time{}, time.Time{}), nil
	})
}

func checkKey(raw []byte, key signature.Verifier, artifact verify.ArtifactPolicyOption) error {
	b, err := parseBundle(raw)
	if err != nil {
		return err
	}
	verifier, err := verify.NewVerifier(keyMaterial(key), verify.WithNoObserverTimestamps(), verify.WithoutStatementPredicate())
	if err != nil {
		return err
	}
	_, err = verifier.Verify(b, verify.NewPolicy(artifact, verify.WithKey()))
	return err
}

// seen is when a trusted log or authority saw a signature that a key made;
// zero if none did, which keys do not need.
func (v *Verifier) seen(raw []byte, key signature.Verifier, artifact verify.ArtifactPolicyOption) time.Time {
	for _, r := range v.roots {
		for _, in := range r.instances {
			b, err := parseBundle(raw)
			if err != nil {
				return time.Time{}
			}
			material := root.TrustedMaterialCollection{in.material, keyMaterial(key)}
			verifier, err := verify.NewVerifier(material, verify.WithObserverTimestamps(1), verify.WithoutStatementPredicate())
			if err != nil {
				return time.Time{}
			}
			result, err := verifier.Verify(b, verify.NewPolicy(artifact, verify.WithKey()))
			if err == nil && len(result.VerifiedTimestamps) > 0 {
				return result.VerifiedTimestamps[0].Timestamp.UTC()
			}
		}
	}
	return time.Time{}
}

// read takes from a verified letter what it says.
func (v *Verifier) read(l letter, found verdict, e Evidence, hexDigest string) verdict {
	var err error
	switch found.Kind {
	case signals.ProofSignature:
		if !l.Annotated(hexDigest, v.annotated) {
			return v.unmarked(found)
		}
		return bindStatement(l.Statement, found, e, hexDigest)
	case signals.ProofProvenance:
		return provenance(l.Statement, found)
	case signals.ProofSummary:
		return v.summarise(l, found, e)
	case signals.ProofSBOM:
		var bill signals.Bill
		bill, err = l.Bill()
		found.Bill = &bill
	case signals.ProofVulnerabilities:
		if strings.HasPrefix(l.PredicateType, statement.Exploitability) {
			found.Exempt, found.ExemptAt, err = l.Exempt(hexDigest)
			break
		}
		var scan signals.Scan
		scan, err = l.Scan()
		found.Scan = &scan
	case signals.ProofTests:
		found.Suites, err = l.Suites()
	}
	if err != nil {
		return refuse(malformed, "signed by %s, but %v", found.By, err).about(found.Kind)
	}
	return found
}

// provenance lets the certificate speak first: what the job says of itself
// must agree.
func provenance(s statement.Statement, found verdict) verdict {
	b, err := s.Build()
	if err != nil {
		return refuse(malformed, "signed by %s, but %v", found.By, err).about(found.Kind)
	}
	if cert := found.Build; cert != nil {
		for _, word := range []struct {
			what       string
			says, with *string
		}{
			{"source", &b.Source, &cert.Source},
			{"revision", &b.Revision, &cert.Revision},
			{"ref", &b.Ref, &cert.Ref},
			{"trigger", &b.Trigger, &cert.Trigger},
			{"runner", &b.Runner, &cert.Runner},
		} {
			if *word.says != "" && *word.with != "" && *word.says != *word.with {
				return refuse(contradicts, "signed by %s, but it names the %s %.200q where the certificate says %.200q", found.By, word.what, *word.says, *word.with).about(found.Kind)
			}
			if *word.with != "" {
				*word.says = *word.with
			}
		}
		if why := otherBuilder(b.Builder, *cert); why != "" {
			return refuse(contradicts, "signed by %s, but %s", found.By, why).about(found.Kind)
		}
		if b.Run == "" {
			b.Run = cert.Run
		}
		b.Certified = cert.Revision != ""
	}
	found.Build = &b
	return found
}

// otherBuilder compares a builder with the certificate, where builders follow
// the names that GitHub gives them.
func otherBuilder(builder string, cert signals.Build) string {
	if runner, ok := strings.CutPrefix(builder, "https://github.com/actions/runner/"); ok && cert.Runner != "" && runner != cert.Runner {
		return fmt.Sprintf("it names the runner %.100q where the certificate says %.100q", runner, cert.Runner)
	}
	if strings.Contains(builder, "/.github/workflows/") && strings.Contains(cert.Builder, "/.github/workflows/") && builder != cert.Builder {
		return fmt.Sprintf("it names the builder %.200q where the certificate says %.200q", builder, cert.Builder)
	}
	return ""
}

// bindStatement ties a plain signature to a repository.
func bindStatement(said statement.Statement, found verdict, e Evidence, hexDigest string) verdict {
	reference := ""
	for _, reference = range said.Names(hexDigest) {
		if bind(found, reference, e.Subject).Standing == verified {
			break
		}
	}
	return bind(found, reference, e.Subject)
}

// certificateSigner names the holder of a certificate that was not verified.
func certificateSigner(cert *x509.Certificate) string {
	names := cryptoutils.GetSubjectAlternateNames(cert)
	if len(names) == 0 {
		return "a certificate without a name"
	}
	return fmt.Sprintf("the certificate of %.200q", names[0])
}
