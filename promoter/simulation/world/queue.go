package world

import (
	"fmt"
	"slices"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
)

// queue is the merge queue of the protected branch, where there is one.
type queue struct {
	// Queueing says that the protected branch takes nothing past the queue, but
	// from an admin.
	Queueing bool

	group  *gitops.Group
	formed time.Time
	// formerly are the heads of all groups that ever were.
	formerly map[gitops.Commit]bool
}

// The habits of the queue.
const (
	// groupOf is how many proposals it merges together at most.
	groupOf = 2
	// queuePatience is how long it waits for the checks of a group.
	queuePatience = 40 * time.Minute
)

// Enqueue puts exactly that head into the queue.
func (w *World) Enqueue(by, id string, head gitops.Commit) error {
	p := w.Proposal(id)
	switch {
	case !w.Queueing:
		return gitops.ErrUnsupported
	case p == nil:
		return fmt.Errorf("no proposal %s", id)
	case p.State != gitops.Open || p.Head != head:
		return fmt.Errorf("proposal %s is %s at %s: %w", id, p.State, p.Head.Short(), gitops.ErrMoved)
	case p.Queued:
		return nil
	}
	if c, _ := p.Check(gitops.CheckName); c.State != gitops.CheckSuccess {
		return fmt.Errorf("the check of proposal %s is not green: %w", id, gitops.ErrDenied)
	}
	w.change(id, gitops.Event{}, func(p *gitops.Proposal) { p.Queued = true })
	w.forged(Deed{By: by, Kind: "enqueue", Proposal: id})
	return nil
}

// Groups are those that the queue has formed.
func (w *World) Groups() []gitops.Group {
	if w.group == nil {
		return nil
	}
	return []gitops.Group{*w.group}
}

// Queue lets the queue do what was due until now: it drops what cannot be
// merged any more, forms a group, and merges one whose check is green.
func (w *World) Queue() {
	if !w.Queueing {
		return
	}
	waiting := w.drop()
	if g := w.group; g != nil && (g.Base != w.Main || len(g.Proposals) > len(waiting) || !slices.Equal(g.Proposals, waiting[:len(g.Proposals)]) || !w.heads(*g)) {
		w.group = nil
	}
	switch {
	case w.group == nil && len(waiting) > 0:
		w.form(waiting[:min(len(waiting), groupOf)])
	case w.group == nil:
	case w.checkOf(w.group.Head) == gitops.CheckSuccess:
		w.mergeGroup()
	case w.checkOf(w.group.Head) == gitops.CheckFailure || time.Since(w.formed) > queuePatience:
		for _, id := range w.group.Proposals {
			w.dequeue(id, "its group failed")
		}
		w.group = nil
	}
}

// drop takes out of the queue what is not open any more; it says what waits. What
// became of a proposal's own check is not asked again: the group's is.
func (w *World) drop() []string {
	var waiting []string
	for _, p := range w.list {
		switch {
		case !p.Queued:
		case p.State != gitops.Open:
			w.dequeue(p.ID, "it ended")
		default:
			waiting = append(waiting, p.ID)
		}
	}
	return waiting
}

func (w *World) dequeue(id, why string) {
	if p := w.Proposal(id); p != nil && p.Queued {
		w.change(id, gitops.Event{}, func(p *gitops.Proposal) { p.Queued = false })
		w.forged(Deed{By: "the queue", Kind: "dequeue", Proposal: id, Text: why})
	}
}

func (w *World) checkOf(head gitops.Commit) gitops.CheckState {
	for _, c := range w.checks[head] {
		if c.Name == gitops.CheckName {
			return c.State
		}
	}
	return gitops.CheckPending
}

// heads says that the group holds the proposals as they are.
func (w *World) heads(g gitops.Group) bool {
	at := g.Head
	for _, id := range slices.Backward(g.Proposals) {
		p := w.Proposal(id)
		if c := w.Commits[at]; p == nil || c.Message != mergeMessage(id, p.Head) {
			return false
		}
		at = w.Commits[at].Parent
	}
	return at == g.Base
}

func mergeMessage(id string, head gitops.Commit) string {
	return "Merge proposal " + id + " at " + head.Short() + " by the queue"
}

// form makes the commits of a group on top of the protected branch; what
// conflicts is thrown out.
func (w *World) form(ids []string) {
	main, g := w.Main, gitops.Group{Base: w.Main}
	for _, id := range ids {
		p := *w.Proposal(id)
		files, conflicts := w.merged(p.Head)
		if len(conflicts) > 0 {
			w.dequeue(id, "it conflicts")
			continue
		}
		c, _ := w.land(p, files, "queue@forge", mergeMessage(id, p.Head))
		w.Main = w.add(c)
		g.Head, g.Proposals = c.ID, append(g.Proposals, id)
	}
	w.Main = main
	if len(g.Proposals) > 0 {
		w.group, w.formed = &g, time.Now()
		w.formerly[g.Head] = true
		w.note(Deed{By: "the queue", Kind: "group", Head: g.Head, Text: fmt.Sprint(g.Proposals)})
	}
}

// mergeGroup moves the protected branch to the group.
func (w *World) mergeGroup() {
	g := *w.group
	w.group = nil
	for _, id := range g.Proposals {
		w.forged(Deed{By: "the queue", Kind: "merge", Proposal: id})
	}
	w.Main = g.Head
	at := g.Head
	for _, id := range slices.Backward(g.Proposals) {
		branch := w.Proposal(id).Branch
		w.finish("the queue", id, gitops.Merged, at)
		if w.Slipped(at) {
			w.note(Deed{By: "the forge", Kind: "slip", Proposal: id, Head: at, Text: "merged another tree"})
		}
		at = w.Commits[at].Parent
		w.change(id, gitops.Event{}, func(p *gitops.Proposal) { p.Queued = false })
		if !w.KeepBranches {
			delete(w.Branches, branch)
		}
	}
}

// groupDeeds are the deed of a check for each proposal of the group that it
// stands on.
func (w *World) groupDeeds(d Deed) bool {
	if w.group == nil || w.group.Head != d.Head {
		if d.Group = d.Head; !w.formerly[d.Head] {
			return false
		}
		w.note(d) // it comes too late to matter
		return true
	}
	for _, id := range w.group.Proposals {
		d.Group, d.Proposal = w.group.Head, id
		w.forged(d)
	}
	return true
}
