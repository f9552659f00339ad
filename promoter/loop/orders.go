package loop

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/gate"
)

// maxOrders bounds how many words about its pin a lane remembers, and how many
// emergencies and retries count of one proposal; the newest do.
const maxOrders = 32

// rightIn is who may release and command where these lanes are: those with the
// right in the repository, if every list of the rules names them.
func (l *Loop) rightIn(lanes ...gitops.Lane) gitops.Right {
	may := l.Right
	if may == nil {
		may = gitops.WritersRight
	}
	return func(a gitops.Actor, word gitops.CommandWord) bool {
		for _, at := range lanes {
			if s, ok := l.atlas.stops[at]; ok && !s.stop.Commands(a) {
				return false
			}
		}
		return may(a, word)
	}
}

// hearing is the reading of one proposal: what it amounts to, and the comments
// that tell what was answered.
type hearing struct {
	proposal *gitops.Proposal
	standing *gitops.Standing
	events   []gitops.Event
	// lanes are those that the proposal changes.
	lanes []gitops.Lane
}

// said says that a key was answered already.
func (l *Loop) said(h hearing, key string) bool {
	return gitops.Answered(h.events, l.me.Name, key)
}

// reply answers once under a key.
func (l *Loop) reply(h hearing, key, format string, args ...any) {
	if !l.said(h, key) {
		h.standing.Replies = append(h.standing.Replies, gitops.Reply{ID: h.proposal.ID, Key: key, Text: fmt.Sprintf(format, args...)})
	}
}

// pinning notes a pin or its end, which the lane remembers whatever becomes of
// the comment.
func (l *Loop) pinning(h hearing, g gitops.Given) {
	at := h.proposal.Lane
	if h.proposal.Author.Name != l.me.Name {
		l.reply(h, g.Key, "A version is pinned on a proposal of mine, or in the rules under `pins:`.")
		return
	}
	if g.Word == gitops.CommandPin && !g.Until.After(g.At) {
		l.reply(h, g.Key, "That time is over already, so nothing is pinned.")
		return
	}
	l.order(at, g)
	s := l.atlas.stops[at]
	now := l.began
	var ruled string
	if s.stop != nil && s.stop.Pinned != nil && now.Before(s.stop.Pinned.Until) {
		ruled = fmt.Sprintf(" The rules pin it too, and go first: %s.", plainly(s.stop.Pinned.String()))
	}
	if g.Word == gitops.CommandUnpin {
		l.reply(h, g.AnswerKey(), "`%s` is not pinned by comments any more.%s", at, ruled)
		return
	}
	known := ""
	if v := l.versions[at.Artifact]; v != nil && !v.names(g.Version) {
		known = " No tag that the rules select has that name now, so nothing is promoted into it meanwhile."
	}
	l.reply(h, g.AnswerKey(), "`%s` is pinned to `%s` until %s by `%s`: no other version is promoted into it, and it passes no gate by that.%s%s `/waveguide unpin` ends it.",
		at, plainly(g.Version), g.Until.UTC().Format("2006-01-02 15:04Z"), plainly(g.By.Name), known, ruled)
}

// names says whether a tag or digest is among those that stand.
func (v *versions) names(version string) bool {
	for _, one := range v.All {
		if one.Gone.IsZero() && (one.Tag == version || string(one.Digest) == version) {
			return true
		}
	}
	return false
}

// order remembers a word about a lane's pin. What is remembered by its own
// words stays so when they are gone.
func (l *Loop) order(at gitops.Lane, g gitops.Given) {
	k, s := l.lanes[at], l.atlas.stops[at]
	if k == nil || slices.ContainsFunc(k.Orders, func(o gitops.Given) bool {
		return gitops.SameKey(o.Key, g.Key) && (o.Version != "" || o.Word == g.Word && g.Version == "")
	}) {
		return
	}
	orders := slices.DeleteFunc(slices.Clone(k.Orders), func(o gitops.Given) bool { return gitops.SameKey(o.Key, g.Key) })
	orders = append(orders, g)
	slices.SortStableFunc(orders, func(a, b gitops.Given) int { return cmp.Or(a.At.Compare(b.At), strings.Compare(a.Key, b.Key)) })
	k.Orders = slices.Clone(orders[max(0, len(orders)-maxOrders):])
	if s.stop != nil {
		l.queue.add(s.route)
	}
}

// emergency obeys an emergency, or says why it is none.
func (l *Loop) emergency(h hearing, g gitops.Given) {
	if !l.said(h, g.AnswerKey()) {
		if why := l.refuses(h, g); why != "" {
			l.reply(h, g.Key, "%s", why)
			return
		}
	}
	h.proposal.Orders = append(h.proposal.Orders, g)
	h.proposal.Orders = h.proposal.Orders[max(0, len(h.proposal.Orders)-maxOrders):]
	if h.proposal.State == gitops.Closed {
		return // nothing was passed over
	}
	class := gate.EmergencyClass(g.Name)
	issue, filed := l.people.Filed[g.AnswerKey()]
	if !filed {
		l.owe(l.review(h, g, class))
		return
	}
	if issue != "" {
		issue = " in " + issue
	}
	l.reply(h, g.AnswerKey(), "Emergency `%s` for `%s` by `%s`: %s not asked here any more. Signature, approvals, holds and pauses are asked as before, and whoever declared it cannot approve it. It ends when this proposal is merged or closed. A review is due until %s%s.",
		g.Name, plainly(g.Incident), plainly(g.By.Name), list(class.PassesOver()), g.At.Add(promoter.ReviewDue).UTC().Format("2006-01-02 15:04Z"), issue)
}

// refuses says why an emergency is not declared; empty if it is.
func (l *Loop) refuses(h hearing, g gitops.Given) string {
	switch {
	case h.proposal.State != gitops.Open && !g.At.Before(h.proposal.Ended):
		return "This proposal has ended: an emergency is declared on an open one."
	case h.proposal.Class == string(gate.Rollback):
		return "This proposal goes back, which is a class of its own: an emergency asks for more than that and is not declared here."
	case len(h.lanes) == 0:
		return "This proposal moves no version, so there is nothing to declare an emergency about."
	}
	for _, at := range h.lanes {
		s, ok := l.atlas.stops[at]
		if !ok {
			return fmt.Sprintf("No rule in force takes anything to `%s`.", at)
		}
		e, defined := s.stop.Emergency(g.Name)
		if !defined {
			known := make([]string, len(s.stop.Emergencies))
			for i, o := range s.stop.Emergencies {
				known[i] = o.Name
			}
			return fmt.Sprintf("The rules define no emergency `%s` for `%s`: they know %s.", g.Name, at, cmp.Or(list(known), "none"))
		}
		if !e.Declares(g.By) {
			return fmt.Sprintf("`%s` may not declare `%s` for `%s`: the rules name %s.", plainly(g.By.Name), g.Name, at, list(e.From))
		}
	}
	return ""
}

// review is the issue that asks for the review of an emergency.
func (l *Loop) review(h hearing, g gitops.Given, class gate.Class) gitops.Report {
	p := h.proposal
	places := make([]string, len(h.lanes))
	labels := []string{}
	for i, at := range h.lanes {
		places[i] = at.String()
		labels = append(labels, "env/"+at.Environment)
	}
	slices.Sort(labels)
	version := cmp.Or(p.To.Tag, p.To.Digest, "see the proposal")
	due := g.At.Add(promoter.ReviewDue).UTC().Format("2006-01-02 15:04Z")
	return gitops.Report{
		Key:   g.AnswerKey(),
		Title: fmt.Sprintf("Review of emergency %s (%s): %s to %s", g.Name, plainly(g.Incident), plainly(version), strings.Join(places, ", ")),
		Body: fmt.Sprintf("Somebody declared an emergency, so gates were passed over. Look at it until **%s**, write down what you found, and close this issue.\n\n"+
			"| | |\n|---|---|\n| incident | `%s` |\n| emergency | `%s` |\n| where | `%s` |\n| version | `%s` `%s` |\n| proposal | %s |\n| declared by | `%s` |\n| at | %s |\n| not asked | %s, and freezes that allow it |\n",
			due, plainly(g.Incident), g.Name, strings.Join(places, "`, `"), plainly(p.To.Tag), plainly(p.To.Digest), cmp.Or(p.URL, p.ID), plainly(g.By.Name),
			g.At.UTC().Format("2006-01-02 15:04:05Z"), list(class.PassesOver())),
		Labels: slices.Compact(labels),
	}
}

// file opens an issue, and remembers that it did. Where issues are switched off
// nobody is asked by one.
func (l *Loop) file(ctx context.Context, r gitops.Report) error {
	id, err := l.Reporter.Report(ctx, r)
	if errors.Is(err, gitops.ErrDisabled) {
		l.Log.WarnContext(ctx, "issues are switched off: nobody is asked by one", "title", r.Title)
		id, err = "", nil
	}
	if err != nil {
		return err
	}
	if len(l.people.Filed) >= maxFiled {
		l.people.Filed = nil // what is forgotten is found again on the forge
	}
	if l.people.Filed == nil {
		l.people.Filed = map[string]string{}
	}
	l.people.Filed[r.Key] = id
	delete(l.people.Owed, r.Key)
	return nil
}

// owe remembers an issue until it is opened.
func (l *Loop) owe(r gitops.Report) {
	if l.people.Owed == nil {
		l.people.Owed = map[string]gitops.Report{}
	}
	l.people.Owed[r.Key] = r
}

// maxFiled bounds how many issues are remembered.
const maxFiled = 1000

// plainly is foreign text as it can stand in code: one line, cut, without marks.
func plainly(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == '`' || r == '|' || r == 0x7f {
			return -1
		}
		return r
	}, text)
	return gitops.CutLine(text, 200)
}

// list is words in code, apart by commas.
func list(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return "`" + strings.Join(words, "`, `") + "`"
}

// ruled are the pauses of the rules, each once.
func ruled(routes []promoter.Route) []gitops.Pause {
	var all []gitops.Pause
	for i := range routes {
		for stop := range routes[i].Stops() {
			for _, p := range stop.Paused {
				if !slices.ContainsFunc(all, func(o gitops.Pause) bool { return o.ID == p.ID && o.Title == p.Title && o.Until.Equal(p.Until) }) {
					all = append(all, p)
				}
			}
		}
	}
	return all
}

// tell remembers how much was done to an ended proposal.
func (p *people) tell(one gitops.Proposal) {
	if p.told == nil {
		p.told = map[string]int{}
	}
	p.told[one.ID] = len(one.Events)
}

// endAgain hears what people did to a proposal after it had ended: they may
// have taken a rejection back, or said something about a pin.
func (l *Loop) endAgain(k *lane, p gitops.Proposal) {
	i := slices.IndexFunc(k.ended, func(e gitops.Proposal) bool { return e.ID == p.ID })
	if i < 0 || l.people.told[p.ID] == len(p.Events) {
		l.people.observe(p.Events)
		return
	}
	l.people.tell(p)
	was := k.ended[i]
	p.Class, p.From, p.To = was.Class, was.From, was.To
	heard := l.heed(p)
	if heard.Forgiven == was.Forgiven && len(heard.Orders) == len(was.Orders) {
		return
	}
	k.ended = slices.Clone(k.ended)
	k.ended[i].Forgiven, k.ended[i].Orders = heard.Forgiven, heard.Orders
	l.ended[p.ID] = k.ended[i]
	l.queue.add(l.atlas.stops[p.Lane].route)
}

// hearRival hears what people say below a person's own proposal.
func (l *Loop) hearRival(p gitops.Proposal, v *rival) gitops.Proposal {
	lanes := make([]gitops.Lane, len(v.moves))
	for i, m := range v.moves {
		lanes[i], p.To = m.Lane, m.To
	}
	return l.hear(p, lanes...)
}

// misplaced answers commands below an issue, which nobody obeys there.
func (l *Loop) misplaced(issues []gitops.Issue, s *gitops.Standing) {
	for _, g := range s.Given {
		i := slices.IndexFunc(issues, func(i gitops.Issue) bool { return i.ID == g.ID })
		if i >= 0 && !gitops.Answered(issues[i].Events, l.me.Name, g.Key) {
			s.Replies = append(s.Replies, gitops.Reply{ID: g.ID, Key: g.Key, Text: fmt.Sprintf("`%s` is said below a proposal: nothing was changed here.", g.Word)})
		}
	}
}
