package virtual

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"fmt"
	"math/big"
	"net/url"
	"time"

	"github.com/digitorus/timestamp"
)

// Identity is whom a certificate names, and what it says about the build.
type Identity struct {
	// Name is the subject: a URL, or an address of mail.
	Name, Issuer string
	// Source, Revision and Ref say what was built; Trigger, Runner, Builder
	// and Run how.
	Source, Revision, Ref, Trigger, Runner, Builder, Run string
	// Also is a second subject, which no honest certificate has.
	Also string
}

// certificate is a leaf with its key.
type certificate struct {
	*x509.Certificate
	key *ecdsa.PrivateKey
}

// leafLife is how long certificates are valid.
const leafLife = 10 * time.Minute

// certify issues a certificate that begins at a time, logged or not.
func (i *Instance) certify(who Identity, at time.Time, logged bool) (certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return certificate{}, fmt.Errorf("make a key: %w", err)
	}
	leaf, err := i.certifyKey(who, &key.PublicKey, at, logged)
	return certificate{leaf, key}, err
}

// certifyKey issues a certificate for somebody's key.
func (i *Instance) certifyKey(who Identity, key *ecdsa.PublicKey, at time.Time, logged bool) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, fmt.Errorf("make a serial number: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, NotBefore: at, NotAfter: at.Add(leafLife), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
	}
	if u, err := url.Parse(who.Name); err == nil && u.Scheme != "" {
		template.URIs = []*url.URL{u}
	} else {
		template.EmailAddresses = []string{who.Name}
	}
	if who.Also != "" {
		template.DNSNames = []string{who.Also}
	}
	if template.ExtraExtensions, err = who.extensions(); err != nil {
		return nil, err
	}
	leaf, err := issue(template, i.ca.issuer, key, i.ca.key)
	if err != nil || !logged {
		return leaf, err
	}
	receipt, err := i.receipt(leaf, at)
	if err != nil {
		return nil, err
	}
	template.ExtraExtensions = append(template.ExtraExtensions, receipt)
	return issue(template, i.ca.issuer, key, i.ca.key)
}

// extensions are those of Fulcio, see its docs/oid-info.md.
func (who Identity) extensions() ([]pkix.Extension, error) {
	var out []pkix.Extension
	for n, text := range map[int]string{
		8: who.Issuer, 9: who.Builder, 11: who.Runner, 12: who.Source, 13: who.Revision, 14: who.Ref, 20: who.Trigger, 21: who.Run,
	} {
		if text == "" {
			continue
		}
		value, err := asn1.MarshalWithParams(text, "utf8")
		if err != nil {
			return nil, fmt.Errorf("write %q into a certificate: %w", text, err)
		}
		out = append(out, pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, n}, Value: value})
	}
	return out, nil
}

// receipt is what the certificate log says about a certificate that does not
// hold it yet (RFC 6962, sections 3.2 and 3.3).
func (i *Instance) receipt(leaf *x509.Certificate, at time.Time) (pkix.Extension, error) {
	issuer := sha256.Sum256(i.ca.issuer.RawSubjectPublicKeyInfo)
	stamp := binary.BigEndian.AppendUint64(nil, uint64(at.UnixMilli()))
	tbs := leaf.RawTBSCertificate
	signed := append([]byte{0, 0}, stamp...)
	signed = append(append(signed, 0, 1), issuer[:]...)
	signed = append(append(signed, byte(len(tbs)>>16), byte(len(tbs)>>8), byte(len(tbs))), tbs...)
	sum := sha256.Sum256(append(signed, 0, 0))
	signature, err := ecdsa.SignASN1(rand.Reader, i.certLog.key, sum[:])
	if err != nil {
		return pkix.Extension{}, fmt.Errorf("sign the receipt of a certificate: %w", err)
	}
	one := append(append([]byte{0}, i.certLog.id[:]...), stamp...)
	one = append(one, 0, 0, 4, 3) // no extensions; SHA-256 with ECDSA
	one = append(binary.BigEndian.AppendUint16(one, uint16(len(signature))), signature...)
	list := append(binary.BigEndian.AppendUint16(nil, uint16(len(one))), one...)
	value, err := asn1.Marshal(append(binary.BigEndian.AppendUint16(nil, uint16(len(list))), list...))
	if err != nil {
		return pkix.Extension{}, fmt.Errorf("write the receipt of a certificate: %w", err)
	}
	return pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 2}, Value: value}, nil
}

// stamper issues the leaf that signs timestamps.
func (i *Instance) stamper(a authority) (authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return a, fmt.Errorf("make the key of the timestamp authority: %w", err)
	}
	use, err := asn1.Marshal([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 8}})
	if err != nil {
		return a, fmt.Errorf("write the use of the timestamp authority: %w", err)
	}
	leaf, err := issue(&x509.Certificate{
		SerialNumber: big.NewInt(3), Subject: pkix.Name{CommonName: "virtual timestamps"}, NotBefore: i.from, NotAfter: i.until,
		KeyUsage:        x509.KeyUsageDigitalSignature,
		ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: use}},
	}, a.issuer, &key.PublicKey, a.key)
	if err != nil {
		return a, err
	}
	// The leaf takes the place of the issuer: it is what signs.
	return authority{root: a.root, issuer: leaf, key: key, chain: []*x509.Certificate{a.issuer}}, nil
}

// stamp is a signed timestamp of some bytes (RFC 3161).
func (i *Instance) stamp(signature []byte, at time.Time) ([]byte, error) {
	sum := sha256.Sum256(signature)
	t := timestamp.Timestamp{
		HashAlgorithm: crypto.SHA256, HashedMessage: sum[:], Time: at, Policy: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 2},
	}
	out, err := t.CreateResponseWithOpts(i.tsa.issuer, i.tsa.key, crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("sign a timestamp: %w", err)
	}
	return out, nil
}
