package loop

import (
	"context"
	"slices"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/signals"
)

// lookGroups reads what a merge queue or train is about to merge, if a proposal
// waits in one: the check has to stand on the group's head too.
func (l *Loop) lookGroups(ctx context.Context, list []gitops.Proposal) error {
	l.groups = nil
	for _, p := range list {
		if p.Queued && p.State == gitops.Open {
			groups, err := l.Queue.Groups(ctx)
			l.groups = groups
			l.reprove()
			return err
		}
	}
	clear(l.answered)
	return nil
}

// reprove has the proofs of every version read again that a group would bring
// whose check is not green yet: once it is, the queue merges without asking.
func (l *Loop) reprove() {
	for _, g := range l.groups {
		if l.answered[g.Head].State == gitops.CheckSuccess {
			continue
		}
		for at := range l.proposing {
			k := l.lanes[at]
			if s, ruled := l.atlas.stops[at]; ruled && slices.ContainsFunc(k.proposals, func(p gitops.Proposal) bool { return slices.Contains(g.Proposals, p.ID) }) {
				k.stale()
				l.queue.add(s.route)
			}
		}
	}
}

// answerGroups are the checks of the groups that a queue has formed: what holds
// for each of a group's proposals holds for the group.
func (l *Loop) answerGroups() []gitops.Change {
	var all []gitops.Change
	for _, g := range l.groups {
		want := gitops.Check{Name: gitops.CheckName, State: gitops.CheckSuccess, Text: "every gate passes for every proposal of the group"}
		for _, id := range g.Proposals {
			if c := l.standsAt(id); c.State != gitops.CheckSuccess {
				want.State, want.Text = c.State, "proposal "+id+": "+c.Text
				break
			}
		}
		if len(g.Proposals) == 0 {
			want.State, want.Text = gitops.CheckPending, "the forge does not say what is in this group"
		}
		if l.answered[g.Head] != want {
			all = append(all, gitops.Change{Kind: gitops.SetCheck, Proposal: "group", Head: g.Head, Check: want})
		}
	}
	return all
}

// holds says that an open proposal brings a version: the one that the verdicts
// of its lane are about.
func (l *Loop) holds(at gitops.Lane, id string, d signals.Digest) bool {
	return slices.ContainsFunc(l.lanes[at].proposals, func(p gitops.Proposal) bool { return p.ID == id && p.To.Digest == string(d) })
}

// standsAt is what the check of an open proposal says now.
func (l *Loop) standsAt(id string) gitops.Check {
	if v := l.rivals[id]; v != nil {
		return l.verdictOn(l.began, v)
	}
	for at := range l.proposing {
		for _, lp := range l.queue.admitted[l.atlas.stops[at].route].Lanes {
			if lp.Lane != at || lp.Proposal != id || len(lp.Verdicts) == 0 {
				continue
			}
			if !l.holds(at, id, lp.Candidate.Digest) {
				return gitops.Check{State: gitops.CheckPending, Text: "another version is about to take its place"}
			}
			return promoter.CheckOf(lp.Verdicts)
		}
	}
	return gitops.Check{State: gitops.CheckPending, Text: "nobody knows yet what it changes"}
}
