package promoter

import (
	"slices"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/signals"
)

// Snapshot is all that is known when one artifact is decided. [Decide] sees
// nothing else, so the same snapshot gives the same plan.
type Snapshot struct {
	Now   time.Time `json:"now"`
	World World     `json:"world"`
	Route Route     `json:"route"`
	// Versions are all bindings of tags to digests that were ever seen, those
	// that no longer stand included.
	Versions []signals.Version `json:"versions,omitempty"`
	// VersionsUnread says why the versions could not be read.
	VersionsUnread string `json:"versionsUnread,omitempty"`
	// Lanes are what is known of each stop of the route; a stop without one is
	// unknown.
	Lanes []Lane `json:"lanes,omitempty"`
}

// World is what all artifacts share.
type World struct {
	Pauses       []gitops.Pause `json:"pauses,omitempty"`
	PausesUnread string         `json:"pausesUnread,omitempty"`
	// Bases are the heads of the protected branches, by repository.
	Bases map[string]gitops.Commit `json:"bases,omitempty"`
}

// Lane is what is known of one lane.
type Lane struct {
	Lane    gitops.Lane    `json:"lane"`
	Desired gitops.Desired `json:"desired"`
	Facts   signals.Facts  `json:"facts"`
	// Proposals are those of this lane that are ours: the open one, and ended
	// ones, newest first.
	Proposals []gitops.Proposal `json:"proposals,omitempty"`
	Needs     []gate.Need       `json:"needs,omitempty"`
	// Orders are the pins that people with the right asked for in comments, and
	// the words that ended them.
	Orders []gitops.Given `json:"orders,omitempty"`
	// Rival names an open proposal of a person that changes this lane.
	Rival string `json:"rival,omitempty"`
	// Waiting is since when the lane wishes to open a proposal and waits for a
	// place; zero if it does not.
	Waiting time.Time `json:"waiting,omitzero"`
}

// lane finds what is known of a stop.
func (s *Snapshot) lane(l gitops.Lane) *Lane {
	for i := range s.Lanes {
		if s.Lanes[i].Lane == l {
			return &s.Lanes[i]
		}
	}
	return &Lane{Lane: l, Desired: gitops.Desired{Problem: "not read yet"}}
}

// open is the lane's open proposal.
func (l *Lane) open() *gitops.Proposal {
	for i := range l.Proposals {
		if l.Proposals[i].State == gitops.Open {
			return &l.Proposals[i]
		}
	}
	return nil
}

// ended are the proposals that are not open any more.
func (l *Lane) ended() []gitops.Proposal {
	return slices.DeleteFunc(slices.Clone(l.Proposals), func(p gitops.Proposal) bool { return p.State == gitops.Open })
}

// Pulse folds what the signals of a stop say now into one beat of the soak
// clock: healthy only if every demanded signal is healthy and fresh, speaks of
// what Git desires, and that is what runs.
func (s *Stop) Pulse(d gitops.Desired, f signals.Facts, now time.Time, gap time.Duration) signals.Pulse {
	p := signals.Pulse{At: now, Digest: signals.Digest(d.Version.Digest), Tolerate: s.Tolerate, Gap: gap, State: signals.StateHealthy}
	if d.Presence != gitops.At || len(s.Signals) == 0 {
		p.State = signals.StateUnknown
		return p
	}
	p.State, p.Since = s.agree(f, p.Digest, now)
	running, known := f.Running()
	switch {
	case p.State == signals.StateUnhealthy && (!known || running == p.Digest):
	case known && running != p.Digest, !known && !s.TrustDesired:
		p.State = signals.StateUnknown
	}
	return p
}

// agree is what all signals together say about a version, and since when they
// vouch for it: one that is unhealthy is enough, healthy are all or none.
func (s *Stop) agree(f signals.Facts, about signals.Digest, now time.Time) (signals.State, time.Time) {
	all, proven, latest := signals.StateHealthy, true, time.Time{}
	for _, want := range s.Signals {
		state, since := want.Says(f, about, now)
		if state == signals.StateUnhealthy {
			return state, since
		}
		if state != signals.StateHealthy {
			all = signals.StateUnknown
		}
		if since.After(latest) {
			latest = since
		}
		proven = proven && !since.IsZero()
	}
	if !proven {
		latest = time.Time{}
	}
	return all, latest
}
