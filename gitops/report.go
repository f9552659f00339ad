package gitops

import "time"

// LabelReport marks the issues that the bot opens to ask people for something.
const LabelReport = "waveguide/report"

// Report is an issue that the bot opens once, whatever becomes of it: a change
// that came past a proposal, a review that is due.
type Report struct {
	// Key names what it is about: there is one issue of a key.
	Key   string `json:"key"`
	Title string `json:"title"`
	Body  string `json:"body"`
	// Labels are put on it beside [LabelReport].
	Labels []string `json:"labels,omitempty"`
}

// Marks are all labels of the issue.
func (r Report) Marks() []string { return append([]string{LabelReport}, r.Labels...) }

// Text is the issue's body, with an invisible last line by which it is found
// again. It fits into so many characters; zero is no limit.
func (r Report) Text(most int) string { return CutBody(AnswerText(r.Key, r.Body), most) }

// Is says whether an issue with that body is this one; whoever asks has made
// sure that it is by the bot.
func (r Report) Is(body string) bool { return Answers(body, r.Key) }

// Settled says who closed an issue of the bot with the right to end a stop, and
// when. Whoever closed it without is told once, and it is opened again.
func Settled(i Issue, me string, may Right) (by Actor, at time.Time, ok bool, put Standing) {
	f := newFolder(i.ID, me, may, i.Events)
	var without *Event
	for k := range f.events {
		e := &f.events[k]
		switch {
		case e.Kind == Reopened:
			ok, without = false, nil
		case e.Kind != Ended:
		case f.able(e):
			by, at, ok, without = e.By, e.At, true, nil
		case e.By.Permission != PermissionUnknown:
			without = e
			f.warn(e, person(e.By)+" may not close this, so the issue is opened again. Somebody with the right to end a stop may close it.")
		}
	}
	if without != nil && i.State != Open {
		f.out.Mends = append(f.out.Mends, Mend{ID: i.ID, Kind: Reopen, Why: person(without.By) + " closed it without the right"})
	}
	return by, at, ok && i.State != Open, f.out
}
