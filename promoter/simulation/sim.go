package simulation

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/promoter/simulation/law"
	"github.com/waveguide-dev/waveguide/promoter/simulation/people"
	"github.com/waveguide-dev/waveguide/promoter/simulation/turnstile"
	"github.com/waveguide-dev/waveguide/promoter/simulation/world"
)

// Options say which days to simulate.
type Options struct {
	Seed uint64
	// Storm is how long things go wrong, Calm how long they go well after it.
	Storm, Calm time.Duration
	// Dir is where the stores are; a folder in memory is fastest.
	Dir string
	// Plant puts a fault of the program between the loop of a process and the
	// world.
	Plant func(process string, o *loop.Options, w *world.World)
	// Loud tells every step, not only what changed or went wrong.
	Loud bool
	// Skip leaves out acts by their number, to find the few that matter.
	Skip map[int]bool
}

// Report is what came of a run.
type Report struct {
	Seed  uint64
	Steps int
	Days  float64
	// Trace identifies everything that happened, in order.
	Trace string
	// Deeds is how many writes the processes made, Crashes how often one died,
	// Faults how many calls went wrong, Decisions how many were replayed.
	Deeds, Crashes, Faults, Decisions int
	// Converged and Explained count the lanes at the end.
	Converged, Explained int
	// Acts is how many things people and fate did, Fired how often each fault.
	Acts  int
	Fired map[Fault]int
	// Violations are the laws that were broken; Story is what happened.
	Violations []law.Violation
	Story      []string
}

// Poll is how often the loops look.
func Poll() loop.Poll {
	return loop.Poll{Repository: 5 * time.Minute, Versions: 15 * time.Minute, Health: 10 * time.Minute, Gap: 25 * time.Minute}
}

// sim is one run.
type sim struct {
	Options

	rng       *rand.Rand
	began     time.Time
	world     *world.World
	gate      *turnstile.Turnstile[fate]
	laws      *law.Laws
	weather   weather
	processes []*process
	books     []*book
	crowd     *people.Crowd
	// next is when somebody acts, late are webhooks on their way, calmed says
	// that the storm is over.
	next   time.Time
	late   []hint
	calmed bool
	// opened is when a process opened a proposal last.
	opened time.Time
	// leaks is where a secret was seen.
	leaks  leaks
	trace  hash.Hash
	seen   int // deeds that were looked at
	report Report
}

// Run simulates and reports. It must be called in a bubble, which it leaves
// with no goroutine of its own.
func Run(o Options) Report {
	s := &sim{
		Options: o, rng: rand.New(rand.NewPCG(o.Seed, 42)), //nolint:gosec // chance is to be repeated
		began: time.Now(), gate: turnstile.New[fate](), trace: sha256.New(),
	}
	s.report.Seed, s.report.Fired = o.Seed, map[Fault]int{}
	spec := people.FirstRules(s.rng)
	s.world = world.New(o.Seed, spec)
	s.world.KeepBranches, s.world.Squash = s.rng.IntN(2) == 0, s.rng.IntN(2) == 0
	s.laws = law.New(s.world, spec)
	s.world.Queueing = s.rng.IntN(3) == 0
	s.world.Turn = func(ctx context.Context, name, what string, do func() error) error {
		return s.process(name).pass(ctx, what, func(fate) error { return do() })
	}
	s.weather = s.sky()
	s.crowd, s.next = people.New(s.world), time.Now()
	a, b := s.newProcess("A"), s.newProcess("B")
	s.processes = []*process{a, b}
	a.start(s.newBook(a.name))
	s.until(s.began.Add(o.Storm))
	if len(s.report.Violations) == 0 {
		s.calm()
		s.until(s.began.Add(o.Storm + o.Calm))
	}
	s.finish()
	return s.report
}

// until turns the turnstile until a time.
func (s *sim) until(end time.Time) {
	for time.Now().Before(end) && len(s.report.Violations) == 0 {
		s.tend()
		calls := s.gate.Waiting()
		s.look()
		s.rested()
		free := calls[:0]
		for _, c := range calls {
			if !s.process(c.Who).cut() {
				free = append(free, c)
			}
		}
		if len(free) == 0 {
			s.gate.Idle(min(time.Until(end), s.rest()))
			continue
		}
		c := free[s.rng.IntN(len(free))]
		s.meddle(c.Who, c.What)
		f := s.fate(c.Who, c.What)
		s.step("%s %s %s", c.Who, c.What, f)
		s.gate.Next(c, f)
		s.look()
	}
}

// rest is how long nothing but waiting can be due.
func (s *sim) rest() time.Duration {
	next := s.next
	for _, h := range s.late {
		if h.at.Before(next) {
			next = h.at
		}
	}
	for _, p := range s.processes {
		if !p.alive && p.due.After(time.Now()) && p.due.Before(next) {
			next = p.due
		}
		if p.cutOff.After(time.Now()) && p.cutOff.Before(next) {
			next = p.cutOff
		}
	}
	return max(time.Millisecond, time.Until(next))
}

// tend does what is due besides calls: people act, the dead come back.
func (s *sim) tend() {
	for _, p := range s.processes {
		p.tend()
	}
	for i := 0; i < len(s.late); i++ {
		if h := s.late[i]; !time.Now().Before(h.at) {
			s.late = slices.Delete(s.late, i, i+1)
			i--
			s.hint(h.what)
		}
	}
	for !time.Now().Before(s.next) {
		s.act()
	}
	before := len(s.world.Deeds)
	s.world.Queue()
	for _, d := range s.world.Deeds[before:] {
		if d.Kind == "group" {
			s.regret()
		}
	}
}

// step puts one line into the trace.
func (s *sim) step(format string, args ...any) {
	s.report.Steps++
	if s.Loud {
		s.report.Story = append(s.report.Story, time.Since(s.began).String()+" . "+fmt.Sprintf(format, args...))
	}
	fmt.Fprintf(s.trace, "%s "+format+"\n", append([]any{time.Since(s.began)}, args...)...)
}

// tell puts one line into the story.
func (s *sim) tell(format string, args ...any) {
	d := time.Since(s.began)
	text := strings.ReplaceAll(fmt.Sprintf(format, args...), s.Dir, "")
	line := fmt.Sprintf("%02d:%02d:%02d.%03d  %s", int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60, d.Milliseconds()%1000, text)
	s.report.Story = append(s.report.Story, line)
	fmt.Fprintln(s.trace, line)
}

// look reads the deeds that are new, tells them and holds the laws against
// them.
func (s *sim) look() {
	for ; s.seen < len(s.world.Deeds); s.seen++ {
		d := s.world.Deeds[s.seen]
		s.tell("%s", d)
		var seen *law.Seen
		if p := s.process(d.By); p != nil {
			seen = p.witness
			s.report.Deeds++
			if d.Kind == "open" {
				s.opened = d.At
			}
			s.secrecy(d)
			p.book.deeds = append(p.book.deeds, d)
		} else if f := s.trouble(d); f != "" {
			s.fired(f)
		}
		s.broken(s.laws.Deed(d, seen))
	}
}

// most is how many writes in the last half hour are too many: a window may open
// late, and a soak end.
const most = 20

// busy is how many looks in an hour are too many for anybody.
const busy = 2000

// rested holds that a loop rests between its looks.
func (s *sim) rested() {
	for _, p := range s.processes {
		if p.alive && p.looks.Load() > busy {
			s.broken([]law.Violation{{Law: "quiet", Text: fmt.Sprintf("%s looked more than %d times in an hour", p.name, busy)}})
		}
	}
}

// broken notes violations; the run ends with the first.
func (s *sim) broken(vs []law.Violation) {
	for _, v := range vs {
		s.tell("LAW BROKEN: %s", v)
		s.report.Violations = append(s.report.Violations, v)
	}
}

func (s *sim) process(name string) *process {
	for _, p := range s.processes {
		if p.name == name {
			return p
		}
	}
	return nil
}

// finish ends all processes and holds the laws about the whole.
func (s *sim) finish() {
	whole := len(s.report.Violations) == 0
	if whole {
		s.ending()
	}
	for _, p := range s.processes {
		p.stop()
		p.close()
	}
	s.look()
	for _, b := range s.books {
		b.mend()
		if whole {
			n, vs := b.audit(context.Background(), s)
			s.report.Decisions += n
			s.broken(vs)
		}
	}
	s.kept()
	s.report.Acts = s.crowd.Count
	s.report.Days = time.Since(s.began).Hours() / 24
	s.report.Trace = hex.EncodeToString(s.trace.Sum(nil))
}

// ending holds what must be true when things went well for long enough: each
// lane has the newest version, or one sentence says why not, and nothing is
// written any more.
func (s *sim) ending() {
	s.gate.Waiting() // nothing moves while the last view is read
	var view *loop.View
	for _, p := range s.processes {
		if p.alive && !p.cut() {
			view = p.seen.Load()
			s.broken(s.laws.Unreported(p.book.clocks))
		}
	}
	if view == nil {
		s.broken([]law.Violation{{Law: "liveness", Text: "no process lives at the end"}})
		return
	}
	s.converged(*view)
	s.broken(s.laws.End())
	for source, why := range view.Silent {
		// A digest that is gone stays gone, and the lane that wants it says so.
		if !strings.HasPrefix(source, "write of ") && !strings.Contains(why, world.Absent) {
			s.broken([]law.Violation{{Law: "liveness", Text: fmt.Sprintf("%s is still silent: %s", source, why)}})
		}
	}
	late := 0
	for _, d := range s.world.Deeds {
		if s.process(d.By) != nil && time.Since(d.At) < 30*time.Minute {
			late++
		}
	}
	if late > most {
		s.broken([]law.Violation{{Law: "quiet", Text: fmt.Sprintf("%d writes in the last half hour, in which little happened", late)}})
	}
}

// converged compares every lane with the newest version of its artifact.
func (s *sim) converged(v loop.View) {
	main := s.world.Commits[s.world.Main]
	for _, lane := range world.Lanes() {
		have, _ := main.Version(lane)
		if have.Digest == string(s.crowd.Newest[lane.Artifact]) {
			s.report.Converged++
			continue
		}
		why := explained(v, lane)
		if why == "" {
			s.broken([]law.Violation{{Law: "liveness", Lane: lane, Text: fmt.Sprintf("it is at %s and no sentence says why", have.Tag)}})
			continue
		}
		s.tell("%s stays at %s: %s", lane, have.Tag, why)
		s.report.Explained++
	}
}

// explained is the first sentence about a lane that is not a pass.
func explained(v loop.View, lane gitops.Lane) string {
	for _, p := range v.Plans {
		for _, l := range p.Lanes {
			if l.Lane == lane {
				return reason(v, l)
			}
		}
	}
	return strings.Join(v.Problems, "; ")
}

func reason(v loop.View, l promoter.LanePlan) string {
	for _, w := range l.Verdicts {
		if w.Answer != gate.Pass && w.Reason != "" {
			return w.Gate + ": " + w.Reason
		}
	}
	if l.Phase == promoter.PhaseEarned && world.Wave(l.Lane.Environment) > 0 {
		return "nothing newer has earned the waves before it"
	}
	return v.Silent["write of "+l.Lane.String()]
}
