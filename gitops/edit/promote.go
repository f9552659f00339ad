package edit

import (
	"slices"
	"sort"
	"strings"

	"github.com/waveguide-dev/waveguide/gitops/edit/splice"
)

// Request asks for one file to name a version of an artifact, or for one place to read a value.
type Request struct {
	Repository string // of the artifact, without tag; may be empty with Path or Artifact
	Artifact   string // its short name, as markers write it: # waveguide: payments; or a Flux policy, namespace:name
	Path       string // names the one place, when neither the repository nor a marker leads to it
	Document   int    // for Path and Metadata: counts from 1; 0 searches all documents

	To       Version
	Value    string   // what the place at Path shall read, instead of To
	Expect   []string // with Value: refuse when the current value is none of these
	Pin      Pin
	Metadata []Field           // other scalars of the file to set in the same step
	Sources  map[string]string // addresses of Flux sources in other files, see [File.Sources]
}

// Field is a scalar beside the version: a source commit, a link to evidence, a label.
type Field struct {
	Path  string
	Value string
}

// Result is a file that names the version. Edits are empty, and Bytes the source, when it did already.
type Result struct {
	Bytes    []byte
	Edits    []Edit
	Hits     []Hit     // the places as they were before
	Mentions []Mention // lines that name the artifact and were left alone
	Stale    []string  // files that another tool should make anew: Chart.lock
}

// Promote makes all places of a repository in one file, or the one at a path, name the version. It changes everything
// or nothing: one place that cannot be written refuses the file with a [*Refusal].
func Promote(name string, src []byte, r Request) (Result, error) {
	f := &File{&splice.File{Name: name}}
	if err := r.check(); err != nil {
		return Result{}, f.In(err, r.Path)
	}
	if len(src) > splice.MaxBytes {
		return Result{}, f.In(refuse(ErrTooLarge, 0, "%d bytes, the limit is %d", len(src), splice.MaxBytes), "")
	}
	if !r.named(src) {
		return Result{}, f.In(refuse(ErrNoMatch, 0, "%s is not named", r.subject()), "")
	}
	f, err := Open(name, src)
	if err != nil {
		return Result{}, err
	}
	return f.promote(r)
}

func (f *File) promote(r Request) (res Result, err error) {
	var writes []Write
	if r.Value != "" {
		t, err := f.At(r.Path, r.Document)
		if err != nil {
			return Result{}, err
		}
		writes = append(writes, Write{Target: t, Value: r.Value, Expect: r.Expect, Typed: true})
	} else {
		if res.Hits, res.Mentions, err = f.Places(r); err != nil {
			return Result{}, err
		}
		if len(res.Hits) == 0 {
			return Result{}, f.unnamed(r, res.Mentions)
		}
	}
	for _, h := range res.Hits {
		ws, err := h.Writes(r.To, r.Pin)
		if err != nil {
			return Result{}, err
		}
		writes = append(writes, ws...)
		res.Stale = h.stale(res.Stale)
	}
	for _, m := range r.Metadata {
		t, err := f.At(m.Path, r.Document)
		if err != nil {
			return Result{}, err
		}
		writes = append(writes, Write{Target: t, Value: m.Value, Typed: true})
	}
	p, err := f.Plan(writes...)
	if err != nil {
		return Result{}, err
	}
	res.Bytes, res.Edits = p.Bytes(), p.Edits()
	return res, nil
}

// unnamed is the refusal of a file without a place.
func (f *File) unnamed(r Request, mentions []Mention) error {
	line, text := 0, "no place names a tag or digest of "+r.subject()
	if len(mentions) > 0 {
		line, text = mentions[0].Line, text+"; it is mentioned here"
	}
	e := refuse(ErrNoMatch, line, "%s", text)
	e.Hint = "write a tag or digest there once by hand, or give the path of the value"
	return f.In(e, "")
}

// Places gives the places that a request leads to, as they are, in the order of the file, and the lines that mention the
// repository and are no places.
func (f *File) Places(r Request) (hits []Hit, mentions []Mention, err error) {
	if r.Repository != "" {
		hits, mentions = f.find(r.Repository, r.Sources)
	}
	if r.Path != "" {
		h, err := f.hitAt(r, hits)
		if err != nil {
			return nil, nil, err
		}
		return []Hit{h}, mentions, nil
	}
	if r.Artifact == "" {
		return hits, mentions, nil
	}
	marked, err := f.marked(r)
	if err != nil {
		return nil, nil, err
	}
	for _, m := range marked {
		if !slices.ContainsFunc(hits, m.overlaps) {
			hits = append(hits, m)
		}
	}
	sort.SliceStable(hits, func(i, j int) bool { return hits[i].Line < hits[j].Line })
	return hits, mentions, nil
}

// Names is the fast check before any parsing: whether a file can have a place that the request leads to. A file is always
// worth a look when the request has a path.
func Names(src []byte, r Request) bool { return r.named(src) }

func (r Request) named(src []byte) bool {
	return r.Path != "" || r.Repository != "" && Mentions(src, Needle(r.Repository)) || r.Artifact != "" && hasMarker(src, r.Artifact)
}

func (r Request) subject() string {
	if r.Repository != "" {
		return r.Repository
	}
	return r.Artifact
}

// Lookup refuses a request that can lead to no place, whatever the file.
func (r Request) Lookup() error {
	if r.Repository == "" && r.Path == "" && r.Artifact == "" {
		return refuse(ErrVersion, 0, "neither a repository nor a path was given")
	}
	if r.Repository != "" {
		ref := parseReference(r.Repository)
		want := parseRepository(r.Repository)
		if !strings.Contains(r.Repository, "://") && (ref.tag != "" || ref.digest != "" || strings.Contains(ref.prefix, "=")) || !reRepository.MatchString(want.registry+"/"+want.path) {
			return refuse(ErrVersion, 0, "%.140q is not a repository", r.Repository)
		}
	}
	return nil
}

func (r Request) check() error {
	if err := r.Lookup(); err != nil {
		return err
	}
	if r.Value != "" {
		if r.Path == "" {
			return refuse(ErrPath, 0, "a value needs the path of its place")
		}
		return nil
	}
	return r.To.check()
}
