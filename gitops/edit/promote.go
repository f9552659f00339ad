package edit

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// Request asks for one file to name a version of an artifact.
type Request struct {
	Repository string // of the artifact, without tag; with Path it may be empty
	Path       string // names the one place, when the repository does not lead to it
	Document   int    // for Path: counts from 1; 0 searches all documents
	To         Version
	Pin        Pin
}

// Result is a file that names the version. Edits are empty, and Bytes the source, when it did already.
type Result struct {
	Bytes    []byte
	Edits    []Edit
	Hits     []Hit     // the places as they were before
	Mentions []Mention // lines that name the artifact and were left alone
}

// Promote makes all places of a repository in one file, or the one at a path, name the version. It changes everything
// or nothing: one place that cannot be written refuses the file with a [*Refusal].
func Promote(name string, src []byte, r Request) (Result, error) {
	f := &File{name: name}
	if err := r.check(); err != nil {
		return Result{}, f.in(err, r.Path)
	}
	if len(src) > maxBytes {
		return Result{}, f.in(refuse(ErrTooLarge, 0, "%d bytes, the limit is %d", len(src), maxBytes), "")
	}
	if r.Path == "" && !Mentions(src, Needle(r.Repository)) {
		return Result{}, f.in(refuse(ErrNoMatch, 0, "%s is not named", r.Repository), "")
	}
	f, err := Open(name, src)
	if err != nil {
		return Result{}, err
	}
	var res Result
	if r.Repository != "" {
		res.Hits, res.Mentions = f.Find(r.Repository)
	}
	if r.Path != "" {
		h, err := f.hitAt(r, res.Hits)
		if err != nil {
			return Result{}, err
		}
		res.Hits = []Hit{h}
	}
	if len(res.Hits) == 0 {
		line, text := 0, "no place names a tag or digest of "+r.Repository
		if len(res.Mentions) > 0 {
			line, text = res.Mentions[0].Line, text+"; it is mentioned here"
		}
		e := refuse(ErrNoMatch, line, "%s", text)
		e.Hint = "write a tag or digest there once by hand, or give the path of the value"
		return Result{}, f.in(e, "")
	}
	var writes []Write
	for _, h := range res.Hits {
		ws, err := h.Writes(r.To, r.Pin)
		if err != nil {
			return Result{}, err
		}
		writes = append(writes, ws...)
	}
	p, err := f.Plan(writes...)
	if err != nil {
		return Result{}, err
	}
	res.Bytes, res.Edits = p.Bytes(), p.Edits()
	return res, nil
}

func (r Request) check() error {
	if r.Repository == "" && r.Path == "" {
		return refuse(ErrVersion, 0, "neither a repository nor a path was given")
	}
	if r.Repository != "" {
		ref := parseReference(r.Repository)
		if ref.tag != "" || ref.digest != "" || strings.Contains(ref.prefix, "=") || !reRepository.MatchString(ref.repository) {
			return refuse(ErrVersion, 0, "%.140q is not a repository", r.Repository)
		}
	}
	return r.To.check()
}

// hitAt is the place that the path leads to: one of those found, or what the scalar's own text says.
func (f *File) hitAt(r Request, found []Hit) (Hit, error) {
	t, err := f.At(r.Path, r.Document)
	if err != nil {
		return Hit{}, err
	}
	for _, h := range found {
		for _, p := range []*Target{h.whole, h.tag, h.digest} {
			if p != nil && p.node == t.node {
				h.Path = r.Path
				return h, nil
			}
		}
	}
	h := Hit{Form: FormField, Document: t.Document, Line: t.Line, Path: r.Path, file: f, whole: &t}
	text := strings.TrimRight(t.Value, "\n")
	ref := parseReference(text)
	tag, digest, both := strings.Cut(text, "@")
	switch {
	case reDigest.MatchString(text):
		h.Digest = text
	case both && reTag.MatchString(tag) && reDigest.MatchString(digest):
		h.Tag, h.Digest = tag, digest
	case reTag.MatchString(text) || text == "":
		h.Tag = text
	case ref.written():
		h.Form, h.Tag, h.Digest = FormReference, ref.tag, ref.digest
		if r.Repository != "" && !parseRepository(r.Repository).mirrors(parseRepository(ref.repository)) {
			return Hit{}, f.in(refuse(ErrNoMatch, t.Line, "it names %.200s, not %s", ref.repository, r.Repository), r.Path)
		}
	case strings.Contains(text, "{{") || strings.Contains(text, "$"):
		return Hit{}, f.in(refuse(ErrTemplate, t.Line, "%.80q is filled in by another program", text), r.Path)
	default:
		return Hit{}, f.in(refuse(ErrUnwritable, t.Line, "%.80q is neither a tag, nor a digest, nor a reference; a range is a policy", text), r.Path)
	}
	return f.withSibling(h, t, r)
}

// withSibling takes a tag and digest that stand beside one another as one place, so that no pin is dropped or
// contradicted by writing one of them.
func (f *File) withSibling(h Hit, t Target, r Request) (Hit, error) {
	if t.parent == nil || t.parent.Kind != yaml.MappingNode || h.Form != FormField {
		return h, nil
	}
	keys := map[*yaml.Node]string{}
	for i := 0; i+1 < len(t.parent.Content); i += 2 {
		keys[t.parent.Content[i+1]] = t.parent.Content[i].Value
	}
	tagKey, form := "tag", FormValues
	switch key := keys[t.node]; key {
	case "newTag":
		tagKey, form = key, FormKustomization
	case "tag", "version":
		tagKey = key
	case "digest":
		for _, k := range keys {
			if k == "newTag" {
				tagKey, form = k, FormKustomization
			}
		}
	default:
		return h, nil
	}
	s := &search{file: f, look: lookup{tree: t.tree}, doc: t.Document}
	both, at := s.fieldsOf(t.parent, form, tagKey)
	if at == nil {
		return h, nil
	}
	if both.fault != nil {
		return Hit{}, f.in(both.fault, r.Path)
	}
	for _, p := range []*Target{both.tag, both.digest} {
		if p != nil {
			p.Path = r.Path
			if p.node != t.node {
				p.Path = beside(r.Path, keys[p.node])
			}
		}
	}
	both.Document, both.Line, both.Path, both.file = h.Document, h.Line, h.Path, f
	both.pathOfDig = beside(r.Path, "digest")
	if r.Repository == "" {
		return both, nil
	}
	return both, f.othersName(t, r)
}

// beside is the path of another key in the mapping that path leads into.
func beside(path, key string) string {
	steps, err := parsePath(path)
	if err != nil || len(steps) == 0 {
		return path
	}
	steps[len(steps)-1] = step{kind: stepKey, key: key}
	return spell(steps)
}

// othersName refuses a mapping that names another repository beside the tag or digest.
func (f *File) othersName(t Target, r Request) error {
	s := &search{file: f, look: lookup{tree: t.tree}, doc: t.Document}
	keys := []string{"repository"}
	if name, _ := s.field(t.parent, "newName"); name != "" {
		keys = []string{"newName"}
	} else if _, n := s.field(t.parent, "newTag"); n != nil {
		keys = []string{"name"}
	}
	for _, k := range keys {
		if v, n := s.field(t.parent, k); v != "" && !parseRepository(r.Repository).mirrors(parseRepository(v)) {
			return f.in(refuse(ErrNoMatch, t.tree.line(n), "%s names %.200s, not %s", k, v, r.Repository), r.Path)
		}
	}
	return nil
}
