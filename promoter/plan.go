package promoter

import (
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/signals"
)

// Plan is what to do now about one artifact, and why, for every lane.
type Plan struct {
	Promotion string     `json:"promotion"`
	Artifact  string     `json:"artifact"`
	Lanes     []LanePlan `json:"lanes"`
	// Wake is when the plan may change by itself; zero if only an event can.
	Wake time.Time `json:"wake,omitzero"`
}

// Phase is where a lane's newest version stands, in one word.
type Phase string

// The phases of a lane.
const (
	// PhaseUnknown says that Git or the rules could not be read.
	PhaseUnknown Phase = "unknown"
	// PhaseAbsent says that the artifact is not in the environment.
	PhaseAbsent Phase = "absent"
	// PhaseWaiting says that a version waits to be proposed.
	PhaseWaiting Phase = "waiting"
	// PhaseBlocked says that a version must not be proposed.
	PhaseBlocked Phase = "blocked"
	// PhaseProposed says that a proposal is open.
	PhaseProposed Phase = "proposed"
	// PhaseSoaking says that the newest version is there and its clock runs.
	PhaseSoaking Phase = "soaking"
	// PhaseFailing says that what is there is unhealthy.
	PhaseFailing Phase = "failing"
	// PhaseEarned says that what is there has earned the environment.
	PhaseEarned Phase = "earned"
)

// LanePlan is the part of a plan about one lane.
type LanePlan struct {
	Lane  gitops.Lane `json:"lane"`
	Wave  string      `json:"wave"`
	Phase Phase       `json:"phase"`
	Class gate.Class  `json:"class"`
	// Current is what Git names, Candidate what wants to enter; both are the
	// same where there is nothing to do.
	Current   signals.Version `json:"current,omitzero"`
	Candidate signals.Version `json:"candidate,omitzero"`
	// Verdicts decide and explain, in the order in which a person would ask.
	Verdicts []gate.Verdict `json:"verdicts,omitempty"`
	// Change is the one write this look wishes; nil if there is none.
	Change *gitops.Change `json:"change,omitempty"`
	// Earned is a fact to remember: the current version earned the lane.
	Earned *signals.Earned `json:"earned,omitempty"`
	// Proposal is the open proposal the verdicts are about, empty if none is.
	Proposal string `json:"proposal,omitempty"`
	// Challenger is the digest that would take the place of the one under
	// review; what it has to prove is read as well.
	Challenger signals.Digest `json:"challenger,omitempty"`
	// Behind names the version that follows the one under review.
	Behind string `json:"behind,omitempty"`
	// Pin is the pin in force, Emergency the one that was declared on the open
	// proposal; nil if there is none.
	Pin       *Pin          `json:"pin,omitempty"`
	Emergency *gitops.Given `json:"emergency,omitempty"`
	// Skipped are the tags between current and candidate, oldest first.
	Skipped []string `json:"skipped,omitempty"`
	// InFlight says that the lane takes a place in its limits.
	InFlight bool         `json:"inFlight,omitempty"`
	Limits   []gate.Limit `json:"limits,omitempty"`
	// Waiting is since when the lane waits for a place.
	Waiting time.Time `json:"waiting,omitzero"`
	Wake    time.Time `json:"wake,omitzero"`
}

// String is the golden format of stories: one line a lane, one a verdict.
func (p Plan) String() string {
	var b strings.Builder
	for _, l := range p.Lanes {
		b.WriteString(l.String())
	}
	if !p.Wake.IsZero() {
		b.WriteString("wake " + p.Wake.UTC().Format(time.RFC3339) + "\n")
	}
	return b.String()
}

// String is the lane's line followed by its verdicts that are not passes.
func (l LanePlan) String() string {
	var b strings.Builder
	b.WriteString(l.Lane.String() + " [" + l.Wave + "] " + string(l.Phase))
	if l.Candidate.Digest == l.Current.Digest {
		b.WriteString(" " + tagOf(l.Current))
	} else {
		b.WriteString(" " + tagOf(l.Current) + " -> " + tagOf(l.Candidate))
	}
	if l.Class != gate.Promotion {
		b.WriteString(" (" + string(l.Class) + ")")
	}
	b.WriteString("\n")
	for _, v := range l.Verdicts {
		if v.Answer != gate.Pass {
			b.WriteString("  " + v.String() + "\n")
		}
	}
	if l.Pin != nil {
		b.WriteString("  pin: " + l.Pin.String() + "\n")
	}
	if l.Behind != "" {
		b.WriteString("  behind it: " + l.Behind + "\n")
	}
	if l.Earned != nil {
		b.WriteString("  earns " + l.Earned.Digest.Short() + "\n")
	}
	if l.Change != nil {
		b.WriteString("  => " + l.Change.String() + "\n")
	}
	return b.String()
}

func tagOf(v signals.Version) string {
	switch {
	case v.Tag != "":
		return v.Tag
	case v.Digest != "":
		return v.Digest.Short()
	}
	return "nothing"
}
