package signals

// Drift says in one word how what runs came to differ from what Git names. The
// zero value is that nobody said.
type Drift string

// The kinds of drift.
const (
	// DriftReconciling is that the change of Git has not arrived yet.
	DriftReconciling Drift = "reconciling"
	// DriftManual is that somebody changed what runs, past Git.
	DriftManual Drift = "manual"
	// DriftDirect is that somebody changed Git, past a proposal.
	DriftDirect Drift = "direct"
	// DriftController is that a controller changed it by its own rules.
	DriftController Drift = "controller"
	// DriftUnknown is that it differs and nobody can say how.
	DriftUnknown Drift = "unknown"
)
