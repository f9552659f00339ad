// Package local is a small forge for bare repositories: smart HTTP without a
// git binary, proposals, labels with who and when, reviews bound to a head,
// checks, issues, merges and a plain review page. It is the forge of the demo
// and of the tests, and enough for one team on plain Git.
//
// What people may do is decided in action.go, for the JSON API (api.go) and
// the page (page.go) alike; what a push may do is decided in receive.go; how
// a proposal is merged is in merge.go. What is remembered is one journal per
// repository (journal.go, state.go). The loop's side is [Client].
package local
