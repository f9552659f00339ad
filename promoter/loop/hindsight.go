package loop

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/edit"
	"github.com/waveguide-dev/waveguide/promoter/loop/trail"
)

// The bounds of looking back: over how many commits, and how many readings of a
// lane's files in them. What is older is not known. A date is no bound, because
// whoever writes a commit chooses it.
const (
	maxTail     = 1000
	maxReadings = 20_000
)

// bygone is what a lane was before it was looked at first, or why nobody knows.
type bygone struct {
	lane
	unread error
}

// hindsight finds out, before the protected branch is walked first, which
// versions its lanes left: with no memory of it, one that a person took back
// would look like one that never was there. If the history cannot be read a
// person has to say how the versions came there before newer ones follow.
func (l *Loop) hindsight(ctx context.Context, now time.Time, head gitops.Commit) error {
	bygones := l.relive(ctx, now, head)
	for _, at := range inOrder(bygones) {
		why := bygones[at].unread
		if why == nil {
			continue
		}
		if l.trunk.tries++; l.trunk.tries < maxTries || ctx.Err() != nil {
			return fmt.Errorf("read what %s named before %s: %w", at, head.Short(), why)
		}
		break
	}
	for at, b := range bygones {
		k := l.lanes[at]
		switch {
		case k.Entry != nil || len(k.Left) > 0: // of this lane something is remembered
		case b.unread == nil:
			k.Left = b.left(k.Version, now)
		case k.Version != gitops.Version{}:
			k.Entry = &trail.Entry{Version: k.Version, Commit: head, Seen: now, How: trail.Unknown, Problem: "the history of the branch cannot be read: " + b.unread.Error()}
			l.past[at] = struct{}{}
		}
	}
	l.trunk.tries, l.trunk.Walked = 0, head
	return nil
}

// left is what the lane left until it named what it names now.
func (b *bygone) left(is gitops.Version, now time.Time) []gitops.Left {
	all := b.Left
	if b.Version != is && b.Version != (gitops.Version{}) {
		all = slices.Concat([]gitops.Left{{Version: b.Version, At: now}}, all)
	}
	for i := range all {
		all[i].Found = true
	}
	return all
}

// relive follows the lanes through the newest commits of the branch.
func (l *Loop) relive(ctx context.Context, now time.Time, head gitops.Commit) map[gitops.Lane]*bygone {
	bygones := map[gitops.Lane]*bygone{}
	steps, err := l.History.Tail(ctx, head, maxTail)
	if err != nil {
		for at := range l.atlas.stops {
			bygones[at] = &bygone{unread: err}
		}
		return bygones
	}
	for _, s := range l.affordable(steps) {
		for _, at := range inOrder(l.atlas.touched(s.Paths)) {
			b := bygones[at]
			if b == nil {
				b = &bygone{}
				bygones[at] = b
				l.revisit(ctx, b, at, s.Before(), s.At)
			}
			l.revisit(ctx, b, at, s.Commit, earlier(s.At, now))
		}
	}
	l.Log.InfoContext(ctx, "looked back", "commit", string(head), "commits", len(steps), "lanes", len(bygones))
	return bygones
}

// affordable are the newest steps that do not change too many lanes to read all
// of them.
func (l *Loop) affordable(steps []trail.Step) []trail.Step {
	readings := 0
	for i, s := range slices.Backward(steps) {
		if readings += len(l.atlas.touched(s.Paths)); readings > maxReadings {
			return steps[i+1:]
		}
	}
	return steps
}

// revisit notes what a lane named at a commit.
func (l *Loop) revisit(ctx context.Context, b *bygone, at gitops.Lane, c gitops.Commit, when time.Time) {
	if b.unread != nil {
		return
	}
	s := l.atlas.stops[at]
	image := l.ruling.Routes[s.route].Image
	files, err := l.Repo.Files(ctx, c, s.stop.Path, string(edit.Needle(image)))
	if err != nil {
		b.unread = err
		return
	}
	if d := Desired(files, l.request(image, *s.stop), c); d.Presence == gitops.At {
		b.moved(d.Version, when)
	}
}

// earlier is the time of a commit, which whoever wrote it chose, but not one to
// come.
func earlier(at, now time.Time) time.Time {
	if at.After(now) {
		return now
	}
	return at
}
