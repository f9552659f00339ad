package sigstore

import (
	"fmt"
	"time"

	"github.com/waveguide-dev/waveguide/signals"
)

// standing orders what a piece of evidence came to; of several refusals the
// highest is told.
type standing uint8

const (
	unread standing = iota
	unrelated
	malformed
	strange
	misplaced
	revoked
	unbound     // it holds, and names no repository
	contradicts // it holds, and what it says is not what its certificate says
	foreign     // it holds, for another repository
	verified
)

// holds tells signatures that speak for the digest. One that names no
// repository does, unless the same keys signed it for somewhere else only.
func (s standing) holds() bool { return s == verified || s == unbound }

// verdict is what one piece of evidence came to, and what it says if it holds.
type verdict struct {
	Standing   standing          `json:"standing"`
	Kind       signals.ProofKind `json:"kind,omitempty"`
	By         string            `json:"by,omitempty"`
	Repository string            `json:"repository,omitempty"`
	Tag        string            `json:"tag,omitempty"`
	Reason     string            `json:"reason,omitempty"`
	// Signed is the earliest verified time; zero if nobody trusted saw it.
	Signed   time.Time `json:"signed,omitzero"`
	Identity string    `json:"identity,omitempty"`
	Issuer   string    `json:"issuer,omitempty"`

	Build  *signals.Build  `json:"build,omitempty"`
	Bill   *signals.Bill   `json:"bill,omitempty"`
	Scan   *signals.Scan   `json:"scan,omitempty"`
	Suites []signals.Suite `json:"suites,omitempty"`
	// Summary is what a verifier says.
	Summary *signals.Summary `json:"summary,omitempty"`
	// Exempt are vulnerabilities that do not affect the digest, as of then.
	Exempt   map[string]string `json:"exempt,omitempty"`
	ExemptAt time.Time         `json:"exemptAt,omitzero"`
}

func refuse(s standing, format string, args ...any) verdict {
	return verdict{Standing: s, Reason: fmt.Sprintf(format, args...)}
}

// about says which kind of evidence a verdict is about.
func (v verdict) about(kind signals.ProofKind) verdict {
	v.Kind = kind
	return v
}
