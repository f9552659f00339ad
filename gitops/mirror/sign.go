package mirror

import (
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"
)

// Signer signs commits with an SSH key, in the form that "git verify-commit"
// accepts. Ed25519 signatures are deterministic, so that the same promotion
// makes the same commit; prefer such keys.
type Signer struct {
	key ssh.Signer
	alg string
}

// ParseSigner reads a private key in OpenSSH or PEM form. Ed25519 and RSA keys
// are accepted; passphrase may be empty for a key that is not encrypted.
func ParseSigner(pem, passphrase []byte) (*Signer, error) {
	key, err := ssh.ParsePrivateKey(pem)
	if _, ok := errors.AsType[*ssh.PassphraseMissingError](err); ok {
		key, err = ssh.ParsePrivateKeyWithPassphrase(pem, passphrase)
	}
	if err != nil {
		return nil, fmt.Errorf("read signing key: %w", err)
	}
	switch t := key.PublicKey().Type(); t {
	case ssh.KeyAlgoED25519:
		return &Signer{key: key, alg: t}, nil
	case ssh.KeyAlgoRSA: // SSHSIG forbids SHA-1
		return &Signer{key: key, alg: ssh.KeyAlgoRSASHA512}, nil
	default:
		return nil, fmt.Errorf("signing key of type %s: want ssh-ed25519 or ssh-rsa", t)
	}
}

// PublicKey returns the public key as a line of an authorized_keys or
// allowed_signers file.
func (s *Signer) PublicKey() string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(s.key.PublicKey())))
}

// sign returns the armored SSHSIG signature of a payload in the namespace git.
func (s *Signer) sign(payload []byte) (string, error) {
	magic := [6]byte([]byte("SSHSIG"))
	digest := sha512.Sum512(payload)
	message := ssh.Marshal(struct {
		Magic                    [6]byte
		Namespace, Reserved, Alg string
		Digest                   []byte
	}{magic, "git", "", "sha512", digest[:]})
	key, ok := s.key.(ssh.AlgorithmSigner)
	if !ok {
		return "", errors.New("sign commit: key cannot choose its algorithm")
	}
	sig, err := key.SignWithAlgorithm(rand.Reader, message, s.alg)
	if err != nil {
		return "", fmt.Errorf("sign commit: %w", err)
	}
	blob := base64.StdEncoding.EncodeToString(ssh.Marshal(struct {
		Magic                    [6]byte
		Version                  uint32
		Key                      []byte
		Namespace, Reserved, Alg string
		Signature                []byte
	}{magic, 1, s.key.PublicKey().Marshal(), "git", "", "sha512", ssh.Marshal(*sig)}))
	var b strings.Builder
	b.WriteString("-----BEGIN SSH SIGNATURE-----\n")
	for len(blob) > 0 {
		n := min(len(blob), 70)
		b.WriteString(blob[:n] + "\n")
		blob = blob[n:]
	}
	b.WriteString("-----END SSH SIGNATURE-----\n")
	return b.String(), nil
}
