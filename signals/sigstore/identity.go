package sigstore

import (
	"crypto/x509"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"
	"github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/sigstore/sigstore/pkg/cryptoutils"

	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/sigstore/statement"
)

// Identity is a signer that a root vouches for.
type Identity struct {
	// Name is how people call it; what its certificate says if it is empty.
	Name string
	// Subject is whom the certificate names, and Issuer who told the
	// authority. In a subject * stands for anything but / and @, and ** for
	// anything; it always covers the whole.
	Subject string
	Issuer  string
}

// identity is one ready for use.
type identity struct {
	Identity
	pattern *regexp.Regexp
}

func loadIdentities(all []Identity) ([]identity, error) {
	out := make([]identity, 0, len(all))
	for _, i := range all {
		if i.Subject == "" || i.Issuer == "" {
			return nil, errors.New("an identity counts only with its issuer")
		}
		if strings.Trim(i.Subject, "*/@:.") == "" {
			return nil, fmt.Errorf("identity %q is anybody", i.Subject)
		}
		pattern, err := Pattern(i.Subject)
		if err != nil {
			return nil, err
		}
		out = append(out, identity{i, pattern})
	}
	return out, nil
}

// Pattern is an anchored expression for a text in which * stands for anything
// but / and @, and ** for anything.
func Pattern(text string) (*regexp.Regexp, error) {
	quoted := regexp.QuoteMeta(text)
	quoted = strings.ReplaceAll(quoted, `\*\*`, "\x00")
	quoted = strings.ReplaceAll(quoted, `\*`, `[^/@]*`)
	return regexp.Compile(`\A` + strings.ReplaceAll(quoted, "\x00", `(?s:.*)`) + `\z`)
}

// vouched is what a root says of a signature.
type vouched struct {
	summary certificate.Summary
	result  *verify.VerificationResult
}

// vouch checks a bundle under the roots; the reason is that of the root that
// knows the certificate, or the last.
func (v *Verifier) vouch(raw []byte, leaf *x509.Certificate, artifact verify.ArtifactPolicyOption) (vouched, string) {
	reason := "no trusted root is configured for certificates"
	for _, r := range v.roots {
		for _, in := range r.instances {
			// A parsed bundle remembers its checks, so each gets its own.
			b, err := parseBundle(raw)
			if err != nil {
				return vouched{}, err.Error()
			}
			result, err := in.verifier.Verify(b, verify.NewPolicy(artifact, verify.WithoutIdentitiesUnsafe()))
			switch {
			case err == nil && result.Signature != nil && result.Signature.Certificate != nil:
				return vouched{*result.Signature.Certificate, result}, ""
			case err == nil:
				reason = "it is not signed by a certificate"
			case in.issued(leaf) || reason == "no trusted root is configured for certificates":
				reason = unproven(err)
			}
		}
	}
	return vouched{}, reason
}

// issued says whether an authority of the root names itself as the issuer.
func (in instance) issued(leaf *x509.Certificate) bool {
	for _, ca := range in.material.FulcioCertificateAuthorities() {
		if _, err := ca.Verify(leaf, leaf.NotBefore); err == nil {
			return true
		}
	}
	return false
}

// unproven says in our words why a library refused a signature.
func unproven(err error) string {
	text := err.Error()
	for _, known := range []struct{ part, says string }{
		{"not enough verified log entries", "no trusted log has an entry of it"},
		{"threshold not met for verified signed timestamps", "no trusted authority stamped its time"},
		{"threshold not met for verified", "nobody trusted saw when it was made"},
		{"only able to verify 0 SCT", "its certificate has no receipt of a trusted certificate log"},
		{"integrated time outside certificate validity", "it was logged outside of the time in which its certificate was valid"},
		{"log inclusion", "its log entry does not hold"},
		{"leaf certificate verification failed", "its certificate is not of a trusted authority that was valid when it was made"},
		{"does not match any digest in statement", "it is for another digest"},
		{"failed to verify signature", "its signature does not fit its content"},
	} {
		if strings.Contains(text, known.part) {
			return known.says
		}
	}
	return fmt.Sprintf("it does not hold: %.200q", text)
}

// recognise says which trusted identity a verified certificate is, or why it
// is none.
func (v *Verifier) recognise(leaf *x509.Certificate, s certificate.Summary) (identity, standing, string) {
	if names := cryptoutils.GetSubjectAlternateNames(leaf); len(names) > 1 {
		return identity{}, strange, fmt.Sprintf("its certificate names %d subjects, and which of them signed cannot be told", len(names))
	}
	for _, gone := range v.revoked {
		if gone.MatchString(s.SubjectAlternativeName) {
			return identity{}, revoked, fmt.Sprintf("signed by %.200q, which is revoked in the daemon's file", s.SubjectAlternativeName)
		}
	}
	sameSubject := false
	for _, i := range v.identities {
		if !i.pattern.MatchString(s.SubjectAlternativeName) {
			continue
		}
		if i.Issuer == s.Issuer {
			return i, verified, ""
		}
		sameSubject = true
	}
	if sameSubject {
		return identity{}, strange, fmt.Sprintf("signed by %.200q, but %.200q vouched for it, which is not the issuer that the rules name", s.SubjectAlternativeName, s.Issuer)
	}
	return identity{}, strange, fmt.Sprintf("signed by %.200q (issuer %.200q), which is none of the trusted %s (%s)", s.SubjectAlternativeName, s.Issuer, v.whom(), v.names())
}

// build is what a certificate says of the job that it was issued to.
func build(s certificate.Summary) *signals.Build {
	b := signals.Build{
		Builder: s.BuildSignerURI, Revision: s.SourceRepositoryDigest, Ref: s.SourceRepositoryRef,
		Trigger: s.BuildTrigger, Runner: s.RunnerEnvironment, Run: s.RunInvocationURI, Certified: true,
	}
	b.Source, _ = statement.Source(s.SourceRepositoryURI)
	if b.Source == "" {
		return nil
	}
	return &b
}
