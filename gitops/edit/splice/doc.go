// Package splice reads one file, changes scalars of it in the bytes, and proves that nothing else changed.
//
// A [File] is parsed only to find things: [File.At] follows a path to a [Target], [File.Plan] turns writes into a [Plan]
// with the new bytes, spliced and proved. What cannot be done exactly is a [*Refusal]. What a file says about artifacts is
// not known here, but in package edit; where values stand in each format is in package span.
//
// Where to change the likely thing: how a path is followed, lookup.go; the splices, plan.go and insert.go; the proof,
// proof.go and part.go; which file is read as what, format.go and tree.go; reasons and hints, refusal.go.
package splice
