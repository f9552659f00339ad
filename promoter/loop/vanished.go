package loop

import (
	"context"
	"maps"
	"slices"

	"github.com/waveguide-dev/waveguide/gitops"
)

// vanished are the proposals of ours that were open and that a list neither
// shows nor tells the end of, read one by one: forges answer from old copies,
// and who took them for gone would open others beside them. What cannot be read
// is held as it was, for a bounded time.
func (l *Loop) vanished(ctx context.Context, list []gitops.Proposal) (read, held []gitops.Proposal) {
	for at := range l.proposing {
		for _, p := range l.lanes[at].proposals {
			l.opened[p.ID] = p
		}
	}
	for _, p := range list {
		delete(l.opened, p.ID)
		delete(l.unshown, p.ID)
	}
	now := l.now()
	for _, id := range slices.Sorted(maps.Keys(l.opened)) {
		p, err := l.Forge.Proposal(ctx, id)
		if err == nil {
			read = append(read, p)
			delete(l.unshown, id)
			delete(l.opened, id)
			continue
		}
		if l.unshown[id].IsZero() {
			l.unshown[id] = now
		}
		if now.Sub(l.unshown[id]) > goneTime {
			delete(l.unshown, id)
			delete(l.opened, id)
			continue
		}
		p = l.opened[id]
		p.Unread = "it is not in the list any more, and could not be read: " + l.gist(sourceProposal+id, err)
		held = append(held, p)
	}
	return read, held
}

// over takes a proposal that we ended for ended, also where the list lags.
func (l *Loop) over(c gitops.Change) {
	delete(l.opened, c.Proposal)
	if k := l.lanes[c.Lane]; k != nil {
		l.propose(c.Lane, k, slices.DeleteFunc(slices.Clone(k.proposals), func(p gitops.Proposal) bool { return p.ID == c.Proposal }))
	}
}
