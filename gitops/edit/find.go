package edit

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

const (
	maxMentions = 1000
	maxScalar   = 1024 // longest scalar that is looked at as a reference
)

// frame is one step of the way from the root to the node looked at.
type frame struct {
	tree    *tree
	node    *yaml.Node
	index   int // of the key or item in node.Content
	embed   bool
	checked bool // the key was seen to stand once
}

// search walks one file for the places of one repository.
type search struct {
	file   *File
	want   repository
	needle []byte
	look   lookup
	global []string // registries that hold for a whole document
	doc    int
	way    []frame
	hits   []Hit
	named  map[int]bool // lines of the file that hits account for
}

// Find gives the places that name a version of the repository, in the order of the file, and the other lines that
// mention it. A place that cannot be written is among the hits; its Writes says why.
func (f *File) Find(repository string) ([]Hit, []Mention) {
	s := &search{file: f, want: parseRepository(repository), named: map[int]bool{}}
	s.needle = []byte(s.want.needle())
	if !Mentions(f.tree.src, s.needle) {
		return nil, nil
	}
	for i, d := range f.tree.docs {
		if n := root(d); n != nil {
			s.doc = i + 1
			s.enter(f.tree, n)
			s.walk(n)
		}
	}
	return s.hits, s.mentions()
}

func (s *search) mentions() (out []Mention) {
	src, last := s.file.tree.src, 0
	for at := mentionAt(src, s.needle, 0); at >= 0 && len(out) < maxMentions; at = mentionAt(src, s.needle, at+1) {
		line := s.file.tree.lineAt(at)
		if line == last || s.named[line] {
			continue
		}
		last = line
		from := bytes.LastIndexByte(src[:at], '\n') + 1
		text, _, _ := bytes.Cut(src[from:], []byte{'\n'})
		text = bytes.TrimSpace(text)
		if len(text) > 200 {
			text = append(bytes.ToValidUTF8(text[:200:200], nil), "..."...)
		}
		out = append(out, Mention{Line: line, Text: string(text)})
	}
	return out
}

func (s *search) walk(n *yaml.Node) {
	if len(s.hits) > maxEdits {
		return
	}
	switch n.Kind {
	case yaml.MappingNode:
		s.entry(n)
		for i := 0; i+1 < len(n.Content); i += 2 {
			s.down(n, i, n.Content[i+1])
		}
	case yaml.SequenceNode:
		for i, c := range n.Content {
			s.down(n, i, c)
		}
	case yaml.ScalarNode:
		s.scalar(n)
	case yaml.DocumentNode, yaml.AliasNode: // an alias's text is found where it stands
	}
}

func (s *search) down(n *yaml.Node, i int, c *yaml.Node) {
	if c.Kind == yaml.ScalarNode && len(c.Value) < len(s.needle) {
		return
	}
	s.way = append(s.way, frame{tree: s.look.tree, node: n, index: i})
	s.walk(c)
	s.way = s.way[:len(s.way)-1]
}

// scalar looks at one value: a reference of its own, or a block of embedded YAML.
func (s *search) scalar(n *yaml.Node) {
	if !Mentions([]byte(n.Value), s.needle) {
		return
	}
	if n.Style&yaml.LiteralStyle != 0 && s.inside(n) {
		return
	}
	if len(n.Value) > maxScalar {
		return
	}
	r := parseReference(strings.TrimRight(n.Value, "\n"))
	if !r.written() || parseRepository(r.repository) != s.want {
		return
	}
	t := s.target(n)
	s.add(Hit{Form: FormReference, Tag: r.tag, Digest: r.digest, whole: &t}, t)
}

// inside walks the YAML of a literal block; false when it holds none.
func (s *search) inside(n *yaml.Node) bool {
	in, err := s.look.tree.embedded(n)
	if err != nil {
		return false
	}
	r := rootOf(in)
	if r == nil || r.Kind == yaml.ScalarNode {
		return false
	}
	look, global := s.look, s.global
	s.way = append(s.way, frame{tree: look.tree, node: n, embed: true})
	s.enter(in, r)
	s.walk(r)
	s.way = s.way[:len(s.way)-1]
	s.look, s.global = look, global
	return true
}

// target makes the target of the scalar at the end of the way.
func (s *search) target(n *yaml.Node, more ...step) Target {
	t := Target{Document: s.doc, Line: s.look.tree.line(n), Value: n.Value, tree: s.look.tree, node: n}
	t.Path = spell(append(s.steps(), more...))
	if len(s.way) > 0 && !s.way[len(s.way)-1].embed {
		t.parent = s.way[len(s.way)-1].node
	}
	return t
}

// steps spells the way. Items of a sequence are named when their name is theirs alone.
func (s *search) steps() (out []step) {
	for _, w := range s.way {
		switch {
		case w.embed:
			out = append(out, step{kind: stepEmbed})
		case w.node.Kind == yaml.MappingNode:
			out = append(out, step{kind: stepKey, key: w.node.Content[w.index].Value})
		default:
			out = append(out, itemStep(w.node, w.index))
		}
	}
	return out
}

func itemStep(n *yaml.Node, index int) step {
	name := nameOf(n.Content[index])
	same := 0
	for _, c := range n.Content {
		if nameOf(c) == name {
			same++
		}
	}
	if name == "" || len(name) > 200 || same != 1 || !printable(name) || strings.ContainsRune(name, '\uFFFD') {
		return step{kind: stepIndex, index: index}
	}
	return step{kind: stepSelect, where: []condition{{keys: []string{"name"}, value: name}}}
}

// nameOf is the plain name of an item, empty when it has none or several.
func nameOf(n *yaml.Node) (name string) {
	if n.Kind != yaml.MappingNode {
		return ""
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == "name" && n.Content[i+1].Kind == yaml.ScalarNode {
			if name != "" {
				return ""
			}
			name = n.Content[i+1].Value
		}
	}
	return name
}

// add takes a hit that t leads to, unless a key on the way stands twice.
func (s *search) add(h Hit, t Target) {
	h.Document, h.Line, h.Path, h.file = t.Document, t.Line, t.Path, s.file
	for i := range s.way {
		if h.fault == nil {
			h.fault = s.way[i].duplicate()
		}
	}
	if h.fault != nil {
		h.fault = s.file.in(h.fault, h.Path)
	}
	s.named[t.Line] = true
	s.hits = append(s.hits, h)
}

// duplicate refuses a key that stands twice in its mapping: only one of the two is in force.
func (w *frame) duplicate() error {
	if w.checked || w.embed || w.node.Kind != yaml.MappingNode {
		return nil
	}
	key := w.node.Content[w.index]
	for i := 0; i+1 < len(w.node.Content); i += 2 {
		if k := w.node.Content[i]; i != w.index && k.Value == key.Value && k.Kind == key.Kind {
			return refuse(ErrDuplicate, w.tree.line(key), "%q stands at lines %d and %d", key.Value, w.tree.line(key), w.tree.line(k))
		}
	}
	w.checked = true
	return nil
}

// entry looks at a mapping that may name repository, tag and digest in fields of its own.
func (s *search) entry(n *yaml.Node) {
	e := fields(n)
	if e == nil {
		return
	}
	switch {
	case s.inImages() && e.has("name") && !e.has("repository") && (e.has("newName") || e.has("newTag") || e.has("digest") && !e.has("tag")):
		s.kustomization(n)
	case e.has("tag") || e.has("digest") || e.has("version") && e.has("repository") && !e.has("name"):
		s.values(n, e)
	}
}

// fieldSet holds which of the interesting keys a mapping has.
type fieldSet []string

func (e fieldSet) has(key string) bool { return slices.Contains(e, key) }

func fields(n *yaml.Node) (e fieldSet) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		switch k := n.Content[i].Value; k {
		case "name", "repository", "image", "newName", "newTag", "tag", "digest", "version":
			e = append(e, k)
		}
	}
	return e
}

// inImages says whether the node at the end of the way is an item of a sequence under the key images.
func (s *search) inImages() bool {
	if len(s.way) < 2 {
		return false
	}
	seq, key := s.way[len(s.way)-1], s.way[len(s.way)-2]
	return seq.node.Kind == yaml.SequenceNode && key.node.Kind == yaml.MappingNode && key.node.Content[key.index].Value == "images"
}

// field reads a scalar of a mapping, through aliases and merge keys. Empty when it is not there.
func (s *search) field(n *yaml.Node, key string) (string, *yaml.Node) {
	v, _, err := s.look.child(n, key)
	if v = resolved(v); err != nil || v == nil || v.Kind != yaml.ScalarNode {
		return "", nil
	}
	return v.Value, v
}

// part is the target of a field that is to be written; its fault is of the place.
func (s *search) part(n *yaml.Node, key string) (*Target, error) {
	v, via, err := s.look.child(n, key)
	switch {
	case err != nil || v == nil:
		return nil, err
	case v.Kind == yaml.AliasNode:
		return nil, aliased(s.look.tree, v)
	case via:
		return nil, refuse(ErrAlias, s.look.tree.line(v), "%q comes by a merge key from line %d", key, s.look.tree.line(v))
	case v.Kind != yaml.ScalarNode:
		return nil, refuse(ErrNotScalar, s.look.tree.line(v), "%s stands there", describe(v))
	}
	t := s.target(v, step{kind: stepKey, key: key})
	t.parent = n
	return &t, nil
}

// kustomization looks at an entry of images. What kustomize runs is newName where it stands, else name.
func (s *search) kustomization(n *yaml.Node) {
	name, nameNode := s.field(n, "name")
	newName, newNode := s.field(n, "newName")
	byName, byNew := parseRepository(name) == s.want, parseRepository(newName) == s.want
	switch {
	case newName != "" && !byNew && (!byName || !s.want.mirrors(parseRepository(newName))):
		return
	case newName == "" && !byName:
		return
	}
	s.fieldHit(n, FormKustomization, "newTag", nameNode, newNode)
}

// values looks at a mapping with repository and tag or digest.
func (s *search) values(n *yaml.Node, e fieldSet) {
	for _, key := range []string{"repository", "image", "name"} {
		repo, node := s.field(n, key)
		if node == nil || repo == "" || len(repo) > maxScalar || !strings.HasSuffix(repo, path.Base(string(s.needle))) {
			continue
		}
		registry, registryNode := s.field(n, "registry")
		if !s.isNamed(repo, registry) {
			continue
		}
		tag := "tag"
		if !e.has("tag") && e.has("version") && !e.has("name") {
			tag = "version"
		}
		s.fieldHit(n, FormValues, tag, node, registryNode)
		return
	}
}

// isNamed says whether a repository field, with the registry beside it or that of all images, is the one wanted.
func (s *search) isNamed(repo, registry string) bool {
	if registry != "" {
		return parseRepository(strings.TrimSuffix(registry, "/")+"/"+repo) == s.want
	}
	if parseRepository(repo) == s.want {
		return true
	}
	for _, g := range s.global {
		if parseRepository(g+"/"+repo) == s.want {
			return true
		}
	}
	return false
}

// enter begins a document, and reads the registry that Helm charts let all their images share.
func (s *search) enter(t *tree, top *yaml.Node) {
	s.look, s.global = lookup{tree: t}, nil
	global, _, err := s.look.child(top, "global")
	if err != nil {
		return
	}
	for _, at := range []struct {
		in  *yaml.Node
		key string
	}{{global, "imageRegistry"}, {global, "registry"}, {top, "imageRegistry"}} {
		if r, _ := s.field(at.in, at.key); r != "" {
			s.global = append(s.global, strings.TrimSuffix(r, "/"))
		}
	}
}

// fieldHit adds the place of a mapping whose tag and digest are fields; named are the scalars that name the repository.
func (s *search) fieldHit(n *yaml.Node, form Form, tagKey string, named ...*yaml.Node) {
	h, at := s.fieldsOf(n, form, tagKey)
	if at == nil {
		if h.fault == nil {
			return
		}
		t := s.target(named[0], step{kind: stepKey, key: tagKey})
		at = &t
	}
	for _, m := range named {
		if m != nil {
			s.named[s.look.tree.line(m)] = true
		}
	}
	for _, p := range []*Target{h.tag, h.digest} {
		if p != nil {
			s.named[p.Line] = true
		}
	}
	s.add(h, *at)
}

// fieldsOf reads tag and digest of a mapping; at is the part that names the version, nil when nothing does.
func (s *search) fieldsOf(n *yaml.Node, form Form, tagKey string) (h Hit, at *Target) {
	h.Form = form
	var err error
	if h.tag, err = s.part(n, tagKey); err == nil {
		h.digest, err = s.part(n, "digest")
	}
	h.fault = err
	if h.tag != nil {
		h.Tag, h.Digest, _ = strings.Cut(strings.TrimRight(h.tag.Value, "\n"), "@")
		at = h.tag
	}
	if h.digest != nil && h.digest.Value != "" {
		h.Digest = strings.TrimRight(h.digest.Value, "\n")
		if h.Tag == "" {
			at = h.digest
		}
	}
	if h.Tag == "" && h.Digest == "" {
		return h, nil
	}
	h.pathOfDig = spell(append(s.steps(), step{kind: stepKey, key: "digest"}))
	for _, v := range []string{h.Tag, h.Digest} {
		if h.fault == nil && v != "" && !reTag.MatchString(v) && !reDigest.MatchString(v) {
			h.fault = refuse(ErrTemplate, at.Line, "%.80q is neither a tag nor a digest", v)
		}
	}
	return h, at
}
