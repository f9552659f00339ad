// Package dashboard is the read-only web page: what the loops last saw, what
// stops each version, who owns the next step. It renders the verdicts that
// decided and works out nothing of its own; people act on the forge.
//
// What the page knows of a look is in view.go, how several looks become one
// page in shown.go, the addresses in routes.go, the words and the looks in
// assets.
package dashboard
