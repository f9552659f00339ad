package sigstore

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"
)

// Key is a trusted public key. During a rotation the old and the new key are
// both given; a key is retired by leaving it out.
type Key struct {
	// Name is how rules and people call it.
	Name string
	// PEM is the public key.
	PEM []byte
}

const (
	mostKeys   = 32
	leastRSA   = 2048
	longestPEM = 64 << 10
)

// trusted is a key ready for use.
type trusted struct {
	name string
	// hint is what signers write into bundles to name the key: the base64 of
	// the SHA-256 of its DER form. It is not signed and only saves time.
	hint string
	// verifiers differ in the hash: cosign signs with SHA-256 whatever the
	// curve, others with the hash that fits the curve.
	verifiers []signature.Verifier
}

func load(keys []Key) ([]trusted, error) {
	if len(keys) > mostKeys {
		return nil, fmt.Errorf("%d trusted keys; at most %d", len(keys), mostKeys)
	}
	var out []trusted
	for _, key := range keys {
		k, err := key.load()
		if err != nil {
			return nil, fmt.Errorf("key %q: %w", key.Name, err)
		}
		for _, other := range out {
			if other.name == k.name || other.hint == k.hint {
				return nil, fmt.Errorf("key %q is given twice (%q)", k.name, other.name)
			}
		}
		out = append(out, k)
	}
	return out, nil
}

func (k Key) load() (trusted, error) {
	if k.Name == "" {
		return trusted{}, errors.New("it has no name")
	}
	if len(k.PEM) > longestPEM {
		return trusted{}, fmt.Errorf("more than %d bytes; is this a public key?", longestPEM)
	}
	public, err := cryptoutils.UnmarshalPEMToPublicKey(k.PEM)
	if err != nil {
		return trusted{}, fmt.Errorf("no public key in PEM form: %w", err)
	}
	if r, ok := public.(*rsa.PublicKey); ok && r.N.BitLen() < leastRSA {
		return trusted{}, fmt.Errorf("an RSA key of %d bits; at least %d", r.N.BitLen(), leastRSA)
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return trusted{}, err
	}
	sum := sha256.Sum256(der)
	out := trusted{name: k.Name, hint: base64.StdEncoding.EncodeToString(sum[:])}
	plain, err := signature.LoadVerifier(public, crypto.SHA256)
	if err == nil {
		out.verifiers = append(out.verifiers, plain)
	}
	fitting, err2 := signature.LoadDefaultVerifier(public)
	if err2 == nil {
		out.verifiers = append(out.verifiers, fitting)
	}
	if ed, ok := public.(ed25519.PublicKey); ok { // cosign hashes before it signs with these
		if hashing, err := signature.LoadED25519phVerifier(ed); err == nil {
			out.verifiers = append(out.verifiers, hashing)
		}
	}
	if len(out.verifiers) == 0 {
		return trusted{}, errors.Join(err, err2)
	}
	return out, nil
}
