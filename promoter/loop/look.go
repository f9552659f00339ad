package loop

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/signals"
)

// look reads every source that is due. A source that fails contributes
// silence: what it said before is kept where that can only stop something, and
// forgotten where it could let something pass.
func (l *Loop) look(ctx context.Context, now time.Time) {
	due := l.schedule.due(now)
	if slices.Contains(due, sourceGit) {
		l.lookGit(ctx, now)
		// New rules bring new questions, and the forge's turn, which are due at once.
		due = append(due, l.schedule.due(now)...)
	}
	if slices.Contains(due, sourceForge) {
		l.lookForge(ctx, now)
	}
	l.gather(ctx, now, due)
}

// lookGit fetches the protected branch; a new head brings new rules and new
// desired versions. Git has spoken when all of it was read.
func (l *Loop) lookGit(ctx context.Context, now time.Time) {
	up, err := l.Repo.Fetch(ctx)
	if err == nil {
		err = l.lookHead(ctx, now, up)
	}
	if l.speak(sourceGit, err) {
		l.read[sourceGit] = now
	}
	next := now.Add(l.rest(sourceGit, l.Poll.Repository))
	if until := l.ruling.Until; until.After(now) && until.Before(next) {
		next = until
	}
	l.schedule.set(sourceGit, next)
	l.hold(l.world.Pauses)
}

// maxUnread bounds how many changed paths are kept until they can be read; with
// more, everything is read anew.
const maxUnread = 100_000

// lookHead reads what a fetch brought. Until all of it was read the old head
// stays, so that the next look tries again.
func (l *Loop) lookHead(ctx context.Context, now time.Time, up Update) error {
	// A fetch tells what changed only once.
	l.unread = append(l.unread, up.Changed...)
	if !l.fetched {
		l.fetched, l.follows = true, up.Old
	}
	if up.Old == "" {
		l.follows = ""
	}
	stale := !l.ruling.Until.IsZero() && !now.Before(l.ruling.Until)
	l.unruled = l.unruled || up.All || l.head == "" || stale || len(l.unread) > maxUnread
	for _, path := range up.Changed {
		l.unruled = l.unruled || strings.HasPrefix(path, l.RulesDir+"/")
	}
	if up.Head == l.head && !l.unruled {
		return nil
	}
	touched := l.atlas.touched(l.unread)
	if l.unruled {
		if err := l.lookRules(ctx, now, up.Head); err != nil {
			return err
		}
		touched = nil // all of them
	}
	if err := l.lookDesired(ctx, now, up.Head, touched); err != nil {
		return err
	}
	if err := l.walk(ctx, now, up.Head); err != nil {
		return err
	}
	l.trunk.advanceTo(up.Head, l.follows)
	l.unruled, l.unread, l.fetched = false, nil, false
	l.head = up.Head
	l.world.Bases = map[string]gitops.Commit{l.Repository: up.Head}
	l.queue.news = true
	l.Log.InfoContext(ctx, "looked at git", "commit", string(up.Head))
	return nil
}

// lookRules reads the rules of a commit: everything is asked and decided anew.
func (l *Loop) lookRules(ctx context.Context, now time.Time, at gitops.Commit) error {
	if err := l.recall(ctx); err != nil {
		return err
	}
	files, err := l.Repo.Files(ctx, at, l.RulesDir, "")
	if err != nil {
		return err
	}
	ruling, err := l.Rules.Rules(files, now)
	if err != nil {
		return fmt.Errorf("read the rules of %s: %w", at.Short(), err)
	}
	for _, p := range ruling.Problems {
		l.Log.WarnContext(ctx, "a rule is broken and holds what it covers", "problem", p)
	}
	l.ruling, l.atlas, l.paused = ruling, newAtlas(ruling.Routes), ruled(ruling.Routes)
	l.hide()
	l.queue.reset(ruling.Routes, l.atlas.needed(ruling.Routes))
	l.epoch++
	l.inquireAll(now)
	// Proposals belong to lanes as the rules name them, ended ones too.
	l.cursor = ""
	l.schedule.set(sourceForge, now)
	return nil
}

// inquireAll asks all that the rules want to know, and nothing else any more.
func (l *Loop) inquireAll(now time.Time) {
	l.questions = map[string]question{}
	for i, r := range l.ruling.Routes {
		if l.versions[r.Artifact] == nil {
			l.versions[r.Artifact] = &versions{}
		}
		l.inquire(now, l.aboutVersions(r))
		for stop := range r.Stops() {
			if l.lanes[stop.Lane] == nil {
				l.meet(stop.Lane, &lane{})
			}
			if len(stop.Signals) > 0 {
				l.inquire(now, l.aboutHealth(i, *stop))
			}
		}
	}
	for source := range l.silent {
		if _, asked := l.questions[source]; !asked && source != sourceGit && source != sourceForge && source != sourcePauses && source != sourceDaemon {
			delete(l.silent, source)
		}
	}
}

// inquire has a source read from now on; one that is waited for or has its turn
// already keeps it.
func (l *Loop) inquire(now time.Time, q question) {
	l.questions[q.source] = q
	if !l.asked[q.source] {
		l.schedule.sooner(q.source, now)
	}
}

// aboutVersions asks for the tags of an artifact and notes first sights.
func (l *Loop) aboutVersions(r promoter.Route) question {
	return question{
		source: sourceVersions + r.Artifact, every: l.Poll.Versions,
		read: func() reading {
			var selectors []promoter.Selector
			for _, i := range l.atlas.artifacts[r.Artifact] {
				selectors = append(selectors, l.ruling.Routes[i].Selector)
			}
			selects := func(tag string) bool {
				return slices.ContainsFunc(selectors, func(s promoter.Selector) bool { return s.Selects(tag) })
			}
			return func(ctx context.Context) (any, error) { return l.Registry.Versions(ctx, r.Image, selects) }
		},
		take: func(found any, now time.Time) {
			if list, ok := found.([]signals.Version); ok {
				l.versions[r.Artifact].merge(list, now)
			}
			for _, i := range l.atlas.artifacts[r.Artifact] {
				l.queue.add(i)
			}
		},
	}
}

// merge notes what is new, and what no longer stands.
func (v *versions) merge(found []signals.Version, now time.Time) {
	all := slices.Clone(v.All) // the old list may be in somebody's view
	standing := map[string]signals.Version{}
	for _, f := range found {
		standing[f.Tag] = f
	}
	for i, old := range all {
		f, ok := standing[old.Tag]
		switch {
		case ok && f.Digest == old.Digest:
			f.FirstSeen = old.FirstSeen
			all[i] = f
			delete(standing, old.Tag)
		case old.Gone.IsZero():
			all[i].Gone = now
		}
	}
	for _, f := range found {
		if s, fresh := standing[f.Tag]; fresh && s.Digest == f.Digest {
			f.FirstSeen = now
			all = append(all, f)
			delete(standing, f.Tag)
		}
	}
	v.All, v.read = all, true
}

// aboutHealth asks for the signals of a lane and moves its soak clock.
func (l *Loop) aboutHealth(route int, stop promoter.Stop) question {
	return question{
		source: sourceHealth + stop.Lane.String(), every: l.Poll.Health,
		read: func() reading {
			about := l.about(l.lanes[stop.Lane])
			return func(ctx context.Context) (any, error) { return l.Health.Health(ctx, stop.Lane, about) }
		},
		take: func(found any, now time.Time) {
			list, _ := found.([]signals.Health) // silence is no signal
			k := l.lanes[stop.Lane]
			k.health = signals.Carry(k.health, list)
			k.Streak = k.Streak.Observe(stop.Pulse(l.named(k), k.facts(), now, l.Poll.Gap))
			l.queue.add(route)
		},
	}
}

// hold makes the pauses known and what could not be read. What was read of Git
// before may be over by now: while it is silent everything is held.
func (l *Loop) hold(pauses []gitops.Pause) {
	why := l.silent[sourcePauses]
	if why == "" {
		why = l.silent[sourceForge]
	}
	if l.silent[sourceDaemon] != "" {
		// Forges need not know what stands in that file.
		why = sourceDaemon + " cannot be used; the log and the page say why"
	}
	if git := l.silent[sourceGit]; git != "" && why == "" {
		why = "git could not be read: " + git
	}
	if why == l.world.PausesUnread && reflect.DeepEqual(pauses, l.world.Pauses) {
		return
	}
	l.world.Pauses, l.world.PausesUnread = pauses, why
	l.queue.all()
	l.queue.news = true
}

// lookForge reads proposals and pauses. What cannot be read counts as held.
func (l *Loop) lookForge(ctx context.Context, now time.Time) {
	l.people.listen(true)
	pauses, read := l.world.Pauses, false
	own, err := l.Paused()
	l.speak(sourceDaemon, err)
	err = l.introduce(ctx)
	if err == nil {
		var standing []gitops.Pause
		if standing, err = l.lookIssues(ctx, now); l.speak(sourcePauses, err) {
			pauses, read = standing, true
			if own != nil {
				pauses = append(slices.Clip(pauses), *own)
			}
		}
		err = l.lookProposals(ctx)
	}
	if err == nil && l.head != "" {
		l.part(now)
		l.trace(ctx, now)
	}
	pauses = l.stray(pauses)
	if l.speak(sourceForge, err) {
		l.read[sourceForge] = now
	} else {
		l.blind(l.silent[sourceForge])
	}
	l.people.note(err == nil && read)
	l.schedule.set(sourceForge, later(now.Add(l.rest(sourceForge, l.Poll.Repository)), limited(err)))
	l.hold(pauses)
}

// introduce asks once who we are.
func (l *Loop) introduce(ctx context.Context) error {
	if l.me.Name != "" {
		return nil
	}
	me, err := l.Forge.Whoami(ctx)
	if err == nil {
		l.me = me
	}
	return err
}

func merged[K comparable, V any](a, b map[K]V) map[K]V {
	all := maps.Clone(a)
	if all == nil {
		return b
	}
	maps.Copy(all, b)
	return all
}

// lookProposals reads what is open and what ended.
func (l *Loop) lookProposals(ctx context.Context) error {
	list, next, err := l.Forge.Proposals(ctx, l.cursor)
	if err != nil {
		return err
	}
	l.cursor = next
	l.sortProposals(ctx, list)
	return l.lookGroups(ctx, list)
}

// blind marks every open proposal as held, because nobody knows.
func (l *Loop) blind(why string) {
	for at := range l.proposing {
		k := l.lanes[at]
		unread := slices.Clone(k.proposals)
		for i := range unread {
			unread[i].Unread = why
		}
		l.propose(at, k, unread)
	}
}

// propose gives a lane its open proposals; if they differ from before it is
// decided again.
func (l *Loop) propose(at gitops.Lane, k *lane, open []gitops.Proposal) {
	if reflect.DeepEqual(open, k.proposals) {
		return
	}
	k.proposals = open
	if l.proposing[at] = struct{}{}; len(open) == 0 {
		delete(l.proposing, at)
	}
	if s, ok := l.atlas.stops[at]; ok {
		l.queue.add(s.route)
	}
}

// sortProposals gives every lane the proposals that are ours.
func (l *Loop) sortProposals(ctx context.Context, list []gitops.Proposal) {
	open := map[gitops.Lane][]gitops.Proposal{}
	again, held := l.vanished(ctx, list)
	list = slices.Concat(list, again, l.unfinished)
	var rivals []gitops.Proposal
	l.unfinished, l.orphans, l.people.proposals = nil, nil, nil
	for _, p := range list {
		p = l.received(p)
		s, ruled := l.atlas.stops[p.Lane]
		// What was opened again may be closed again, for another version.
		was, known := l.ended[p.ID]
		known = known && was.Ended.Equal(p.Ended)
		switch {
		case p.Author.Name != l.me.Name && p.State == gitops.Open:
			rivals = append(rivals, p)
		case p.Author.Name != l.me.Name, !ruled && p.State != gitops.Open:
		case !ruled:
			l.orphans = append(l.orphans, p)
		case p.State == gitops.Open:
			open[p.Lane] = append(open[p.Lane], l.heed(l.examine(ctx, l.lanes[p.Lane], p)))
		case !known:
			l.end(ctx, l.lanes[p.Lane], p)
			l.queue.add(s.route)
		default:
			l.endAgain(l.lanes[p.Lane], p)
		}
	}
	for _, p := range held {
		if l.lanes[p.Lane] != nil {
			open[p.Lane] = append(open[p.Lane], p)
		}
	}
	if l.head == "" {
		l.orphans = nil // before the rules were read once, nobody knows which are in force
	} else {
		l.meetRivals(ctx, rivals)
	}
	l.report(rivals)
	for at := range l.proposing {
		if len(open[at]) == 0 {
			l.propose(at, l.lanes[at], nil)
		}
	}
	for at, list := range open {
		l.propose(at, l.lanes[at], list)
	}
}

// report says which branches of our names are somebody else's.
func (l *Loop) report(rivals []gitops.Proposal) {
	strangers := map[string]error{}
	for _, p := range rivals {
		if _, named := gitops.LaneOf(p.Branch); named {
			strangers[sourceBranch+p.Branch] = fmt.Errorf("proposal %s is by %s, not by us: it is left alone", p.ID, p.Author.Name)
		}
	}
	for source := range l.silent {
		if strings.HasPrefix(source, sourceBranch) && strangers[source] == nil {
			l.speak(source, nil)
		}
	}
	for source, err := range strangers {
		l.speak(source, err)
	}
}

// received is a proposal as the forge tells it, in our words: a check of our
// name that somebody else set is none of ours.
func (l *Loop) received(p gitops.Proposal) gitops.Proposal {
	p.Lane.Repository = l.Repository
	p.Checks = slices.DeleteFunc(slices.Clone(p.Checks), func(c gitops.Check) bool {
		return c.Name == gitops.CheckName && c.By != "" && c.By != l.me.Name
	})
	return p
}
