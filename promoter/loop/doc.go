// Package loop goes on: it looks at Git, the forge, registries and health,
// asks promoter what to do, does it with an intent before and an outcome after
// every effect, and remembers what it saw. One loop works for one repository,
// one look at a time, and decides again only what may have changed.
//
// What it needs of the world is declared in ports.go. The order of a look is
// [Loop.Tick]. What is read is in look.go, when and how sources are asked in
// schedule.go and source.go, how a lane is read from files in desired.go; which
// plans are made again is in queue.go and decide.go; what is done is in act.go,
// how in write.go, what the ledger says of it in record.go; what a version earned
// is published by publish.go; and what survives a restart is in memory.go.
package loop
