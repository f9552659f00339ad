package world

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/signals"
)

// Commit is one commit; its files are the whole tree. Its name is that of the
// real Git object: see object.go.
type Commit struct {
	ID gitops.Commit
	// Parent is the first parent, Merged the second of a merge.
	Parent, Merged gitops.Commit
	Files          map[string]string
	// Author is an email, Time in whole seconds, as Git keeps it.
	Author  string
	Message string
	Time    time.Time
	// Spec is what the rules in the tree are meant to say.
	Spec Spec

	tree  *tree
	names map[gitops.Lane]gitops.Version
}

// Gone stands for the text of a file that is removed.
const Gone = "\x00"

// Name is the author's, before the email.
func (c *Commit) Name() string {
	name, _, _ := strings.Cut(c.Author, "@")
	return name
}

// Parents are those of the commit, the first one first.
func (c *Commit) Parents() []gitops.Commit {
	return slices.DeleteFunc([]gitops.Commit{c.Parent, c.Merged}, func(p gitops.Commit) bool { return p == "" })
}

// git is a remote: commits that never change, and branches that move by
// compare-and-swap.
type git struct {
	Commits  map[gitops.Commit]*Commit
	Branches map[string]gitops.Commit
	Main     gitops.Commit
	// Squash says that a merge makes one commit of one parent of a proposal.
	Squash bool
	// Forced counts how often the protected branch lost commits.
	Forced int
}

// File is where an environment names the version of an artifact.
func File(env, artifact string) string {
	return "environments/" + env + "/" + artifact + "/kustomization.yaml"
}

// Content is such a file.
func Content(artifact, tag string, d signals.Digest) string {
	return fmt.Sprintf("kind: Kustomization\nresources:\n  - ../../../base # shared\nimages:\n  - name: %s\n    newTag: %q # promoted\n    digest: %s\n", Image(artifact), tag, d)
}

// Child is a commit on top of another with some files changed.
func (w *World) Child(parent gitops.Commit, files map[string]string, author, message string, at time.Time) Commit {
	return w.child(parent, "", files, author, message, at)
}

// child is a commit that may merge another one.
func (w *World) child(parent, other gitops.Commit, files map[string]string, author, message string, at time.Time) Commit {
	c := Commit{Parent: parent, Merged: other, Files: map[string]string{}, Author: author, Message: message, Time: at.UTC().Truncate(time.Second)}
	if base := w.Commits[parent]; base != nil {
		c.Files, c.Spec, c.tree = maps.Clone(base.Files), base.Spec, base.tree
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		c.tree = c.tree.with(name, files[name])
		if c.Files[name] = files[name]; files[name] == Gone {
			delete(c.Files, name)
		}
	}
	c.ID = c.id()
	return c
}

// add puts a commit's objects on the remote.
func (w *World) add(c Commit) gitops.Commit {
	if w.Commits[c.ID] == nil {
		w.Commits[c.ID] = &c
	}
	return c.ID
}

// Version is what a tree names in a lane; false if it, or no tree, names one. It
// reads the lines itself, so that a mistake in reading files is not shared.
func (c *Commit) Version(lane gitops.Lane) (gitops.Version, bool) {
	if c == nil {
		return gitops.Version{}, false
	}
	if v, ok := c.names[lane]; ok {
		return v, v.Digest != ""
	}
	var v gitops.Version
	for line := range strings.Lines(c.Files[File(lane.Environment, lane.Artifact)]) {
		line, _, _ = strings.Cut(line, "#")
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch key {
		case "newTag":
			v.Tag = strings.Trim(strings.TrimSpace(value), `"`)
		case "digest":
			v.Digest = strings.TrimSpace(value)
		}
	}
	if c.names == nil {
		c.names = map[gitops.Lane]gitops.Version{}
	}
	c.names[lane] = v
	return v, v.Digest != ""
}

// Changed are the files that differ between two commits.
func (w *World) Changed(a, b gitops.Commit) []string { return Differ(w.Commits[a], w.Commits[b]) }

// Differ are the files that differ between two commits; no commit has none.
func Differ(a, b *Commit) []string {
	var was, is map[string]string
	if a != nil {
		was = a.Files
	}
	if b != nil {
		is = b.Files
	}
	names := map[string]struct{}{}
	for name, src := range is {
		if old, ok := was[name]; !ok || old != src {
			names[name] = struct{}{}
		}
	}
	for name := range was {
		if _, ok := is[name]; !ok {
			names[name] = struct{}{}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// Contains says that a commit is another or one of its ancestors.
func (w *World) Contains(head, c gitops.Commit) bool {
	return head == c && w.Commits[c] != nil || w.ancestors(head)[c]
}

// ancestors are a commit and all that led to it.
func (w *World) ancestors(head gitops.Commit) map[gitops.Commit]bool {
	all, todo := map[gitops.Commit]bool{}, []gitops.Commit{head}
	for len(todo) > 0 {
		c := w.Commits[todo[len(todo)-1]]
		todo = todo[:len(todo)-1]
		if c != nil && !all[c.ID] {
			all[c.ID] = true
			todo = append(todo, c.Parents()...)
		}
	}
	return all
}

// Push moves a branch by compare-and-swap; the objects of a new commit come
// with it.
func (w *World) Push(by, branch string, old, next gitops.Commit, objects map[gitops.Commit]Commit) error {
	switch {
	case branch == Protected:
		return fmt.Errorf("branch %s is protected: %w", branch, gitops.ErrDenied)
	case w.Branches[branch] == next:
		return nil // it is there already
	case w.Branches[branch] != old:
		return fmt.Errorf("branch %s is at %q, not at %q: %w", branch, w.Branches[branch].Short(), old.Short(), gitops.ErrMoved)
	}
	lane, _ := gitops.LaneOf(branch)
	lane.Repository = Repository
	d := Deed{By: by, Kind: "push", Lane: lane, Branch: branch, Head: next, Old: old}
	if next == "" {
		d.Kind = "delete"
		w.note(d)
		delete(w.Branches, branch)
		w.orphan(branch)
		return nil
	}
	if w.Commits[next] == nil {
		c, ok := objects[next]
		if !ok {
			return fmt.Errorf("commit %s is not here: push its objects", next.Short())
		}
		w.add(c)
	}
	v, _ := w.Commits[next].Version(lane)
	d.Digest, d.Text = v.Digest, v.Tag
	w.note(d)
	w.Branches[branch] = next
	w.pushed(by, branch)
	return nil
}

// said is a message as Git ends it when a person writes one line.
func said(message string) string {
	if strings.Contains(message, "\n") {
		return message
	}
	return message + "\n"
}

// Commit is a person's commit on a branch; an empty name is the protected one.
func (w *World) Commit(by, branch string, files map[string]string, message string) gitops.Commit {
	parent := w.Main
	if branch != "" {
		parent = w.Branches[branch]
	}
	if parent == "" {
		parent = w.Main
	}
	c := w.Child(parent, files, by+"@acme.example", said(message), time.Now())
	w.add(c)
	w.note(Deed{By: by, Kind: "commit", Branch: branch, Head: c.ID, Text: message})
	if branch == "" {
		w.Main = c.ID
		return c.ID
	}
	w.Branches[branch] = c.ID
	w.pushed(by, branch)
	return c.ID
}

// Rule is a person's commit of new rules to the protected branch.
func (w *World) Rule(by string, spec Spec, message string) {
	files := map[string]string{}
	spec.write(files)
	c := w.Child(w.Main, files, by+"@acme.example", said(message), time.Now())
	c.Spec = spec
	w.Main = w.add(c)
	w.note(Deed{By: by, Kind: "rule", Head: w.Main, Text: message + ": " + spec.String()})
}

// Delete is a person's deletion of a branch.
func (w *World) Delete(by, branch string) {
	w.note(Deed{By: by, Kind: "delete", Branch: branch, Old: w.Branches[branch]})
	delete(w.Branches, branch)
	w.orphan(branch)
}

// Rewind takes the newest commit off the protected branch, by force.
func (w *World) Rewind(by string) {
	if parent := w.Commits[w.Main].Parent; parent != "" {
		w.Main = parent
		w.Forced++
		w.note(Deed{By: by, Kind: "force", Head: parent, Text: "took the newest commit off the protected branch"})
	}
}

// second is the second parent of the merge of a head, where it has one.
func (w *World) second(head gitops.Commit) gitops.Commit {
	if w.Squash {
		return ""
	}
	return head
}

// merged is the tree of a branch's changes on the protected branch, and the
// files that both changed in different ways.
func (w *World) merged(head gitops.Commit) (map[string]string, []string) {
	is, base := w.Commits[head], w.base(head)
	files, conflicts := map[string]string{}, []string(nil)
	for _, name := range w.Changed(base, head) {
		ours, was := w.Commits[w.Main].text(name), w.Commits[base].text(name)
		switch theirs := is.text(name); {
		case ours == theirs:
		case ours != was:
			conflicts = append(conflicts, name)
		default:
			files[name] = theirs
		}
	}
	return files, conflicts
}

// base is where a branch left the protected branch.
func (w *World) base(head gitops.Commit) gitops.Commit {
	main := w.ancestors(w.Main)
	for at := w.Commits[head]; at != nil; at = w.Commits[at.Parent] {
		if main[at.ID] {
			return at.ID
		}
	}
	return ""
}

// text is that of a file; [Gone] if there is none.
func (c *Commit) text(name string) string {
	if src, ok := c.Files[name]; ok {
		return src
	}
	return Gone
}

// Under are the files below a folder that hold a text, or the one file of that
// name whatever it holds; an empty path is the whole tree.
func (c *Commit) Under(path, text string) map[string][]byte {
	path = strings.TrimSuffix(path, "/")
	if src, ok := c.Files[path]; ok {
		return map[string][]byte{path: []byte(src)}
	}
	found := map[string][]byte{}
	for name, src := range c.Files {
		if (path == "" || strings.HasPrefix(name, path+"/")) && strings.Contains(src, text) {
			found[name] = []byte(src)
		}
	}
	return found
}
