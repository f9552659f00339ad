package simulation_test

import (
	"slices"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/promoter/simulation/world"
)

// bugsOfNeeds are faults in what artifacts require of each other.
func bugsOfNeeds() []bug {
	requirements := func(change func(*gate.Requirement)) func(*promoter.Stop) {
		return func(s *promoter.Stop) {
			if s.Gates.Requires == nil {
				return
			}
			all := slices.Clone(s.Gates.Requires.Artifacts)
			for i := range all {
				change(&all[i])
			}
			s.Gates.Requires = &gate.Requires{Artifacts: all}
		}
	}
	return []bug{
		{"what is required is not asked", []string{"required"}, stops(func(s *promoter.Stop) { s.Gates.Requires = nil })},
		{"any version of what is required will do", []string{"required"}, stops(requirements(func(r *gate.Requirement) { r.Version = "" }))},
		{"requirements are read once", []string{"required"}, func(_ string, o *loop.Options, _ *world.World) {
			first := map[gitops.Lane]*gate.Requires{}
			o.Rules = rules{o.Rules, func(s *promoter.Stop) {
				if was, ok := first[s.Lane]; ok {
					s.Gates.Requires = was
				}
				first[s.Lane] = s.Gates.Requires
			}}
		}},
	}
}
