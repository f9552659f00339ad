package signals

import (
	"slices"
	"time"
)

// State is what a health signal says. The zero value is that it says nothing.
type State string

// The states of a health signal.
const (
	StateUnknown     State = ""
	StateHealthy     State = "healthy"
	StateProgressing State = "progressing"
	StateUnhealthy   State = "unhealthy"
)

// Health is the answer of one named signal about one lane.
type Health struct {
	// Name is the signal's name in the environment's rules.
	Name  string `json:"name" yaml:"name"`
	State State  `json:"state" yaml:"state"`
	// For is the version that was asked about, which Git named then: the answer
	// tells nothing about another one. Empty if it is about none in particular.
	For Digest `json:"for,omitempty" yaml:"for,omitempty"`
	// Digest is what runs, as far as this signal can tell; empty if it cannot.
	Digest Digest `json:"digest,omitempty" yaml:"digest,omitempty"`
	// Rung is the evidence that Digest, or else Revision, rests on.
	Rung Rung `json:"rung,omitempty" yaml:"rung,omitempty"`
	// Revision is the commit that a controller applied, or the version of a
	// chart, where the signal sees no digest: whoever has the repository can say
	// what it names there.
	Revision string `json:"revision,omitempty" yaml:"revision,omitempty"`
	// Since is when the state began without a break, as far as is known.
	Since time.Time `json:"since,omitzero" yaml:"since,omitempty"`
	// Proven says that the source itself vouches for Since, also for the time
	// in which nobody looked.
	Proven bool `json:"proven,omitempty" yaml:"proven,omitempty"`
	// At is when the signal was read.
	At time.Time `json:"at" yaml:"at"`
	// Source says where it was read, for people.
	Source string `json:"source,omitempty" yaml:"source,omitempty"`
	// Drift says how what runs came to differ from Git, where the source knows.
	Drift Drift `json:"drift,omitempty" yaml:"drift,omitempty"`
	// Reason is one sentence for people; it may hold untrusted text.
	Reason string `json:"reason,omitempty" yaml:"reason,omitempty"`
	// Uncollected says that no adapter of this build can read the signal.
	Uncollected bool `json:"uncollected,omitempty" yaml:"uncollected,omitempty"`
}

// About says whether an answer can be about a version: it was asked about that
// one, or about none in particular.
func (h Health) About(d Digest) bool { return h.For == "" || h.For == d }

// Proof is since when the source vouches for the state; zero if it does not.
func (h Health) Proof() time.Time {
	if !h.Proven {
		return time.Time{}
	}
	return h.Since
}

// Carry is the newest answers with the beginning of each state as far back as
// it was seen: an answer that says the same as the one before goes on from
// there. What a source vouches for is left as it says.
func Carry(before, now []Health) []Health {
	out := slices.Clone(now)
	for i, h := range out {
		was, ok := (Facts{Health: before}).Signal(h.Name)
		if ok && !h.Proven && !was.Since.IsZero() && was.State == h.State && was.Digest == h.Digest && was.For == h.For {
			out[i].Since = was.Since
		}
	}
	return out
}

// Earned is the durable fact that a digest was healthy in an environment for
// the soak its wave asks.
type Earned struct {
	Digest Digest    `json:"digest" yaml:"digest"`
	At     time.Time `json:"at" yaml:"at"`
	// Adopted says that the digest was there before Waveguide was.
	Adopted bool `json:"adopted,omitempty" yaml:"adopted,omitempty"`
}
