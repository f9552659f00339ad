package sigstore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strconv"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/sigstore/cosign/v2/pkg/cosign"
	"github.com/sigstore/cosign/v2/pkg/oci"
	"github.com/sigstore/cosign/v2/pkg/oci/static"
	"github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/sigstore/sigstore/pkg/cryptoutils"

	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/sigstore/statement"
)

const (
	legacyType      = "cosign container image signature"
	legacySignature = "dev.cosignproject.cosign/signature"
	legacyBundle    = "dev.sigstore.cosign/bundle"
	legacyCert      = "dev.sigstore.cosign/certificate"
	legacyStamp     = "dev.sigstore.cosign/rfc3161timestamp"
)

// payload is what a legacy signature says; the JSON is the signed payload.
type payload struct {
	Critical struct {
		Identity struct {
			Reference string `json:"docker-reference"`
		} `json:"identity"`
		Image struct {
			Digest string `json:"docker-manifest-digest"`
		} `json:"image"`
		Type string `json:"type"`
	} `json:"critical"`
	// Optional are the annotations of `cosign sign -a`.
	Optional map[string]any `json:"optional"`
}

func (v *Verifier) judgeLegacy(ctx context.Context, e Evidence, item Item) verdict {
	if !slices.Contains(v.kinds, signals.ProofSignature) {
		return verdict{Standing: unrelated, Kind: signals.ProofSignature}
	}
	var said payload
	if err := json.Unmarshal(item.Raw, &said); err != nil || said.Critical.Type != legacyType {
		return refuse(malformed, "signature %s is not of the form %q", item.Blob, legacyType).about(signals.ProofSignature)
	}
	if err := statement.Once(item.Raw); err != nil {
		return refuse(malformed, "signature %s: %v", item.Blob, err).about(signals.ProofSignature)
	}
	if said.Critical.Image.Digest != e.Subject.DigestStr() {
		return refuse(misplaced, "signature %s is for the digest %.80q, not for this one", item.Blob, said.Critical.Image.Digest).about(signals.ProofSignature)
	}
	entry, err := entryOf(item)
	if err != nil {
		return refuse(malformed, "signature %s: %v", item.Blob, err).about(signals.ProofSignature)
	}
	var found verdict
	if leaf := legacyLeaf(item); leaf != nil {
		found = v.legacyCertified(item, leaf, entry)
	} else {
		found = v.legacyKeyed(ctx, e, item)
	}
	found = found.about(signals.ProofSignature)
	if found.Standing != verified {
		return found
	}
	if !statement.Bears(said.Optional, v.annotated) {
		return v.unmarked(found)
	}
	return bind(found, said.Critical.Identity.Reference, e.Subject)
}

// legacyKeyed tries the trusted keys.
func (v *Verifier) legacyKeyed(ctx context.Context, e Evidence, item Item) verdict {
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
				return verdict{Standing: verified, By: key.name}
			}
		}
	}
	return refuse(strange, "signed by an unknown key, which is none of the trusted %s (%s)", v.whom(), v.names())
}

// legacyCertified checks a signature with a certificate as a bundle, whose
// rules are the stricter ones.
func (v *Verifier) legacyCertified(item Item, leaf *x509.Certificate, entry object) verdict {
	signature, err := base64.StdEncoding.DecodeString(item.Annotations[legacySignature])
	if err != nil {
		return refuse(malformed, "signature %s is not base64", item.Blob)
	}
	material, err := legacyMaterial(item, leaf, entry)
	if err != nil {
		return refuse(malformed, "signature %s: %v", item.Blob, err)
	}
	sum := sha256.Sum256(item.Raw)
	raw, err := json.Marshal(object{
		"mediaType": convertedType, "verificationMaterial": material,
		"messageSignature": object{"messageDigest": object{"algorithm": "SHA2_256", "digest": sum[:]}, "signature": signature},
	})
	if err != nil {
		return refuse(malformed, "signature %s: %v", item.Blob, err)
	}
	return v.certified(raw, leaf, verify.WithArtifact(bytes.NewReader(item.Raw)))
}

// judgeAttestation checks an envelope of the older form as a bundle.
func (v *Verifier) judgeAttestation(e Evidence, item Item) verdict {
	entry, err := entryOf(item)
	if err != nil {
		return refuse(malformed, "attestation %s: %v", item.Blob, err)
	}
	leaf := legacyLeaf(item)
	if leaf != nil && entry == nil && item.Annotations[legacyStamp] != "" {
		// The older form stamps the whole envelope, the newer the signature.
		return refuse(malformed, "attestation %s has a timestamp and no log entry, which its older form cannot prove; attest with --new-bundle-format", item.Blob)
	}
	var envelope struct {
		Payload     []byte `json:"payload"`
		PayloadType string `json:"payloadType"`
		Signatures  []struct {
			Sig []byte `json:"sig"`
		} `json:"signatures"`
	}
	if err := json.Unmarshal(item.Raw, &envelope); err != nil {
		return refuse(malformed, "attestation %s is no envelope", item.Blob)
	}
	if err := statement.Once(item.Raw); err != nil {
		return refuse(malformed, "attestation %s: %v", item.Blob, err)
	}
	signatures := make([]object, len(envelope.Signatures))
	for i, s := range envelope.Signatures {
		signatures[i] = object{"sig": s.Sig}
	}
	item.Annotations = without(item.Annotations, legacyStamp)
	material, err := legacyMaterial(item, leaf, entry)
	if err != nil {
		return refuse(malformed, "attestation %s: %v", item.Blob, err)
	}
	raw, err := json.Marshal(object{
		"mediaType": convertedType, "verificationMaterial": material,
		"dsseEnvelope": object{"payload": envelope.Payload, "payloadType": envelope.PayloadType, "signatures": signatures},
	})
	if err != nil {
		return refuse(malformed, "attestation %s: %v", item.Blob, err)
	}
	return v.judgeBundle(e, item, raw)
}

// object is JSON.
type object = map[string]any

// convertedType is the form of bundles that older evidence fits into.
const convertedType = "application/vnd.dev.sigstore.bundle+json;version=0.1"

// legacyMaterial is what a bundle needs to be verified. Intermediate
// certificates that stand beside the evidence are left behind.
func legacyMaterial(item Item, leaf *x509.Certificate, entry object) (object, error) {
	out := object{"publicKey": object{"hint": ""}}
	if leaf != nil {
		out = object{"x509CertificateChain": object{"certificates": []any{object{"rawBytes": leaf.Raw}}}}
	}
	if entry != nil {
		out["tlogEntries"] = []any{entry}
	}
	if text := item.Annotations[legacyStamp]; text != "" {
		var stamp struct {
			Signed []byte `json:"SignedRFC3161Timestamp"`
		}
		if err := json.Unmarshal([]byte(text), &stamp); err != nil {
			return nil, errors.New("timestamp cannot be read")
		}
		out["timestampVerificationData"] = object{"rfc3161Timestamps": []any{object{"signedTimestamp": stamp.Signed}}}
	}
	return out, nil
}

// entryOf is the log entry of older evidence as bundles write it; nil if it
// has none. A body that is not a text would end the process inside cosign's
// library, so nothing with one gets past here.
func entryOf(item Item) (object, error) {
	text := item.Annotations[legacyBundle]
	if text == "" {
		return nil, nil //nolint:nilnil // no entry is no mistake
	}
	var entry struct {
		Promise []byte `json:"SignedEntryTimestamp"`
		Payload struct {
			Body           any    `json:"body"`
			IntegratedTime int64  `json:"integratedTime"`
			LogIndex       int64  `json:"logIndex"`
			LogID          string `json:"logID"`
		} `json:"Payload"`
	}
	if err := json.Unmarshal([]byte(text), &entry); err != nil {
		return nil, errors.New("log entry cannot be read")
	}
	encoded, ok := entry.Payload.Body.(string)
	if !ok {
		return nil, errors.New("log entry whose body is not a string")
	}
	body, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, errors.New("log entry whose body is not base64")
	}
	id, err := hex.DecodeString(entry.Payload.LogID)
	if err != nil {
		return nil, errors.New("log entry of a log without a name")
	}
	var kind struct {
		Kind    string `json:"kind"`
		Version string `json:"apiVersion"`
	}
	if err := json.Unmarshal(body, &kind); err != nil {
		return nil, errors.New("log entry whose body cannot be read")
	}
	return object{
		"logIndex": strconv.FormatInt(entry.Payload.LogIndex, 10), "logId": object{"keyId": id},
		"kindVersion":       object{"kind": kind.Kind, "version": kind.Version},
		"integratedTime":    strconv.FormatInt(entry.Payload.IntegratedTime, 10),
		"inclusionPromise":  object{"signedEntryTimestamp": entry.Promise},
		"canonicalizedBody": body,
	}, nil
}

func without(m map[string]string, key string) map[string]string {
	out := map[string]string{}
	for k, v := range m {
		if k != key {
			out[k] = v
		}
	}
	return out
}

// legacy makes a signature of a layer as cosign's library wants it. What only
// counts with certificates stays behind.
func legacy(item Item) (oci.Signature, error) {
	return static.NewSignature(item.Raw, item.Annotations[legacySignature])
}

// legacyLeaf is the certificate beside older evidence; nil if there is none.
func legacyLeaf(item Item) *x509.Certificate {
	certs, err := cryptoutils.UnmarshalCertificatesFromPEM([]byte(item.Annotations[legacyCert]))
	if err != nil || len(certs) == 0 {
		return nil
	}
	return certs[0]
}
