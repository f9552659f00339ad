package loop

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/loop/trail"
)

// step is a commit of the protected branch of which nobody knows yet whether a
// proposal made it, with the lanes that it changes.
type step struct {
	trail.Step
	Seen  time.Time    `json:"seen"`
	Moves []trail.Move `json:"moves,omitempty"`
	// Lanes are those that were hidden when it came, if only they are asked
	// about: of the others it was explained then.
	Lanes []gitops.Lane `json:"lanes,omitempty"`
}

// about is the step without its moves in other lanes.
func (s step) about(these func(gitops.Lane) bool) step {
	s.Moves = slices.DeleteFunc(slices.Clone(s.Moves), func(m trail.Move) bool { return !these(m.Lane) })
	return s
}

// The bounds of following the protected branch: how many commits are read at
// once, how many wait to be explained, how often a line that cannot be read is
// tried, and how long the forge may take to tell of a merge of ours.
const (
	maxLine  = 100
	maxSteps = 300
	maxTries = 5
	tellTime = 10 * time.Minute
)

// walk reads the commits that the protected branch got since it was walked
// last. What is there when it is walked first is adopted.
func (l *Loop) walk(ctx context.Context, now time.Time, head gitops.Commit) error {
	from, shown := l.trunk.Walked, l.shown()
	if from == "" {
		return l.hindsight(ctx, now, head)
	}
	if from == head && len(shown) == 0 {
		return nil
	}
	steps, gap, err := l.missed(ctx, now, shown, from)
	if err == nil && from != head {
		late, old := steps, gap
		steps, gap, err = l.line(ctx, now, from, head)
		steps, gap = append(late, steps...), cmp.Or(old, gap)
	}
	if err != nil {
		if l.trunk.tries++; l.trunk.tries < maxTries || ctx.Err() != nil {
			return fmt.Errorf("read the commits after %s: %w", from.Short(), err)
		}
		steps, gap = nil, "its commits could not be read: "+err.Error()
	}
	l.show(shown)
	l.trunk.tries, l.trunk.Walked, l.trunk.Gap = 0, head, cmp.Or(gap, l.trunk.Gap)
	l.trunk.Steps = append(slices.Clone(l.trunk.Steps), steps...)
	if n := len(l.trunk.Steps) - maxSteps; n > 0 {
		l.trunk.Steps = slices.Clone(l.trunk.Steps[n:])
	}
	l.written(steps)
	if len(l.entering) > 0 {
		l.schedule.set(sourceForge, now) // which knows of merges
	}
	return nil
}

// written notes who wrote the versions of which nobody knows yet how they came.
func (l *Loop) written(steps []step) {
	for _, s := range steps {
		for _, m := range s.Moves {
			if k := l.lanes[m.Lane]; k.Entry != nil && k.Entry.Version == m.To && k.Entry.How == trail.Pending {
				k.Entry.WrittenBy(s.Step)
			}
		}
	}
}

// line is what came between two heads, oldest first, or why nobody can tell.
func (l *Loop) line(ctx context.Context, now time.Time, from, to gitops.Commit) (all []step, gap string, err error) {
	steps, whole, err := l.History.Line(ctx, from, to, maxLine)
	if err != nil {
		return nil, "", err
	}
	if !whole {
		return nil, fmt.Sprintf("the branch was rewritten after %s, or got more than %d commits at once", from.Short(), maxLine), nil
	}
	for _, s := range steps {
		moves, err := l.movesOf(ctx, s)
		if err != nil {
			return nil, "", err
		}
		all = append(all, step{Step: s, Seen: now, Moves: moves})
	}
	return all, "", nil
}

// movesOf are the lanes in which a commit changes the version.
func (l *Loop) movesOf(ctx context.Context, s trail.Step) ([]trail.Move, error) {
	lanes := l.atlas.touched(s.Paths)
	if len(lanes) == 0 {
		return nil, nil
	}
	d, err := l.Repo.Delta(ctx, s.Before(), s.Commit)
	if err != nil {
		return nil, err
	}
	var moves []trail.Move
	for _, at := range inOrder(lanes) {
		stop := l.atlas.stops[at]
		before, after := d.under(stop.stop.Path)
		places := Request(l.ruling.Routes[stop.route].Image, *stop.stop)
		from, to := Desired(before, places, s.Before()), Desired(after, places, s.Commit)
		if to.Presence == gitops.At && (from.Presence != to.Presence || from.Version != to.Version) {
			moves = append(moves, trail.Move{Lane: at, From: from.Version, To: to.Version})
		}
	}
	return moves, nil
}

// enters notes that Git names another version in a lane: nobody knows yet how
// it came there.
func (l *Loop) enters(k *lane, from gitops.Version, at gitops.Commit, now time.Time) {
	k.Entry = &trail.Entry{Version: k.Version, From: from, Commit: at, Seen: now}
	l.entering[k.lane] = struct{}{}
	delete(l.past, k.lane)
}

// trace asks, after the forge was read, which of its merges made the new steps
// of the protected branch.
func (l *Loop) trace(ctx context.Context, now time.Time) {
	var left []step
	waits := map[gitops.Lane]string{}
	for _, s := range l.trunk.Steps {
		if why := l.explain(ctx, now, s); why != "" {
			left = append(left, s)
			for _, m := range s.Moves {
				waits[m.Lane] = why
			}
		}
	}
	if len(left) != len(l.trunk.Steps) {
		l.trunk.Steps = left
	}
	for at := range l.entering {
		l.entered(l.lanes[at], cmp.Or(waits[at], l.unwalked(at)))
	}
	if len(l.entering) == 0 {
		l.trunk.Gap = "" // nobody is left to ask about
	}
	l.askPeople()
}

// entered ends the question how a version came to Git, unless something says why
// that is not known yet.
func (l *Loop) entered(k *lane, why string) {
	l.decided(k.lane)
	if why != "" && k.Entry.How == trail.Pending {
		k.Entry.Problem = why
		return
	}
	if k.Entry.How == trail.Pending {
		l.unexplained(k)
	}
	delete(l.entering, k.lane)
}

// unwalked says why the commit that brought a lane's version may not be among
// the steps yet.
func (l *Loop) unwalked(at gitops.Lane) string {
	switch {
	case l.hid(at):
		return "the rules of the lane cannot be read"
	case l.unruled || len(l.unread) > 0:
		return "the newest commits could not be read"
	}
	return ""
}

// decided has a lane decided again.
func (l *Loop) decided(at gitops.Lane) {
	if s, ok := l.atlas.stops[at]; ok {
		l.queue.add(s.route)
	}
}

// unexplained is a version that no commit wrote: other rules look elsewhere, or
// nobody can tell.
func (l *Loop) unexplained(k *lane) {
	if l.trunk.Gap == "" {
		k.Entry.How, k.Entry.Problem = trail.Ruled, ""
		return
	}
	k.Entry.How, k.Entry.Problem = trail.Unknown, l.trunk.Gap
	l.past[k.lane] = struct{}{}
}

// explain says how a step came to the branch; why it cannot be said yet, or
// nothing if it can.
func (l *Loop) explain(ctx context.Context, now time.Time, s step) string {
	if p, ours := l.mergeOf(s); ours {
		return l.landed(ctx, now, s, p)
	}
	if len(s.Moves) == 0 && now.Before(s.Seen.Add(l.Poll.Repository)) {
		return "the forge may tell of its merge yet"
	}
	if len(s.Moves) == 0 {
		return ""
	}
	p, why := l.rivalOf(ctx, s)
	if why == "" && p.ID == "" {
		why = l.untold(now, s)
	}
	if why != "" {
		return why
	}
	for _, m := range s.Moves {
		e := l.entryOf(s, m)
		if e == nil {
			continue
		}
		e.WrittenBy(s.Step)
		e.How, e.Problem, e.Proposal = trail.Direct, "", p.ID
		if p.ID != "" {
			e.By = p.Author.Name
			if l.trunk.Rivals[p.ID].allowed(p) {
				e.How = trail.Judged
				continue
			}
		}
		l.past[m.Lane] = struct{}{}
	}
	return ""
}

// entryOf is the entry that a step's move made; nil if the lane names something
// else by now, or it is on record.
func (l *Loop) entryOf(s step, m trail.Move) *trail.Entry {
	k := l.lanes[m.Lane]
	if k == nil || k.Entry == nil || k.Entry.Version != m.To || k.Entry.Commit == s.Commit && k.Entry.Recorded != "" {
		return nil
	}
	l.entering[m.Lane] = struct{}{}
	return k.Entry
}

// untold says why a step may still be a merge of ours: the forge tells of it a
// while after Git.
func (l *Loop) untold(now time.Time, s step) string {
	for _, m := range s.Moves {
		k := l.lanes[m.Lane]
		if k == nil {
			continue
		}
		for _, p := range k.proposals {
			if p.To == m.To {
				return "proposal " + p.ID + " brings it, and the forge tells that it is open"
			}
		}
		for _, was := range k.Pushed {
			told := slices.ContainsFunc(k.ended, func(p gitops.Proposal) bool { return p.Head == was.Head })
			if was.To == m.To && !told && now.Before(s.Seen.Add(tellTime)) {
				return "a proposal of ours brought it, and the forge does not tell of its end"
			}
		}
	}
	return ""
}
