package promoter

import (
	"iter"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/gate"
)

// Route is what the rules say about one artifact: which versions are selected
// and which waves they travel. It is resolved once per commit of the rules and
// never changed.
type Route struct {
	Promotion string   `json:"promotion"`
	Artifact  string   `json:"artifact"`
	Owners    []string `json:"owners,omitempty"`
	// Image is the OCI repository.
	Image    string   `json:"image"`
	Selector Selector `json:"selector"`
	Waves    []Wave   `json:"waves"`
	// Replace lets a wave take a newer version while its current one still
	// soaks for the next wave (`whileSoaking: replace`).
	Replace  bool     `json:"replace,omitempty"`
	Rollback Rollback `json:"rollback,omitzero"`
}

// Metadata is one value beside the version. ${tag}, ${digest} and ${revision} in
// it stand for what is promoted.
type Metadata struct {
	Path  string `json:"path"`
	Value string `json:"value"`
}

// Stops are all environments of the route, in the order of its waves.
func (r Route) Stops() iter.Seq[*Stop] {
	return func(yield func(*Stop) bool) {
		for _, w := range r.Waves {
			for i := range w.Stops {
				if !yield(&w.Stops[i]) {
					return
				}
			}
		}
	}
}

// size is how many lanes the route has.
func (r Route) size() int {
	n := 0
	for i := range r.Waves {
		n += len(r.Waves[i].Stops)
	}
	return n
}

// Rollback is what happens when a merged version turns unhealthy.
type Rollback struct {
	// Propose opens a proposal back to the last version that earned the lane.
	Propose bool `json:"propose,omitempty"`
	// Forward says that the data does not allow going back: an issue asks for
	// a roll-forward instead.
	Forward bool `json:"forward,omitempty"`
}

// Wave is an ordered step: the environments that are promoted together.
type Wave struct {
	Name  string `json:"name"`
	Stops []Stop `json:"stops"`
	// StopOne keeps an unhealthy environment from stopping its siblings
	// (`onFailure: stopEnvironment`).
	StopOne bool `json:"stopOne,omitempty"`
}

// Stop is one environment of a wave, as the rules resolve it for one artifact.
type Stop struct {
	Lane gitops.Lane `json:"lane"`
	// Path is the folder or file of the desired state, Place an explicit path
	// expression inside the file; an empty one means: find the image.
	Path   string            `json:"path"`
	Place  string            `json:"place,omitempty"`
	Labels map[string]string `json:"labels,omitempty"`
	Gates  gate.Set          `json:"gates"`
	// Signals are the health signals that count here.
	Signals []gate.Signal `json:"signals,omitempty"`
	// Tolerate is how long bad news may last before it resets the soak.
	Tolerate time.Duration `json:"tolerate,omitempty"`
	// Expect is how long after a merge the version should run and be well; zero
	// is the default.
	Expect time.Duration `json:"expect,omitempty"`
	// TrustDesired accepts what Git desires as evidence of what runs.
	TrustDesired bool `json:"trustDesired,omitempty"`
	// Auto lets the bot merge its own green proposal.
	Auto bool `json:"auto,omitempty"`
	// Optional lets the artifact be absent here (`absentIn`).
	Optional bool `json:"optional,omitempty"`
	// Pin adds the digest where only a tag stands; Metadata are other values of
	// the same file that are written beside the version.
	Pin      bool       `json:"pin,omitempty"`
	Metadata []Metadata `json:"metadata,omitempty"`
	// Risk is low, medium, high or critical where the rules say so.
	Risk string `json:"risk,omitempty"`
	// Paused are the pauses of the rules that cover it.
	Paused []gitops.Pause `json:"paused,omitempty"`
	// Pinned is the pin of the rules; nil if they name none.
	Pinned *Pin `json:"pinned,omitempty"`
	// Emergencies are those that may be declared here, and Commanders lists of
	// people and teams: whoever releases, pins, retries or declares an emergency
	// here must be in each.
	Emergencies []Emergency `json:"emergencies,omitempty"`
	Commanders  [][]string  `json:"commanders,omitempty"`
	// Held is why the lane stands still whatever else is true: a document
	// that covers it is broken.
	Held string `json:"held,omitempty"`
}
