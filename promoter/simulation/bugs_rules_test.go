package simulation_test

import (
	"context"
	"slices"
	"strings"
	"time"

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

// comments changes every comment of a person below every proposal.
func comments(change func(*gitops.Event)) func(string, *loop.Options, *world.World) {
	return proposals(func(list []gitops.Proposal) []gitops.Proposal {
		for i := range list {
			list[i].Events = slices.Clone(list[i].Events)
			for k := range list[i].Events {
				if e := &list[i].Events[k]; e.Kind == gitops.Commented && !e.By.Bot {
					change(e)
				}
			}
		}
		return list
	})
}

// bugsOfPins are faults in what keeps a lane at a version.
func bugsOfPins() []bug {
	return []bug{
		{"pins of the rules are not read", []string{"pinned"}, stops(func(s *promoter.Stop) { s.Pinned = nil })},
		{"pins of comments are not heard", []string{"pinned"}, comments(func(e *gitops.Event) {
			if strings.HasPrefix(e.Text, "/waveguide pin") {
				e.Text = "?"
			}
		})},
		{"anybody may end a pin", []string{"pinned"}, comments(func(e *gitops.Event) {
			if strings.HasPrefix(e.Text, "/waveguide unpin") {
				e.By.Permission = gitops.PermissionWrite
			}
		})},
		{"pins end early", []string{"pinned"}, comments(func(e *gitops.Event) {
			if before, _, ok := strings.Cut(e.Text, " until "); ok {
				e.Text = before + " until " + e.At.Add(5*time.Minute).UTC().Format(time.RFC3339)
			}
		})},
		{"whoever pinned a version may approve it", []string{"approved"}, comments(func(e *gitops.Event) {
			if strings.HasPrefix(e.Text, "/waveguide pin") {
				e.By.Name = "somebody"
			}
		})},
	}
}

// bugsOfEmergencies are faults in what may pass over gates.
func bugsOfEmergencies() []bug {
	return []bug{
		{"an emergency passes every freeze", []string{"frozen"}, stops(func(s *promoter.Stop) {
			s.Gates.Freeze.Freezes = slices.Clone(s.Gates.Freeze.Freezes)
			for i := range s.Gates.Freeze.Freezes {
				s.Gates.Freeze.Freezes[i].Allow = []string{world.Sev1}
			}
		})},
		{"anybody may declare an emergency", []string{"frozen", "healthy", "earned"}, comments(func(e *gitops.Event) {
			if strings.HasPrefix(e.Text, "/waveguide emergency") {
				e.By.Permission, e.By.Teams = gitops.PermissionWrite, []string{world.Owners}
			}
		})},
		{"whoever declared an emergency may approve it", []string{"approved"}, comments(func(e *gitops.Event) {
			if strings.HasPrefix(e.Text, "/waveguide emergency") {
				e.By.Name = "somebody"
			}
		})},
		{"nobody is asked to review an emergency", []string{"emergency"}, func(_ string, o *loop.Options, _ *world.World) { o.Reporter = deaf{o.Reporter} }},
	}
}

// deaf opens no issue and says that it did.
type deaf struct{ loop.Reporter }

func (d deaf) Report(ctx context.Context, r gitops.Report) (string, error) {
	if strings.Contains(r.Title, "emergency") {
		return "#9999", nil
	}
	return d.Reporter.Report(ctx, r)
}
