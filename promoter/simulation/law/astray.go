package law

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/simulation/world"
)

// bound is how long an issue about a merge that went astray may take from when
// the merge can be read, however bad the weather is.
const bound = 4 * time.Hour

// astray is what one store can know of the merges of our proposals.
type astray struct {
	// told are when the commits of the protected branch were told one by one,
	// ended when the forge told that a proposal was merged, by its commit.
	told, ended map[gitops.Commit]time.Time
	// known are the merges that were read and are not what was asked for, since
	// when, as the store remembers it.
	known map[gitops.Commit]time.Time
	// ruled is since when the store knows which lanes there are.
	ruled time.Time
}

func newAstray() astray {
	return astray{told: map[gitops.Commit]time.Time{}, ended: map[gitops.Commit]time.Time{}, known: map[gitops.Commit]time.Time{}}
}

// Line notes a commit of the protected branch's line that the process was told.
func (s *Seen) Line(c gitops.Commit) { s.clocks.astray.told[c] = time.Now() }

// Delta notes that the process read what a commit changed. It knows that a merge
// went astray if it read it after the forge had told which proposal that was.
func (s *Seen) Delta(c gitops.Commit) {
	a := s.clocks.astray
	if told, ended := a.told[c], a.ended[c]; told.IsZero() || ended.IsZero() || !s.forge.After(told) {
		return
	}
	for _, p := range s.proposals {
		if p.MergedAs == c && s.laws.world.Astray(p) && s.astray[c].IsZero() {
			s.astray[c] = time.Now()
		}
	}
}

// merged notes what the forge tells of merges.
func (s *Seen) merged(p gitops.Proposal) {
	if a := s.clocks.astray; p.State == gitops.Merged && a.ended[p.MergedAs].IsZero() {
		a.ended[p.MergedAs] = time.Now()
	}
}

// keep has the store remember what this life knew before it looked again.
func (s *Seen) keep() {
	for c := range s.astray {
		if s.clocks.astray.known[c].IsZero() {
			s.clocks.astray.known[c] = time.Now()
		}
	}
}

// straight holds that nothing of an artifact advances while a merge of it is
// known to be another tree than was asked for, and nobody with the right said
// that it may stay.
func (j *judge) straight() {
	known := maps.Clone(j.seen.astray)
	for c, at := range j.seen.clocks.astray.known {
		if at.Before(j.seen.git) {
			known[c] = at
		}
	}
	for c := range known {
		p, ok := j.laws.mergedAs(c)
		if ok && p.Lane.Artifact == j.deed.Lane.Artifact && j.laws.world.Contains(j.seen.head, c) && !j.laws.world.Settled(reportKey(c)) {
			j.say("merged tree", "proposal %s was merged as %s, which is another tree, and nobody said that it may stay", p.ID, c.Short())
		}
	}
}

// accused holds that an issue about a merged tree speaks of one that is.
func (j *judge) accused() {
	rest, ok := strings.CutPrefix(j.laws.world.Key(j.deed.Proposal), "merge ")
	if !ok {
		return
	}
	commit, _, _ := strings.Cut(rest, " ")
	if p, known := j.laws.mergedAs(gitops.Commit(commit)); !known || !j.laws.world.Astray(p) {
		j.say("merged tree", "%s was merged as it was asked for", gitops.Commit(commit).Short())
	}
}

func reportKey(c gitops.Commit) string { return "merge " + string(c) + " " }

// mergedAs is the proposal that was merged as a commit.
func (l *Laws) mergedAs(c gitops.Commit) (gitops.Proposal, bool) {
	for _, p := range l.world.Merged() {
		if p.MergedAs == c {
			return p, true
		}
	}
	return gitops.Proposal{}, false
}

// Unreported are the merges that went astray, could be read by those who had the
// store, and of which nobody was told in time.
func (l *Laws) Unreported(c *Clocks) (vs []Violation) {
	if l.world.Forced > 0 {
		return nil // what a branch lost and got back is not told commit by commit
	}
	for _, p := range l.world.Merged() {
		told, ended := c.astray.told[p.MergedAs], c.astray.ended[p.MergedAs]
		if told.IsZero() || ended.IsZero() || !l.world.Astray(p) || c.astray.ruled.IsZero() || told.Before(c.astray.ruled) {
			continue
		}
		since := told
		if ended.After(told) {
			since = ended
		}
		since = l.legible(p.MergedAs, since)
		if time.Since(since) < bound {
			continue
		}
		if at := l.world.Filed(reportKey(p.MergedAs)); at.IsZero() || at.Sub(since) > bound {
			vs = append(vs, Violation{Law: "merged tree", Lane: p.Lane, Text: "proposal " + p.ID + " was merged as another tree since " + since.Format(time.TimeOnly) + ", and no issue was opened in time"})
		}
	}
	return vs
}

// legible is from when on the promotion's rules could be read for long enough
// after a merge: no lane has a rule while they cannot, and what came to it
// meanwhile is looked at when they can. It is now where that is still so.
func (l *Laws) legible(c gitops.Commit, since time.Time) time.Time {
	var line []*world.Commit // newest first
	for at := l.world.Commits[l.world.Main]; at != nil; at = l.world.Commits[at.Parent] {
		line = append(line, at)
		if at.ID == c {
			break
		}
	}
	for i, at := range slices.Backward(line) {
		if at.Spec.Broken != "promotion" || at.Time.After(since.Add(bound)) {
			continue
		}
		mended := time.Now()
		if i > 0 {
			mended = line[i-1].Time
		}
		if mended.After(since) {
			since = mended
		}
	}
	return since
}

// rules notes that the process was told rules that it could read, and lived to
// remember which lanes they name.
func (a *astray) rules(was *world.Commit) {
	if a.ruled.IsZero() && was.Spec.Broken != "promotion" {
		a.ruled = time.Now()
	}
}
