package world

import (
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
)

// slips are what the forge does wrong when it merges: another tree than it was
// asked for.
type slips struct {
	// next is what the next merge of a proposal of the bot writes besides, or
	// instead, of what it was asked for; nil if it does right.
	next func(own string, files map[string]string)
	// made are the commits that came of it.
	made map[gitops.Commit]bool
}

// Slip has the next merge of a proposal of the bot write what do makes of its
// files; own is the file that it was asked to change.
func (w *World) Slip(do func(own string, files map[string]string)) { w.slips.next = do }

// Slipped says that the forge wrote a commit otherwise than it was asked to.
func (w *World) Slipped(c gitops.Commit) bool { return w.slips.made[c] }

// land makes the commit of a merge on top of the protected branch, and says
// whether it is what was asked for.
func (w *World) land(p gitops.Proposal, files map[string]string, author, message string) (Commit, bool) {
	right := w.child(w.Main, w.second(p.Head), files, author, message, time.Now())
	if w.slips.next == nil || p.Author.Name != Bot || len(files) == 0 {
		return right, true
	}
	w.slips.next(File(p.Lane.Environment, p.Lane.Artifact), files)
	w.slips.next = nil
	c := w.child(w.Main, w.second(p.Head), files, author, message, time.Now())
	if c.ID == right.ID {
		return right, true
	}
	if w.slips.made == nil {
		w.slips.made = map[gitops.Commit]bool{}
	}
	w.slips.made[c.ID] = true
	return c, false
}

// Astray says that a proposal of the bot was merged as something else than the
// version that it brings, whoever's fault it is.
func (w *World) Astray(p gitops.Proposal) bool {
	c := w.Commits[p.MergedAs]
	if p.State != gitops.Merged || p.Author.Name != Bot || c == nil {
		return false
	}
	before, name := w.Commits[c.Parent], File(p.Lane.Environment, p.Lane.Artifact)
	was, _ := before.Version(p.Lane)
	is, _ := w.Commits[p.Head].Version(p.Lane)
	want := strings.ReplaceAll(strings.ReplaceAll(before.Files[name], was.Digest, is.Digest), `"`+was.Tag+`"`, `"`+is.Tag+`"`)
	return c.Files[name] != want || slices.ContainsFunc(w.Changed(c.Parent, c.ID), func(f string) bool { return f != name })
}
