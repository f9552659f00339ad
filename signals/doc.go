// Package signals names what can be known: versions, proofs, health and the
// soak clock, each dated and sourced. It holds nouns only; its subpackages are
// the ways of finding out, one per source.
//
// A new kind of evidence starts here as a noun with an accessor on [Facts];
// how it is collected belongs into a subpackage, what it means into a gate of
// promoter/gate.
package signals
