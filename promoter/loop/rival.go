package loop

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/signals"
)

// rival is an open proposal of a person against the protected branch.
type rival struct {
	proposal gitops.Proposal
	// head, base and rules are what moves was read from.
	head, base gitops.Commit
	rules      int
	// moves are the lanes in which it changes the version.
	moves []gitops.Proposal
	// leaves are the lanes that it takes the artifact out of, or the digest
	// beside its tag: that is no promotion, and is said.
	leaves []gitops.Lane
	said   []string
	// outside says that it changes more than rules.
	outside bool
	unread  string
}

// HumanChanges says what the check says of a person's proposal that changes a
// version.
type HumanChanges string

// The ways to treat a person's proposal.
const (
	// GateHumans judges it by the gates that judge ours.
	GateHumans HumanChanges = "gate"
	// WarnHumans lets it pass and says what the gates say.
	WarnHumans HumanChanges = "warn"
)

// meetRivals follows the open proposals of people; each lane that one changes
// is decided again.
func (l *Loop) meetRivals(ctx context.Context, list []gitops.Proposal) {
	was := l.rivals
	l.rivals = map[string]*rival{}
	for _, p := range list {
		v := was[p.ID]
		if v == nil || v.head != p.Head || v.base != p.Base || v.rules != l.epoch || v.unread != "" {
			v = l.inspectRival(ctx, p)
		}
		v.proposal = l.hearRival(p, v)
		l.rivals[p.ID] = v
	}
	about := map[gitops.Lane]string{}
	for _, id := range slices.Sorted(maps.Keys(l.rivals)) {
		v := l.rivals[id]
		for _, m := range v.moves {
			about[m.Lane] = cmp.Or(about[m.Lane], fmt.Sprintf("proposal %s of %s", id, m.Author.Name))
		}
		for _, at := range v.leaves {
			about[at] = cmp.Or(about[at], fmt.Sprintf("proposal %s of %s", id, v.proposal.Author.Name))
		}
	}
	for at := range merged(l.contested, about) {
		k := l.lanes[at]
		if k == nil || k.rival == about[at] {
			continue
		}
		k.rival = about[at]
		if s, ok := l.atlas.stops[at]; ok {
			l.queue.add(s.route)
		}
	}
	l.contested = about
	l.judged = time.Time{} // what they say may be new
}

// inspectRival reads what a person's proposal changes.
func (l *Loop) inspectRival(ctx context.Context, p gitops.Proposal) *rival {
	v := &rival{head: p.Head, base: p.Base, rules: l.epoch}
	d, err := l.Repo.Delta(ctx, p.Base, p.Head)
	if p.Base == "" && err == nil {
		err = errors.New("the forge does not say what it is based on")
	}
	if err != nil {
		v.unread = l.gist("head of proposal "+p.ID, err)
		return v
	}
	for name := range d.Files {
		v.outside = v.outside || !inside(name, l.RulesDir)
	}
	for at := range l.atlas.touched(slices.Collect(maps.Keys(d.Files))) {
		s := l.atlas.stops[at]
		places := l.request(l.ruling.Routes[s.route].Image, *s.stop)
		before, after := d.under(s.stop.Path)
		from, to := Desired(before, places, p.Base), Desired(after, places, p.Head)
		if from.Presence == to.Presence && from.Version == to.Version && from.Problem == to.Problem {
			continue
		}
		if what := taken(from, to); what != "" {
			v.leaves, v.said = append(v.leaves, at), append(v.said, fmt.Sprintf(what, at.Artifact, at.Environment))
			continue
		}
		move := p
		move.Lane, move.From, move.To, move.Class, move.Events = at, from.Version, to.Version, string(gate.Promotion), nil
		v.moves = append(v.moves, move)
	}
	slices.Sort(v.said)
	slices.SortFunc(v.moves, func(a, b gitops.Proposal) int { return cmp.Compare(a.Lane.String(), b.Lane.String()) })
	return v
}

// taken says what a change takes away where it brings nothing: the artifact
// itself, or the digest beside its tag.
func taken(from, to gitops.Desired) string {
	switch {
	case to.Presence == gitops.Absent:
		return "it takes %s out of %s"
	case from.Presence == gitops.At && to.Presence == gitops.At && from.Version.Tag == to.Version.Tag && to.Version.Digest == "" && to.Version.Tag != "":
		return "it takes the digest of %s in %s away, so that what runs there follows the tag"
	}
	return ""
}

// under are the files below a path before and after.
func (d Delta) under(path string) (before, after map[string][]byte) {
	before, after = map[string][]byte{}, map[string][]byte{}
	for name, sides := range d.Files {
		for i, files := range []map[string][]byte{before, after} {
			if sides[i] != nil && inside(name, path) {
				files[name] = sides[i]
			}
		}
	}
	return before, after
}

// judge decides the checks of people's proposals: again when one of them was
// read, when a lane was decided, and when time changes a verdict.
func (l *Loop) judge(now time.Time) []gitops.Change {
	if len(l.rivals) == 0 {
		l.rejudge = time.Time{} // nobody is left whom time could change
		return nil
	}
	if !l.judged.IsZero() && len(l.queue.decided) == 0 && (l.rejudge.IsZero() || now.Before(l.rejudge)) {
		return nil
	}
	l.judged, l.rejudge = now, time.Time{}
	var all []gitops.Change
	for _, id := range slices.Sorted(maps.Keys(l.rivals)) {
		v := l.rivals[id]
		want := l.verdictOn(now, v)
		if have, ok := v.proposal.Check(gitops.CheckName); ok && have.State == want.State && have.Text == want.Text {
			continue
		}
		all = append(all, gitops.Change{Kind: gitops.SetCheck, Proposal: id, Head: v.head, Check: want})
	}
	return all
}

// verdictOn is what the check of a person's proposal says.
func (l *Loop) verdictOn(now time.Time, v *rival) gitops.Check {
	c := gitops.Check{Name: gitops.CheckName, State: gitops.CheckSuccess, Text: "no promotion in this change"}
	switch {
	case v.unread != "":
		c.State, c.Text = gitops.CheckPending, "what it changes could not be read: "+v.unread
		return c
	case len(v.moves) == 0 && v.outside && len(l.ruling.Problems) > 0:
		c.State, c.Text = gitops.CheckPending, "the rules are broken, so nobody knows whether a version moves here: mend them first"
		return c
	case len(v.moves) == 0:
		c.Text = strings.Join(append([]string{c.Text}, v.said...), "; ")
		return c
	}
	var vs []gate.Verdict
	for _, m := range v.moves {
		m.Reviews, m.Labels, m.Checks, m.Unread, m.Orders = v.proposal.Reviews, v.proposal.Labels, v.proposal.Checks, v.proposal.Unread, v.proposal.Orders
		for _, x := range promoter.Judge(l.snapshot(now, l.atlas.stops[m.Lane].route), m) {
			x.Reason = m.Lane.String() + ": " + x.Reason
			vs = append(vs, x)
		}
	}
	if wake := gate.Wake(vs, now); !wake.IsZero() && (l.rejudge.IsZero() || wake.Before(l.rejudge)) {
		l.rejudge = wake
	}
	c = promoter.CheckOf(vs)
	c.Text = strings.Join(append([]string{c.Text}, v.said...), "; ")
	if l.HumanChanges == WarnHumans && c.State != gitops.CheckSuccess {
		c.State, c.Text = gitops.CheckSuccess, "not gated, but "+c.Text
	}
	return c
}

// rivalDigests are those that people's proposals would bring into a lane: what
// they have to prove is read as well.
func (l *Loop) rivalDigests(at gitops.Lane) []signals.Digest {
	if k := l.lanes[at]; k == nil || k.rival == "" {
		return nil
	}
	var all []signals.Digest
	for _, v := range l.rivals {
		for _, m := range v.moves {
			if m.Lane == at && m.To.Digest != "" {
				all = append(all, signals.Digest(m.To.Digest))
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
