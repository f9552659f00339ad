package promoter

import (
	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/signals"
)

// Letter is all that a proposal tells its readers.
type Letter struct {
	Plan    LanePlan
	Route   Route
	Stop    Stop
	Desired gitops.Desired
	Proofs  []signals.Proof
	// From and To are the source commits of what is there and of what is
	// proposed, where verified evidence names them.
	From, To Origin
	// Running are the other environments that have what is proposed already.
	Running []string
}

// Origin is a source commit by the word of verified evidence.
type Origin struct {
	// Source is the repository as https://host/path.
	Source   string `json:"source"`
	Revision string `json:"revision"`
}
