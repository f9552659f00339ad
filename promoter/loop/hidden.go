package loop

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
)

// Lanes can be hidden: a rule document that cannot be read names them no more,
// or not where they are. What comes to Git meanwhile is not adopted: the loop
// keeps after which commit it lost sight of each, and reads the line from there
// when the rules name the lane again. A lane that rules without a problem leave
// out is given up.

// follows says that the rules name a lane and where it is.
func (a atlas) follows(at gitops.Lane) bool {
	s, ruled := a.stops[at]
	return ruled && s.stop.Path != ""
}

// hid says that what came to a lane was not looked at since some commit.
func (l *Loop) hid(at gitops.Lane) bool {
	_, hidden := l.trunk.Hidden[at.String()]
	return hidden
}

// hide notes, when new rules were read, which lanes they hide. What nobody knew
// yet how it came there is read again with what follows.
func (l *Loop) hide() {
	b := &l.trunk
	if b.Walked == "" {
		return // what is there when the line is walked first is adopted
	}
	since := b.Walked
	if len(b.Steps) > 0 {
		since = b.Steps[0].Before()
	}
	all := map[string]gitops.Commit{}
	broken := len(l.ruling.Problems) > 0
	for at := range l.lanes {
		from, was := b.Hidden[at.String()]
		if follows := l.atlas.follows(at); at.Repository == l.Repository && (was && follows || broken && !follows) {
			all[at.String()] = cmp.Or(from, since)
		}
	}
	if b.Hidden = all; len(all) == 0 {
		return
	}
	b.Steps = slices.Clone(b.Steps)
	for i, s := range b.Steps {
		b.Steps[i] = s.about(func(at gitops.Lane) bool { return !l.hid(at) })
	}
}

// shown are the hidden lanes that the rules name again, by the commit after
// which they were not looked at.
func (l *Loop) shown() map[gitops.Commit][]gitops.Lane {
	if len(l.trunk.Hidden) == 0 {
		return nil
	}
	all := map[gitops.Commit][]gitops.Lane{}
	for _, at := range inOrder(l.atlas.stops) {
		if from, was := l.trunk.Hidden[at.String()]; was && l.atlas.follows(at) {
			all[from] = append(all[from], at)
		}
	}
	return all
}

// missed are the steps up to one that was walked, for lanes that were hidden
// then.
func (l *Loop) missed(ctx context.Context, now time.Time, shown map[gitops.Commit][]gitops.Lane, to gitops.Commit) (all []step, gap string, err error) {
	for _, from := range slices.Sorted(maps.Keys(shown)) {
		if from == to {
			continue
		}
		steps, why, err := l.line(ctx, now, from, to)
		if err != nil {
			return nil, "", err
		}
		gap = cmp.Or(gap, why)
		for _, s := range steps {
			s = s.about(func(at gitops.Lane) bool { return slices.Contains(shown[from], at) })
			s.Lanes = shown[from]
			all = append(all, s)
		}
	}
	return all, gap, nil
}

// show forgets that lanes were hidden.
func (l *Loop) show(shown map[gitops.Commit][]gitops.Lane) {
	if len(shown) == 0 {
		return
	}
	l.trunk.Hidden = maps.Clone(l.trunk.Hidden)
	for _, lanes := range shown {
		for _, at := range lanes {
			delete(l.trunk.Hidden, at.String())
		}
	}
}
