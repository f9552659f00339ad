// Package gitea makes proposals on Gitea and Forgejo over their REST API:
// pull requests, commit statuses as checks, labels, reviews and issues with
// everything that people did to them.
//
// A look lists the open pull requests in pages of fifty (look.go), chooses which
// to read closely (detail.go) and reads the timeline of those alone that changed
// since it was last read (thread.go); statuses are read when a head is new, and a
// few again with every look (check.go). Who may do what is asked in who.go, and
// what the branch demands in rules.go. How Gitea's answers look is in answers.go:
// a new field belongs there. Webhooks are read in package hook.
//
// Permissions of other people are told to administrators of the repository
// alone. A bot that may only write sees them as unknown: then nobody is known
// to have the right to release, and the rules have to name who has it.
package gitea
