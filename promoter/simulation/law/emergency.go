package law

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/simulation/world"
)

// declared is an emergency that somebody who may declared on a proposal.
type declared struct {
	incident, by string
	at           time.Time
}

// emergencies are those declared on a proposal of the bot, by event, as far as
// rules admit them. What was refused stays refused, and what was obeyed counts
// only if rules ever admitted it: the bot's word alone makes nobody entitled.
func (l *Laws) emergencies(p gitops.Proposal, spec world.Spec) map[string]declared {
	all := map[string]declared{}
	for _, e := range p.Events {
		words := strings.Fields(e.Text)
		if p.Author.Name != world.Bot || e.Kind != gitops.Commented || len(words) != 4 || words[0] != "/waveguide" || words[1] != "emergency" {
			continue
		}
		obeyed := answered(p, "emergency "+e.ID+"#0")
		if obeyed && l.admitted(p.Lane.Environment, e.By) || spec.Declares(p.Lane.Environment, e.By) && !refused(p, e.ID) {
			all[e.ID] = declared{incident: words[3], by: e.By.Name, at: e.At}
		}
	}
	return all
}

// admitted says that rules that ever were let somebody declare an emergency.
func (l *Laws) admitted(env string, who gitops.Actor) bool {
	return slices.ContainsFunc(l.specs, func(s world.Spec) bool { return s.Declares(env, who) })
}

// refused says that the bot answered that it does not obey.
func refused(p gitops.Proposal, event string) bool { return answered(p, event+"#0") }

// answered says that the bot answered under a key.
func answered(p gitops.Proposal, key string) bool {
	return slices.ContainsFunc(p.Events, func(e gitops.Event) bool { return e.By.Bot && strings.Contains(e.Text, "answer "+key+" ") })
}

// hearEmergencies notes those that a process was told of.
func (s *Seen) hearEmergencies(p gitops.Proposal) {
	if s.declared[p.ID] == nil {
		s.declared[p.ID] = map[string]declared{}
	}
	maps.DeleteFunc(s.declared[p.ID], func(event string, _ declared) bool { return refused(p, event) })
	maps.Copy(s.declared[p.ID], s.laws.emergencies(p, s.spec))
}

// urgent says that an emergency is in force on the proposal that is to turn
// green or to be merged, so that gates are passed over: of that a review is due.
func (j *judge) urgent() bool {
	told := j.seen.declared[j.deed.Proposal]
	if len(told) == 0 || j.deed.Kind == "push" || j.back() || !j.seen.spec.Emergency(j.deed.Lane.Environment) {
		return false
	}
	maps.Copy(j.laws.due, told)
	return true
}

// declarer says that somebody declared an emergency on the proposal, which is to
// have caused it. On a way back nobody does.
func (j *judge) declarer(who string) bool {
	for _, d := range j.seen.declared[j.deed.Proposal] {
		if d.by == who && !j.back() {
			return true
		}
	}
	return false
}

// reviewDue is how long after an emergency its review is asked for.
const reviewDue = 24 * time.Hour

// End holds that one issue asks for the review of every emergency that counted.
func (l *Laws) End() []Violation {
	for _, p := range l.world.Ours() {
		maps.Copy(l.due, l.emergencies(p, world.Spec{}))
	}
	var broken []Violation
	issues := l.world.Issues(0)
	for _, d := range l.due {
		n := 0
		for _, i := range issues {
			if strings.Contains(i.Title, "("+d.incident+")") && i.Author.Bot && i.Opened.Sub(d.at) <= reviewDue {
				n++
			}
		}
		if n != 1 {
			broken = append(broken, Violation{Law: "emergency", Text: fmt.Sprintf("%d issues ask for the review of %s, which %s declared", n, d.incident, d.by)})
		}
	}
	slices.SortFunc(broken, func(a, b Violation) int { return strings.Compare(a.Text, b.Text) })
	return broken
}
