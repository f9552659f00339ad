// Package prose turns verdicts and evidence into text for people: proposal
// titles and bodies, and the answers of the command line. It is pure, and it
// is the only place that escapes untrusted text for its sink.
//
// The title and body of proposals are in proposal.go, the terminal's answers
// in terminal.go, and what is taken out of foreign text in escape.go.
package prose
