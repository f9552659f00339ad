package promoter

import (
	"cmp"
	"fmt"
	"iter"
	"time"

	"github.com/Masterminds/semver/v3"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/signals"
)

// Needs are the artifacts that a stop requires, as they are in its environment
// at now. Find leads to the stop of a lane and to what is known of it.
func (s *Stop) Needs(now time.Time, find func(gitops.Lane) (*Stop, Lane, bool)) []gate.Need {
	var needs []gate.Need
	for r, at := range s.Requires() {
		need := gate.Need{Artifact: r.Artifact, Constraint: r.Version, Reason: "no promotion brings it there"}
		if other, known, ok := find(at); ok {
			need.Version, need.Reason = other.offers(r.Version, known, now)
			need.Met = need.Reason == ""
		}
		needs = append(needs, need)
	}
	return needs
}

// Requires are the requirements of a stop with the lanes that they speak of.
func (s *Stop) Requires() iter.Seq2[gate.Requirement, gitops.Lane] {
	return func(yield func(gate.Requirement, gitops.Lane) bool) {
		if s.Gates.Requires == nil {
			return
		}
		for _, r := range s.Gates.Requires.Artifacts {
			if !yield(r, gitops.Lane{Repository: s.Lane.Repository, Environment: s.Lane.Environment, Artifact: r.Artifact}) {
				return
			}
		}
	}
}

// offers is the version that Git names in a lane and, where it has signals, that
// runs there and is healthy, or why it is not one that a constraint accepts.
func (s *Stop) offers(constraint string, known Lane, now time.Time) (version, why string) {
	d := known.Desired
	switch d.Presence {
	case gitops.Absent:
		return "", "it is not there"
	case gitops.Mixed:
		return "", "its places disagree"
	case gitops.PresenceUnknown:
		return "", cmp.Or(d.Problem, "nobody knows what is there")
	case gitops.At:
	}
	version = cmp.Or(d.Version.Tag, signals.Digest(d.Version.Digest).Short())
	if constraint != "" {
		c, err := semver.NewConstraint(constraint)
		if err != nil {
			return "", "the needed version is not understood"
		}
		is, err := release(d.Version.Tag)
		if err != nil {
			return "", fmt.Sprintf("%s is there, which is no semantic version", version)
		}
		if !c.Check(is) {
			return "", fmt.Sprintf("%s is there", version)
		}
	}
	if len(s.Signals) > 0 && s.Pulse(d, known.Facts, now, 0).State != signals.StateHealthy {
		return "", fmt.Sprintf("%s is not known to run there and be healthy", version)
	}
	return version, ""
}
