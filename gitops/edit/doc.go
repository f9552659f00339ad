// Package edit changes the bytes that name a version in a YAML file, and no other byte.
//
// It parses a file only to find things, splices the new text into the source itself, and then proves the result: the
// bytes outside of the edits are equal, and the two trees are equal node by node but for the targets. No library writes
// YAML here. What cannot be done exactly is refused with a [*Refusal] that says where, why and what to try.
//
// Where to change the likely thing:
//
//   - which shapes count as a place of an artifact (manifest, kustomization, Helm values): find.go;
//   - what is written there, and what never is: hit.go;
//   - the path language: path.go and lookup.go;
//   - how a value is quoted: encode.go;
//   - where a scalar begins and ends in the bytes: scalar.go and block.go;
//   - the splice and its proof: plan.go and proof.go;
//   - reasons and hints of refusals: refusal.go.
package edit
