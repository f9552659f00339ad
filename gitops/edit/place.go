package edit

import (
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	expr "github.com/waveguide-dev/waveguide/gitops/edit/path"
	"github.com/waveguide-dev/waveguide/gitops/edit/splice"
)

// hitAt is the place that the path leads to: one of those found, or what the scalar's own text says.
func (f *File) hitAt(r Request, found []Hit) (Hit, error) {
	t, err := f.At(r.Path, r.Document)
	if err != nil {
		return Hit{}, err
	}
	for _, h := range found {
		for _, p := range h.targets() {
			if p.Node == t.Node {
				h.Path, h.doubt = r.Path, nil
				return h, nil
			}
		}
	}
	h, err := f.read(t, r)
	if err != nil {
		return Hit{}, f.In(err, r.Path)
	}
	return f.withSibling(h, t, r)
}

// targets are the scalars that make up a place.
func (h *Hit) targets() []*Target {
	return slices.DeleteFunc([]*Target{h.whole, h.tag, h.digest}, func(t *Target) bool { return t == nil })
}

// overlaps says whether the two places share a scalar.
func (h *Hit) overlaps(o Hit) bool {
	for _, a := range h.targets() {
		for _, b := range o.targets() {
			if a.Node == b.Node {
				return true
			}
		}
	}
	return false
}

// stale adds the file that goes stale when the place changes.
func (h *Hit) stale(files []string) []string {
	const lock = "Chart.lock"
	if h.Form != FormChart || path.Base(h.file.Name) != "Chart.yaml" || slices.Contains(files, lock) {
		return files
	}
	return append(files, lock)
}

// read says what version the text of a scalar names.
func (f *File) read(t Target, r Request) (Hit, error) {
	h := Hit{Form: FormField, Document: t.Document, Line: t.Line, Path: t.Path, file: f, whole: &t}
	text := strings.TrimRight(t.Value, "\n")
	ref := parseReference(text)
	tag, digest, both := strings.Cut(text, "@")
	a, query := parseSource(text)
	switch {
	case isDigest(text), isCommit(text) && isCommit(r.To.Digest):
		h.Digest = text
	case both && reTag.MatchString(tag) && isDigest(digest):
		h.Tag, h.Digest = tag, digest
	case reTag.MatchString(text) || text == "":
		h.Tag = text
	case query:
		h.Form, h.Tag = FormSource, a.value
		if a.key == "digest" || isCommit(a.value) {
			h.Tag, h.Digest = "", a.value
		}
	case ref.written():
		h.Form, h.Tag, h.Digest = FormReference, ref.tag, ref.digest
		if r.Repository != "" && !parseRepository(r.Repository).mirrors(parseRepository(ref.repository)) {
			return Hit{}, refuse(ErrNoMatch, t.Line, "it names %.200s, not %s", ref.repository, r.Repository)
		}
	case strings.Contains(text, "{{") || strings.Contains(text, "$"):
		return Hit{}, refuse(ErrTemplate, t.Line, "%.80q is filled in by another program", text)
	case strings.ContainsAny(text, "<>^~*|="):
		return Hit{}, notOne(t.Line, text)
	default:
		return Hit{}, refuse(ErrUnwritable, t.Line, "%.80q is neither a tag, nor a digest, nor a reference", text)
	}
	return h, nil
}

// withSibling takes a tag and digest that stand beside one another as one place, so that no pin is dropped or
// contradicted by writing one of them.
func (f *File) withSibling(h Hit, t Target, r Request) (Hit, error) {
	if t.Parent == nil || t.Parent.Kind != yaml.MappingNode || h.Form != FormField {
		return h, nil
	}
	keys, has := map[*yaml.Node]string{}, map[string]bool{}
	for i := 0; i+1 < len(t.Parent.Content); i += 2 {
		keys[t.Parent.Content[i+1]] = t.Parent.Content[i].Value
		has[t.Parent.Content[i].Value] = true
	}
	tagKey, digestKey, form := "tag", "digest", FormValues
	switch key := keys[t.Node]; {
	case (key == "version" || key == "targetRevision") && (has["chart"] || has["source"] || has["name"] && has["repository"]):
		h.Form, h.fault = FormChart, f.In(FormChart.fault(t.Line, h.Tag, ""), r.Path)
		return h, nil
	case key == "targetRevision":
		h.Form = FormRevision
		return h, nil
	case key == "newTag" || key == "digest" && has["newTag"]:
		tagKey, form = "newTag", FormKustomization
	case key == "tag" || key == "version":
		tagKey = key
	case key != "digest" && key != "commit":
		return h, nil
	}
	if has["commit"] {
		digestKey, form = "commit", FormRef
	}
	return f.beside(h, t, r, form, [2]string{tagKey, digestKey})
}

// beside reads tag and digest of the mapping that t stands in.
func (f *File) beside(h Hit, t Target, r Request, form Form, keys [2]string) (Hit, error) {
	s := &search{file: f, look: splice.Lookup{Tree: t.Tree}, doc: t.Document}
	both, at := s.fieldsOf(t.Parent, form, keys[0], keys[1])
	if at == nil {
		return h, nil
	}
	if both.fault != nil {
		return Hit{}, f.In(both.fault, t.Path)
	}
	for i, p := range []*Target{both.tag, both.digest} {
		if p == nil {
			continue
		}
		p.Path = t.Path
		if p.Node != t.Node {
			p.Path = besidePath(t.Path, keys[i])
		}
	}
	both.Document, both.Line, both.Path, both.file = h.Document, h.Line, h.Path, f
	both.pathOfDigest = besidePath(t.Path, "digest")
	if r.Repository == "" {
		return both, nil
	}
	return both, f.othersName(t, r)
}

// besidePath is the path of another key in the mapping that a path leads into.
func besidePath(path, key string) string {
	steps, err := expr.Parse(path)
	if err != nil || len(steps) == 0 {
		return path
	}
	steps[len(steps)-1] = expr.Step{Kind: expr.Key, Key: key}
	return expr.Spell(steps)
}

// othersName refuses a mapping that names another repository beside the tag or digest.
func (f *File) othersName(t Target, r Request) error {
	s := &search{file: f, look: splice.Lookup{Tree: t.Tree}, doc: t.Document}
	keys := []string{"repository"}
	if name, _ := s.field(t.Parent, "newName"); name != "" {
		keys = []string{"newName"}
	} else if _, n := s.field(t.Parent, "newTag"); n != nil {
		keys = []string{"name"}
	}
	for _, k := range keys {
		if v, n := s.field(t.Parent, k); v != "" && !parseRepository(r.Repository).mirrors(parseRepository(v)) {
			return f.In(refuse(ErrNoMatch, t.Tree.Line(n), "%s names %.200s, not %s", k, v, r.Repository), r.Path)
		}
	}
	return nil
}
