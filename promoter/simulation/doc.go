// Package simulation runs the real loop in a world of models, in virtual time,
// with faults, crashes and people that a seed chooses, and checks the laws of
// the house after every step. The same seed gives the same days, byte for byte.
//
// It is used by tests only: [Run] needs a testing/synctest bubble. What can go
// wrong with a call is in fate.go, what befalls a process in mishap.go, and all
// of it has a name in fault.go; what people do is in package people, how a
// process touches the world in ports.go and git.go, how it lives and dies in process.go;
// the models are in package world and the laws in package law. A fault that the laws have to find
// is planted in bugs_test.go and bugs_rules_test.go.
package simulation
