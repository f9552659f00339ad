// Package people are those who meet the bot: authors, reviewers, owners, SREs,
// somebody who may label and no more, and somebody who may push tags and has no
// key. In the storm they do anything, in the calm what is right.
//
// To add something that people can do, write it in teams.go if they mean well
// and in trouble.go if not, and give it a weight in [Deeds]. All lots come from
// the caller, so that a deed that is left out leaves the others as they are.
package people

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/simulation/world"
	"github.com/waveguide-dev/waveguide/signals"
)

// Crowd is everybody in a world.
type Crowd struct {
	World *world.World
	// Count is how many things were done; Newest are the last good releases.
	Count  int
	Newest map[string]signals.Digest
	// minor is the last number given to a version of each artifact.
	minor map[string]int
}

// New is the crowd of a world.
func New(w *world.World) *Crowd {
	return &Crowd{World: w, Newest: map[string]signals.Digest{}, minor: map[string]int{}}
}

// Deed is one thing that people can do, and how often of all.
type Deed struct {
	Weight int
	Do     func(*Crowd, *rand.Rand)
}

// Deeds are what people do while the storm lasts.
func Deeds() []Deed {
	return []Deed{
		{14, (*Crowd).release},
		{4, (*Crowd).attack},
		{2, (*Crowd).untag},
		{2, (*Crowd).erase},
		{2, (*Crowd).revoke},
		{16, (*Crowd).review},
		{8, (*Crowd).haste},
		{6, (*Crowd).hold},
		{4, (*Crowd).unhold},
		{4, (*Crowd).pause},
		{6, (*Crowd).resume},
		{4, (*Crowd).closing},
		{2, (*Crowd).reopen},
		{7, (*Crowd).byHand},
		{4, (*Crowd).intrude},
		{2, (*Crowd).squat},
		{2, (*Crowd).scribble},
		{4, (*Crowd).direct},
		{4, (*Crowd).unrelated},
		{7, (*Crowd).rules},
		{1, (*Crowd).loosen},
		{6, (*Crowd).repair},
		{1, (*Crowd).rewind},
		{5, (*Crowd).sicken},
		{3, (*Crowd).silence},
		{2, (*Crowd).drift},
		{3, (*Crowd).overstep},
		{5, (*Crowd).settle},
		{3, (*Crowd).say},
		{3, (*Crowd).propose},
		{2, (*Crowd).require},
		{7, (*Crowd).declare},
		{4, (*Crowd).crunch},
		{6, (*Crowd).vouch},
		{1, (*Crowd).declarers},
		{6, (*Crowd).pin},
		{6, (*Crowd).insist},
		{8, (*Crowd).unpin},
		{3, (*Crowd).pinByRule},
	}
}

func one[T any](rng *rand.Rand, of []T) T { return of[rng.IntN(len(of))] }

// somewhere is any lane.
func somewhere(rng *rand.Rand) gitops.Lane { return one(rng, world.Lanes()) }

// Minutes is a time of so many minutes, the most not included.
func Minutes(rng *rand.Rand, least, most int) time.Duration {
	return time.Duration(least+rng.IntN(most-least)) * time.Minute
}

// FirstRules draws the rules at the beginning of a world.
func FirstRules(rng *rand.Rand) world.Spec {
	s := world.Spec{
		Soak:      map[string]time.Duration{"dev": Minutes(rng, 20, 50), "staging": Minutes(rng, 20, 70), "prod": Minutes(rng, 15, 40)},
		Approvals: rng.IntN(3), TTL: Minutes(rng, 60, 600), Auto: rng.IntN(3) > 0, Rollback: rng.IntN(2) == 0,
		Windowed: rng.IntN(3) == 0, MaxInFlight: rng.IntN(3),
	}
	if rng.IntN(3) == 0 {
		s.TTL = Minutes(rng, 20, 60)
	}
	if rng.IntN(4) == 0 {
		s.Reviewer = "carl"
	}
	if rng.IntN(3) == 0 {
		s.Need = need(rng, 1)
	}
	if rng.IntN(4) > 0 {
		s.Declarers = one(rng, []world.Declarers{world.Everybody, world.OnlyOwners})
	}
	s.Guard = guard(rng)
	return s
}

// Version gives an artifact its next number.
func (c *Crowd) Version(artifact string) string {
	c.minor[artifact]++
	return fmt.Sprintf("1.%d.0", c.minor[artifact])
}
