// Package loop goes on: it looks at Git, the forge, registries and health,
// asks promoter what to do, does it with an intent before and an outcome after
// every effect, and remembers what it saw. One loop works for one repository,
// one look at a time.
//
// What it needs of the world is declared in ports.go. The order of a look is
// [Loop.Tick]; how effects are made is in act.go, how a lane is read from files
// in desired.go, and what survives a restart in memory.go.
package loop
