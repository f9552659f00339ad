package simulation

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/promoter/simulation/world"
	"github.com/waveguide-dev/waveguide/signals"
)

// people are who does what next.
type people struct {
	next  time.Time
	count int
	// minor is the last number given to a version of each artifact, newest the
	// last good release.
	minor  map[string]int
	newest map[string]signals.Digest
	calm   bool
}

// firstSpec draws the rules at the beginning.
func (s *sim) firstSpec() world.Spec {
	minutes := func(least, most int) time.Duration { return time.Duration(least+s.rng.IntN(most-least)) * time.Minute }
	return world.Spec{
		Soak:      map[string]time.Duration{"dev": minutes(20, 50), "staging": minutes(20, 70), "prod": minutes(15, 40)},
		Approvals: s.rng.IntN(3), TTL: minutes(60, 600), Auto: s.rng.IntN(3) > 0, Rollback: s.rng.IntN(2) == 0,
	}
}

// deed is one thing that people or fate can do, and how often of a hundred.
type deed struct {
	weight int
	do     func(*sim, *rand.Rand)
}

// deeds are what happens while the storm lasts.
func deeds() []deed {
	return []deed{
		{14, (*sim).release},
		{4, (*sim).attack},
		{2, (*sim).untag},
		{2, (*sim).revoke},
		{16, (*sim).review},
		{6, (*sim).hold},
		{4, (*sim).unhold},
		{4, (*sim).pause},
		{4, (*sim).resume},
		{4, (*sim).closing},
		{2, (*sim).reopen},
		{7, (*sim).byHand},
		{4, (*sim).intrude},
		{2, (*sim).squat},
		{2, (*sim).scribble},
		{4, (*sim).direct},
		{4, (*sim).unrelated},
		{6, (*sim).rules},
		{1, (*sim).rewind},
		{5, (*sim).sicken},
		{3, (*sim).silence},
		{2, (*sim).drift},
		{3, (*sim).overstep},
		{3, (*sim).say},
		{3, (*sim).propose},
		{4, (*sim).outage},
		{3, (*sim).takeOver},
		{3, (*sim).restart},
		{1, (*sim).fill},
	}
}

// act does the next thing. Each has lots of its own, so that leaving one out
// leaves the others as they are.
func (s *sim) act() {
	s.people.count++
	rng := rand.New(rand.NewPCG(s.Seed, uint64(1000+s.people.count))) //nolint:gosec // chance is to be repeated
	pace := 16 * time.Minute
	if s.people.calm {
		pace = 8 * time.Minute
	}
	s.people.next = s.people.next.Add(time.Duration(rng.Int64N(int64(pace))) + time.Second)
	if s.people.calm {
		s.mend()
		return
	}
	all, total := deeds(), 0
	for _, d := range all {
		total += d.weight
	}
	lot := rng.IntN(total)
	for _, d := range all {
		if lot -= d.weight; lot < 0 {
			if !s.Skip[s.people.count] {
				d.do(s, rng)
			}
			break
		}
	}
	s.webhooks(rng)
}

// webhooks tell the processes: some hints are lost, doubled, or about nothing.
func (s *sim) webhooks(rng *rand.Rand) {
	hints := []loop.Hint{{Git: true, Forge: true}, {Forge: true}, {Image: "shop"}, {Image: "cart"}, {Environment: "dev"}, {}}
	for range rng.IntN(3) {
		h := hints[rng.IntN(len(hints))]
		for _, p := range s.processes {
			if p.hint(h) {
				s.step("hint %s %+v", p.name, h)
			}
		}
	}
}

func one[T any](rng *rand.Rand, of []T) T { return of[rng.IntN(len(of))] }

// somewhere is any lane.
func somewhere(rng *rand.Rand) gitops.Lane { return one(rng, world.Lanes()) }

// version gives an artifact its next number.
func (s *sim) version(artifact string) string {
	if s.people.minor == nil {
		s.people.minor, s.people.newest = map[string]int{}, map[string]signals.Digest{}
	}
	s.people.minor[artifact]++
	return fmt.Sprintf("1.%d.0", s.people.minor[artifact])
}

// meddle has somebody act in the moment between what a process read and what it
// is about to write: the write has to notice.
func (s *sim) meddle(what string) {
	word, rest, _ := strings.Cut(what, " ")
	if s.people.calm || !slices.Contains([]string{"push", "open", "merge", "check"}, word) || s.rng.IntN(25) > 0 {
		return
	}
	target, _, _ := strings.Cut(rest, " ")
	for _, p := range s.world.Open() {
		if p.ID != target && p.Branch != target && p.Head.Short() != target {
			continue
		}
		switch s.rng.IntN(5) {
		case 0, 1:
			file := world.File(p.Lane.Environment, p.Lane.Artifact)
			s.world.Commit("carl", p.Branch, map[string]string{file: s.world.Commits[p.Head].Files[file] + "# quickly\n"}, "just in time")
		case 2:
			s.world.Label("eve", p.ID, gitops.LabelHold)
		case 3:
			s.world.Review("ann", p.ID, gitops.ChangesRequested)
		case 4:
			_ = s.world.End("bob", p.ID, "just in time") // a person's closing works
		}
		s.look()
		return
	}
	if word == "push" && s.rng.IntN(2) == 0 {
		s.world.Commit("carl", target, map[string]string{"README.md": "mine\n"}, "a branch of that name")
		s.look()
	}
}

func (s *sim) release(rng *rand.Rand) {
	a := one(rng, world.Artifacts())
	tag := s.version(a)
	s.people.newest[a] = s.world.Publish(a, tag, rng.IntN(4) > 0)
}

// attack is by somebody who may push tags and has no key.
func (s *sim) attack(rng *rand.Rand) {
	a := one(rng, world.Artifacts())
	have := one(rng, s.world.Versions(a))
	switch rng.IntN(4) {
	case 0:
		tag := s.version(a)
		s.world.Forge("mal", a, tag, "evil "+tag, "")
	case 1:
		tag := s.version(a)
		s.world.Forge("mal", a, tag, "foreign "+tag, world.Image("other"))
	case 2:
		s.world.Forge("mal", a, have.Tag, "moved "+have.Tag+fmt.Sprint(s.people.count), "")
	case 3:
		s.world.Tag("mal", a, s.version(a), have.Digest)
	}
}

func (s *sim) untag(rng *rand.Rand) {
	a := one(rng, world.Artifacts())
	if v := one(rng, s.world.Versions(a)); v.Tag != "1.0.0" {
		s.world.Untag("carl", a, v.Tag)
	}
}

func (s *sim) revoke(rng *rand.Rand) {
	a := one(rng, world.Artifacts())
	if v := one(rng, s.world.Versions(a)); v.Tag != "1.0.0" {
		s.world.Revoke("bob", v.Digest)
	}
}

// any is one of the open proposals.
func (s *sim) any(rng *rand.Rand) (gitops.Proposal, bool) {
	open := s.world.Open()
	if len(open) == 0 {
		return gitops.Proposal{}, false
	}
	return one(rng, open), true
}

func (s *sim) review(rng *rand.Rand) {
	said := gitops.Approved
	if rng.IntN(8) == 0 {
		said = gitops.ChangesRequested
	}
	who := one(rng, []string{"ann", "bob", "carl", "mal"})
	for _, p := range s.world.Open() {
		// Production is where a review is asked for.
		if strings.HasPrefix(p.Lane.Environment, "prod") && rng.IntN(2) == 0 || rng.IntN(8) == 0 {
			s.world.Review(who, p.ID, said)
		}
	}
}

func (s *sim) hold(rng *rand.Rand) {
	if p, ok := s.any(rng); ok {
		s.world.Label(one(rng, []string{"ann", "eve", "carl"}), p.ID, gitops.LabelHold)
	}
}

func (s *sim) unhold(rng *rand.Rand) {
	for _, p := range s.world.Open() {
		if _, held := p.Label(gitops.LabelHold); held && rng.IntN(2) == 0 {
			s.world.Unlabel("ann", p.ID, gitops.LabelHold)
		}
	}
}

func (s *sim) pause(rng *rand.Rand) {
	lane := somewhere(rng)
	until := time.Now().Add(time.Duration(10+rng.IntN(120)) * time.Minute).UTC().Format("2006-01-02T15:04Z")
	titles := []string{"env:" + lane.Environment, "artifact:" + lane.Artifact, "env:prod-*", "wave:web/prod", "scope:all", "something with a word:unknown", "env:" + lane.Environment + " until:" + until}
	s.world.Pause(one(rng, []string{"ann", "eve", "bob"}), one(rng, titles))
}

func (s *sim) resume(rng *rand.Rand) {
	if ids := s.world.Paused(); len(ids) > 0 {
		s.world.Resume("bob", one(rng, ids))
	}
}

// overstep is somebody without the right who takes a stop away.
func (s *sim) overstep(rng *rand.Rand) {
	for _, p := range s.world.Open() {
		if _, held := p.Label(gitops.LabelHold); held && rng.IntN(2) == 0 {
			s.world.Unlabel("eve", p.ID, gitops.LabelHold)
		}
	}
	if ids := s.world.Paused(); len(ids) > 0 {
		switch id := one(rng, ids); rng.IntN(3) {
		case 0:
			s.world.Resume("eve", id)
		case 1:
			s.world.Retitle("eve", id, "env:nowhere")
		case 2:
			s.world.Unpause("eve", id)
		}
	}
}

// say is a word below a proposal that somebody may or may not mean.
func (s *sim) say(rng *rand.Rand) {
	if p, ok := s.any(rng); ok {
		words := []string{"/hold the line", "/unhold", "/waveguide retry", "/waveguide rebase", "nice", "/waveguide what"}
		s.world.Comment(one(rng, []string{"ann", "bob", "eve", "mal"}), p.ID, one(rng, words))
	}
}

// propose is a person's own change: of a version, or of nothing of ours.
func (s *sim) propose(rng *rand.Rand) {
	lane := somewhere(rng)
	v := one(rng, s.world.Versions(lane.Artifact))
	files := map[string]string{"README.md": fmt.Sprintf("words %d\n", s.people.count)}
	if rng.IntN(2) == 0 {
		files = map[string]string{world.File(lane.Environment, lane.Artifact): world.Content(lane.Artifact, v.Tag, v.Digest)}
	}
	s.world.Propose("carl", fmt.Sprintf("carl-%d", s.people.count), files, "what carl wants")
}

func (s *sim) closing(rng *rand.Rand) {
	if p, ok := s.any(rng); ok {
		_ = s.world.End(one(rng, []string{"ann", "bob"}), p.ID, "not this one") // a person's closing works
	}
}

func (s *sim) reopen(rng *rand.Rand) {
	for n := s.people.count; n > 0; n-- {
		if rng.IntN(2) == 0 && s.world.Reopen("ann", fmt.Sprint(n)) {
			return
		}
	}
}

// byHand is a person who merges: what is green, or as an admin whatever it is.
func (s *sim) byHand(rng *rand.Rand) {
	p, ok := s.any(rng)
	if !ok {
		return
	}
	admin := rng.IntN(6) == 0
	who := "ann"
	if admin {
		who = "bob"
	}
	_, _ = s.world.Merge(who, p.ID, p.Head, admin) // refused is refused
}

// intrude is a person's commit on a branch of the bot.
func (s *sim) intrude(rng *rand.Rand) {
	p, ok := s.any(rng)
	if !ok {
		return
	}
	file := one(rng, []string{"README.md", world.File(p.Lane.Environment, p.Lane.Artifact)})
	s.world.Commit("carl", p.Branch, map[string]string{file: s.world.Commits[p.Head].Files[file] + "# by hand\n"}, "a little more")
	if rng.IntN(3) == 0 {
		s.world.Label("carl", p.ID, gitops.LabelRebase)
	}
}

// squat takes a branch of our name.
func (s *sim) squat(rng *rand.Rand) {
	lane := somewhere(rng)
	if s.world.Branches[lane.Branch()] == "" {
		s.world.Commit("carl", lane.Branch(), map[string]string{"README.md": "mine\n"}, "my own branch")
	}
}

func (s *sim) scribble(rng *rand.Rand) {
	if p, ok := s.any(rng); ok {
		_ = s.world.Describe("mal", p.ID, "merge me now", "all gates pass") // it is there
	}
}

// direct changes the version of a lane past any proposal: forward or back.
func (s *sim) direct(rng *rand.Rand) {
	lane := somewhere(rng)
	v := one(rng, s.world.Versions(lane.Artifact))
	s.world.Commit(one(rng, []string{"ann", "bob"}), "", map[string]string{
		world.File(lane.Environment, lane.Artifact): world.Content(lane.Artifact, v.Tag, v.Digest),
	}, lane.String()+" to "+v.Tag+" by hand")
}

// unrelated is a commit that changes no version, sometimes beside one.
func (s *sim) unrelated(rng *rand.Rand) {
	lane := somewhere(rng)
	file := one(rng, []string{"README.md", world.File(lane.Environment, lane.Artifact)})
	s.world.Commit("carl", "", map[string]string{file: s.world.Commits[s.world.Main].Files[file] + fmt.Sprintf("# note %d\n", s.people.count)}, "a comment")
}

// rules are changed by their owners, not always to something that can be read.
func (s *sim) rules(rng *rand.Rand) {
	spec := s.world.Commits[s.world.Main].Spec
	switch rng.IntN(6) {
	case 0, 1:
		from := time.Now().Add(time.Duration(rng.IntN(40)) * time.Minute).Truncate(time.Minute)
		f := world.Freeze{Stage: one(rng, []string{"prod", "staging", "dev"}), From: from, Until: from.Add(time.Duration(20+rng.IntN(120)) * time.Minute)}
		spec.Freezes = append(slices.Clip(spec.Freezes), f)
	case 2:
		soak := map[string]time.Duration{}
		for wave, d := range spec.Soak {
			soak[wave] = d + time.Duration(5)*time.Minute
		}
		spec.Soak = soak
	case 3:
		spec.Approvals = rng.IntN(3)
	case 4:
		spec.Auto = !spec.Auto
	case 5:
		spec.Broken = one(rng, []string{"promotion", "environment", "freeze", ""})
	}
	if rng.IntN(2) == 0 {
		spec.Broken = ""
	}
	s.world.Rule(one(rng, []string{"ann", "bob"}), spec, "new rules")
}

func (s *sim) rewind(*rand.Rand) { s.world.Rewind("bob") }

func (s *sim) sicken(rng *rand.Rand) {
	s.world.Sicken(somewhere(rng), time.Duration(2+rng.IntN(60))*time.Minute)
}

func (s *sim) silence(rng *rand.Rand) {
	s.world.Silence(somewhere(rng), time.Duration(2+rng.IntN(60))*time.Minute)
}

func (s *sim) drift(rng *rand.Rand) {
	lane := somewhere(rng)
	s.world.Drift("carl", lane, one(rng, s.world.Versions(lane.Artifact)).Digest, time.Duration(5+rng.IntN(60))*time.Minute)
}

// outage has all calls of one kind fail for a while.
func (s *sim) outage(rng *rand.Rand) {
	s.weather.outage = one(rng, []string{"fetch", "push", "proposals", "issues", "proposal", "open", "merge", "check", "versions", "proofs", "health", "update", "close", "delta"})
	s.weather.until = time.Now().Add(time.Duration(2+rng.IntN(60)) * time.Minute)
	s.tell("every %s fails until %s", s.weather.outage, s.weather.until.Format(time.TimeOnly))
}

// takeOver cuts off the process that works, and the other one takes its store.
func (s *sim) takeOver(rng *rand.Rand) {
	i := slices.IndexFunc(s.processes, func(p *process) bool { return p.alive && p.book != nil && p.book.holder == p.name })
	if i < 0 {
		return
	}
	old, next := s.processes[i], s.processes[1-i]
	if next.alive {
		return // it is cut off itself and does not know yet
	}
	old.cutOff = time.Now().Add(time.Duration(1+rng.IntN(40)) * time.Minute)
	s.tell("%s is cut off until %s, %s takes over", old.name, old.cutOff.Format(time.TimeOnly), next.name)
	old.book.holder = next.name
	next.due = time.Time{}
	next.start(old.book)
}

// restart ends a process in order, or at once.
func (s *sim) restart(rng *rand.Rand) {
	p := one(rng, s.processes)
	if !p.alive || p.cut() {
		return
	}
	if rng.IntN(2) == 0 {
		s.tell("%s is asked to stop", p.name)
	} else {
		s.tell("%s is killed", p.name)
		s.report.Crashes++
		p.mu.Lock()
		p.dead = true
		p.mu.Unlock()
	}
	p.end()
}

// fill makes the disk full the next time that the process starts.
func (s *sim) fill(rng *rand.Rand) {
	for _, p := range s.processes {
		if p.alive && p.book.holder == p.name && !p.cut() {
			p.book.limit = p.book.size() + int64(rng.IntN(20))*4096
			s.tell("the disk of %s is nearly full, and it is asked to stop", p.name)
			p.end()
		}
	}
}
