package splice

import (
	"bytes"

	"go.yaml.in/yaml/v3"

	"github.com/waveguide-dev/waveguide/gitops/edit/span"
)

// part is a run of entries of a document's top mapping whose text is read the same on its own: it begins and ends with
// a line whose first character begins a key of that mapping, or at a document's marker. Proving it proves the file, for
// the text around it was read already and cannot be read differently. Where this is in doubt there is no part, and the
// whole file is proved.
type part struct {
	Tree       *Tree
	start, end int // bytes of the source
	nodes      []*yaml.Node
	lines      int // before the part
	grows      int // bytes that the edits add
}

// part is what holds all the splices.
func (t *Tree) part(b *batch) (part, bool) {
	if t.Format != YAML || len(b.splices) == 0 || len(b.want.pairs) > 0 {
		return part{}, false
	}
	from, to := len(t.Text), 0
	p := part{Tree: t}
	for _, s := range b.splices {
		from, to = min(from, s.Start), max(to, s.End)
		p.grows += len(s.text) - (s.End - s.Start)
	}
	start, end := markerBefore(t.Text, from), markerAfter(t.Text, to)
	if start < 0 {
		return part{}, false
	}
	doc := t.onlyDoc(t.LineAt(start), t.LineAt(end))
	if doc == nil || doc.Kind != yaml.MappingNode || doc.Style&yaml.FlowStyle != 0 {
		return part{}, false
	}
	p.start, p.end = -1, end
	for i := 0; i+1 < len(doc.Content); i += 2 {
		k := doc.Content[i]
		at := t.Lines[k.Line-1]
		if at > from && p.start < 0 {
			return part{}, false
		}
		plain := k.Kind == yaml.ScalarNode && k.Column == 1 && k.Anchor == "" && k.Tag == "!!str"
		switch {
		case !plain:
			return part{}, false
		case at <= from:
			p.start, p.nodes, p.lines = at, p.nodes[:0], k.Line-1
		case at > to:
			p.end = at
			return p, true
		}
		p.nodes = append(p.nodes, k, doc.Content[i+1])
	}
	return p, p.start >= 0
}

// markerBefore is the place of the last document marker before byte at, or where the text begins; -1 where directives
// or the end of a document may change how the rest is read.
func markerBefore(src []byte, at int) int {
	start := 0
	if i := bytes.LastIndex(src[:at], []byte("\n---")); i >= 0 {
		start = i + 1
	} else if bytes.HasPrefix(src, []byte("\xef\xbb\xbf")) {
		start = 3
	}
	head := src[start:at]
	if bytes.HasPrefix(head, []byte("%")) || bytes.Contains(head, []byte("\n%")) || bytes.Contains(head, []byte("\n...")) || span.OtherBreaks(src) {
		return -1
	}
	return start
}

// markerAfter is the place of the next document marker from byte at on, or where the text ends.
func markerAfter(src []byte, at int) int {
	end := len(src)
	for _, m := range []string{"\n---", "\n..."} {
		if i := bytes.Index(src[at:], []byte(m)); i >= 0 {
			end = min(end, at+i+1)
		}
	}
	return end
}

// onlyDoc is the content of the one document that begins on the lines.
func (t *Tree) onlyDoc(from, to int) (found *yaml.Node) {
	for _, d := range t.Docs {
		n := Root(d)
		if n == nil || n.Line < from || n.Line > to || n.Line == to && t.Lines[to-1] < len(t.Text) && from != to && isMarker(t.Text[t.Lines[to-1]:]) {
			continue
		}
		if found != nil {
			return nil
		}
		found = n
	}
	return found
}

func isMarker(line []byte) bool {
	return bytes.HasPrefix(line, []byte("---")) || bytes.HasPrefix(line, []byte("..."))
}

// becomes says whether the part of the new text reads as wanted; false also where it cannot be told.
func (p part) becomes(out []byte, want expectation) bool {
	text := out[p.start : p.end+p.grows]
	docs, err := documents(text)
	if err != nil || len(docs) != 1 {
		return false
	}
	n := Root(docs[0])
	if n == nil || n.Kind != yaml.MappingNode || len(n.Content) != len(p.nodes) {
		return false
	}
	same := bytes.Count(text, []byte{'\n'}) == bytes.Count(p.Tree.Text[p.start:p.end], []byte{'\n'})
	c := &comparison{Tree: p.Tree, want: want, twins: map[*yaml.Node]*yaml.Node{}, sameLines: same, lines: p.lines}
	for i := range p.nodes {
		if c.same(p.nodes[i], n.Content[i]) != nil {
			return false
		}
	}
	return true
}
