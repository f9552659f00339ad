package gate

import (
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/signals"
)

// Step is what the gates are asked for.
type Step uint8

// The steps, in the order of a proposal's life.
const (
	// Propose asks whether a proposal may be opened or get a new version.
	Propose Step = iota
	// Merge asks whether the proposal's check may be green.
	Merge
)

// Case is everything a gate may look at, for one version that wants to enter
// one environment. Nothing in it may be changed.
type Case struct {
	Now   time.Time
	Step  Step
	Class Class

	Lane gitops.Lane
	// Promotion and Wave say by which rules the lane is decided.
	Promotion string
	Wave      string
	// Labels are those of the environment.
	Labels map[string]string
	// Image is the OCI repository of the artifact.
	Image string

	Current   gitops.Desired
	Candidate signals.Version
	// Running holds the version of Current as the registry knows it, if it
	// does; gates compare platforms with it.
	Running signals.Version
	// Why says why there is no candidate, or why it must not move (Conflict).
	Why      string
	Conflict string
	// VersionsUnread says why nobody knows which versions the registry has now.
	VersionsUnread string
	// Backwards says that the selector orders the candidate before what is
	// there now.
	Backwards bool

	Facts signals.Facts
	// Uncollected are the kinds of evidence that no adapter of this build looks
	// for; a gate that asks for one waits and says so.
	Uncollected []signals.ProofKind
	// Signals are the names of the signals that the environment's rules demand.
	Signals []Signal
	// TrustDesired says that the environment accepts what Git desires as
	// evidence of what runs.
	TrustDesired bool

	// Proposal is the lane's open proposal, nil if there is none.
	Proposal *gitops.Proposal
	// Upstream are the lanes of all earlier waves, in order.
	Upstream []Upstream
	// Finishing is this lane itself while what it has still soaks for the next
	// wave and the rules want that to finish; nil otherwise.
	Finishing *Upstream
	// Failing names the environments of the same wave that turned unhealthy
	// on the candidate.
	Failing []string
	// Needs are the artifacts that this one requires, as they are in the
	// target environment.
	Needs []Need

	// Pauses are all pauses known; PausesUnread says why they could not be
	// read, which counts as a pause.
	Pauses       []gitops.Pause
	PausesUnread string
	// Locks are the concurrency limits that cover the lane.
	Locks []Slots
}

// Upstream is one lane of an earlier wave, seen from the candidate.
type Upstream struct {
	Wave        string
	Environment string
	Presence    gitops.Presence
	// Desired is the digest that Git names there.
	Desired signals.Digest
	// Earned is when the candidate earned it; zero if it has not.
	Earned time.Time
	// Soak is how long a version must be healthy there.
	Soak   time.Duration
	Streak signals.Streak
	// Optional says that the rules allow the artifact to be absent there.
	Optional bool
	// Reason says what is wrong there, for people; empty if nothing is.
	Reason string
}

// Need is a required artifact as it is in the target environment.
type Need struct {
	Artifact   string
	Constraint string
	// Version is what is there and healthy; empty if nothing is or nobody knows.
	Version string
	Met     bool
	Reason  string
}

// Slots is a concurrency limit that covers the lane.
type Slots struct {
	Name  string
	Limit int
	// Taken are the lanes in flight, without this one, oldest first.
	Taken []string
	// Ours says that this lane is in flight already.
	Ours bool
}

// Signal is a health signal that an environment's rules demand.
type Signal struct {
	Name string
	// MaxAge is how old its newest answer may be.
	MaxAge time.Duration
	// NoDataHealthy says that silence counts as healthy.
	NoDataHealthy bool
}
