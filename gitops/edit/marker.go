package edit

import (
	"bytes"
	"regexp"

	"go.yaml.in/yaml/v3"

	"github.com/waveguide-dev/waveguide/gitops/edit/splice"
)

var (
	reMarker = regexp.MustCompile(`(?:#|//)[ \t]*waveguide:[ \t]*([a-z0-9][a-z0-9.-]*?)(?:\.(tag|digest))?[ \t\r]*$`)
	rePolicy = regexp.MustCompile(`(?:#|//)[ \t]*\{"\$imagepolicy":[ \t]*"([^":]+:[^":]+)(?::(tag|digest|name))?"\}[ \t\r]*$`)
)

// Marker is a comment behind a value that says what the value names: "# waveguide: payments", with .tag or .digest for one
// part alone, or Flux's {"$imagepolicy": "namespace:name:tag"}.
type Marker struct {
	Artifact string // or the policy, namespace:name
	Part     string // tag, digest or name alone; empty for the whole value
	Line     int
	at       int // byte of the comment
}

// Markers lists the marker comments of a text, in its order.
func Markers(src []byte) (out []Marker) {
	if !bytes.Contains(src, []byte("waveguide:")) && !bytes.Contains(src, []byte("$imagepolicy")) {
		return nil
	}
	at, line := 0, 0
	for text := range bytes.SplitSeq(src, []byte{'\n'}) {
		line++
		for _, re := range []*regexp.Regexp{reMarker, rePolicy} {
			if len(text) > 1<<16 || !bytes.ContainsAny(text, "#/") {
				break
			}
			if m := re.FindSubmatchIndex(text); m != nil {
				k := Marker{Artifact: string(text[m[2]:m[3]]), Line: line, at: at + m[0]}
				if m[4] >= 0 {
					k.Part = string(text[m[4]:m[5]])
				}
				out = append(out, k)
			}
		}
		at += len(text) + 1
	}
	return out
}

// hasMarker is the fast check for a marker of an artifact.
func hasMarker(src []byte, artifact string) bool {
	for _, m := range Markers(src) {
		if m.Artifact == artifact && m.Part != "name" {
			return true
		}
	}
	return false
}

// behind is the last value that begins on a marker's line, before the marker.
type behind struct {
	start  int
	target Target
	fault  error
}

// marked gives the places that markers of the request's artifact lead to.
func (f *File) marked(r Request) (hits []Hit, err error) {
	marks := map[int]Marker{}
	for _, m := range Markers(f.Tree.Text) {
		if m.Artifact == r.Artifact && m.Part != "name" {
			marks[m.Line] = m
		}
	}
	if len(marks) == 0 {
		return nil, nil
	}
	if len(marks) > splice.MaxEdits {
		return nil, f.In(refuse(ErrTooLarge, 0, "%d markers, the limit is %d", len(marks), splice.MaxEdits), "")
	}
	found := f.valuesBefore(marks)
	for _, m := range Markers(f.Tree.Text) {
		if marks[m.Line] != m {
			continue
		}
		b, ok := found[m.Line]
		if !ok {
			return nil, f.In(refuse(ErrNoMatch, m.Line, "the marker of %s stands behind no value", m.Artifact), "")
		}
		h, err := f.markedHit(b, m, r, found)
		if err != nil {
			return nil, f.In(err, b.target.Path)
		}
		hits = append(hits, h)
	}
	return hits, nil
}

// markedHit is the place at a marker.
func (f *File) markedHit(b behind, m Marker, r Request, found map[int]behind) (Hit, error) {
	h, err := f.read(b.target, r)
	if err != nil {
		return Hit{}, err
	}
	h.fault = b.fault
	both, err := f.withSibling(h, b.target, r)
	if err != nil {
		return Hit{}, err
	}
	if m.Part == "" {
		if both.fault == nil {
			both.fault = b.fault
		}
		return both, nil
	}
	h.part = m.Part
	if m.Part == "tag" && both.digest != nil && both.Digest != "" && h.Digest == "" {
		for _, o := range found {
			if o.target.Node == both.digest.Node {
				return h, nil
			}
		}
		return Hit{}, refuse(ErrPinning, h.Line, "a digest without a marker is in force beside the tag")
	}
	if m.Part == "digest" && h.Digest == "" {
		h.Tag = ""
	}
	return h, nil
}

// valuesBefore walks the file for the values that stand before the marks.
func (f *File) valuesBefore(marks map[int]Marker) map[int]behind {
	found := map[int]behind{}
	s := &search{file: f, named: map[int]bool{}}
	for i, d := range f.Tree.Docs {
		if n := splice.Root(d); n != nil {
			s.doc, s.look = i+1, splice.Lookup{Tree: f.Tree}
			s.visit(n, func(n *yaml.Node) { s.markAt(n, marks, found) })
		}
	}
	return found
}

// markAt takes n as the value of the marker on its line.
func (s *search) markAt(n *yaml.Node, marks map[int]Marker, found map[int]behind) {
	line := s.look.Tree.Line(n)
	m, ok := marks[line]
	if !ok {
		return
	}
	at, err := s.look.Tree.Range(n)
	for t := s.look.Tree; err == nil && t.Outer != nil; t = t.Outer {
		at, err = t.Lift(at)
	}
	if err != nil || at.Start > m.at || at.End > m.at && !splice.IsBlock(n) {
		return
	}
	if old, again := found[line]; again && old.start > at.Start {
		return
	}
	b := behind{start: at.Start, target: s.target(n)}
	for i := range s.way {
		if b.fault == nil {
			b.fault = s.way[i].duplicate()
		}
	}
	found[line] = b
}

// visit calls see for each scalar value, those of embedded YAML too.
func (s *search) visit(n *yaml.Node, see func(*yaml.Node)) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			s.visitAt(n, i, n.Content[i+1], see)
		}
	case yaml.SequenceNode:
		for i, c := range n.Content {
			s.visitAt(n, i, c, see)
		}
	case yaml.ScalarNode:
		see(n)
		if n.Style&yaml.LiteralStyle == 0 {
			return
		}
		in, err := s.look.Tree.Embedded(n)
		if err != nil {
			return
		}
		if r := splice.RootOf(in); r != nil && r.Kind != yaml.ScalarNode {
			look := s.look
			s.way = append(s.way, frame{tree: look.Tree, node: n, embed: true})
			s.look = splice.Lookup{Tree: in}
			s.visit(r, see)
			s.way, s.look = s.way[:len(s.way)-1], look
		}
	case yaml.DocumentNode, yaml.AliasNode:
	}
}

func (s *search) visitAt(n *yaml.Node, i int, c *yaml.Node, see func(*yaml.Node)) {
	s.way = append(s.way, frame{tree: s.look.Tree, node: n, index: i})
	s.visit(c, see)
	s.way = s.way[:len(s.way)-1]
}
