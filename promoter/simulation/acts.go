package simulation

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/promoter/simulation/people"
	"github.com/waveguide-dev/waveguide/promoter/simulation/world"
	"github.com/waveguide-dev/waveguide/signals"
)

// chance is one thing that can happen, and how often of all.
type chance struct {
	weight int
	do     func(*sim, *rand.Rand)
}

// chances are what happens while the storm lasts: what people do, and what
// befalls the processes.
func chances() []chance {
	var all []chance
	for _, d := range people.Deeds() {
		all = append(all, chance{d.Weight, func(s *sim, rng *rand.Rand) { d.Do(s.crowd, rng) }})
	}
	return append(
		all,
		chance{4, (*sim).outage},
		chance{3, (*sim).takeOver},
		chance{3, (*sim).restart},
		chance{1, (*sim).fill},
		chance{2, (*sim).jam},
		chance{3, (*sim).setClock},
		chance{1, (*sim).slip},
	)
}

// act does the next thing. Each has lots of its own, so that leaving one out
// leaves the others as they are.
func (s *sim) act() {
	s.crowd.Count++
	n := s.crowd.Count
	rng := rand.New(rand.NewPCG(s.Seed, uint64(1000+n))) //nolint:gosec // chance is to be repeated
	if s.calmed {
		s.next = s.next.Add(time.Duration(rng.Int64N(int64(8*time.Minute))) + time.Second)
		s.crowd.Mend()
		return
	}
	s.next = s.next.Add(time.Duration(rng.Int64N(int64(16*time.Minute))) + time.Second)
	own := rand.New(rand.NewPCG(s.Seed, rng.Uint64())) //nolint:gosec // chance is to be repeated
	if do := draw(rng); !s.Skip[n] {
		do(s, own)
	}
	s.webhooks(own)
}

// draw is one of the chances.
func draw(rng *rand.Rand) func(*sim, *rand.Rand) {
	all, total := chances(), 0
	for _, c := range all {
		total += c.weight
	}
	lot := rng.IntN(total)
	for _, c := range all {
		if lot -= c.weight; lot < 0 {
			return c.do
		}
	}
	return nil // a lot is less than the total
}

// hint is one webhook on its way.
type hint struct {
	at   time.Time
	what loop.Hint
}

// webhooks tell the processes: some are lost, doubled, late, or about nothing
// that happened.
func (s *sim) webhooks(rng *rand.Rand) {
	known := []loop.Hint{{Git: true, Forge: true}, {Forge: true}, {Image: "shop"}, {Image: "cart"}, {Environment: "dev"}, {}}
	forged := []loop.Hint{{Image: "registry.example.com/other"}, {Environment: "nowhere"}, {Git: true}, {Image: "shop", Environment: "prod-eu"}}
	for range rng.IntN(3) {
		h := one(rng, known)
		switch rng.IntN(6) {
		case 0:
			s.fired(HintLost)
		case 1:
			s.fired(HintDoubled)
			s.hint(h)
			s.late = append(s.late, hint{time.Now().Add(time.Second), h})
		case 2:
			s.fired(HintLate)
			s.late = append(s.late, hint{time.Now().Add(people.Minutes(rng, 1, 90)), h})
		case 3:
			s.fired(HintForged)
			s.hint(one(rng, forged))
		default:
			s.hint(h)
		}
	}
}

// hint offers a hint to every process, once nothing moves; it is lost where the
// loop is busy.
func (s *sim) hint(h loop.Hint) {
	s.gate.Settle()
	for _, p := range s.processes {
		if p.hint(h) {
			s.step("hint %s %+v", p.name, h)
		}
	}
}

func one[T any](rng *rand.Rand, of []T) T { return of[rng.IntN(len(of))] }

// meddle has somebody act in the moment between what a process read and what it
// is about to write: the write has to notice.
func (s *sim) meddle(who, what string) {
	word, rest, _ := strings.Cut(what, " ")
	if s.calmed || !slices.Contains([]string{"push", "open", "merge", "enqueue", "check"}, word) || s.rng.IntN(25) > 0 {
		return
	}
	if s.rng.IntN(8) == 0 {
		s.breakStore(s.process(who)) // the outcome cannot be written
		return
	}
	target, _, _ := strings.Cut(rest, " ")
	for _, p := range s.world.Open() {
		if p.ID == target || p.Branch == target || p.Head.Short() == target {
			s.between(p)
			return
		}
	}
	if word == "push" && s.rng.IntN(2) == 0 {
		s.fired(Between)
		s.world.Commit("carl", target, map[string]string{"README.md": "mine\n"}, "a branch of that name")
		s.look()
	}
}

// between is what somebody does to a proposal that is about to be written.
func (s *sim) between(p gitops.Proposal) {
	s.fired(Between)
	v, _ := s.world.Commits[p.Head].Version(p.Lane)
	switch s.rng.IntN(7) {
	case 0, 1:
		file := world.File(p.Lane.Environment, p.Lane.Artifact)
		s.world.Commit("carl", p.Branch, map[string]string{file: s.world.Commits[p.Head].Files[file] + "# quickly\n"}, "just in time")
	case 2:
		s.world.Label("eve", p.ID, gitops.LabelHold)
	case 3:
		s.world.Review("ann", p.ID, gitops.ChangesRequested)
	case 4:
		_ = s.world.End("bob", p.ID, "just in time") // a person's closing works
	case 5:
		if v.Tag != "" && p.Lane.Artifact != "" {
			s.fired(TagBetween)
			s.world.Forge("mal", p.Lane.Artifact, v.Tag, fmt.Sprint("swapped ", v.Tag, s.crowd.Count), world.Signature{})
		}
	case 6:
		s.world.Comment("ann", p.ID, world.Pin{Version: "1.0.0", Until: time.Now().Add(time.Hour).Truncate(time.Minute)}.Command())
	}
	s.look()
}

// regret is a change of mind about what the queue is about to merge, sometimes:
// its group must not turn green.
func (s *sim) regret() {
	if s.calmed || s.rng.IntN(8) > 0 {
		return
	}
	s.fired(Between)
	id := s.world.Groups()[0].Proposals[0]
	p := s.world.Proposal(id)
	switch v, ok := s.world.Commits[p.Head].Version(p.Lane); s.rng.IntN(3) {
	case 0:
		s.world.Label("eve", id, gitops.LabelHold)
	case 1:
		s.world.Review("ann", id, gitops.ChangesRequested)
	case 2:
		if ok && v.Tag != "1.0.0" && s.world.Build(v.Digest) != nil {
			s.world.Revoke("bob", signals.Digest(v.Digest))
		}
	}
}
