package world

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
)

// forge keeps proposals, checks and issues. What is in a list is replaced and
// never changed in place, so that an old list stays as it was.
type forge struct {
	list   []gitops.Proposal
	issues []gitops.Issue
	// reports are the issues that were opened under a key.
	reports map[string]string
	checks  map[gitops.Commit][]gitops.Check
	// ended are the ids of proposals in the order in which they ended, and again
	// where something was said after that.
	ended  []string
	past   []page
	events int
	// KeepBranches says that a merge leaves the branch where it is.
	KeepBranches bool
}

// page is the forge as it was at a time.
type page struct {
	at     time.Time
	list   []gitops.Proposal
	issues []gitops.Issue
	ended  []string
}

// memory is how long the forge can show an old page.
const memory = 2 * time.Minute

// turn keeps the page as it is now, for readers that are shown an old one.
func (w *World) turn() {
	now := time.Now()
	w.past = append(w.past, page{at: now, list: slices.Clone(w.list), issues: slices.Clone(w.issues), ended: slices.Clip(w.ended)})
	for len(w.past) > 1 && now.Sub(w.past[1].at) > memory {
		w.past = w.past[1:]
	}
}

// page is what a reader sees who is shown the forge as it was so long ago.
func (w *World) page(stale time.Duration) page {
	at := time.Now().Add(-stale)
	for i := len(w.past) - 1; i > 0 && stale > 0; i-- {
		if w.past[i-1].at.Before(at) && !w.past[i].at.After(at) {
			return w.past[i]
		}
	}
	return page{at: time.Now(), list: w.list, issues: w.issues, ended: w.ended}
}

// actor is who acts: a person by name, or a process, which is the bot.
func actor(by string) gitops.Actor {
	if a, ok := People()[by]; ok {
		return a
	}
	return People()[Bot]
}

// Proposal is one proposal as it stands; nil if there is none of that name.
func (w *World) Proposal(id string) *gitops.Proposal {
	for i := range w.list {
		if w.list[i].ID == id {
			p := w.list[i]
			p.Checks = slices.Clone(w.checks[p.Head])
			return &p
		}
	}
	return nil
}

// Open are the open proposals.
func (w *World) Open() []gitops.Proposal {
	var open []gitops.Proposal
	for _, p := range w.list {
		if p.State == gitops.Open {
			p.Checks = slices.Clone(w.checks[p.Head])
			open = append(open, p)
		}
	}
	return open
}

// Merged are the proposals of the bot that were merged.
func (w *World) Merged() []gitops.Proposal {
	var all []gitops.Proposal
	for _, p := range w.list {
		if p.State == gitops.Merged && p.Author.Name == Bot {
			all = append(all, p)
		}
	}
	return all
}

// change replaces a proposal by what do makes of it, and adds an event.
func (w *World) change(id string, e gitops.Event, do func(*gitops.Proposal)) {
	i := slices.IndexFunc(w.list, func(p gitops.Proposal) bool { return p.ID == id })
	p := w.list[i]
	if e.Kind != "" {
		p.Events = append(slices.Clip(p.Events), w.event(e))
	}
	do(&p)
	w.list = slices.Clone(w.list)
	w.list[i] = p
	w.turn()
}

func (w *World) event(e gitops.Event) gitops.Event {
	w.events++
	e.ID, e.At = strconv.Itoa(w.events), time.Now()
	return e
}

// Proposals are all that are open, and those that ended since the cursor.
func (w *World) Proposals(since string, stale time.Duration) ([]gitops.Proposal, string, time.Time) {
	page := w.page(stale)
	from, _ := strconv.Atoi(since) // an empty cursor is the beginning
	fresh := page.ended[min(from, len(page.ended)):]
	var list []gitops.Proposal
	for _, p := range page.list {
		if p.State == gitops.Open || slices.Contains(fresh, p.ID) {
			p.Checks = slices.Clone(w.checks[p.Head])
			list = append(list, p)
		}
	}
	return list, strconv.Itoa(max(from, len(page.ended))), page.at
}

// Create opens a proposal of a branch whether or not there is one.
func (w *World) Create(by string, p gitops.Proposal, labels []string) (gitops.Proposal, error) {
	head, ok := w.Branches[p.Branch]
	if !ok {
		return p, fmt.Errorf("branch %s does not exist", p.Branch)
	}
	if w.Contains(w.Main, head) {
		return p, fmt.Errorf("branch %s has nothing that the protected branch has not", p.Branch)
	}
	p.ID, p.State, p.Author, p.Opened, p.Head = strconv.Itoa(len(w.list)+1), gitops.Open, actor(by), time.Now(), head
	p.Lane, _ = gitops.LaneOf(p.Branch)
	p.Base = w.base(head)
	for _, name := range labels {
		p.Events = append(p.Events, w.event(gitops.Event{Kind: gitops.Labelled, By: p.Author, Label: name}))
	}
	p.Labels = gitops.LabelsNow(labels, p.Events)
	w.list = append(slices.Clip(w.list), p)
	w.turn()
	w.forged(Deed{By: by, Kind: "open", Proposal: p.ID, Text: p.Title})
	return *w.Proposal(p.ID), nil
}

// Find is the open proposal of a branch.
func (w *World) Find(branch string) *gitops.Proposal {
	for _, p := range w.Open() {
		if p.Branch == branch {
			return &p
		}
	}
	return nil
}

// forged notes a deed about a proposal as it stands.
func (w *World) forged(d Deed) {
	p := w.Proposal(d.Proposal)
	d.Lane, d.Branch, d.Head = p.Lane, p.Branch, p.Head
	d.Lane.Repository = Repository
	if c := w.Commits[p.Head]; c != nil {
		v, _ := c.Version(d.Lane)
		d.Digest = v.Digest
	}
	w.note(d)
}

// Describe sets the title and the body.
func (w *World) Describe(by, id, title, body string) error {
	if w.Proposal(id) == nil {
		return fmt.Errorf("no proposal %s", id)
	}
	w.change(id, gitops.Event{}, func(p *gitops.Proposal) { p.Title, p.Body = title, body })
	w.forged(Deed{By: by, Kind: "describe", Proposal: id})
	return nil
}

// End closes a proposal without a merge.
func (w *World) End(by, id, why string) error {
	p := w.Proposal(id)
	if p == nil || p.State != gitops.Open {
		return nil // closed is closed
	}
	w.forged(Deed{By: by, Kind: "close", Proposal: id, Text: why})
	w.finish(by, id, gitops.Closed, "")
	return nil
}

func (w *World) finish(by, id string, state gitops.ProposalState, as gitops.Commit) {
	w.ended = append(slices.Clip(w.ended), id)
	w.change(id, gitops.Event{Kind: gitops.Ended, By: actor(by)}, func(p *gitops.Proposal) {
		p.State, p.Ended, p.EndedBy, p.MergedAs = state, time.Now(), actor(by), as
	})
}

// Reopen opens a closed proposal again, if its branch is there and has none.
func (w *World) Reopen(by, id string) bool {
	p := w.Proposal(id)
	if p == nil || p.State != gitops.Closed || w.Branches[p.Branch] == "" || w.Find(p.Branch) != nil {
		return false
	}
	w.change(id, gitops.Event{Kind: gitops.Reopened, By: actor(by)}, func(p *gitops.Proposal) {
		p.State, p.Ended, p.EndedBy, p.Head = gitops.Open, time.Time{}, gitops.Actor{}, w.Branches[p.Branch]
	})
	w.forged(Deed{By: by, Kind: "reopen", Proposal: id})
	return true
}

// Merge merges exactly that head. The protected branch takes it only with a
// green check; an admin who merges by hand is above that.
func (w *World) Merge(by, id string, head gitops.Commit, force bool) (gitops.Commit, error) {
	p := w.Proposal(id)
	switch {
	case p == nil:
		return "", fmt.Errorf("no proposal %s", id)
	case p.State != gitops.Open || p.Head != head:
		return "", fmt.Errorf("proposal %s is %s at %s: %w", id, p.State, p.Head.Short(), gitops.ErrMoved)
	}
	if c, _ := p.Check(gitops.CheckName); c.State != gitops.CheckSuccess && !force {
		return "", fmt.Errorf("the check of proposal %s is not green: %w", id, gitops.ErrDenied)
	}
	if w.Queueing && !force {
		return "", w.Enqueue(by, id, head)
	}
	files, conflicts := w.merged(head)
	if len(conflicts) > 0 {
		return "", fmt.Errorf("proposal %s conflicts in %v", id, conflicts)
	}
	c, right := w.land(*p, files, actor(by).Name+"@forge", "Merge proposal "+id+": "+w.Commits[head].Message)
	w.forged(Deed{By: by, Kind: "merge", Proposal: id})
	w.Main = w.add(c)
	if !right {
		w.note(Deed{By: "the forge", Kind: "slip", Proposal: id, Head: c.ID, Text: "merged another tree"})
	}
	w.finish(by, id, gitops.Merged, c.ID)
	if !w.KeepBranches {
		delete(w.Branches, p.Branch)
	}
	return c.ID, nil
}

// SetCheck sets the bot's check on a commit.
func (w *World) SetCheck(by string, head gitops.Commit, c gitops.Check) error {
	if w.Commits[head] == nil {
		return fmt.Errorf("no commit %s", head.Short())
	}
	c.By, c.Required = Bot, c.Name == gitops.CheckName
	w.checks[head] = append(slices.DeleteFunc(slices.Clone(w.checks[head]), func(o gitops.Check) bool { return o.Name == c.Name }), c)
	w.turn()
	d := Deed{By: by, Kind: "check", Head: head, Check: c}
	if w.groupDeeds(d) {
		return nil
	}
	for _, p := range w.list {
		if p.Head == head && p.State == gitops.Open {
			d.Proposal, d.Branch, d.Lane = p.ID, p.Branch, p.Lane
			d.Lane.Repository = Repository
			v, _ := w.Commits[head].Version(d.Lane)
			d.Digest = v.Digest
		}
	}
	w.note(d)
	return nil
}

// Label puts a label on a proposal, Unlabel takes it off.
func (w *World) Label(by, id, label string) {
	w.relabel(by, id, label, gitops.Labelled)
}

// Unlabel takes a label off; one that is not there is no error.
func (w *World) Unlabel(by, id, label string) { w.relabel(by, id, label, gitops.Unlabelled) }

func (w *World) relabel(by, id, label string, kind gitops.EventKind) {
	was := w.Proposal(id)
	if was == nil {
		return
	}
	_, has := was.Label(label)
	if has == (kind == gitops.Labelled) {
		return
	}
	w.change(id, gitops.Event{Kind: kind, By: actor(by), Label: label}, func(p *gitops.Proposal) {
		names := []string(nil)
		for _, l := range p.Labels {
			if l.Name != label {
				names = append(names, l.Name)
			}
		}
		if kind == gitops.Labelled {
			names = append(names, label)
		}
		p.Labels = gitops.LabelsNow(names, p.Events)
	})
	w.forged(Deed{By: by, Kind: string(kind), Proposal: id, Text: label})
}

// Review says a person's word about the head of a proposal.
func (w *World) Review(by, id string, said gitops.ReviewState) {
	w.change(id, gitops.Event{}, func(p *gitops.Proposal) {
		r := gitops.Review{By: actor(by), State: said, Head: p.Head, At: time.Now()}
		p.Reviews = append(slices.DeleteFunc(slices.Clone(p.Reviews), func(o gitops.Review) bool { return o.By.Name == by }), r)
	})
	w.forged(Deed{By: by, Kind: "review", Proposal: id, Text: string(said)})
}

// pushed follows a branch that moved: an open proposal has a new head.
func (w *World) pushed(by, branch string) {
	if p := w.Find(branch); p != nil {
		w.dequeue(p.ID, "it was pushed to")
		w.change(p.ID, gitops.Event{Kind: gitops.Pushed, By: actor(by)}, func(p *gitops.Proposal) { p.Head = w.Branches[branch] })
	}
}

// orphan closes the open proposal of a branch that was deleted.
func (w *World) orphan(branch string) {
	if p := w.Find(branch); p != nil {
		w.finish("the forge", p.ID, gitops.Closed, "")
	}
}

// Pause opens an issue that pauses what its title says.
func (w *World) Pause(by, title string) string {
	id := w.openIssue(by, title, []string{gitops.LabelPause})
	w.note(Deed{By: by, Kind: "pause", Proposal: id, Text: title})
	return id
}

func (w *World) openIssue(by, title string, labels []string) string {
	i := gitops.Issue{ID: "#" + strconv.Itoa(len(w.issues)+1), Title: title, State: gitops.Open, Author: actor(by), Opened: time.Now()}
	for _, name := range labels {
		i.Events = append(i.Events, w.event(gitops.Event{Kind: gitops.Labelled, By: i.Author, Label: name}))
	}
	i.Labels = gitops.LabelsNow(labels, i.Events)
	w.issues = append(slices.Clip(w.issues), i)
	w.turn()
	return i.ID
}

// Issues are all there are, as they were so long ago.
func (w *World) Issues(stale time.Duration) []gitops.Issue { return slices.Clone(w.page(stale).issues) }

func labelled(ls []gitops.Label) (gitops.Label, bool) {
	return gitops.Proposal{Labels: ls}.Label(gitops.LabelPause)
}

// Paused are the ids of the issues that are open and pause something.
func (w *World) Paused() []string {
	var ids []string
	for _, i := range w.issues {
		if _, ok := labelled(i.Labels); ok && i.State == gitops.Open {
			ids = append(ids, i.ID)
		}
	}
	return ids
}
