package loop

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/loop/trail"
)

// settled is what became of an issue of ours.
type settled struct {
	// By closed it, At is when.
	By string    `json:"by"`
	At time.Time `json:"at"`
}

// goneTime is how long a proposal of a person is asked about that is not open
// any more; maxGone bounds how many are.
const (
	goneTime = time.Hour
	maxGone  = 50
)

// rivalry is what is remembered of a person's proposal that changes versions.
type rivalry struct {
	// Gone is when it was not open any more.
	Gone time.Time `json:"gone,omitzero"`
	// Green is when our check on it turned green last, Red when it turned from
	// that.
	Green time.Time `json:"green,omitzero"`
	Red   time.Time `json:"red,omitzero"`
}

// allowed says that our check was green when the proposal was merged. What
// turned it afterwards, as what runs changes, came too late to refuse anything.
func (v rivalry) allowed(p gitops.Proposal) bool {
	if c, ok := p.Check(gitops.CheckName); ok && c.State == gitops.CheckSuccess {
		return true
	}
	return !v.Green.IsZero() && (v.Red.IsZero() || !p.Ended.After(v.Red))
}

// turned notes what our check on a person's proposal says from now on.
func (l *Loop) turned(now time.Time, c gitops.Change) {
	v, known := l.trunk.Rivals[c.Proposal]
	if !known || c.Kind != gitops.SetCheck {
		return
	}
	switch green := c.Check.State == gitops.CheckSuccess; {
	case green:
		v.Green, v.Red = now, time.Time{}
	case v.Red.IsZero():
		v.Red = now
	}
	l.trunk.Rivals = maps.Clone(l.trunk.Rivals)
	l.trunk.Rivals[c.Proposal] = v
}

// part notes which proposals of people that change versions are not open any
// more: one of them may have made the next step of the branch.
func (l *Loop) part(now time.Time) {
	all := map[string]rivalry{}
	for id, v := range l.rivals {
		if len(v.moves) > 0 {
			all[id] = rivalry{Green: l.trunk.Rivals[id].Green, Red: l.trunk.Rivals[id].Red}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(l.trunk.Rivals)) {
		was := l.trunk.Rivals[id]
		if l.rivals[id] != nil || len(all) >= maxGone {
			continue
		}
		if was.Gone.IsZero() {
			was.Gone = now
		}
		if now.Before(was.Gone.Add(goneTime)) {
			all[id] = was
		}
	}
	l.trunk.Rivals = all
}

// rivalOf is the proposal of a person whose merge a step is, or why that is not
// known.
func (l *Loop) rivalOf(ctx context.Context, s step) (gitops.Proposal, string) {
	for _, id := range slices.Sorted(maps.Keys(l.trunk.Rivals)) {
		p, err := l.Forge.Proposal(ctx, id)
		if err != nil {
			return gitops.Proposal{}, "proposal " + id + " may have brought it, and could not be read: " + err.Error()
		}
		if s.MadeOf(p) {
			return l.received(p), ""
		}
	}
	return gitops.Proposal{}, ""
}

// wanted are the keys of the issues that ask for something now, each with what it
// asks.
func (l *Loop) wanted() map[string]gitops.Report {
	all := map[string]gitops.Report{}
	commits := map[string]map[gitops.Lane]*trail.Entry{}
	for at := range l.past {
		e := l.lanes[at].Entry
		if commits[e.Key()] == nil {
			commits[e.Key()] = map[gitops.Lane]*trail.Entry{}
		}
		commits[e.Key()][at] = e
	}
	for key, entries := range commits {
		all[key] = trail.Report(entries)
	}
	for _, x := range l.trunk.Strays {
		all[x.Key()] = x.Report()
	}
	return all
}

// askPeople has the issues opened that are not open yet. Where issues are switched off
// a direct change is on record in the ledger alone.
func (l *Loop) askPeople() {
	for key, r := range l.wanted() {
		id, filed := l.people.Filed[key]
		_, owed := l.people.Owed[key]
		switch {
		case !filed && !owed:
			l.owe(r)
		case filed && id == "":
			l.record(key, "the ledger alone, because issues are switched off")
		}
	}
}

// record notes that what an issue asked for is on record.
func (l *Loop) record(key, where string) {
	for at := range l.past {
		if e := l.lanes[at].Entry; e.Key() == key {
			e.Recorded = where
			delete(l.past, at)
			l.decided(at)
		}
	}
}

// followed are the issues of ours that are read with those that pause.
func (l *Loop) followed() []string {
	var ids []string
	for key := range l.wanted() {
		if id := l.people.Filed[key]; id != "" && !slices.Contains(l.people.Pausing, id) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// heedReports takes note of who closed our issues, and gives back the issues
// that may pause something. An issue that is gone is opened again.
func (l *Loop) heedReports(now time.Time, issues []gitops.Issue) (left []gitops.Issue, put []gitops.Standing) {
	for _, key := range slices.Sorted(maps.Keys(l.wanted())) {
		id := l.people.Filed[key]
		if id == "" {
			continue
		}
		k := slices.IndexFunc(issues, func(i gitops.Issue) bool { return i.ID == id })
		if k < 0 || issues[k].Author.Name == "" && issues[k].Unread != "" {
			delete(l.people.Filed, key)
			if k >= 0 {
				issues = slices.Delete(slices.Clone(issues), k, k+1)
			}
			continue
		}
		by, at, ok, standing := gitops.Settled(issues[k], l.me.Name, l.Right)
		if ok {
			l.settle(now, key, id, settled{By: by.Name, At: at})
		}
		if _, pauses := (gitops.Proposal{Labels: issues[k].Labels}).Label(gitops.LabelPause); !pauses && len(standing.Mends)+len(standing.Replies) > 0 {
			put = append(put, standing)
		}
	}
	return issues, put
}

// settle notes that somebody closed an issue of ours with the right.
func (l *Loop) settle(now time.Time, key, id string, s settled) {
	who := s.By + " at " + s.At.UTC().Format("2006-01-02 15:04Z")
	l.record(key, "issue "+id+" by "+who)
	l.trunk.Strays = slices.DeleteFunc(slices.Clone(l.trunk.Strays), func(x trail.Stray) bool {
		if x.Key() != key {
			return false
		}
		l.note(now, x.Lane, landing{Proposal: x.Proposal, Commit: x.Commit, Difference: x.What, Released: who})
		return true
	})
	delete(l.people.Filed, key)
}

// moot are the issues that have nothing to ask any more, because the lanes name
// other versions by now.
func (l *Loop) moot() []gitops.Change {
	var all []gitops.Change
	asked := l.wanted()
	for key, id := range l.people.Filed {
		if _, still := asked[key]; still || id == "" || !strings.HasPrefix(key, trail.DirectPrefix) {
			continue
		}
		all = append(all, gitops.Change{
			Kind: gitops.EndIssue, Proposal: id, Report: &gitops.Report{Key: key},
			Why: "Other versions took the place of these by now, so nothing is left to put on record.",
		})
	}
	return all
}

// endIssue closes an issue of ours that has nothing to ask any more.
func (l *Loop) endIssue(ctx context.Context, c gitops.Change) error {
	if err := l.Talker.Answer(ctx, c.Proposal, "end", c.Why); err != nil {
		return err
	}
	if err := l.Reporter.CloseIssue(ctx, c.Proposal); err != nil {
		return err
	}
	delete(l.people.Filed, c.Report.Key)
	return nil
}
