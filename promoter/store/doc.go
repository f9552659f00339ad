// Package store is what the bot remembers: one database with two halves. The
// ledger is append-only and tamper-evident (intents, outcomes, decisions,
// evidence); memory is a keyed cache that may be lost (facts, cursors, streaks).
// Both change in one transaction, see [Store.Write].
//
// Ledger entries are leaves of a Merkle tree (golang.org/x/mod/sumdb/tlog). Each
// append yields a [Checkpoint]; copies of it kept elsewhere, in Git for example,
// make a rewritten history evident to [Store.Verify].
//
// Where to change things: the tables are in migrations/, what an entry may hold
// in entry.go, who may write in lease.go, what is checked in verify.go, and what
// people are told when the disk is full in errors.go. Package storetest holds
// the laws that every database behind this package obeys.
package store
