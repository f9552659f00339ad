// Package gitlabtest is a GitLab for tests: a stateful server of the parts of
// the REST API that a promotion bot uses, with real Git over HTTP behind it.
// Every request and every answer is checked against GitLab's own description.
//
// What tests set up or do where people act on pages is in stage.go, the budget
// of requests in limit.go; an endpoint more is a line in routes (server.go) and
// its function.
package gitlabtest
