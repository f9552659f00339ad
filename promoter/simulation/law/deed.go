package law

import (
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/simulation/world"
	"github.com/waveguide-dev/waveguide/signals"
)

// fresh is how old anything may be that a step forward rests on.
const fresh = 3 * time.Minute

func digest(s string) signals.Digest { return signals.Digest(s) }

// version is what the head of the deed's branch names.
func (j *judge) version() gitops.Version {
	v, _ := j.laws.world.Commits[j.deed.Head].Version(j.deed.Lane)
	return v
}

// desired is what the protected branch named when the process saw it last.
func (j *judge) desired() gitops.Version {
	if c := j.laws.world.Commits[j.seen.head]; c != nil {
		v, _ := c.Version(j.deed.Lane)
		return v
	}
	return gitops.Version{}
}

// back says that the deed is a rollback, as its commit calls itself.
func (j *judge) back() bool {
	return strings.Contains(j.laws.world.Commits[j.deed.Head].Message, "\nWaveguide-Class: rollback\n")
}

// again says that the deed puts the version that is under review on a newer
// commit, which promotes nothing.
func (j *judge) again() bool {
	old := j.laws.world.Commits[j.deed.Old]
	if j.deed.Kind != "push" || old == nil {
		return false
	}
	was, ok := old.Version(j.deed.Lane)
	_, open := j.proposal()
	return ok && open && was.Digest == j.deed.Digest
}

// advance holds what every step forward has to obey.
func (j *judge) advance() {
	for name, at := range map[string]time.Time{"git": j.seen.git, "the forge": j.seen.forge, "pauses": j.seen.paused} {
		if j.deed.At.Sub(at) > fresh {
			j.say("not knowing is waiting", "%s was last read at %s", name, at.Format(time.TimeOnly))
		}
	}
	j.stopped()
	j.straight()
	if j.again() {
		return
	}
	j.verified()
	j.named()
	j.wanted()
	j.required(j.deed.Lane)
	if j.back() {
		j.needed()
		return
	}
	j.pinned(j.deed.Lane, j.version(), j.desired())
	if !j.urgent() {
		j.earned()
		j.healthy()
	}
}

// needed holds that a rollback leaves what is not well for what was there
// before.
func (j *judge) needed() {
	w := j.laws.world
	known := false
	for at := w.Commits[j.seen.head]; at != nil && !known; at = w.Commits[at.Parent] {
		v, _ := at.Version(j.deed.Lane)
		known = v.Digest == j.deed.Digest
	}
	if !known {
		j.say("rollback", "%s was never there", j.version().Tag)
	}
	if h := j.seen.health[j.deed.Lane]; j.deed.Kind != "merge" && h.what.State == signals.StateHealthy {
		j.say("rollback", "the target is healthy")
	}
}

// verified holds that the digest was proven to be ours just now.
func (j *judge) verified() {
	d := j.deed.Digest
	b := j.laws.world.Build(d)
	p, ok := j.seen.proofs[question{j.deed.Lane, digest(d)}]
	switch {
	case !b.Ours(j.deed.Lane.Artifact):
		j.say("verified", "%.19s is not signed for %s", d, j.deed.Lane.Artifact)
	case !ok || j.deed.At.Sub(p.at) > fresh:
		j.say("verified", "the signature of %.19s was not read lately", d)
	case p.what.Outcome != signals.OutcomeVerified:
		j.say("verified", "the registry said that %.19s is %q: %s", d, p.what.Outcome, p.what.Reason)
	case j.final() && j.deed.At.Sub(j.seen.again[question{j.deed.Lane, digest(d)}]) > fresh:
		j.say("verified", "the signature of %.19s was not verified again", d)
	}
}

// final says that nobody of ours looks again before the version is there: it
// merges, or lets people merge. A group of a queue is what turned green before.
func (j *judge) final() bool {
	return j.deed.Group == "" && slices.Contains([]string{"merge", "enqueue", "check", "publish"}, j.deed.Kind)
}

// named holds that the tag names the digest and never named another one. The
// way back is to a digest, whatever became of its tag.
func (j *judge) named() {
	v, lane := j.version(), j.deed.Lane
	t := j.seen.versions[lane.Artifact]
	stands := j.tagged(lane.Artifact, v)
	switch {
	case j.deed.At.Sub(t.at) > 20*time.Minute && !j.back():
		j.say("named", "the versions were last read at %s", t.at.Format(time.TimeOnly))
	case !stands && !j.back():
		j.say("named", "the registry does not say that %s is %.19s", v.Tag, v.Digest)
	case j.back() && v.Digest != "" && !j.laws.world.Bound(lane.Artifact, v):
		j.say("named", "%s never was %.19s", v.Tag, v.Digest)
	case len(j.seen.names[lane.Artifact+":"+v.Tag]) > 1 && !j.back():
		j.say("named", "tag %s was seen with two digests", v.Tag)
	}
	for _, s := range world.Stops() {
		is, _ := j.laws.world.Commits[j.seen.head].Version(world.Lane(s.Env, lane.Artifact))
		if is.Tag == v.Tag && is.Digest != v.Digest && !j.back() {
			j.say("named", "tag %s names %.19s in %s", v.Tag, is.Digest, s.Env)
		}
	}
}

// stopped holds that nobody stopped the lane.
func (j *judge) stopped() {
	d, lane := j.deed, j.deed.Lane
	for _, p := range j.seen.pauses {
		for _, s := range world.Stops() {
			covers := func(now time.Time) bool { return p.Covers(lane, "web/"+s.Wave, now) }
			if s.Env == lane.Environment && j.seen.always(d.At, covers) {
				j.say("stopped", "%s pauses it: %s", p.ID, p.Title)
			}
		}
	}
	if p, ok := j.proposal(); ok {
		if who, ok := held(p); ok {
			j.say("stopped", "%s holds proposal %s", who, p.ID)
		}
	}
	switch j.seen.spec.Broken {
	case "promotion":
		j.say("stopped", "the rules of the promotion are broken")
	case "environment":
		if lane.Environment == world.Stops()[0].Env {
			j.say("stopped", "the rules of the environment are broken")
		}
	case "freeze":
		if strings.HasPrefix(lane.Environment, "prod") {
			j.say("stopped", "a freeze is broken and could match")
		}
	}
}

// proposal is the open one that the deed is about, as the process saw it.
func (j *judge) proposal() (gitops.Proposal, bool) {
	for _, p := range j.seen.proposals {
		if p.State == gitops.Open && p.Branch == j.deed.Branch && (j.deed.Proposal == "" || j.deed.Proposal == p.ID) {
			return p, true
		}
	}
	return gitops.Proposal{}, false
}

// wanted holds that nobody decided against the version, as far as the process
// was told.
func (j *judge) wanted() {
	if j.back() {
		return
	}
	q := question{j.deed.Lane, digest(j.deed.Digest)}
	if r, ok := j.laws.rejected[q]; ok && r.id != j.deed.Proposal && j.seen.page.After(r.at) {
		j.say("rejected", "%s was rejected at %s with proposal %s", j.version().Tag, r.at.Format(time.TimeOnly), r.id)
	}
	if r, ok := j.laws.reverted[q]; ok && j.seen.clocks.named[q] && j.seen.git.After(r.at) && j.version().Digest != j.desired().Digest {
		j.say("reverted", "%s was taken back at %s", j.version().Tag, r.at.Format(time.TimeOnly))
	}
}

// earned holds that the version soaked in every earlier wave, as far as anybody
// could observe.
func (j *judge) earned() {
	wave := world.Wave(j.deed.Lane.Environment)
	for _, s := range world.Stops() {
		if world.Wave(s.Env) >= wave {
			continue
		}
		if j.seen.clocks.earned[question{world.Lane(s.Env, j.deed.Lane.Artifact), digest(j.deed.Digest)}].IsZero() {
			j.say("earned", "%s has not earned %s", j.version().Tag, s.Env)
		}
	}
}

// stated holds that what is said of a digest is true, and is said once under
// the same rules.
func (j *judge) stated() {
	lane := j.deed.Lane
	if j.seen.clocks.earned[question{lane, digest(j.deed.Digest)}].IsZero() {
		j.say("statement", "%s has not earned %s", j.deed.Text, lane.Environment)
	}
	j.verified()
	key := j.deed.By + lane.String() + j.deed.Digest + j.deed.Text
	if j.laws.said[key] {
		j.say("statement", "%s said twice that %s earned %s", j.deed.By, j.deed.Text, lane.Environment)
	}
	j.laws.said[key] = true
}

// healthy holds that the target was well and ran what Git names there.
func (j *judge) healthy() {
	h, ok := j.seen.health[j.deed.Lane]
	switch {
	case !ok || j.deed.At.Sub(h.at) > maxAge+fresh:
		j.say("healthy", "the target was last asked at %s", h.at.Format(time.TimeOnly))
	case h.what.State != signals.StateHealthy:
		j.say("healthy", "the target said %q", h.what.State)
	case string(h.what.Digest) != j.desired().Digest:
		j.say("healthy", "the target runs %s, Git names %s", h.what.Digest.Short(), j.desired().Tag)
	}
}

// mergeable holds what only green and merging have to obey: freezes and
// approvals.
func (j *judge) mergeable() {
	j.frozen()
	j.closed()
	p, ok := j.proposal()
	if !ok {
		j.say("not knowing is waiting", "the process was not shown proposal %s", j.deed.Proposal)
		return
	}
	need, careful := 0, j.deed.Lane.Environment != "prod-us" || j.seen.spec.Reviewer == ""
	if j.production() {
		need = j.seen.spec.Owed()
	}
	pinner := j.pinner()
	for _, r := range p.Reviews {
		standing := j.stands(r) && r.By.Name != pinner && !j.declarer(r.By.Name)
		careful = careful || standing && r.By.Name == j.seen.spec.Reviewer
		switch {
		case r.State == gitops.ChangesRequested && r.By.Permission.Releases():
			j.say("approved", "%s asked for changes", r.By.Name)
		case standing && slices.Contains(r.By.Teams, world.Owners):
			need--
		}
	}
	if !careful {
		j.say("approved", "%s did not approve %s", j.seen.spec.Reviewer, j.deed.Head.Short())
	}
	if need > 0 {
		j.say("approved", "%d approvals of %s are missing", need, j.deed.Head.Short())
	}
}

// frozen holds that no freeze is in force that the deed does not pass.
func (j *judge) frozen() {
	for _, f := range j.seen.spec.Freezes {
		if f.Allow && j.urgent() {
			continue
		}
		if j.seen.always(j.deed.At, func(now time.Time) bool { return f.Covers(j.deed.Lane.Environment, now) }) {
			j.say("frozen", "a freeze is in force until %s", f.Until.Format(time.TimeOnly))
		}
	}
}

// stands says that a review is an approval of this commit that may still count.
func (j *judge) stands(r gitops.Review) bool {
	return r.State == gitops.Approved && r.Head == j.deed.Head && !r.By.Bot && !j.wrote(r.By.Name) &&
		!j.seen.always(j.deed.At, func(now time.Time) bool { return !now.Before(r.At.Add(j.seen.spec.TTL + fresh)) })
}

// wrote says that somebody wrote what the deed brings, as the evidence about it
// tells: nobody approves their own work.
func (j *judge) wrote(who string) bool {
	w := j.laws.world
	was, _ := w.Commits[w.Commits[j.deed.Head].Parent].Version(j.deed.Lane)
	return w.Build(was.Digest).Verified() &&
		slices.Contains(w.Wrote(j.deed.Lane.Artifact, digest(was.Digest), digest(j.deed.Digest)), who)
}

// closed holds that nothing of production moves forward outside of the window.
func (j *judge) closed() {
	shut := func(now time.Time) bool { return !world.WindowOpen(now) }
	if j.seen.spec.Windowed && j.production() && !j.back() && !j.urgent() && j.seen.always(j.deed.At, shut) {
		j.say("frozen", "the window is closed")
	}
}

// production says that the deed is about production.
func (j *judge) production() bool { return strings.HasPrefix(j.deed.Lane.Environment, "prod") }

// smallest holds that a commit changes the version of one lane and nothing
// else.
func (j *judge) smallest() {
	w := j.laws.world
	c := w.Commits[j.deed.Head]
	name := world.File(j.deed.Lane.Environment, j.deed.Lane.Artifact)
	if changed := w.Changed(c.Parent, c.ID); len(changed) != 1 || changed[0] != name {
		j.say("one change", "the commit changes %v", changed)
		return
	}
	was, _ := w.Commits[c.Parent].Version(j.deed.Lane)
	is := j.version()
	want := strings.ReplaceAll(strings.ReplaceAll(w.Commits[c.Parent].Files[name], was.Digest, is.Digest), `"`+was.Tag+`"`, `"`+is.Tag+`"`)
	if c.Files[name] != want {
		j.say("one change", "%s differs in more than the version", name)
	}
}

// preserves holds that what a person pushed is never overwritten, unless
// somebody asked for it.
func (j *judge) preserves() {
	old := j.laws.world.Commits[j.deed.Old]
	if old == nil || old.Author == world.Email {
		return
	}
	if p, ok := j.proposal(); ok {
		if _, asked := p.Label(gitops.LabelRebase); asked {
			return
		}
	}
	j.say("people's commits", "commit %s of %s was overwritten", old.ID.Short(), old.Author)
}

// followsApproved holds that an approved proposal is left alone: a newer
// version follows after it.
func (j *judge) followsApproved() {
	p, ok := j.proposal()
	if !ok || j.back() {
		return
	}
	was, _ := j.laws.world.Commits[j.deed.Old].Version(j.deed.Lane)
	for _, r := range p.Reviews {
		if r.State == gitops.Approved && r.Head == j.deed.Old && !r.By.Bot && was.Digest != j.deed.Digest && world.Older(j.desired().Tag, was.Tag) {
			j.say("approved", "%s had approved %s, and %s took its place", r.By.Name, was.Tag, j.version().Tag)
		}
	}
}

// limited holds that no more lanes of production move together than the rules
// allow, as far as the process was shown.
func (j *judge) limited() {
	if j.seen.spec.MaxInFlight == 0 || !j.production() || j.back() {
		return
	}
	var others []string
	for _, p := range j.laws.world.Open() {
		known := p.Opened.Before(j.seen.page) || j.seen.opened[p.ID]
		if known && p.Author.Name == world.Bot && (p.Lane.Environment != j.deed.Lane.Environment || p.Lane.Artifact != j.deed.Lane.Artifact) && strings.HasPrefix(p.Lane.Environment, "prod") {
			others = append(others, p.Lane.String())
		}
	}
	if len(others) >= j.seen.spec.MaxInFlight {
		j.say("limit", "%v are in flight, and %d may be", others, j.seen.spec.MaxInFlight)
	}
}

// single holds that a lane has one open proposal of ours.
func (j *judge) single() {
	n := 0
	for _, p := range j.laws.world.Open() {
		if p.Lane.Environment == j.deed.Lane.Environment && p.Lane.Artifact == j.deed.Lane.Artifact && p.Author.Name == world.Bot {
			n++
		}
	}
	if n > 1 {
		j.say("one proposal", "%d proposals are open", n)
	}
}

// foreign holds that a person's proposal is green only if every version that it
// brings is ours.
func (j *judge) foreign() {
	w := j.laws.world
	head, main := w.Commits[j.deed.Head], w.Commits[j.seen.head]
	for _, lane := range world.Lanes() {
		is, ok := head.Version(lane)
		was, _ := main.Version(lane)
		base, _ := w.Commits[head.Parent].Version(lane)
		if !ok || is.Digest == was.Digest || is.Digest == base.Digest {
			continue
		}
		if !w.Build(is.Digest).Ours(lane.Artifact) {
			j.say("verified", "a person's proposal brings %.19s to %s, which is not signed for it", is.Digest, lane)
		}
		j.required(lane)
		if j.tagged(lane.Artifact, is) && !world.Older(is.Tag, was.Tag) {
			j.pinned(lane, is, was)
		}
	}
}

// onlyOurs holds that nothing is merged that a person pushed to our branch.
func (j *judge) onlyOurs() {
	w := j.laws.world
	for at := w.Commits[j.deed.Head]; at != nil && !w.Contains(j.seen.head, at.ID); at = w.Commits[at.Parent] {
		if at.Author != world.Email {
			j.say("people's commits", "commit %s of %s was merged", at.ID.Short(), at.Author)
		}
	}
}
