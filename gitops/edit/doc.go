// Package edit changes the bytes that name a version in a file of a GitOps repository, and no other byte: in YAML, JSON, HCL
// and files of environment variables.
//
// It parses a file only to find things, splices the new text into the source itself, and then proves the result: the
// bytes outside of the edits are equal, and the trees before and after are equal node by node but for the targets. No
// library writes a file here. What cannot be done exactly is refused with a [*Refusal] that says where, why and what to
// try. [Promote] is the whole way; [Open], [File.Places] and Plan are its steps, [File.Artifacts] the way back.
//
// Where to change the likely thing:
//
//   - which shapes count as a place of an artifact: find.go and shapes.go for images, values.go for names that belong
//     together, sources.go for charts, modules and what Flux and Argo CD fetch, marker.go for comments;
//   - which texts are references, repositories and addresses: reference.go;
//   - what is written at a place, and what never is: hit.go;
//   - how a file is read, a path followed, bytes spliced and the result proved, and the reasons of refusals: package splice;
//   - where values stand in each format, and how they are quoted: package span;
//   - the path language: package path;
//   - what a whole tree of files names, and what mentions an artifact there: package finder.
//
// The formats and the path language are described for users in docs/editing.md.
package edit
