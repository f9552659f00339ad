package promoter

import (
	"cmp"
	"slices"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/gate"
)

// Admit gives the places of the concurrency limits to the lanes that wish to
// open a proposal, first come first served, and takes the wish from the
// others: their lock verdict says who is before them. The plans are those of
// all artifacts; they are not changed, the answer shares what stays as it is.
func Admit(plans []Plan) []Plan {
	plans = slices.Clone(plans)
	taken := map[string][]string{}
	var wishes []*LanePlan
	for i := range plans {
		plans[i].Lanes = contended(plans[i].Lanes)
		for j := range plans[i].Lanes {
			l := &plans[i].Lanes[j]
			switch {
			case l.InFlight:
				for _, k := range l.Limits {
					taken[k.Name] = append(taken[k.Name], l.Lane.String())
				}
			case l.contends():
				wishes = append(wishes, l)
			}
		}
	}
	for _, names := range taken {
		slices.Sort(names)
	}
	slices.SortFunc(wishes, func(a, b *LanePlan) int {
		return cmp.Or(a.Waiting.Compare(b.Waiting), cmp.Compare(a.Lane.Artifact, b.Lane.Artifact), cmp.Compare(a.Lane.Environment, b.Lane.Environment))
	})
	for _, l := range wishes {
		admit(l, taken)
	}
	return plans
}

// contends says that the lane wishes to open a proposal and needs places for it.
func (l LanePlan) contends() bool {
	return l.Change != nil && l.Change.Kind == gitops.OpenProposal && len(l.Limits) > 0 && !l.InFlight
}

// contended are lanes that may be changed if one of them contends.
func contended(lanes []LanePlan) []LanePlan {
	for i := range lanes {
		if lanes[i].contends() {
			return slices.Clone(lanes)
		}
	}
	return lanes
}

// admit takes the lane's places, or its wish if there is none.
func admit(l *LanePlan, taken map[string][]string) {
	c := gate.Case{Lane: l.Lane}
	for _, k := range l.Limits {
		c.Locks = append(c.Locks, gate.Slots{Name: k.Name, Limit: k.Max, Taken: taken[k.Name]})
	}
	v := gate.Lock{Limits: l.Limits}.Check(c)
	v.Gate = "lock"
	// The slice is shared with whoever handed the plan in.
	l.Verdicts = slices.Clone(l.Verdicts)
	for i := range l.Verdicts {
		if l.Verdicts[i].Gate == "lock" {
			l.Verdicts[i] = v
		}
	}
	if v.Answer != gate.Pass {
		l.Change, l.Phase = nil, PhaseWaiting
		return
	}
	for _, k := range l.Limits {
		taken[k.Name] = append(taken[k.Name], l.Lane.String())
	}
}
