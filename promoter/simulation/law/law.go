// Package law holds the laws of the house against the history of a simulated
// world: what the world was told, what it told, and when. It knows nothing of
// what the loop remembers or decides.
//
// To add a law, write a function of [Deed] here or in deed.go and name it in
// [Laws.Deed]; then plant a bug that breaks it.
package law

import (
	"fmt"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/simulation/world"
)

// Violation is a law that was broken.
type Violation struct {
	Law  string
	Lane gitops.Lane
	Text string
}

func (v Violation) String() string {
	if v.Lane.Environment == "" {
		return v.Law + ": " + v.Text
	}
	return v.Law + ": " + v.Lane.String() + ": " + v.Text
}

// Laws follow one world.
type Laws struct {
	world *world.World
	// minSoak is the shortest soak that the rules ever asked, by wave.
	minSoak []time.Duration
	// rejected and reverted are what people decided against.
	rejected map[question]against
	reverted map[question]against
	// main is the protected branch after the last deed; hour counts the writes
	// of processes by lane.
	main gitops.Commit
	hour map[string]int
	// said are the statements of each process, with the rules that they name.
	said map[string]bool
	// due are the emergencies of which a review is due.
	due map[string]declared
	// specs are the rules that ever were.
	specs []world.Spec
}

// against is when somebody decided against a version, and with what.
type against struct {
	at     time.Time
	id     string
	commit gitops.Commit
}

// New begins to follow a world with its first rules.
func New(w *world.World, spec world.Spec) *Laws {
	l := &Laws{world: w, rejected: map[question]against{}, reverted: map[question]against{}, main: w.Main, hour: map[string]int{}, said: map[string]bool{}, due: map[string]declared{}}
	l.rules(spec)
	return l
}

// rules notes rules, and the least that they ask.
func (l *Laws) rules(spec world.Spec) {
	l.specs = append(l.specs, spec)
	for _, s := range world.Stops() {
		i := world.Wave(s.Env)
		if i == len(l.minSoak) {
			l.minSoak = append(l.minSoak, spec.SoakOf(s.Wave))
		}
		l.minSoak[i] = min(l.minSoak[i], spec.SoakOf(s.Wave))
	}
}

// Deed holds every law against the newest deed. What a process does is judged by
// what the world had told it; what people do is noted.
func (l *Laws) Deed(d world.Deed, seen *Seen) []Violation {
	if seen == nil {
		l.people(d)
		l.follow(d, nil)
		return nil
	}
	c := &judge{laws: l, deed: d, seen: seen}
	c.quiet()
	switch d.Kind {
	case "push":
		c.advance()
		c.smallest()
		c.preserves()
		c.followsApproved()
	case "open":
		c.advance()
		c.single()
		c.limited()
		seen.opened[d.Proposal] = true
	case "merge", "enqueue":
		c.advance()
		c.mergeable()
		c.onlyOurs()
	case "publish":
		c.stated()
	case "report":
		c.accused()
	case "resume":
		if who := l.world.Author(d.Proposal); who != world.Bot {
			c.say("stopped", "it ended the issue of %s", who)
		}
	case "check":
		_, ours := gitops.LaneOf(d.Branch)
		late := d.Group != "" && d.Branch == "" // of a group that is no more
		switch {
		case d.Check.State != gitops.CheckSuccess || late:
		case !ours:
			c.foreign()
		default:
			c.advance()
			c.mergeable()
		}
	}
	l.follow(d, c)
	return c.broken
}

// people notes what people decide against.
func (l *Laws) people(d world.Deed) {
	switch d.Kind {
	case "close":
		if world.People()[d.By].Permission.Releases() && !world.People()[d.By].Bot {
			l.rejected[question{d.Lane, digest(d.Digest)}] = against{at: d.At, id: d.Proposal}
		}
	case "reopen":
		delete(l.rejected, question{d.Lane, digest(d.Digest)})
	case "rule":
		l.rules(l.world.Commits[d.Head].Spec)
	}
}

// follow compares the protected branch before and after a deed: what a merge of
// a process changes is one lane, and whoever goes back decides against what was
// there.
func (l *Laws) follow(d world.Deed, c *judge) {
	if d.Kind != "merge" && d.Kind != "commit" && d.Kind != "force" && d.Kind != "rule" {
		return
	}
	was, is := l.main, l.world.Main
	l.main = is
	if was == is || l.world.Slipped(is) {
		return // what the forge did wrong is nobody's word, and nobody's deed
	}
	if changed := l.world.Changed(was, is); c != nil && (len(changed) != 1 || changed[0] != world.File(d.Lane.Environment, d.Lane.Artifact)) {
		c.say("one change", "the merge changed %v", changed)
	}
	for _, lane := range world.Lanes() {
		a, okA := l.world.Commits[was].Version(lane)
		b, okB := l.world.Commits[is].Version(lane)
		if okA && okB && world.Older(b.Tag, a.Tag) && a.Digest != b.Digest {
			l.reverted[question{lane, digest(a.Digest)}] = against{at: d.At, commit: is}
		}
	}
}

// judge holds laws against one deed of a process.
type judge struct {
	laws   *Laws
	deed   world.Deed
	seen   *Seen
	broken []Violation
}

func (j *judge) say(law, format string, args ...any) {
	j.broken = append(j.broken, Violation{Law: law, Lane: j.deed.Lane, Text: fmt.Sprintf(format, args...)})
}

// most is how many writes to one lane in an hour are still calm.
const most = 120

// quiet holds that nobody writes for ever.
func (j *judge) quiet() {
	key := j.deed.Lane.String() + j.deed.At.Format(" 02 15")
	if j.laws.hour[key]++; j.laws.hour[key] == most {
		j.say("quiet", "%d writes in an hour", most)
	}
}
