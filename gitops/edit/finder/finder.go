// Package finder finds everything in a tree of files that names an artifact: the places that an edit would change, the
// lines that mention it and are not understood, and the files that cannot be read; and the other way round, which
// artifacts the files name.
//
// It sees files one after the other, bytes first: [Finder.Wants] is cheap and safe to ask from several goroutines, and only
// files that are wanted are given to [Finder.Add] and parsed, a blob once however many names it has. Files that define
// the sources of charts are wanted as well, because a chart is known by them wherever they stand. What counts as a place
// is in package edit; where the files come from is the caller's business.
package finder

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"github.com/waveguide-dev/waveguide/gitops/edit"
)

const maxTotal = 1 << 30 // bytes of all files that are wanted

// Finder collects the files of one tree.
type Finder struct {
	request edit.Request
	files   []file
	total   int
}

type file struct {
	name, blob string
	src        []byte
	problem    error
}

// Found is what one file holds of an artifact.
type Found struct {
	File     string
	Hits     []edit.Hit
	Mentions []edit.Mention // lines that are not understood
	Problem  error          // why the file could not be read
}

// Named is what artifacts one file names.
type Named struct {
	File    string
	Names   []edit.Named
	Problem error
}

// New makes a finder for what the request leads to; an empty request is for [Finder.Artifacts].
func New(r edit.Request) *Finder { return &Finder{request: r} }

// Wants says whether a text matters: it names the artifact, or defines the source of charts. Texts with NUL are no text.
func (f *Finder) Wants(src []byte) bool {
	if bytes.IndexByte(src, 0) >= 0 {
		return false
	}
	return f.all() || edit.Names(src, f.request) || edit.DefinesSources(src)
}

func (f *Finder) all() bool {
	return f.request.Repository == "" && f.request.Artifact == "" && f.request.Path == ""
}

// Add takes a file that is wanted. A blob is any text that is the same for files with the same bytes; empty is unknown.
func (f *Finder) Add(name, blob string, src []byte) error {
	if f.all() && !edit.Known(name) {
		return nil
	}
	if f.total += len(src); f.total > maxTotal {
		return fmt.Errorf("more than %d MiB of files matter: name a smaller folder", maxTotal>>20)
	}
	f.files = append(f.files, file{name: name, blob: blob, src: src})
	return nil
}

// Fail takes a file that nobody could read.
func (f *Finder) Fail(name string, problem error) {
	f.files = append(f.files, file{name: name, problem: problem})
}

// Found says, in the order of their names, what the files hold that have anything to say.
func (f *Finder) Found() []Found {
	r := f.request
	r.Sources = f.sources()
	seen := map[string]Found{}
	var out []Found
	for i := range f.files {
		in := &f.files[i]
		key := in.blob + " " + edit.ReadAs(in.name)
		found, again := seen[key]
		if !again || in.blob == "" || found.Problem != nil { // a problem says the name of its file
			found = in.find(r)
			seen[key] = found
		}
		if found.File = in.name; len(found.Hits)+len(found.Mentions) > 0 || found.Problem != nil {
			out = append(out, found)
		}
	}
	slices.SortStableFunc(out, func(a, b Found) int { return cmp.Compare(a.File, b.File) })
	return out
}

// find looks into one file. One that nobody writes versions into, or that cannot be read, can only mention something.
func (in *file) find(r edit.Request) Found {
	switch {
	case in.problem != nil:
		return Found{Problem: in.problem}
	case !edit.Names(in.src, r):
		return Found{}
	case !edit.Known(in.name):
		return Found{Mentions: edit.Lines(in.src, r.Repository)}
	}
	f, err := edit.Open(in.name, in.src)
	var found Found
	if err == nil {
		found.Hits, found.Mentions, err = f.Places(r)
	}
	if err != nil {
		return Found{Mentions: edit.Lines(in.src, r.Repository), Problem: err}
	}
	return found
}

// sources are the addresses that all files together define.
func (f *Finder) sources() map[string]string {
	all := map[string]string{}
	for _, in := range f.files {
		edit.AddSources(all, in.name, in.src)
	}
	return all
}

// Artifacts says which artifacts each file names, in the order of their names.
func (f *Finder) Artifacts() []Named {
	sources := f.sources()
	var out []Named
	for _, in := range f.files {
		n := Named{File: in.name, Problem: in.problem}
		if n.Problem == nil {
			var opened *edit.File
			if opened, n.Problem = edit.Open(in.name, in.src); n.Problem == nil {
				n.Names, n.Problem = opened.Artifacts(sources)
			}
		}
		if len(n.Names) > 0 || n.Problem != nil {
			out = append(out, n)
		}
	}
	slices.SortStableFunc(out, func(a, b Named) int { return cmp.Compare(a.File, b.File) })
	return out
}
