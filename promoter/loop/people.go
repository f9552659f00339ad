package loop

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/signals"
)

// people is what is known of people's doings on the forge. The exported fields
// survive a restart: what somebody might do is what they might when it was
// first seen, and an issue that pauses something is read again whatever became
// of it.
type people struct {
	// Seen are permissions by event.
	Seen map[string]gitops.Permission `json:"seen,omitempty"`
	// Said are the commands of comments as they were first read, by event.
	Said map[string]string `json:"said,omitempty"`
	// Pausing are the issues with a pause in force.
	Pausing []string `json:"pausing,omitempty"`
	// Owed are the issues to open, and Filed the ids of those that were, by key.
	Owed  map[string]gitops.Report `json:"owed,omitempty"`
	Filed map[string]string        `json:"filed,omitempty"`

	kept digest
	// seen and said are those of the reading under way.
	seen map[string]gitops.Permission
	said map[string]string
	// told is how much was done to ended proposals when they were last read.
	told map[string]int
	// issues and proposals are what follows from the newest readings.
	issues, proposals []gitops.Standing
	// disabled says that the repository has no issues.
	disabled bool
}

// listen begins a reading. One of everything forgets what is not there any
// more; any other adds to what is known.
func (p *people) listen(everything bool) {
	p.seen, p.said = map[string]gitops.Permission{}, map[string]string{}
	if !everything {
		maps.Copy(p.seen, p.Seen)
		maps.Copy(p.said, p.Said)
	}
}

// note ends a reading. One that was cut short forgets nothing.
func (p *people) note(whole bool) {
	if !whole {
		p.seen, p.said = merged(p.Seen, p.seen), merged(p.Said, p.said)
	}
	p.Seen, p.Said = p.seen, p.said
}

// observe gives events the permissions that their authors had when they were
// first seen, and marks what reads otherwise than it did then.
func (p *people) observe(events []gitops.Event) []gitops.Event {
	events, said := gitops.Heard(events, p.Seen, p.Said)
	events, seen := gitops.Observe(events, p.Seen)
	maps.Copy(p.seen, seen)
	maps.Copy(p.said, said)
	return events
}

// lookIssues reads the issues that pause something. Where issues are switched
// off, pauses come from the rules and the command line.
func (l *Loop) lookIssues(ctx context.Context, now time.Time) ([]gitops.Pause, error) {
	issues, err := l.Forge.Issues(ctx, slices.Concat(l.people.Pausing, l.followed()))
	switch disabled := errors.Is(err, gitops.ErrDisabled); {
	case disabled && !l.people.disabled:
		l.people.disabled = true
		l.Log.WarnContext(ctx, "issues are switched off in this repository: pauses come from the rules and the command line alone")
	case disabled:
	case err != nil:
		return nil, err
	default:
		l.people.disabled = false
	}
	for i := range issues {
		issues[i].Events = l.people.observe(issues[i].Events)
	}
	var put []gitops.Standing
	if !l.people.disabled {
		issues, put = l.heedReports(now, issues)
	}
	pauses, standings := gitops.Pauses(issues, l.me.Name, now, l.Right)
	for i := range standings {
		l.misplaced(issues, &standings[i])
	}
	l.people.issues, l.people.Pausing = append(standings, put...), nil
	for _, p := range pauses {
		l.people.Pausing = append(l.people.Pausing, p.ID)
	}
	return pauses, nil
}

// heed folds what people did to a proposal into it: the holds in force stand as
// labels, whatever labels are there by now. Events are not kept: what they mean
// is in the proposal, and a comment about the weather changes nothing.
func (l *Loop) heed(p gitops.Proposal) gitops.Proposal { return l.hear(p, p.Lane) }

// hear does so for a proposal that changes these lanes; for a person's own,
// nothing is put back: it is not ours.
func (l *Loop) hear(p gitops.Proposal, lanes ...gitops.Lane) gitops.Proposal {
	p.Events = l.people.observe(p.Events)
	s := gitops.Holds(p, l.me.Name, l.rightIn(lanes...))
	p.Labels = slices.DeleteFunc(slices.Clone(p.Labels), func(x gitops.Label) bool {
		return x.Name == gitops.LabelHold || x.Name == gitops.LabelHoldProw
	})
	for _, stop := range s.Stops {
		p.Labels = append(p.Labels, gitops.Label{Name: stop.Label, By: stop.By, At: stop.At, Reason: stop.Reason})
	}
	slices.SortStableFunc(p.Labels, func(a, b gitops.Label) int { return strings.Compare(a.Name, b.Name) })
	h := hearing{proposal: &p, standing: &s, events: p.Events, lanes: lanes}
	p.Causers = slices.Concat(p.Causers, l.pushers(p.Events))
	p.Orders, p.Events = nil, nil
	if p.Author.Name != l.me.Name {
		s.Mends = nil
	} else {
		for _, g := range gitops.LostPins(p.ID, h.events, l.me.Name, s.Given) {
			l.order(p.Lane, g)
		}
	}
	for _, g := range s.Given {
		l.obey(h, g)
	}
	if len(s.Mends)+len(s.Replies) > 0 {
		l.people.proposals = append(l.people.proposals, s)
	}
	return p
}

// obey follows a command that was given with the right. What was answered was
// obeyed before; a rejection is forgiven for as long as the word stands there.
func (l *Loop) obey(h hearing, g gitops.Given) {
	p, s := h.proposal, h.standing
	switch g.Word {
	case gitops.CommandRetry:
		switch {
		case p.State == gitops.Closed && g.At.After(p.Ended):
			p.Forgiven, p.Orders = true, append(p.Orders, g)
		case p.State == gitops.Open:
			l.reply(h, g.Key, "This proposal is open: there is no rejection to forget.")
		}
	case gitops.CommandRebase:
		if p.State == gitops.Open && p.Author.Name == l.me.Name && !l.said(h, g.Key) {
			s.Mends = append(s.Mends, gitops.Mend{ID: p.ID, Kind: gitops.PutLabel, Value: gitops.LabelRebase, Why: g.By.Name + " asked for it"})
			l.reply(h, g.Key, "The branch is computed again.")
		}
	case gitops.CommandPin, gitops.CommandUnpin:
		l.pinning(h, g)
	case gitops.CommandEmergency:
		l.emergency(h, g)
	case gitops.CommandHold, gitops.CommandUnhold: // folded already
	}
}

// courtesies are the changes that people's doings ask for, once after every
// reading: what they may not take away is put back, and they are answered.
func (l *Loop) courtesies() []gitops.Change {
	var all []gitops.Change
	defer func() { l.people.issues, l.people.proposals = nil, nil }()
	for _, key := range slices.Sorted(maps.Keys(l.people.Owed)) {
		r := l.people.Owed[key]
		all = append(all, gitops.Change{Kind: gitops.FileReport, Report: &r})
	}
	for _, s := range slices.Concat(l.people.issues, l.people.proposals) {
		for _, m := range s.Mends {
			all = append(all, gitops.Change{Kind: gitops.MendStop, Proposal: m.ID, Mend: &m, Why: m.Why})
		}
		for _, r := range s.Replies {
			all = append(all, gitops.Change{Kind: gitops.AnswerPerson, Proposal: r.ID, Reply: &r})
		}
	}
	return all
}

// approvers are the people and teams that a gate wants to hear from.
func approvers(a gate.Approval) gitops.Request {
	var r gitops.Request
	for _, q := range a.Required {
		switch {
		case strings.Contains(q.From, "/"):
			r.Teams = append(r.Teams, q.From)
		case q.From != "":
			r.Reviewers = append(r.Reviewers, strings.TrimPrefix(q.From, "@"))
		}
	}
	return r
}

// reconsider has the rejections that stand in the way of a plan asked whether
// a person took them back.
func (l *Loop) reconsider(now time.Time, i int) {
	for _, lp := range l.queue.plans[i].Lanes {
		if k := l.lanes[lp.Lane]; k != nil && lp.Phase == promoter.PhaseBlocked {
			for _, p := range k.ended {
				if p.State == gitops.Closed && !p.Forgiven && brings(p, lp.Candidate) {
					l.inquire(now.Add(l.Poll.Repository), l.aboutRejection(lp.Lane, p.ID))
				}
			}
		}
	}
}

// brings says that a proposal was about a version. What has no digest, a chart
// for one, is known by its tag.
func brings(p gitops.Proposal, v signals.Version) bool {
	if p.To.Digest == "" {
		return p.To.Tag != "" && p.To.Tag == v.Tag
	}
	return p.To.Digest == string(v.Digest)
}

// aboutRejection asks whether a person took a rejection back.
func (l *Loop) aboutRejection(at gitops.Lane, id string) question {
	return question{
		source: sourceRejection + id, every: l.Poll.Repository,
		read: func() reading {
			return func(ctx context.Context) (any, error) { return l.Forge.Proposal(ctx, id) }
		},
		take: func(found any, _ time.Time) {
			delete(l.questions, sourceRejection+id) // asked again while it stands in the way
			s, ruled := l.atlas.stops[at]
			if ruled {
				l.queue.add(s.route)
			}
			p, ok := found.(gitops.Proposal)
			k := l.lanes[at]
			i := slices.IndexFunc(k.ended, func(e gitops.Proposal) bool { return e.ID == id })
			if !ok || i < 0 {
				return
			}
			l.people.listen(false)
			p.Lane, p.Class, p.From, p.To = at, k.ended[i].Class, k.ended[i].From, k.ended[i].To
			heard := l.heed(p)
			l.people.note(true)
			if k.ended[i].Forgiven == heard.Forgiven {
				return
			}
			k.ended = slices.Clone(k.ended)
			k.ended[i].Forgiven, k.ended[i].Orders = heard.Forgiven, heard.Orders
		},
	}
}
