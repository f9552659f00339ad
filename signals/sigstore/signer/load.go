package signer

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/sigstore/sigstore/pkg/cryptoutils"
)

// longestKey bounds a file with a private key.
const longestKey = 64 << 10

// Load makes a signer of a private key in PEM form: PKCS#8, SEC 1, or as
// `cosign generate-key-pair` writes it, which the password opens. The error
// never holds any of it.
func Load(pem []byte, password string) (*Signer, error) {
	if len(pem) > longestKey {
		return nil, fmt.Errorf("more than %d bytes; is this a private key?", longestKey)
	}
	private, err := cryptoutils.UnmarshalPEMToPrivateKey(pem, cryptoutils.StaticPasswordFunc([]byte(password)))
	if err != nil {
		return nil, errors.New("no private key in PEM form, or another password")
	}
	key, ok := private.(*ecdsa.PrivateKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, errors.New("it is not an ECDSA P-256 key, as `cosign generate-key-pair` makes it")
	}
	return &Signer{key}, nil
}

// Open gives the statement of a bundle if this signer made it.
func (s *Signer) Open(bundle []byte) (payload []byte, mine bool) {
	var b struct {
		Envelope struct {
			Payload     []byte `json:"payload"`
			PayloadType string `json:"payloadType"`
			Signatures  []struct {
				Sig []byte `json:"sig"`
			} `json:"signatures"`
		} `json:"dsseEnvelope"`
	}
	if json.Unmarshal(bundle, &b) != nil || b.Envelope.PayloadType != intotoType || len(b.Envelope.Signatures) != 1 {
		return nil, false
	}
	sum := sha256.Sum256(signed(b.Envelope.Payload))
	if !ecdsa.VerifyASN1(&s.key.PublicKey, sum[:], b.Envelope.Signatures[0].Sig) {
		return nil, false
	}
	return bytes.Clone(b.Envelope.Payload), true
}

// signed are the bytes that an envelope's signature covers.
func signed(payload []byte) []byte {
	return fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(intotoType), intotoType, len(payload), payload)
}
