package world

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/signals"
)

// The names of the world.
const (
	// Repository is the GitOps repository as the daemon's file names it.
	Repository = "gitops"
	// Protected is the branch that proposals are merged into.
	Protected = "main"
	// Bot is the bot's name on the forge, Email that of its commits.
	Bot   = "waveguide"
	Email = "waveguide@acme.example"
	// Owners is the team that may approve.
	Owners = "@acme/owners"
	// Key is the name of the key that releases are signed with.
	Key = "release"
)

// Stop is one environment of the world and its wave.
type Stop struct {
	Env, Wave string
	// Stage is its label; production asks for approvals.
	Stage string
}

// Stops are the environments, in the order of their waves.
func Stops() []Stop {
	return []Stop{
		{"dev", "dev", "dev"}, {"staging", "staging", "staging"}, {"prod-eu", "prod", "prod"}, {"prod-us", "prod", "prod"},
	}
}

// Artifacts are the names of what is promoted.
func Artifacts() []string { return []string{"cart", "shop"} }

// Image is the OCI repository of an artifact.
func Image(artifact string) string { return "registry.example.com/" + artifact }

// Lane is the lane of an environment and an artifact.
func Lane(env, artifact string) gitops.Lane {
	return gitops.Lane{Repository: Repository, Environment: env, Artifact: artifact}
}

// Lanes are all lanes of the world.
func Lanes() []gitops.Lane {
	var all []gitops.Lane
	for _, s := range Stops() {
		for _, a := range Artifacts() {
			all = append(all, Lane(s.Env, a))
		}
	}
	return all
}

// Wave is the place of an environment's wave in the order of waves.
func Wave(env string) int {
	wave, last := -1, ""
	for _, s := range Stops() {
		if s.Wave != last {
			wave, last = wave+1, s.Wave
		}
		if s.Env == env {
			return wave
		}
	}
	return -1
}

// Version is one build: the digest is made from the name.
type Version = signals.Version

// DigestOf is the digest of a build with a name of its own.
func DigestOf(artifact, build string) signals.Digest {
	sum := sha256.Sum256([]byte(artifact + " " + build))
	return signals.Digest("sha256:" + hex.EncodeToString(sum[:]))
}

// Deed is one write that reached the world.
type Deed struct {
	At time.Time
	// By is the process or the person.
	By   string
	Kind string
	Lane gitops.Lane
	// Proposal, Head and Branch name what was written to; Old is the commit
	// that a branch was moved from.
	Proposal  string
	Branch    string
	Head, Old gitops.Commit
	// Group is the head of the queue's group that a check stands on.
	Group gitops.Commit
	// Check is what a check was set to, Digest the version that the write
	// carries.
	Check  gitops.Check
	Digest string
	Text   string
}

// String is the deed in one line of a story.
func (d Deed) String() string {
	s := fmt.Sprintf("%s: %s", d.By, d.Kind)
	if d.Lane.Environment != "" {
		s += " " + d.Lane.String()
	}
	if d.Proposal != "" {
		s += " proposal " + d.Proposal
	}
	if d.Branch != "" {
		s += " " + d.Branch
	}
	if d.Head != "" {
		s += " at " + d.Head.Short()
	}
	if d.Check.Name != "" {
		s += fmt.Sprintf(" %s: %s", d.Check.State, d.Check.Text)
	}
	if d.Text != "" {
		s += ": " + d.Text
	}
	return s
}

// World is everything outside of the processes, with its history.
type World struct {
	Deeds []Deed
	// Turn makes a call of a process when its turn has come, and lets it fail as
	// any other: what a planted bug writes goes by it.
	Turn func(ctx context.Context, process, what string, do func() error) error

	git
	forge
	queue
	registry
	running
	statements statements
	slips      slips
}

// New is a world at its beginning: version 1.0.0 of everything runs everywhere.
func New(seed uint64, spec Spec) *World {
	w := &World{
		git:      git{Commits: map[gitops.Commit]*Commit{}, Branches: map[string]gitops.Commit{}},
		forge:    forge{checks: map[gitops.Commit][]gitops.Check{}},
		registry: registry{images: map[string]*image{}, bound: map[string]bool{}, builds: map[signals.Digest]*Build{}},
		queue:    queue{formerly: map[gitops.Commit]bool{}},
		running:  running{seed: seed, places: map[gitops.Lane]*place{}}, statements: statements{},
	}
	files := map[string]string{"README.md": "what runs where\n"}
	for _, a := range Artifacts() {
		d := w.Publish("fay", a, "1.0.0", true)
		for _, s := range Stops() {
			files[File(s.Env, a)] = Content(a, "1.0.0", d)
			w.places[Lane(s.Env, a)] = &place{running: d, since: time.Now().Add(-24 * time.Hour), desired: d}
		}
	}
	spec.write(files)
	first := w.Child("", files, "ann@acme.example", "the beginning\n", time.Now())
	first.Spec = spec
	w.Main = w.add(first)
	return w
}

// note keeps a deed.
func (w *World) note(d Deed) {
	d.At = time.Now()
	w.Deeds = append(w.Deeds, d)
}

// People are who may do what.
func People() map[string]gitops.Actor {
	return map[string]gitops.Actor{
		"ann":  {Name: "ann", Permission: gitops.PermissionWrite, Teams: []string{Owners}},
		"bob":  {Name: "bob", Permission: gitops.PermissionAdmin, Teams: []string{Owners}},
		"dee":  {Name: "dee", Permission: gitops.PermissionWrite, Teams: []string{Owners}},
		"carl": {Name: "carl", Permission: gitops.PermissionWrite},
		"eve":  {Name: "eve", Permission: gitops.PermissionTriage},
		"mal":  {Name: "mal", Permission: gitops.PermissionRead},
		Bot:    {Name: Bot, Permission: gitops.PermissionWrite, Bot: true},
	}
}
