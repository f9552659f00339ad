package config

import (
	"slices"

	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/gate"
)

// checkRequires reports artifacts that no promotion brings anywhere, and versions
// that nothing could ever meet.
func (r *reader) checkRequires(p loaded[Promotion], needs []gate.Requirement, at ...any) {
	known := r.artifactNames()
	for i, n := range needs {
		p.checkKnown("artifact", n.Artifact, known, append(slices.Clip(at), i, "artifact"))
		if n.Version == "" {
			continue
		}
		if _, err := promoter.NewSelector(promoter.Selector{Semver: n.Version}); err != nil {
			p.reportAt(append(slices.Clip(at), i, "version"), "", "version: %s", err)
		}
	}
}

// artifactNames are all artifacts that promotions bring somewhere.
func (r *reader) artifactNames() (names []string) {
	for _, p := range r.promotions {
		for _, a := range p.v.Artifacts {
			names = append(names, a.Name)
		}
	}
	return names
}
