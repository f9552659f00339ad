package gitops

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Right says whether somebody may do what the word asks for. Taking a label
// off, closing a pause and narrowing it are asked as [CommandUnhold]. A nil
// Right is [WritersRight].
type Right func(Actor, CommandWord) bool

// WritersRight gives every right to people who may write to the repository,
// and none to programs.
func WritersRight(a Actor, _ CommandWord) bool { return a.Permission.Releases() && !a.Bot }

// Stop is a hold in force on a proposal, with the event that made it.
type Stop struct {
	Label  string    `json:"label" yaml:"label"`
	By     Actor     `json:"by,omitzero" yaml:"by,omitempty"`
	At     time.Time `json:"at,omitzero" yaml:"at,omitempty"`
	Reason string    `json:"reason,omitempty" yaml:"reason,omitempty"`
}

// MendKind is how something is put right.
type MendKind string

// The kinds of mending.
const (
	PutLabel  MendKind = "put-label"
	TakeLabel MendKind = "take-label"
	Retitle   MendKind = "retitle"
	Reopen    MendKind = "reopen"
)

// Mend is one thing to put right on the forge, because somebody changed it
// without the right or said with a word what a label has to follow.
type Mend struct {
	// ID is the proposal or the issue.
	ID   string   `json:"id"`
	Kind MendKind `json:"kind"`
	// Value is the label or the title.
	Value string `json:"value,omitempty"`
	Why   string `json:"why"`
}

// Reply is what the bot says once below a proposal or an issue.
type Reply struct {
	ID string `json:"id"`
	// Key names what is answered; the same key is never answered twice.
	Key  string `json:"key"`
	Text string `json:"text"`
}

// Given is a command with who gave it and when.
type Given struct {
	Command `yaml:",inline"`
	ID      string    `json:"id" yaml:"id"`
	Key     string    `json:"key" yaml:"key"`
	By      Actor     `json:"by" yaml:"by"`
	At      time.Time `json:"at" yaml:"at"`
}

// Standing is what people's doings on one proposal or issue amount to.
type Standing struct {
	// Stops are the holds in force, whatever labels are there now.
	Stops   []Stop  `json:"stops,omitempty"`
	Mends   []Mend  `json:"mends,omitempty"`
	Replies []Reply `json:"replies,omitempty"`
	// Given are the commands of people with the right, oldest first; those
	// about holds are in Stops already.
	Given []Given `json:"given,omitempty"`
}

// folder follows the events of one proposal or issue.
type folder struct {
	id, me string
	may    Right
	// marks are the labels that stop here.
	marks  []string
	stops  map[string]*Stop
	taken  map[string]*Event // marks that somebody took off without the right
	lifted map[string]string // marks whose stop a word ended, and who said it
	warned map[string]bool   // who was told already what they may not
	out    Standing
	events []Event
}

func newFolder(id, me string, may Right, events []Event, marks ...string) *folder {
	if may == nil {
		may = WritersRight
	}
	return &folder{
		id: id, me: me, may: may, marks: marks, events: SortEvents(slices.Clone(events)),
		stops: map[string]*Stop{}, taken: map[string]*Event{}, lifted: map[string]string{}, warned: map[string]bool{},
	}
}

// Holds folds the events of a proposal into the holds in force. A stop is
// remembered from the event that made it; it ends by a release of somebody
// with the right and by nothing else.
func Holds(p Proposal, me string, may Right) Standing {
	f := newFolder(p.ID, me, may, p.Events, LabelHold, LabelHoldProw)
	for i := range f.events {
		f.step(&f.events[i])
	}
	f.settle(p.Labels)
	if p.State != Open {
		f.out.Mends = nil // nothing is left to stop
	}
	return f.out
}

// step follows one event.
func (f *folder) step(e *Event) {
	switch e.Kind {
	case Labelled:
		f.labelled(e)
	case Unlabelled:
		f.unlabelled(e)
	case Commented:
		f.commented(e)
	case Retitled, Ended, Reopened, Pushed:
	}
}

func (f *folder) labelled(e *Event) {
	if !slices.Contains(f.marks, e.Label) {
		return
	}
	delete(f.taken, e.Label)
	delete(f.lifted, e.Label)
	if f.stops[e.Label] == nil {
		f.stops[e.Label] = &Stop{Label: e.Label, By: e.By, At: e.At, Reason: e.Text}
	}
}

func (f *folder) unlabelled(e *Event) {
	switch {
	case f.stops[e.Label] == nil:
	case f.able(e):
		delete(f.stops, e.Label)
	case e.By.Permission == PermissionUnknown: // may have had the right: held, and left alone
		f.taken[e.Label] = e
	default:
		f.taken[e.Label] = e
		f.warn(e, fmt.Sprintf("%s may not end this stop, so the label `%s` is put back. Somebody with write permission may take it off.", person(e.By), e.Label))
	}
}

// able says that an event may end a stop. What the bot's own account does was
// decided by whoever commands the bot.
func (f *folder) able(e *Event) bool { return e.By.Name == f.me || f.may(e.By, CommandUnhold) }

// commented obeys what may be obeyed here and hands on the rest.
func (f *folder) commented(e *Event) {
	if e.By.Name == f.me || e.By.Bot {
		return
	}
	for i, c := range ParseCommands(e.Text) {
		key := e.ID + "#" + strconv.Itoa(i)
		switch {
		case c.Problem != "":
			f.reply(key, "Not understood: "+c.Problem+".")
		case c.Narrows() && e.By.Permission == PermissionUnknown:
			// Nobody knows yet who that is: not obeyed, and not refused either.
		case c.Narrows() && Answered(f.events, f.me, key): // refused before, and that stays so
		case c.Narrows() && e.Edited:
			f.reply(key, fmt.Sprintf("This comment was edited after it was written, so `%s` is not taken from it: write it in a new one.", c.Word))
		case c.Narrows() && !f.may(e.By, c.Word):
			f.reply(key, fmt.Sprintf("%s may not `%s` here: ask somebody with the right.", person(e.By), c.Word))
		case c.Word == CommandHold && slices.Contains(f.marks, LabelHold):
			f.hold(e, c)
		case c.Word == CommandUnhold:
			f.unhold(e)
		default:
			f.out.Given = append(f.out.Given, Given{Command: c, ID: f.id, Key: key, By: e.By, At: e.At})
		}
	}
}

func (f *folder) hold(e *Event, c Command) {
	delete(f.lifted, LabelHold)
	if f.stops[LabelHold] == nil {
		f.stops[LabelHold] = &Stop{Label: LabelHold, By: e.By, At: e.At, Reason: c.Reason}
	}
}

func (f *folder) unhold(e *Event) {
	for _, mark := range f.marks {
		if f.stops[mark] != nil {
			delete(f.stops, mark)
			delete(f.taken, mark)
			f.lifted[mark] = person(e.By)
		}
	}
}

// settle compares what is in force with the labels that are there.
func (f *folder) settle(labels []Label) {
	for _, mark := range f.marks {
		i := slices.IndexFunc(labels, func(l Label) bool { return l.Name == mark })
		stop, who := f.stops[mark], f.lifted[mark]
		switch {
		case stop == nil && i >= 0 && who != "":
			f.out.Mends = append(f.out.Mends, Mend{ID: f.id, Kind: TakeLabel, Value: mark, Why: who + " ended the hold with a comment"})
		case stop == nil && i >= 0: // no event tells why the label is there: it counts
			l := labels[i]
			f.out.Stops = append(f.out.Stops, Stop{Label: mark, By: l.By, At: l.At, Reason: l.Reason})
		case stop != nil:
			f.out.Stops = append(f.out.Stops, *stop)
			why := person(stop.By) + " stopped it and nobody with the right ended that"
			e := f.taken[mark]
			if e != nil {
				why = person(e.By) + " took it off without the right to end a stop"
			}
			if i < 0 && (e == nil || e.By.Permission != PermissionUnknown) {
				f.out.Mends = append(f.out.Mends, Mend{ID: f.id, Kind: PutLabel, Value: mark, Why: why})
			}
		}
	}
}

// warn tells somebody once what they may not, however often they try.
func (f *folder) warn(e *Event, text string) {
	key := string(e.Kind) + " " + e.Label + " " + e.By.Name
	if !f.warned[key] {
		f.reply(e.ID, text)
	}
	f.warned[key] = true
}

func (f *folder) reply(key, text string) {
	if !Answered(f.events, f.me, key) {
		f.out.Replies = append(f.out.Replies, Reply{ID: f.id, Key: key, Text: text})
	}
}

// person is somebody's name as it can stand in Markdown: nobody is notified
// and nothing is linked.
func person(a Actor) string {
	name := strings.Map(func(r rune) rune {
		if r < ' ' || r == '`' || r == 0x7f {
			return -1
		}
		return r
	}, a.Name)
	if name == "" {
		return "somebody"
	}
	return "`" + name + "`"
}
