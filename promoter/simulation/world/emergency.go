package world

import (
	"slices"

	"github.com/waveguide-dev/waveguide/gitops"
)

// Sev1 is the name of the emergency that the rules may define.
const Sev1 = "sev1"

// Declarers are who may declare an emergency in production, among those with the
// right.
type Declarers string

// Nobody defines none, Everybody names nobody, OnlyOwners names a team.
const (
	Nobody     Declarers = ""
	Everybody  Declarers = "everybody"
	OnlyOwners Declarers = "owners"
)

// Emergency says whether the rules know an emergency in an environment: by its
// document, or without one by a freeze that allows it.
func (s Spec) Emergency(env string) bool {
	i := slices.IndexFunc(Stops(), func(at Stop) bool { return at.Env == env })
	if i < 0 {
		return false
	}
	if s.Declarers != Nobody {
		return Stops()[i].Stage == "prod"
	}
	return slices.ContainsFunc(s.Freezes, func(f Freeze) bool { return f.Allow && f.Stage == Stops()[i].Stage })
}

// Declares says whether somebody may declare it there.
func (s Spec) Declares(env string, who gitops.Actor) bool {
	right := who.Permission.Releases() && !who.Bot
	return right && s.Emergency(env) && (s.Declarers != OnlyOwners || slices.Contains(who.Teams, Owners))
}

// emergency is the document that defines it.
func (s Spec) emergency() string {
	if s.Declarers == Nobody {
		return ""
	}
	doc := header + "kind: Emergency\nname: " + Sev1 + "\nmatch: {stage: prod}\n"
	if s.Declarers == OnlyOwners {
		doc += "from: [\"" + Owners + "\"]\n"
	}
	return doc
}
