package loop_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
)

func (f forge) Answer(ctx context.Context, id, key, text string) error {
	if err := f.write(ctx, "answer", "%s: %s", id, text); err != nil {
		return err
	}
	f.say(id, gitops.Event{Kind: gitops.Commented, By: gitops.Actor{Name: "bot", Bot: true}, Text: gitops.AnswerText(key, text)})
	return nil
}

func (f forge) Report(ctx context.Context, r gitops.Report) (string, error) {
	f.mu.Lock()
	f.asked["report"]++
	f.mu.Unlock()
	for _, i := range f.reports {
		if r.Is(i.Text(0)) {
			return "#" + i.Key, nil
		}
	}
	if err := f.write(ctx, "report", "%s", r.Title); err != nil {
		return "", err
	}
	f.reports = append(f.reports, r)
	f.reported("#"+r.Key, r)
	return "#" + r.Key, f.fail["response of report"]
}

func (f forge) Mend(ctx context.Context, m gitops.Mend) error {
	if err := f.write(ctx, "mend", "%s: %s %s", m.ID, m.Kind, m.Value); err != nil {
		return err
	}
	bot := gitops.Actor{Name: "bot", Bot: true}
	switch m.Kind {
	case gitops.PutLabel:
		f.label(m.ID, m.Value, bot)
	case gitops.TakeLabel:
		f.unlabel(m.ID, m.Value, bot)
	case gitops.Reopen, gitops.Retitle:
		for i := range f.issues {
			if f.issues[i].ID == m.ID {
				f.issues[i].State = gitops.Open
			}
		}
		f.say(m.ID, gitops.Event{Kind: gitops.Reopened, By: bot})
	}
	return nil
}

// say is an event on a proposal or an issue.
func (w *world) say(id string, e gitops.Event) {
	e.ID, e.At = fmt.Sprintf("%s-%d", id, len(w.comments[id])), time.Now()
	w.comments[id] = append(w.comments[id], e)
	for i := range w.issues {
		if w.issues[i].ID == id {
			w.issues[i].Events = w.comments[id]
		}
	}
}

func (w *world) label(id, name string, by gitops.Actor) {
	if p := (forge{w}).find(id); p.ID != "" {
		p.Labels = append(slices.Clone(p.Labels), gitops.Label{Name: name})
	}
	w.say(id, gitops.Event{Kind: gitops.Labelled, Label: name, By: by})
}

func (w *world) unlabel(id, name string, by gitops.Actor) {
	if p := (forge{w}).find(id); p.ID != "" {
		p.Labels = slices.DeleteFunc(slices.Clone(p.Labels), func(l gitops.Label) bool { return l.Name == name })
	}
	w.say(id, gitops.Event{Kind: gitops.Unlabelled, Label: name, By: by})
}

// pause opens an issue that pauses.
func (w *world) pause(id, title string) {
	w.issues = append(w.issues, gitops.Issue{
		ID: id, Title: title, State: gitops.Open, Opened: time.Now(), Author: writer, Labels: []gitops.Label{{Name: gitops.LabelPause}},
	})
	w.say(id, gitops.Event{Kind: gitops.Labelled, Label: gitops.LabelPause, By: writer})
}

// People of the world.
var (
	writer = gitops.Actor{Name: "ada", Permission: gitops.PermissionWrite}
	triage = gitops.Actor{Name: "eve", Permission: gitops.PermissionTriage}
)

// stale is a forge whose proposals show no check.
type stale struct {
	forge
}

func (s stale) Proposals(ctx context.Context, since string) ([]gitops.Proposal, string, error) {
	list, next, err := s.forge.Proposals(ctx, since)
	for i := range list {
		list[i].Checks = []gitops.Check{{Name: gitops.CheckName, State: gitops.CheckPending, Text: "old"}}
	}
	return list, next, err
}

// behindhand is a forge whose list does not show yet what people did.
type behindhand struct{ forge }

func (b behindhand) Proposals(ctx context.Context, since string) ([]gitops.Proposal, string, error) {
	list, next, err := b.forge.Proposals(ctx, since)
	for i := range list {
		list[i].Events, list[i].Labels = nil, nil
	}
	return list, next, err
}
