// Package trail says how what Git names in a lane came there: by a merged
// proposal of ours, by one of a person that was judged, or past every proposal.
// It is pure; reading the branch and the forge is the loop's. What is said to
// people about it is in words.go.
package trail

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
)

// Step is one commit of the protected branch's own line.
type Step struct {
	Commit gitops.Commit `json:"commit"`
	// Parents are its parents; the first is the step before it.
	Parents []gitops.Commit `json:"parents,omitempty"`
	// Name and Email are the author's, untrusted text.
	Name  string    `json:"name,omitempty"`
	Email string    `json:"email,omitempty"`
	At    time.Time `json:"at,omitzero"`
	// Paths are those that differ from the step before it.
	Paths []string `json:"-"`
}

// Before is the step before this one.
func (s Step) Before() gitops.Commit {
	if len(s.Parents) == 0 {
		return ""
	}
	return s.Parents[0]
}

// MadeOf says whether the merge of a proposal made this step, by the word of
// the forge or because the proposal's head is in it.
func (s Step) MadeOf(p gitops.Proposal) bool {
	if p.State != gitops.Merged {
		return false
	}
	return p.MergedAs == s.Commit || p.Head == s.Commit || len(s.Parents) > 1 && slices.Contains(s.Parents[1:], p.Head)
}

// program are parts of the names under which programs write versions to Git.
func program(s Step) bool {
	name := strings.ToLower(s.Name)
	if strings.HasSuffix(name, "[bot]") {
		return true
	}
	return slices.ContainsFunc([]string{"fluxcdbot", "argocd-image-updater", "renovate", "dependabot", "keel"}, func(known string) bool {
		return strings.Contains(name, known)
	})
}

// Who is the author as people know them.
func (s Step) Who() string { return gitops.CutLine(cmp.Or(s.Name, s.Email, "somebody"), maxName) }

const maxName = 100

// Move is what a step changes in a lane.
type Move struct {
	Lane gitops.Lane    `json:"lane"`
	From gitops.Version `json:"from,omitzero"`
	To   gitops.Version `json:"to,omitzero"`
}

// How a version came to Git.
type How string

// The ways for a version to come to Git. The zero value is that nobody knows
// yet.
const (
	Pending How = ""
	// Proposed is by a proposal of ours, Judged by one of a person that our
	// check allowed, Ruled by rules that look elsewhere now.
	Proposed How = "proposed"
	Judged   How = "judged"
	Ruled    How = "ruled"
	// Direct is past a proposal, or by one that our check did not allow.
	Direct How = "direct"
	// Unknown is that nobody can say.
	Unknown How = "unknown"
)

// Entry is how the version that Git names in a lane came there.
type Entry struct {
	Version gitops.Version `json:"version"`
	From    gitops.Version `json:"from,omitzero"`
	How     How            `json:"how,omitempty"`
	// Seen is when it was first seen there.
	Seen time.Time `json:"seen"`
	// Commit wrote it, By its author at that time.
	Commit  gitops.Commit `json:"commit,omitempty"`
	By      string        `json:"by,omitempty"`
	Program bool          `json:"program,omitempty"`
	At      time.Time     `json:"at,omitzero"`
	// Proposal is the one it came by.
	Proposal string `json:"proposal,omitempty"`
	// Problem says why nobody knows how it came.
	Problem string `json:"problem,omitempty"`
	// Recorded says where a direct change was put on record.
	Recorded string `json:"recorded,omitempty"`
	// Said are the words that were said about it on its proposal.
	Said []string `json:"said,omitempty"`
}

// Past says that it came past every proposal that was allowed, and is not on
// record.
func (e *Entry) Past() bool {
	return e != nil && (e.How == Direct || e.How == Unknown) && e.Recorded == ""
}

// Key names the issue that asks to put it on record.
func (e *Entry) Key() string { return DirectPrefix + string(e.Commit) }

// DirectPrefix begins the keys of issues about changes past a proposal.
const DirectPrefix = "direct "

// WrittenBy notes who wrote a step.
func (e *Entry) WrittenBy(s Step) {
	e.Commit, e.By, e.At, e.Program = s.Commit, s.Who(), s.At, program(s)
}

// Direct is the entry in the words of the drift gate; nil if it came by a
// proposal that was allowed.
func (e *Entry) Direct() *gitops.Direct {
	if e == nil || e.How == Proposed || e.How == Judged || e.How == Ruled {
		return nil
	}
	return &gitops.Direct{
		Commit: e.Commit, By: e.By, Program: e.Program, At: e.At, Proposal: e.Proposal, Recorded: e.Recorded,
		Unread: e.Problem, Pending: e.How == Pending,
	}
}

// Difference says how the files that a merge changed differ from the edit that
// was planned on what was there before it; empty if it is exactly that.
func Difference(planned map[string][]byte, changed map[string][2][]byte) string {
	names := slices.Concat(slices.Collect(maps.Keys(planned)), slices.Collect(maps.Keys(changed)))
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		want, was := planned[name]
		have, is := changed[name]
		switch {
		case !is:
			return name + " was not changed, though the plan changes it"
		case !was:
			return name + " was changed, though the plan does not touch it"
		case have[1] == nil:
			return name + " was removed, or is no plain file any more"
		case !bytes.Equal(want, have[1]):
			return name + " has changes that are not the planned edit"
		}
	}
	return ""
}

// Stray is a merge of a proposal of ours that wrote something else than was
// planned: it stops the artifact until a person has looked at it.
type Stray struct {
	Lane     gitops.Lane   `json:"lane"`
	Proposal string        `json:"proposal"`
	Commit   gitops.Commit `json:"commit"`
	What     string        `json:"what"`
	At       time.Time     `json:"at"`
}

// Key names the issue about it.
func (s Stray) Key() string { return "merge " + string(s.Commit) + " " + s.Lane.String() }
