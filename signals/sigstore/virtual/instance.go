// Package virtual is a whole Sigstore in memory: a certificate authority with
// its certificate log, a signature log of the first and of the second version,
// and a timestamp authority. Tests sign with it, and so does the self-test of
// a policy, which makes up strangers and sees whether the policy refuses them.
//
// Who the parties are is in instance.go, certificates and the proof that they
// were logged in certificate.go, entries of the signature log in log.go, and
// what is signed in bundle.go. Nothing here is trusted by anybody unless its
// root is handed over.
package virtual

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"
	"math/big"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"
)

// Instance is one Sigstore with keys of its own.
type Instance struct {
	from, until   time.Time
	ca, tsa       authority
	certLog, logs logKey
	second        logKey
}

// authority is a certificate authority with its root, or the timestamp
// authority, whose leaf signs.
type authority struct {
	root, issuer *x509.Certificate
	key          *ecdsa.PrivateKey
	// chain lies between the root and what signs.
	chain []*x509.Certificate
}

// logKey is the key of a log and its name.
type logKey struct {
	key *ecdsa.PrivateKey
	id  [sha256.Size]byte
	url string
}

// New makes an instance whose authorities are valid from an hour before now
// until an hour after it.
func New(now time.Time) (*Instance, error) {
	return NewBetween(now.Add(-time.Hour), now.Add(time.Hour))
}

// NewBetween is New with the time in which the authorities are valid.
func NewBetween(from, until time.Time) (*Instance, error) {
	i := &Instance{from: from, until: until}
	var err error
	if i.ca, err = i.authority("virtual Fulcio", x509.ExtKeyUsageCodeSigning); err != nil {
		return nil, err
	}
	if i.tsa, err = i.authority("virtual timestamp authority", x509.ExtKeyUsageTimeStamping); err != nil {
		return nil, err
	}
	if i.tsa, err = i.stamper(i.tsa); err != nil {
		return nil, err
	}
	for name, l := range map[string]*logKey{"ct": &i.certLog, "rekor": &i.logs, "log2026": &i.second} {
		if *l, err = newLog("https://" + name + ".virtual.example"); err != nil {
			return nil, err
		}
	}
	return i, nil
}

func newLog(url string) (logKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return logKey{}, fmt.Errorf("make the key of %s: %w", url, err)
	}
	id, err := keyID(&key.PublicKey)
	return logKey{key: key, id: id, url: url}, err
}

// keyID is how logs are named: the hash of their public key.
func keyID(public *ecdsa.PublicKey) ([sha256.Size]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return [sha256.Size]byte{}, fmt.Errorf("write a public key: %w", err)
	}
	return sha256.Sum256(der), nil
}

// authority makes a root and an issuer below it.
func (i *Instance) authority(name string, use x509.ExtKeyUsage) (authority, error) {
	rootKey, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		return authority{}, fmt.Errorf("make the key of %s: %w", name, err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{Organization: []string{name}, CommonName: name + " root"},
		NotBefore: i.from, NotAfter: i.until, IsCA: true, BasicConstraintsValid: true, MaxPathLen: 1, KeyUsage: x509.KeyUsageCertSign,
	}
	top, err := issue(template, template, &rootKey.PublicKey, rootKey)
	if err != nil {
		return authority{}, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		return authority{}, fmt.Errorf("make the key of %s: %w", name, err)
	}
	below := *template
	below.SerialNumber, below.Subject.CommonName, below.MaxPathLen, below.MaxPathLenZero = big.NewInt(2), name+" issuer", 0, true
	below.ExtKeyUsage = []x509.ExtKeyUsage{use}
	issuer, err := issue(&below, top, &key.PublicKey, rootKey)
	return authority{root: top, issuer: issuer, key: key}, err
}

func issue(template, parent *x509.Certificate, public *ecdsa.PublicKey, key *ecdsa.PrivateKey) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		return nil, fmt.Errorf("issue a certificate: %w", err)
	}
	return x509.ParseCertificate(der)
}

// Parts says which parties a root names. A root without logs is like the one
// that GitHub uses for private repositories.
type Parts struct{ WithoutLogs, WithoutCertificateLog, WithoutStamps bool }

// Root is the trusted root as the file that verifiers read.
func (i *Instance) Root(p Parts) ([]byte, error) {
	cas := []root.CertificateAuthority{&root.FulcioCertificateAuthority{
		Root: i.ca.root, Intermediates: []*x509.Certificate{i.ca.issuer}, ValidityPeriodStart: i.from, URI: "https://fulcio.virtual.example",
	}}
	var stamps []root.TimestampingAuthority
	if !p.WithoutStamps {
		stamps = append(stamps, &root.SigstoreTimestampingAuthority{
			Root: i.tsa.root, Intermediates: i.tsa.chain, Leaf: i.tsa.issuer, ValidityPeriodStart: i.from, URI: "https://tsa.virtual.example",
		})
	}
	certLogs, logs := map[string]*root.TransparencyLog{}, map[string]*root.TransparencyLog{}
	if !p.WithoutLogs {
		i.name(logs, i.logs, i.second)
		if !p.WithoutCertificateLog {
			i.name(certLogs, i.certLog)
		}
	}
	r, err := root.NewTrustedRoot(root.TrustedRootMediaType01, cas, certLogs, stamps, logs)
	if err != nil {
		return nil, fmt.Errorf("write the trusted root: %w", err)
	}
	return r.MarshalJSON()
}

func (i *Instance) name(to map[string]*root.TransparencyLog, keys ...logKey) {
	for _, l := range keys {
		to[hex.EncodeToString(l.id[:])] = &root.TransparencyLog{
			BaseURL: l.url, ID: l.id[:], ValidityPeriodStart: i.from, HashFunc: crypto.SHA256,
			PublicKey: &l.key.PublicKey, SignatureHashFunc: crypto.SHA256,
		}
	}
}

// Mixed takes each party from another instance, as a thief of some of the keys
// would.
func Mixed(authority, certLog, logs, stamps *Instance) *Instance {
	out := *authority
	out.certLog, out.logs, out.second, out.tsa = certLog.certLog, logs.logs, logs.second, stamps.tsa
	return &out
}
