// Package gate answers whether a version may move: one gate is one question,
// one file, one YAML key and one word that a person meets in proposals, checks
// and metrics. It is pure: a gate sees a [Case] and gives a [Verdict].
//
// To change how a gate works, open the file of its name. To add one, write its
// file, its test and its story, and add one line to set.go.
package gate
