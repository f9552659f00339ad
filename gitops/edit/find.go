package edit

import (
	"bytes"
	"errors"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	expr "github.com/waveguide-dev/waveguide/gitops/edit/path"
	"github.com/waveguide-dev/waveguide/gitops/edit/span"
	"github.com/waveguide-dev/waveguide/gitops/edit/splice"
)

const (
	maxMentions = 1000
	maxScalar   = 1024 // longest scalar that is looked at as a reference
)

// frame is one step of the way from the root to the node looked at.
type frame struct {
	tree    *splice.Tree
	node    *yaml.Node
	index   int // of the key or item in node.Content
	embed   bool
	checked bool // the key was seen to stand once
}

// search walks one file for the places of one repository.
type search struct {
	file    *File
	want    repository
	needle  []byte
	text    string // needle
	base    string // the last part of the repository's path
	sources map[string]string
	look    splice.Lookup
	global  []string // registries that hold for a whole document
	doc     int
	way     []frame
	hits    []Hit
	named   map[int]bool                  // lines of the file that hits account for
	names   map[*yaml.Node]map[string]int // how often each name stands in a sequence
}

// Find gives the places that name a version of the repository, in the order of the file, and the other lines that
// mention it. A place that cannot be written is among the hits; its Writes says why.
func (f *File) Find(repository string) ([]Hit, []Mention) { return f.find(repository, nil) }

// find knows the addresses of charts' repositories that other files hold.
func (f *File) find(repository string, sources map[string]string) ([]Hit, []Mention) {
	s := &search{file: f, want: parseRepository(repository), named: map[int]bool{}, sources: sources}
	s.needle = []byte(s.want.needle())
	s.text = string(s.needle)
	s.base = path.Base(s.text)
	if !Mentions(f.Tree.Text, s.needle) {
		return nil, nil
	}
	if splice.IsLock(path.Base(f.Name)) {
		return nil, s.mentions()
	}
	for i, d := range f.Tree.Docs {
		if n := splice.Root(d); n != nil {
			s.doc = i + 1
			s.enter(f.Tree, n)
			s.walk(n)
		}
	}
	return s.written(), s.mentions()
}

// written leaves out templates where other places name a version: they are filled from somewhere else.
func (s *search) written() []Hit {
	real := slices.DeleteFunc(slices.Clone(s.hits), func(h Hit) bool { return errors.Is(h.fault, ErrTemplate) })
	if len(real) == 0 {
		return s.hits
	}
	return real
}

func (s *search) mentions() (out []Mention) {
	src, last := s.file.Tree.Text, 0
	for at := mentionAt(src, s.needle, 0); at >= 0 && len(out) < maxMentions; at = mentionAt(src, s.needle, at+1) {
		line := s.file.Tree.FileLine(at)
		if line == last || s.named[line] {
			continue
		}
		last = line
		out = append(out, Mention{Line: line, Text: lineText(src, at)})
	}
	return out
}

// Lines gives the lines of a text that mention a repository, for files that are not parsed.
func Lines(src []byte, repository string) (out []Mention) {
	needle, line, from := Needle(repository), 1, 0
	for at := mentionAt(src, needle, 0); at >= 0 && len(out) < maxMentions; at = mentionAt(src, needle, at+1) {
		n := bytes.Count(src[from:at], []byte{'\n'})
		line, from = line+n, at
		if n > 0 || len(out) == 0 {
			out = append(out, Mention{Line: line, Text: lineText(src, at)})
		}
	}
	return out
}

// lineText is the line that byte at stands on, shortened.
func lineText(src []byte, at int) string {
	from := bytes.LastIndexByte(src[:at], '\n') + 1
	text, _, _ := bytes.Cut(src[from:], []byte{'\n'})
	text = bytes.TrimSpace(text)
	if len(text) > 200 {
		text = append(bytes.ToValidUTF8(text[:200:200], nil), "..."...)
	}
	return string(text)
}

func (s *search) walk(n *yaml.Node) {
	if len(s.hits) > splice.MaxEdits {
		return
	}
	switch n.Kind {
	case yaml.MappingNode:
		s.entry(n)
		for i := 0; i+1 < len(n.Content); i += 2 {
			s.down(n, i, n.Content[i+1])
		}
	case yaml.SequenceNode:
		s.pairs(n)
		for i, c := range n.Content {
			s.down(n, i, c)
		}
	case yaml.ScalarNode:
		s.scalar(n)
	case yaml.DocumentNode, yaml.AliasNode: // an alias's text is found where it stands
	}
}

func (s *search) down(n *yaml.Node, i int, c *yaml.Node) {
	if c.Kind == yaml.ScalarNode && len(c.Value) < len(s.needle) && c.Style&yaml.LiteralStyle == 0 {
		return
	}
	s.way = append(s.way, frame{tree: s.look.Tree, node: n, index: i})
	s.walk(c)
	s.way = s.way[:len(s.way)-1]
}

// scalar looks at one value: a reference of its own, an address with a version in it, or a block of embedded YAML.
func (s *search) scalar(n *yaml.Node) {
	if !strings.Contains(n.Value, s.text) {
		return
	}
	if n.Style&yaml.LiteralStyle != 0 && Mentions([]byte(n.Value), s.needle) && s.inside(n) {
		return
	}
	if len(n.Value) > maxScalar || mentionAt([]byte(n.Value), s.needle, 0) < 0 {
		return
	}
	if s.look.Tree.Closed(n) != "" {
		return
	}
	text := strings.TrimRight(n.Value, "\n")
	if a, ok := parseSource(text); ok && s.want.is(parseRepository(text)) {
		s.address(n, a)
		return
	}
	r := parseReference(text)
	if !r.written() || !s.want.is(parseRepository(r.repository)) {
		return
	}
	t := s.target(n)
	s.add(Hit{Form: FormReference, Tag: r.tag, Digest: r.digest, whole: &t}, t)
}

// address takes the version out of the query of a module's address.
func (s *search) address(n *yaml.Node, a source) {
	t := s.target(n)
	h := Hit{Form: FormSource, whole: &t}
	switch {
	case a.key == "digest" || a.key == "ref" && isCommit(a.value):
		h.Digest = a.value
	case a.key == "version" && !reSemver.MatchString(a.value), a.value == "" || !reRef.MatchString(a.value):
		h.Tag, h.fault = a.value, notOne(t.Line, a.value)
	case a.key == "ref" && !strings.ContainsAny(a.value, "0123456789"):
		h.Tag, h.fault = a.value, moving(t.Line, a.value)
	default:
		h.Tag = a.value
	}
	s.add(h, t)
}

// inside walks the YAML of a literal block; false when it holds none.
func (s *search) inside(n *yaml.Node) bool {
	in, err := s.look.Tree.Embedded(n)
	if err != nil {
		return false
	}
	r := splice.RootOf(in)
	if r == nil || r.Kind == yaml.ScalarNode {
		return false
	}
	look, global := s.look, s.global
	s.way = append(s.way, frame{tree: look.Tree, node: n, embed: true})
	s.enter(in, r)
	s.walk(r)
	s.way = s.way[:len(s.way)-1]
	s.look, s.global = look, global
	return true
}

// enter begins a document, and reads the registry that Helm charts let all their images share.
func (s *search) enter(t *splice.Tree, top *yaml.Node) {
	s.look, s.global = splice.Lookup{Tree: t}, nil
	global, _, err := s.look.Child(top, "global")
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

// target makes the target of the scalar at the end of the way.
func (s *search) target(n *yaml.Node, more ...expr.Step) Target {
	t := Target{Document: s.doc, Line: s.look.Tree.Line(n), Value: n.Value, Tree: s.look.Tree, Node: n}
	t.Path = s.path(more...)
	if len(s.way) > 0 && !s.way[len(s.way)-1].embed {
		t.Parent = s.way[len(s.way)-1].node
	}
	return t
}

// path spells the way; empty where no path can say it: a key is no text, or the document is nothing but a block of text.
func (s *search) path(more ...expr.Step) string {
	for i, w := range s.way {
		if i == 0 && w.embed || !w.embed && w.node.Kind == yaml.MappingNode && w.node.Content[w.index].Kind != yaml.ScalarNode {
			return ""
		}
	}
	return expr.Spell(append(s.steps(), more...))
}

// steps are the way. Items of a sequence are named when their name is theirs alone.
func (s *search) steps() (out []expr.Step) {
	for i, w := range s.way {
		switch {
		case !w.embed && w.node.Kind == yaml.SequenceNode && i+2 == len(s.way) && s.way[i+1].isKey("name"): // may be what changes
			out = append(out, expr.Step{Kind: expr.Index, Index: w.index})
		case w.embed:
			out = append(out, expr.Step{Kind: expr.Embed})
		case w.node.Kind == yaml.MappingNode:
			out = append(out, expr.Step{Kind: expr.Key, Key: w.node.Content[w.index].Value})
		default:
			out = append(out, s.itemStep(w.node, w.index))
		}
	}
	return out
}

func (w *frame) isKey(key string) bool {
	return !w.embed && w.node.Kind == yaml.MappingNode && w.node.Content[w.index].Value == key
}

func (s *search) itemStep(n *yaml.Node, index int) expr.Step {
	count := s.names[n]
	if count == nil {
		count = map[string]int{}
		for _, c := range n.Content {
			count[nameOf(c)]++
		}
		if s.names == nil {
			s.names = map[*yaml.Node]map[string]int{}
		}
		s.names[n] = count
	}
	name := nameOf(n.Content[index])
	if name == "" || len(name) > 200 || count[name] != 1 || !span.Printable(name) || strings.ContainsRune(name, '\uFFFD') {
		return expr.Step{Kind: expr.Index, Index: index}
	}
	return expr.Step{Kind: expr.Select, Where: []expr.Condition{{Keys: []string{"name"}, Value: name}}}
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
		h.fault = s.file.In(h.fault, h.Path)
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
			return refuse(ErrDuplicate, w.tree.Line(key), "%q stands at lines %d and %d", key.Value, w.tree.Line(key), w.tree.Line(k))
		}
	}
	w.checked = true
	return nil
}
