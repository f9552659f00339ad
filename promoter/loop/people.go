package loop

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/gate"
)

// people is what is known of people's doings on the forge. The exported fields
// survive a restart: what somebody might do is what they might when it was
// first seen, and an issue that pauses something is read again whatever became
// of it.
type people struct {
	// Seen are permissions by event.
	Seen map[string]gitops.Permission `json:"seen,omitempty"`
	// Pausing are the issues with a pause in force.
	Pausing []string `json:"pausing,omitempty"`

	kept digest
	// seen are those of the reading under way.
	seen map[string]gitops.Permission
	// issues and proposals are what follows from the newest readings.
	issues, proposals []gitops.Standing
	// disabled says that the repository has no issues.
	disabled bool
}

// observe gives events the permissions that their authors had when they were
// first seen.
func (p *people) observe(events []gitops.Event) []gitops.Event {
	events, seen := gitops.Observe(events, p.Seen)
	maps.Copy(p.seen, seen)
	return events
}

// lookIssues reads the issues that pause something. Where issues are switched
// off, pauses come from the rules and the command line.
func (l *Loop) lookIssues(ctx context.Context, now time.Time) ([]gitops.Pause, error) {
	issues, err := l.Forge.Issues(ctx, l.people.Pausing)
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
	pauses, standings := gitops.Pauses(issues, l.me.Name, now, l.Right)
	l.people.issues, l.people.Pausing = standings, nil
	for _, p := range pauses {
		l.people.Pausing = append(l.people.Pausing, p.ID)
	}
	return pauses, nil
}

// heed folds what people did to a proposal into it: the holds in force stand as
// labels, whatever labels are there by now. Events are not kept: what they mean
// is in the proposal, and a comment about the weather changes nothing.
func (l *Loop) heed(p gitops.Proposal) gitops.Proposal {
	p.Events = l.people.observe(p.Events)
	s := gitops.Holds(p, l.me.Name, l.Right)
	p.Labels = slices.DeleteFunc(slices.Clone(p.Labels), func(x gitops.Label) bool {
		return x.Name == gitops.LabelHold || x.Name == gitops.LabelHoldProw
	})
	for _, stop := range s.Stops {
		p.Labels = append(p.Labels, gitops.Label{Name: stop.Label, By: stop.By, At: stop.At, Reason: stop.Reason})
	}
	slices.SortStableFunc(p.Labels, func(a, b gitops.Label) int { return strings.Compare(a.Name, b.Name) })
	for _, g := range s.Given {
		l.obey(&p, &s, g)
	}
	p.Events = nil
	if len(s.Mends)+len(s.Replies) > 0 {
		l.people.proposals = append(l.people.proposals, s)
	}
	return p
}

// obey follows a command that was given with the right. What was answered was
// obeyed before; a rejection is forgiven for as long as the word stands there.
func (l *Loop) obey(p *gitops.Proposal, s *gitops.Standing, g gitops.Given) {
	answered := gitops.Answered(p.Events, l.me.Name, g.Key)
	switch g.Word {
	case gitops.CommandRetry:
		p.Forgiven = p.Forgiven || p.State == gitops.Closed && g.At.After(p.Ended)
		if p.State == gitops.Open && !answered {
			s.Replies = append(s.Replies, gitops.Reply{ID: p.ID, Key: g.Key, Text: "This proposal is open: there is no rejection to forget."})
		}
	case gitops.CommandRebase:
		if p.State == gitops.Open && !answered {
			s.Mends = append(s.Mends, gitops.Mend{ID: p.ID, Kind: gitops.PutLabel, Value: gitops.LabelRebase, Why: g.By.Name + " asked for it"})
			s.Replies = append(s.Replies, gitops.Reply{ID: p.ID, Key: g.Key, Text: "The branch is computed again."})
		}
	case gitops.CommandPin, gitops.CommandUnpin, gitops.CommandEmergency:
		if !answered {
			s.Replies = append(s.Replies, gitops.Reply{ID: p.ID, Key: g.Key, Text: fmt.Sprintf("`%s` is not taken from comments: the rules say it. Nothing was changed.", g.Word)})
		}
	case gitops.CommandHold, gitops.CommandUnhold: // folded already
	}
}

// courtesies are the changes that people's doings ask for, once after every
// reading: what they may not take away is put back, and they are answered.
func (l *Loop) courtesies() []gitops.Change {
	var all []gitops.Change
	defer func() { l.people.issues, l.people.proposals = nil, nil }()
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
				if p.State == gitops.Closed && !p.Forgiven && p.To.Digest == string(lp.Candidate.Digest) {
					l.inquire(now.Add(l.Poll.Repository), l.aboutRejection(lp.Lane, p.ID))
				}
			}
		}
	}
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
			l.people.seen = maps.Clone(l.people.Seen)
			if l.people.seen == nil {
				l.people.seen = map[string]gitops.Permission{}
			}
			forgiven := l.heed(p).Forgiven
			l.people.Seen = l.people.seen
			if k.ended[i].Forgiven == forgiven {
				return
			}
			k.ended = slices.Clone(k.ended)
			k.ended[i].Forgiven = forgiven
		},
	}
}
