package world

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
)

// Pin keeps a lane at one version until a time.
type Pin struct {
	Lane gitops.Lane
	// Version is a tag or a digest.
	Version string
	Until   time.Time
	By      string
}

// Names says that a version is the one that the pin names.
func (p Pin) Names(v gitops.Version) bool { return p.Version == v.Tag || p.Version == v.Digest }

// Command is the pin as a comment asks for it.
func (p Pin) Command() string {
	return "/waveguide pin " + p.Version + " until " + p.Until.UTC().Format("2006-01-02T15:04Z")
}

// Pinning is the specification with a pin more, in the place of one of its lane.
func (s Spec) Pinning(p Pin) Spec {
	s.Pins = append(s.unpinned(p.Lane), p)
	return s
}

// Unpinning is the specification without the pin of a lane.
func (s Spec) Unpinning(lane gitops.Lane) Spec {
	s.Pins = s.unpinned(lane)
	return s
}

func (s Spec) unpinned(lane gitops.Lane) []Pin {
	return slices.DeleteFunc(slices.Clone(s.Pins), func(p Pin) bool { return p.Lane == lane })
}

// pins are the lines of a promotion that pin.
func (s Spec) pins() string {
	if len(s.Pins) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("pins:\n")
	for _, p := range s.Pins {
		fmt.Fprintf(&b, "  - {artifact: %s, environment: %s, version: %q, until: %s, reason: an audit, by: \"@%s\"}\n",
			p.Lane.Artifact, p.Lane.Environment, p.Version, p.Until.UTC().Format(time.RFC3339), p.By)
	}
	return b.String()
}

// Ours are the proposals of the bot, whatever became of them.
func (w *World) Ours() []gitops.Proposal {
	return slices.DeleteFunc(slices.Clone(w.list), func(p gitops.Proposal) bool { return p.Author.Name != Bot })
}
