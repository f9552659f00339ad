// Package gitlabtest is a GitLab for tests: a stateful server of the parts of
// the REST API that a promotion bot uses, with real Git over HTTP behind it.
// Every request and every answer is checked against GitLab's own description.
//
// What a person can do that the bot cannot is in people.go; faults are in
// fault.go. An endpoint more is a line in routes (server.go) and its function.
package gitlabtest
