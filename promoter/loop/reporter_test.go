package loop_test

import (
	"context"
	"slices"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/promoter/loop/trail"
)

var (
	_ loop.Reporter = forge{}
	_ loop.History  = repo{}
)

// Line follows the parents of the world's commits.
func (r repo) Line(_ context.Context, from, to gitops.Commit, most int) ([]trail.Step, bool, error) {
	if err := r.fail["line"]; err != nil {
		return nil, false, err
	}
	var steps []trail.Step
	for id := to; id != from; id = r.commits[id].parent {
		c := r.commits[id]
		if len(steps) == most || c.parent == "" {
			return nil, false, nil
		}
		s := trail.Step{Commit: id, Parents: []gitops.Commit{c.parent}, Name: c.author, Email: c.author, At: c.at}
		d, err := r.Delta(context.Background(), c.parent, id)
		if err != nil {
			return nil, false, err
		}
		for name := range d.Files {
			s.Paths = append(s.Paths, name)
		}
		steps = append(steps, s)
	}
	slices.Reverse(steps)
	return steps, true, nil
}

// Tail follows them back as far as they go.
func (r repo) Tail(ctx context.Context, head gitops.Commit, most int) (steps []trail.Step, err error) {
	if err := r.fail["tail"]; err != nil {
		return nil, err
	}
	for id := head; r.commits[id].parent != "" && len(steps) < most; id = r.commits[id].parent {
		one, _, err := r.Line(ctx, r.commits[id].parent, id, 1)
		if err != nil {
			return nil, err
		}
		steps = slices.Concat(one, steps)
	}
	return steps, nil
}

// CloseIssue closes an issue as the bot.
func (f forge) CloseIssue(ctx context.Context, id string) error {
	if err := f.write(ctx, "end", "%s", id); err != nil {
		return err
	}
	f.closes(id, gitops.Actor{Name: "bot", Bot: true})
	return nil
}

// closes is somebody closing an issue.
func (w *world) closes(id string, by gitops.Actor) {
	for i := range w.issues {
		if w.issues[i].ID == id {
			w.issues[i].State = gitops.Closed
		}
	}
	w.say(id, gitops.Event{Kind: gitops.Ended, By: by})
}

// reported makes an issue of a report.
func (w *world) reported(id string, r gitops.Report) {
	bot := gitops.Actor{Name: "bot", Bot: true}
	i := gitops.Issue{ID: id, Title: r.Title, State: gitops.Open, Author: bot, Opened: time.Now()}
	for _, name := range r.Marks() {
		i.Labels = append(i.Labels, gitops.Label{Name: name, By: bot})
	}
	w.issues = append(w.issues, i)
	for _, name := range r.Marks() {
		w.label(id, name, bot)
	}
}
