package signals

// Rung is one step of the ladder of evidence for what runs, named by what was
// seen. The zero value is that nothing was.
type Rung string

// The rungs, from the best evidence to the weakest.
const (
	// RungPod is the image that a node says its container runs.
	RungPod Rung = "pod"
	// RungSpec is the image that a live object asks for.
	RungSpec Rung = "spec"
	// RungApplied is the revision that a controller says it applied.
	RungApplied Rung = "applied"
	// RungReported is what the application or its pipeline says of itself.
	RungReported Rung = "reported"
	// RungNone is that nothing was seen.
	RungNone Rung = ""
)

// Reaches says whether the evidence is at least as good as the lowest rung
// that is accepted. Nothing seen reaches nothing, and nothing reaches a rung
// that is none.
func (r Rung) Reaches(lowest Rung) bool {
	return lowest.height() > 0 && r.height() >= lowest.height()
}

func (r Rung) height() int {
	switch r {
	case RungPod:
		return 4
	case RungSpec:
		return 3
	case RungApplied:
		return 2
	case RungReported:
		return 1
	case RungNone:
	}
	return 0
}
