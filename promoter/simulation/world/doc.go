// Package world is the model of everything that the loop touches: a Git remote,
// a forge, a registry, what runs in environments, the rules, and the people who
// change all of them. It keeps its own history, so that laws can be checked
// against what happened and not against what the loop says.
//
// Nothing in it is safe for concurrent use: the simulation lets one caller in
// at a time. Commits and branches are in git.go, their real
// Git objects in object.go, what a process holds of them in clone.go, proposals and issues in
// forge.go, tags and proofs in registry.go, what runs in run.go, the rules in
// rules.go.
package world
