package gitops

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Stands folds the events of an issue into the pause that is in force, if any,
// and into what has to be put back. Anybody may stop and widen; ending and
// narrowing count from people with the right only.
func Stands(i Issue, me string, now time.Time, may Right) (Pause, bool, Standing) {
	s := &stand{folder: newFolder(i.ID, me, may, i.Events, LabelPause), title: i.Title, open: true}
	for _, e := range s.events {
		if e.Kind == Retitled {
			s.title = e.Was // what it was called first
			break
		}
	}
	for k := range s.events {
		s.step(&s.events[k])
	}
	stop := s.pause(i)
	if stop == nil {
		return Pause{}, false, Standing{Replies: s.out.Replies, Given: s.out.Given}
	}
	p := ParsePause(s.scope)
	p.ID, p.URL, p.By, p.Since = i.ID, i.URL, stop.By, stop.At
	if i.Unread != "" {
		p.Unread = append(p.Unread, i.Unread)
		return p, true, Standing{Stops: s.out.Stops}
	}
	if !p.Until.IsZero() && !now.Before(p.Until) {
		return Pause{}, false, Standing{}
	}
	s.mend(i)
	if len(p.Unread) > 0 {
		s.reply("title "+s.scope, fmt.Sprintf("This pauses everything, because these words are not understood: `%s`. Known are env:, wave:, artifact:, until: with a time such as 2026-11-21T08:00Z, and scope:all.",
			strings.ReplaceAll(strings.Join(p.Unread, " "), "`", "")))
	}
	return p, true, s.out
}

// stand follows an issue: its label, its title and whether it is closed.
type stand struct {
	*folder
	// title is what the issue is called; scope is the title that counts.
	title, scope string
	// narrowed and closed are doings without the right.
	narrowed, closed *Event
	// open is whether the issue is; done, that it was closed with the right.
	open, done bool
}

func (s *stand) step(e *Event) {
	switch e.Kind {
	case Labelled:
		s.label(e)
	case Retitled:
		s.retitled(e)
	case Ended:
		s.ended(e)
	case Reopened:
		s.open, s.closed = true, nil
		if s.done {
			s.done = false
			s.stops[LabelPause] = &Stop{Label: LabelPause, By: e.By, At: e.At}
			s.scope = s.title
		}
	case Unlabelled, Commented, Pushed:
		s.folder.step(e)
		if s.stops[LabelPause] == nil {
			s.scope = ""
		}
	}
}

// label begins a pause; on an issue that is closed already it does nothing
// until somebody opens it again.
func (s *stand) label(e *Event) {
	had := s.stops[LabelPause] != nil
	s.labelled(e)
	if e.Label != LabelPause || had {
		return
	}
	if s.done = !s.open; s.done {
		delete(s.stops, LabelPause)
		return
	}
	s.scope = s.title
}

// retitled accepts a scope that is wider, or one by somebody with the right.
func (s *stand) retitled(e *Event) {
	s.title = e.Text
	switch {
	case s.stops[LabelPause] == nil:
	case ParsePause(e.Text).Widens(ParsePause(s.scope)), s.able(e):
		s.scope, s.narrowed = e.Text, nil
	case e.By.Permission != PermissionUnknown:
		s.narrowed = e
		s.warn(e, person(e.By)+" may not narrow this pause, so its title is put back. Somebody with write permission may change it.")
	}
}

func (s *stand) ended(e *Event) {
	over := ParsePause(s.scope).Until
	s.open = false
	switch {
	case s.stops[LabelPause] == nil:
	case s.able(e), !over.IsZero() && !e.At.Before(over):
		delete(s.stops, LabelPause)
		s.done = true
	case e.By.Permission != PermissionUnknown:
		s.closed = e
		s.warn(e, person(e.By)+" may not end this pause, so the issue is opened again. Somebody with write permission may close it.")
	}
}

// pause is the stop in force. A label that no event tells of counts from the
// opening, unless the issue was ended with the right.
func (s *stand) pause(i Issue) *Stop {
	s.settle(i.Labels)
	if s.done || len(s.out.Stops) == 0 {
		return nil
	}
	if s.scope == "" {
		s.scope = i.Title
	}
	stop := s.out.Stops[0]
	if stop.By.Name == "" {
		stop.By = i.Author
	}
	if stop.At.IsZero() {
		stop.At = i.Opened
	}
	return &stop
}

func (s *stand) mend(i Issue) {
	if e := s.closed; e != nil && i.State != Open {
		s.out.Mends = append(s.out.Mends, Mend{ID: i.ID, Kind: Reopen, Why: person(e.By) + " closed it without the right to end a pause"})
	}
	if e := s.narrowed; e != nil && i.Title == e.Text {
		s.out.Mends = append(s.out.Mends, Mend{ID: i.ID, Kind: Retitle, Value: s.scope, Why: person(e.By) + " narrowed it without the right"})
	}
}

// Pauses folds all issues: what is in force, and what has to be put right.
func Pauses(issues []Issue, me string, now time.Time, may Right) ([]Pause, []Standing) {
	var pauses []Pause
	var all []Standing
	for _, i := range issues {
		p, in, s := Stands(i, me, now, may)
		if in {
			pauses = append(pauses, p)
		}
		if len(s.Mends)+len(s.Replies)+len(s.Given) > 0 {
			all = append(all, s)
		}
	}
	slices.SortFunc(pauses, func(a, b Pause) int { return strings.Compare(a.ID, b.ID) })
	return pauses, all
}
