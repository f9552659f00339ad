// Package gitlab makes proposals on GitLab: merge requests, commit statuses,
// labels, notes and pause issues of one project, on gitlab.com or on an
// installation of one's own, also under a path.
//
// How a merge request is read is in read.go, its history in history.go, those
// that ended in ended.go, the writes in write.go, the check in check.go and
// external.go, issues in issue.go, trains in train.go, people and their rights in
// people.go, and what the project's settings allow in protection.go. Conditional
// requests are in transport.go, above the limits of gitops/limit; merge requests
// and issues outlive the process in a gitops/keep memory. Webhooks are read in
// package hook.
package gitlab
