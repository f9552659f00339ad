package signer_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/waveguide-dev/waveguide/signals/sigstore/signer"
)

// written is a private key as PEM.
func written(t *testing.T, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func TestLoad(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	other, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	older := pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
	for name, text := range map[string][]byte{"PKCS#8": written(t, key), "SEC 1": older} {
		s, err := signer.Load(text, "")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		bundle, err := s.Bundle(signer.Statement{PredicateType: "x", Digest: "sha256:00"})
		if err != nil {
			t.Fatal(err)
		}
		if payload, mine := s.Open(bundle); !mine || !strings.Contains(string(payload), `"predicateType":"x"`) {
			t.Errorf("%s: %q, %t", name, payload, mine)
		}
		for what, bad := range map[string]string{
			"another payload": strings.Replace(string(bundle), `"payload":"ey`, `"payload":"eX`, 1),
			"another type":    strings.Replace(string(bundle), "application/vnd.in-toto+json", "application/x", 1),
			"no JSON":         "x", "nothing": "",
		} {
			if _, mine := s.Open([]byte(bad)); mine {
				t.Errorf("%s is taken for ours", what)
			}
		}
	}
	for says, text := range map[string][]byte{
		"is not an ECDSA P-256 key": written(t, other), "it is not": written(t, ed), "no private key": []byte("-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"),
		"in PEM form": []byte("secret"), "is this a private key?": make([]byte, 65<<10),
	} {
		if _, err := signer.Load(text, ""); err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%v, want %q", err, says)
		}
	}
}
