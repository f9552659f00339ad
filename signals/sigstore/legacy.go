package sigstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/sigstore/cosign/v2/pkg/cosign"
	cosignbundle "github.com/sigstore/cosign/v2/pkg/cosign/bundle"
	"github.com/sigstore/cosign/v2/pkg/oci"
	"github.com/sigstore/cosign/v2/pkg/oci/static"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
)

const (
	legacyType      = "cosign container image signature"
	legacySignature = "dev.cosignproject.cosign/signature"
	legacyBundle    = "dev.sigstore.cosign/bundle"
	legacyCert      = "dev.sigstore.cosign/certificate"
)

// claim is what a legacy signature says; the JSON is the signed payload.
type claim struct {
	Critical struct {
		Identity struct {
			Reference string `json:"docker-reference"`
		} `json:"identity"`
		Image struct {
			Digest string `json:"docker-manifest-digest"`
		} `json:"image"`
		Type string `json:"type"`
	} `json:"critical"`
}

func (v *Verifier) judgeLegacy(ctx context.Context, e Evidence, item Item) verdict {
	var said claim
	if err := json.Unmarshal(item.Raw, &said); err != nil || said.Critical.Type != legacyType {
		return refuse(malformed, "signature %s is not of the form %q", item.Blob, legacyType)
	}
	if said.Critical.Image.Digest != e.Subject.DigestStr() {
		return refuse(misplaced, "signature %s is for the digest %.80q, not for this one", item.Blob, said.Critical.Image.Digest)
	}
	sig, err := legacy(item)
	if err != nil {
		return refuse(malformed, "signature %s: %v", item.Blob, err)
	}
	digest, err := v1.NewHash(e.Subject.DigestStr())
	if err != nil {
		return refuse(malformed, "subject: %v", err)
	}
	for _, key := range v.keys {
		for _, verifier := range key.verifiers {
			_, err := cosign.VerifyImageSignature(ctx, sig, digest, &cosign.CheckOpts{
				SigVerifier: verifier, ClaimVerifier: cosign.SimpleClaimVerifier, IgnoreTlog: true, Offline: true,
			})
			if err == nil {
				return bind(key.name, said.Critical.Identity.Reference, e.Subject)
			}
		}
	}
	return refuse(strange, "signed by %s, which is none of the trusted keys (%s)", legacySigner(item), v.names())
}

// legacy makes a signature of a layer as cosign's library wants it. The
// library ends the whole process on a log entry whose body is not a string,
// so that is refused here.
func legacy(item Item) (oci.Signature, error) {
	var options []static.Option
	if text := item.Annotations[legacyBundle]; text != "" {
		var entry cosignbundle.RekorBundle
		if err := json.Unmarshal([]byte(text), &entry); err != nil {
			return nil, fmt.Errorf("log entry: %w", err)
		}
		if _, ok := entry.Payload.Body.(string); !ok {
			return nil, errors.New("log entry whose body is not a string")
		}
		options = append(options, static.WithBundle(&entry))
	}
	return static.NewSignature(item.Raw, item.Annotations[legacySignature], options...)
}

// legacySigner says who claims to have signed, as far as the layer tells.
func legacySigner(item Item) string {
	certs, err := cryptoutils.UnmarshalCertificatesFromPEM([]byte(item.Annotations[legacyCert]))
	if err != nil || len(certs) == 0 {
		return "an unknown key"
	}
	return certificateSigner(certs[0])
}
