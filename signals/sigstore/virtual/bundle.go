package virtual

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// Witnesses say who saw a signature, and when. The zero value, with a time, is
// what public Sigstore does: the certificate is logged, and the signature too,
// with a promise and a proof.
type Witnesses struct {
	// At is when the signature is logged and stamped.
	At time.Time
	// Issued is when the certificate begins; At if it is zero.
	Issued time.Time
	// Stamp adds a signed timestamp.
	Stamp bool
	// Second uses the second version of the log, which knows no time.
	Second bool
	// What is left out.
	NoReceipt, NoLog, NoPromise, NoProof bool
}

const (
	bundleType = "application/vnd.dev.sigstore.bundle.v0.3+json"
	intotoType = "application/vnd.in-toto+json"
)

// Bundle signs a statement as somebody.
func (i *Instance) Bundle(who Identity, statement []byte, w Witnesses) ([]byte, error) {
	s, err := i.signed(who, preAuth(statement), w)
	if err != nil {
		return nil, err
	}
	envelope := object{"payload": statement, "payloadType": intotoType, "signatures": []any{object{"sig": s.signature}}}
	raw, err := json.Marshal(envelope)
	if err != nil {
		return nil, fmt.Errorf("write an envelope: %w", err)
	}
	material := object{"certificate": object{"rawBytes": s.leaf.Raw}}
	if s.stamp != nil {
		material["timestampVerificationData"] = object{"rfc3161Timestamps": []any{object{"signedTimestamp": s.stamp}}}
	}
	if !w.NoLog {
		sum := sha256.Sum256(preAuth(statement))
		kind, version, log := "dsse", "0.0.1", i.logs
		body, err := recordEnvelope(raw, statement, s.signature, s.leaf)
		if w.Second {
			kind, version, log = "hashedrekord", "0.0.2", i.second
			body, err = recordSecond(sum[:], s.signature, s.leaf)
		}
		if err != nil {
			return nil, fmt.Errorf("write a log entry: %w", err)
		}
		entry, err := i.entry(log, kind, version, body, w)
		if err != nil {
			return nil, err
		}
		material["tlogEntries"] = []any{entry}
	}
	kind := bundleType
	if w.NoProof { // newer forms demand one
		kind = "application/vnd.dev.sigstore.bundle+json;version=0.1"
		material["x509CertificateChain"] = object{"certificates": []any{material["certificate"]}}
		delete(material, "certificate")
	}
	return json.Marshal(object{"mediaType": kind, "verificationMaterial": material, "dsseEnvelope": envelope})
}

// Signature signs bytes in cosign's older form and returns the annotations of
// the layer that holds them. The older form knows no proof of inclusion.
func (i *Instance) Signature(who Identity, payload []byte, w Witnesses) (map[string]string, error) {
	s, err := i.signed(who, payload, w)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(payload)
	body, err := record(sum[:], s.signature, s.leaf)
	if err != nil {
		return nil, fmt.Errorf("write a log entry: %w", err)
	}
	out, err := i.annotations(s, body, w)
	if err != nil {
		return nil, err
	}
	signature, err := json.Marshal(s.signature)
	out["dev.cosignproject.cosign/signature"] = string(signature[1 : len(signature)-1])
	return out, err
}

// Attestation signs a statement in cosign's older form: the layer, and its
// annotations.
func (i *Instance) Attestation(who Identity, statement []byte, w Witnesses) (layer []byte, annotations map[string]string, err error) {
	s, err := i.signed(who, preAuth(statement), w)
	if err != nil {
		return nil, nil, err
	}
	layer, err = json.Marshal(object{"payload": statement, "payloadType": intotoType, "signatures": []any{object{"keyid": "", "sig": s.signature}}})
	if err != nil {
		return nil, nil, fmt.Errorf("write an envelope: %w", err)
	}
	body, err := recordEnvelope(layer, statement, s.signature, s.leaf)
	if err != nil {
		return nil, nil, fmt.Errorf("write a log entry: %w", err)
	}
	annotations, err = i.annotations(s, body, w)
	if err != nil {
		return nil, nil, err
	}
	annotations["dev.cosignproject.cosign/signature"] = ""
	return layer, annotations, nil
}

// annotations are what the older form keeps beside a layer.
func (i *Instance) annotations(s signed, body []byte, w Witnesses) (map[string]string, error) {
	out := map[string]string{"dev.sigstore.cosign/certificate": string(s.leaf.pem())}
	if !w.NoLog {
		promise, err := i.logs.promise(body, w.At, 7)
		if err != nil {
			return nil, err
		}
		entry, err := json.Marshal(object{"SignedEntryTimestamp": promise, "Payload": object{
			"body": body, "integratedTime": w.At.Unix(), "logIndex": 7, "logID": hex.EncodeToString(i.logs.id[:]),
		}})
		if err != nil {
			return nil, fmt.Errorf("write a log entry: %w", err)
		}
		out["dev.sigstore.cosign/bundle"] = string(entry)
	}
	if s.stamp != nil {
		stamp, err := json.Marshal(object{"SignedRFC3161Timestamp": s.stamp})
		if err != nil {
			return nil, fmt.Errorf("write a timestamp: %w", err)
		}
		out["dev.sigstore.cosign/rfc3161timestamp"] = string(stamp)
	}
	return out, nil
}

// signed is a signature with the certificate of its key.
type signed struct {
	leaf      certificate
	signature []byte
	stamp     []byte
}

func (i *Instance) signed(who Identity, message []byte, w Witnesses) (signed, error) {
	issued := w.Issued
	if issued.IsZero() {
		issued = w.At
	}
	leaf, err := i.certify(who, issued, !w.NoReceipt)
	if err != nil {
		return signed{}, err
	}
	sum := sha256.Sum256(message)
	s := signed{leaf: leaf}
	if s.signature, err = ecdsa.SignASN1(rand.Reader, leaf.key, sum[:]); err != nil {
		return signed{}, fmt.Errorf("sign: %w", err)
	}
	if w.Stamp {
		s.stamp, err = i.stamp(s.signature, w.At)
	}
	return s, err
}

// preAuth is what is signed of an envelope.
func preAuth(payload []byte) []byte {
	return fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(intotoType), intotoType, len(payload), payload)
}
