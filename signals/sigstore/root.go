package sigstore

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
)

// Witness is a party that must have seen a signature or its certificate.
type Witness string

// The witnesses that a root can demand.
const (
	// WitnessReceipt is a log of certificates.
	WitnessReceipt Witness = "receipt"
	// WitnessLog is a log of signatures.
	WitnessLog Witness = "log"
	// WitnessStamp is a timestamp authority.
	WitnessStamp Witness = "timestamp"
)

const (
	longestRoot = 4 << 20
	mostRoots   = 16
)

// Root is who vouches for identities: certificate authorities, logs and
// timestamp authorities, as in a file trusted_root.json of Sigstore. It is
// safe for concurrent use.
type Root struct {
	hash      string
	instances []instance
}

// instance is one trusted root of a file.
type instance struct {
	material  *root.TrustedRoot
	verifier  *verify.Verifier
	witnesses []Witness
}

// NewRoot reads a trusted root, or several, one on each line. Without
// witnesses, each demands all that it names: a receipt if it names logs of
// certificates, an entry if it names logs of signatures, and a timestamp if it
// names no log. That is right for public Sigstore and for GitHub's.
func NewRoot(data []byte, witnesses ...Witness) (*Root, error) {
	if len(data) > longestRoot {
		return nil, fmt.Errorf("more than %d bytes; is this a trusted root?", longestRoot)
	}
	sum := sha256.Sum256(fmt.Appendf(slices.Clone(data), "\n%q", witnesses))
	out := &Root{hash: hex.EncodeToString(sum[:])}
	d := json.NewDecoder(bytes.NewReader(data))
	for {
		var raw json.RawMessage
		err := d.Decode(&raw)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("a trusted root cannot be read: %w", err)
		}
		if len(out.instances) == mostRoots {
			return nil, fmt.Errorf("more than %d trusted roots in one file", mostRoots)
		}
		one, err := newInstance(raw, witnesses)
		if err != nil {
			return nil, err
		}
		out.instances = append(out.instances, one)
	}
	if len(out.instances) == 0 {
		return nil, errors.New("no trusted root in it")
	}
	return out, nil
}

// Hash names the root and what it demands.
func (r *Root) Hash() string { return r.hash }

func newInstance(raw []byte, witnesses []Witness) (instance, error) {
	material, err := root.NewTrustedRootFromJSON(raw)
	if err != nil {
		return instance{}, fmt.Errorf("a trusted root cannot be read: %w", err)
	}
	if len(material.FulcioCertificateAuthorities()) == 0 {
		return instance{}, errors.New("a trusted root names no certificate authority")
	}
	if len(witnesses) == 0 {
		if len(material.CTLogs()) > 0 {
			witnesses = append(witnesses, WitnessReceipt)
		}
		if len(material.RekorLogs()) > 0 {
			witnesses = append(witnesses, WitnessLog)
		} else {
			witnesses = append(witnesses, WitnessStamp)
		}
	}
	options := []verify.VerifierOption{verify.WithoutStatementPredicate()}
	for _, w := range witnesses {
		switch w {
		case WitnessReceipt:
			options = append(options, verify.WithSignedCertificateTimestamps(1))
		case WitnessLog:
			options = append(options, verify.WithTransparencyLog(1))
		case WitnessStamp:
			options = append(options, verify.WithSignedTimestamps(1))
		default:
			return instance{}, fmt.Errorf("unknown witness %.40q", w)
		}
	}
	if !slices.Contains(witnesses, WitnessStamp) {
		if !slices.Contains(witnesses, WitnessLog) {
			return instance{}, errors.New("a root must demand a log or a timestamp, or nobody knows when a signature was made")
		}
		options = append(options, verify.WithObserverTimestamps(1))
	}
	verifier, err := verify.NewVerifier(material, options...)
	if err != nil {
		return instance{}, fmt.Errorf("a trusted root cannot be used: %w", err)
	}
	return instance{material: material, verifier: verifier, witnesses: witnesses}, nil
}
