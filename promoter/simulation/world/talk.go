package world

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
)

// issue replaces an issue by what do makes of it, and adds an event.
func (w *World) issue(id string, e gitops.Event, do func(*gitops.Issue)) bool {
	k := slices.IndexFunc(w.issues, func(i gitops.Issue) bool { return i.ID == id })
	if k < 0 {
		return false
	}
	i := w.issues[k]
	i.Events = append(slices.Clip(i.Events), w.event(e))
	do(&i)
	w.issues = slices.Clone(w.issues)
	w.issues[k] = i
	w.turn()
	return true
}

// Resume closes an issue.
func (w *World) Resume(by, id string) {
	if w.issue(id, gitops.Event{Kind: gitops.Ended, By: actor(by)}, func(i *gitops.Issue) { i.State = gitops.Closed }) {
		w.note(Deed{By: by, Kind: "resume", Proposal: id})
	}
}

// Report finds the issue that somebody opened under a key, or opens it.
func (w *World) Report(by string, r gitops.Report) string {
	if id, ok := w.reports[r.Key]; ok {
		return id
	}
	id := w.openIssue(by, r.Title, r.Marks())
	if w.reports == nil {
		w.reports = map[string]string{}
	}
	w.reports[r.Key] = id
	w.note(Deed{By: by, Kind: "report", Proposal: id, Text: r.Title})
	return id
}

// Key is what an issue was opened about; empty if a person opened it.
func (w *World) Key(id string) string {
	for key, of := range w.reports {
		if of == id {
			return key
		}
	}
	return ""
}

// filed is the issue about what a key begins with.
func (w *World) filed(about string) (gitops.Issue, bool) {
	for key, id := range w.reports {
		k := slices.IndexFunc(w.issues, func(i gitops.Issue) bool { return i.ID == id })
		if k >= 0 && strings.HasPrefix(key, about) {
			return w.issues[k], true
		}
	}
	return gitops.Issue{}, false
}

// Filed is when the issue was opened about what a key begins with.
func (w *World) Filed(about string) time.Time {
	i, _ := w.filed(about)
	return i.Opened
}

// Settled says that somebody with the right closed that issue, or changed it.
func (w *World) Settled(about string) bool {
	i, _ := w.filed(about)
	return slices.ContainsFunc(i.Events, func(e gitops.Event) bool {
		return e.By.Permission.Releases() && !e.By.Bot && (e.Kind == gitops.Ended || e.Kind == gitops.Unlabelled || e.Kind == gitops.Retitled)
	})
}

// Comment says something below a proposal or an issue.
func (w *World) Comment(by, id, text string) {
	e := gitops.Event{Kind: gitops.Commented, By: actor(by), Text: text}
	if p := w.Proposal(id); p != nil {
		if p.State != gitops.Open {
			w.ended = append(slices.Clip(w.ended), id) // it is told again
		}
		w.change(id, e, func(*gitops.Proposal) {})
	} else if !w.issue(id, e, func(*gitops.Issue) {}) {
		return
	}
	first, _, _ := strings.Cut(text, "\n")
	w.note(Deed{By: by, Kind: "comment", Proposal: id, Text: first})
}

// Answer comments, unless the answer to that key is there already.
func (w *World) Answer(by, id, key, text string) error {
	events := []gitops.Event(nil)
	if p := w.Proposal(id); p != nil {
		events = p.Events
	}
	for _, i := range w.issues {
		if i.ID == id {
			events = i.Events
		}
	}
	if !gitops.Answered(events, Bot, key) {
		w.Comment(by, id, gitops.AnswerText(key, text))
	}
	return nil
}

// Mend puts back what somebody took away.
func (w *World) Mend(by string, m gitops.Mend) error {
	switch p := w.Proposal(m.ID); {
	case m.Kind == gitops.PutLabel && p != nil:
		w.Label(by, m.ID, m.Value)
	case m.Kind == gitops.TakeLabel && p != nil:
		w.Unlabel(by, m.ID, m.Value)
	case m.Kind == gitops.Reopen && p == nil:
		if w.issue(m.ID, gitops.Event{Kind: gitops.Reopened, By: actor(by)}, func(i *gitops.Issue) { i.State = gitops.Open }) {
			w.note(Deed{By: by, Kind: "mend", Proposal: m.ID, Text: "opened again: " + m.Why})
		}
	case m.Kind == gitops.PutLabel:
		w.relabelIssue(by, m.ID, m.Value, gitops.Labelled)
	case m.Kind == gitops.Retitle:
		w.Retitle(by, m.ID, m.Value)
	default:
		return fmt.Errorf("nothing to mend at %s: %s", m.ID, m.Kind)
	}
	return nil
}

// Retitle gives an issue another title.
func (w *World) Retitle(by, id, title string) {
	w.issue(id, gitops.Event{Kind: gitops.Retitled, By: actor(by), Text: title}, func(i *gitops.Issue) {
		i.Events[len(i.Events)-1].Was, i.Title = i.Title, title
	})
	w.note(Deed{By: by, Kind: "retitle", Proposal: id, Text: title})
}

// Unpause takes the label of pauses off an issue.
func (w *World) Unpause(by, id string) { w.relabelIssue(by, id, gitops.LabelPause, gitops.Unlabelled) }

func (w *World) relabelIssue(by, id, label string, kind gitops.EventKind) {
	w.issue(id, gitops.Event{Kind: kind, By: actor(by), Label: label}, func(i *gitops.Issue) {
		names := []string(nil)
		if kind == gitops.Labelled {
			names = append(names, label)
		}
		i.Labels = gitops.LabelsNow(names, i.Events)
	})
	w.note(Deed{By: by, Kind: string(kind), Proposal: id, Text: label})
}

// Request asks people to review; whoever is asked already or unknown is passed
// over.
func (w *World) Request(by, id string, r gitops.Request) error {
	p := w.Proposal(id)
	if p == nil {
		return fmt.Errorf("no proposal %s", id)
	}
	asked := slices.Clip(p.Requested)
	for _, who := range slices.Concat(r.Reviewers, r.Teams) {
		if _, known := People()[who]; !slices.Contains(asked, who) && (known || who == Owners) {
			asked = append(asked, who)
		}
	}
	if len(asked) > len(p.Requested) {
		w.change(id, gitops.Event{}, func(p *gitops.Proposal) { p.Requested = asked })
		w.forged(Deed{By: by, Kind: "request", Proposal: id, Text: strings.Join(asked, ", ")})
	}
	return nil
}

// Propose opens a person's own proposal from a branch of any name.
func (w *World) Propose(by, branch string, files map[string]string, title string) {
	w.Commit(by, branch, files, title)
	if w.Find(branch) == nil {
		_, _ = w.Create(by, gitops.Proposal{Branch: branch, Title: title}, nil) // a branch with nothing new cannot be proposed
	}
}
