package promoter

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/signals"
)

// catalogue is the artifact's versions as the selector orders them.
type catalogue struct {
	selector Selector
	// standing are the selected versions whose tags still name them, oldest
	// first; all are every binding ever seen.
	standing []signals.Version
	all      []signals.Version
	// written are bindings that stand in Git and were never seen in the
	// registry: it may have named another digest before anybody looked.
	written []gitops.Version
	// read holds what the selector makes of every tag, so that each is parsed
	// once for all lanes.
	read map[string]reading
}

func newCatalogue(s Selector, all []signals.Version) catalogue {
	c := catalogue{selector: s, all: all, read: make(map[string]reading, len(all))}
	for _, v := range all {
		r, ok := c.read[v.Tag]
		if !ok {
			r = s.read(v.Tag)
			c.read[v.Tag] = r
		}
		if v.Gone.IsZero() && v.Digest != "" && r.selected {
			c.standing = append(c.standing, v)
		}
	}
	slices.SortStableFunc(c.standing, func(a, b signals.Version) int {
		return cmp.Or(c.compare(a, b), cmp.Compare(a.Tag, b.Tag), cmp.Compare(a.Digest, b.Digest))
	})
	return c
}

// selects is [Selector.Selects] of a tag.
func (c catalogue) selects(tag string) bool {
	if r, ok := c.read[tag]; ok {
		return r.selected
	}
	return c.selector.Selects(tag)
}

// compare is [Selector.Compare].
func (c catalogue) compare(a, b signals.Version) int {
	x, okX := c.read[a.Tag]
	y, okY := c.read[b.Tag]
	if okX && okY {
		return c.selector.order(x, y, a, b)
	}
	return c.selector.Compare(a, b)
}

// newest is the newest selected version; false if there is none or nothing
// tells the newest two apart.
func (c catalogue) newest() (signals.Version, string) {
	n := len(c.standing)
	if n == 0 {
		return signals.Version{}, "no tag matches " + c.selector.String()
	}
	last := c.standing[n-1]
	if n > 1 && c.standing[n-2].Digest != last.Digest && c.compare(c.standing[n-2], last) == 0 {
		return signals.Version{}, fmt.Sprintf("nothing tells whether %s or %s is newer", c.standing[n-2].Tag, last.Tag)
	}
	return last, ""
}

// find is the version that a file or proposal names: the binding with its tag
// and digest if there is one, else the one under which the digest was seen
// first, so that no later tag gives an old build another name.
func (c catalogue) find(v gitops.Version) signals.Version {
	best := -1
	for i := range c.all {
		s := &c.all[i]
		switch {
		case v.Digest == "" && (s.Tag != v.Tag || !s.Gone.IsZero()), v.Digest != "" && string(s.Digest) != v.Digest:
			continue
		case s.Tag == v.Tag && s.Gone.IsZero():
			return *s
		}
		if best < 0 || c.before(*s, c.all[best]) {
			best = i
		}
	}
	if best < 0 {
		return signals.Version{Digest: signals.Digest(v.Digest), Tag: v.Tag}
	}
	return c.all[best]
}

// before orders the bindings of one digest: those that stand, then those that
// the rules select, then the one that was seen first.
func (c catalogue) before(a, b signals.Version) bool {
	if a.Gone.IsZero() != b.Gone.IsZero() {
		return a.Gone.IsZero()
	}
	if x, y := c.selects(a.Tag), c.selects(b.Tag); x != y {
		return x
	}
	return cmp.Or(a.FirstSeen.Compare(b.FirstSeen), c.compare(a, b), cmp.Compare(a.Tag, b.Tag)) < 0
}

// older says that a comes before b in the selector's order. Versions that the
// selector cannot order are not older.
func (c catalogue) older(a, b signals.Version) bool {
	if a.Digest == b.Digest {
		return false
	}
	if c.selector.Channel != "" {
		return false
	}
	return c.selects(a.Tag) && c.selects(b.Tag) && c.compare(a, b) < 0
}

// conflict says what is wrong with a version's name: whoever may push a tag
// could otherwise promote an old, genuinely signed build as a new one. A
// channel tag means whatever it names now.
func (c catalogue) conflict(v signals.Version) string {
	if c.selector.Channel != "" {
		return ""
	}
	stands := v.Tag == ""
	for i := range c.all {
		o := &c.all[i]
		if o.Digest != v.Digest && o.Tag != v.Tag {
			continue
		}
		stands = stands || o.Digest == v.Digest && o.Gone.IsZero()
		switch {
		case o.Tag == v.Tag && o.Digest != v.Digest:
			return fmt.Sprintf("tag %s was seen with two digests, %s and %s: publish a new version", v.Tag, o.Digest.Short(), v.Digest.Short())
		case o.Digest == v.Digest && o.Tag != v.Tag && !v.FirstSeen.Before(o.FirstSeen) && c.selects(o.Tag) && c.selects(v.Tag) &&
			c.selector.Semver+c.selector.SortBy != "" && c.compare(*o, v) != 0:
			return fmt.Sprintf("digest %s is known as %s and as %s: publish a new version", v.Digest.Short(), min(o.Tag, v.Tag), max(o.Tag, v.Tag))
		}
	}
	if why := c.contradiction(v); why != "" {
		return why
	}
	if !stands {
		return fmt.Sprintf("the registry does not have %s any more", v)
	}
	return ""
}

// contradiction says that Git names another digest by the version's tag.
func (c catalogue) contradiction(v signals.Version) string {
	for _, o := range c.written {
		if o.Tag == v.Tag && o.Digest != string(v.Digest) {
			return fmt.Sprintf("tag %s names %s in Git and %s in the registry: publish a new version", v.Tag, signals.Digest(o.Digest).Short(), v.Digest.Short())
		}
	}
	return ""
}

// unseen are the bindings that a lane has in Git and that were never seen in
// the registry.
func (c catalogue) unseen(g gitops.Desired) (all []gitops.Version) {
	if g.Presence != gitops.Mixed {
		return c.ifUnseen(nil, g.Version)
	}
	for _, p := range g.Places {
		all = c.ifUnseen(all, p.Version)
	}
	return all
}

func (c catalogue) ifUnseen(all []gitops.Version, v gitops.Version) []gitops.Version {
	for i := range c.all {
		if c.all[i].Tag == v.Tag && string(c.all[i].Digest) == v.Digest {
			return all
		}
	}
	if v.Tag == "" || v.Digest == "" {
		return all
	}
	return append(all, v)
}

// between are the tags after a and before b, oldest first.
func (c catalogue) between(a, b signals.Version) []string {
	var tags []string
	for _, v := range slices.Backward(c.standing) {
		if !c.older(v, b) {
			continue
		}
		if !c.older(a, v) {
			break // and so are all before it
		}
		tags = append(tags, v.Tag)
	}
	slices.Reverse(tags)
	return tags
}

// candidate is the version that wants to enter a lane: for the first wave the
// newest selected one, for a later wave the newest that has earned every
// earlier lane. While none newer than what is there has, it is the one that
// comes next, so that a person can be told what it waits for.
func (d *decision) candidate(s *site) (signals.Version, string) {
	if s.pin != nil {
		return s.pin.version, s.unnamed()
	}
	newest, why := d.versions.newest()
	if d.snapshot.VersionsUnread != "" && newest.Digest == "" {
		return newest, d.snapshot.VersionsUnread
	}
	if s.wave == 0 || why != "" {
		return newest, why
	}
	for _, v := range slices.Backward(d.versions.standing) {
		if !d.versions.older(s.current, v) {
			continue
		}
		if d.earnedBefore(s.wave, v.Digest) {
			return v, ""
		}
	}
	coming := s.current
	for _, up := range d.sites {
		if up.wave < s.wave && d.versions.older(coming, up.current) {
			coming = up.current
		}
	}
	if coming.Digest == s.current.Digest {
		return s.current, ""
	}
	return coming, ""
}

// earnedBefore says whether a digest has earned every lane of every earlier
// wave.
func (d *decision) earnedBefore(wave int, v signals.Digest) bool {
	for _, up := range d.sites {
		if up.wave >= wave || up.known.Desired.Presence == gitops.Absent && up.stop.Optional {
			continue
		}
		if _, ok := up.earned(v); !ok {
			return false
		}
	}
	return true
}

// streak is the soak clock as others may count on it: it stands while the lane
// is not healthy now.
func (at *site) streak() signals.Streak {
	k := at.known.Facts.Streak
	if at.state != signals.StateHealthy {
		k.Began = time.Time{}
	}
	return k
}

// upstream is every lane of earlier waves as a candidate's case sees it.
func (d *decision) upstream(wave int, v signals.Digest) []gate.Upstream {
	if d.ahead.lanes != nil && d.ahead.wave == wave && d.ahead.version == v {
		return d.ahead.lanes
	}
	var ups []gate.Upstream
	for _, up := range d.sites {
		if up.wave >= wave {
			continue
		}
		if ups == nil {
			ups = make([]gate.Upstream, 0, len(d.sites))
		}
		at, _ := up.earned(v)
		ups = append(ups, gate.Upstream{
			Wave: d.snapshot.Route.Waves[up.wave].Name, Environment: up.stop.Lane.Environment,
			Presence: up.known.Desired.Presence, Desired: up.current.Digest, Earned: at,
			Soak: up.stop.Gates.Soak.For, Streak: up.streak(), Optional: up.stop.Optional,
		})
	}
	d.ahead.wave, d.ahead.version, d.ahead.lanes = wave, v, ups
	return ups
}
