package splice

import (
	"bytes"
	"slices"
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"
)

// expectation is all that may differ between the trees before and after.
type expectation struct {
	values map[*yaml.Node]string // scalars that must read this
	pairs  map[*yaml.Node]pair   // mappings that must have this pair more
	typed  map[*yaml.Node]bool   // of values, those that keep their type
	filled bool                  // a value is written where there was nothing
}

type pair struct {
	at         int // index in Content
	key, value string
}

func newExpectation() expectation {
	return expectation{values: map[*yaml.Node]string{}, pairs: map[*yaml.Node]pair{}, typed: map[*yaml.Node]bool{}}
}

// apply splices; ranges must not overlap.
func apply(src []byte, splices []splice) ([]byte, error) {
	sort.SliceStable(splices, func(i, j int) bool { return splices[i].Start < splices[j].Start })
	n, at := len(src), 0
	for _, s := range splices {
		if s.Start < at || s.End < s.Start || s.End > len(src) {
			return nil, Refuse(ErrConflict, 0, "edits overlap at byte %d", s.Start)
		}
		at = s.End
		n += len(s.text) - (s.End - s.Start)
	}
	out := make([]byte, 0, n)
	at = 0
	for _, s := range splices {
		out = append(append(out, src[at:s.Start]...), s.text...)
		at = s.End
	}
	return append(out, src[at:]...), nil
}

// prove applies all batches, innermost texts first, and proves each tree. It returns the new bytes of the file.
func (f *File) prove(batches map[*Tree]*batch) ([]byte, error) {
	var inner []*Tree
	for t := range batches {
		for o := t; o.Outer != nil; o = o.Outer {
			if !slices.Contains(inner, o) {
				inner = append(inner, o)
			}
		}
	}
	sort.Slice(inner, func(i, j int) bool { // deepest first; then by place, to be deterministic
		if d, e := depth(inner[i]), depth(inner[j]); d != e {
			return d > e
		}
		return inner[i].lineBase < inner[j].lineBase
	})
	for _, t := range inner {
		b := batches[t]
		if b == nil || len(b.splices) == 0 {
			continue
		}
		out, err := t.proved(b)
		if err != nil {
			return nil, err
		}
		o := batches[t.Outer]
		if o == nil {
			o = &batch{want: newExpectation()}
			batches[t.Outer] = o
		}
		value := strings.TrimRight(string(out), "\n") + trailingBreaks(t.host.Value)
		if old, again := o.want.values[t.host]; again && old != value {
			return nil, Refuse(ErrConflict, t.Outer.Line(t.host), "the text is written as a whole and in parts")
		}
		o.want.values[t.host] = value
		for _, s := range b.splices {
			at, err := t.Lift(s.Span)
			if err != nil {
				return nil, err
			}
			o.splices = append(o.splices, splice{at, s.text})
		}
	}
	return f.Tree.proved(batches[f.Tree])
}

func depth(t *Tree) (n int) {
	for ; t.Outer != nil; t = t.Outer {
		n++
	}
	return n
}

// proved gives the new text of one tree after parsing it again and comparing it node by node.
func (t *Tree) proved(b *batch) ([]byte, error) {
	out, err := apply(t.Text, b.splices)
	if err != nil {
		return nil, err
	}
	if p, ok := t.part(b); ok && p.becomes(out, b.want) {
		return out, nil
	}
	return out, t.becomes(out, b.want)
}

// becomes parses out and refuses it when it differs from t in anything but what is wanted.
func (t *Tree) becomes(out []byte, want expectation) error {
	z, err := parse(t.Format, out)
	if err != nil {
		return Refuse(ErrVerify, t.lineBase, "the result cannot be read: %v", err)
	}
	if len(t.Docs) != len(z.Docs) {
		return Refuse(ErrVerify, t.lineBase, "the number of documents changed")
	}
	c := &comparison{Tree: t, want: want, twins: map[*yaml.Node]*yaml.Node{}, exact: len(want.pairs) == 0 && !want.filled}
	c.sameLines = len(want.pairs) == 0 && len(t.Lines) == len(z.Lines)
	for i := range t.Docs {
		if err := c.same(t.Docs[i], z.Docs[i]); err != nil {
			return err
		}
	}
	if !slices.Equal(slices.Sorted(slices.Values(c.before)), slices.Sorted(slices.Values(c.after))) {
		return Refuse(ErrVerify, t.lineBase, "other comments would come out")
	}
	return nil
}

// comparison walks two trees side by side.
type comparison struct {
	Tree      *Tree
	want      expectation
	twins     map[*yaml.Node]*yaml.Node // anchored nodes
	exact     bool                      // comments too, unless something was put in that the parser may take them for
	sameLines bool
	lines     int // lines of a's text before b's

	before, after []string // comments: the parser may hang the same ones on other nodes when quotation marks change
}

// comments collects those of two nodes.
func (c *comparison) comments(a, b *yaml.Node) {
	if !c.exact {
		return
	}
	for _, s := range []string{a.HeadComment, a.LineComment, a.FootComment} {
		if s != "" {
			c.before = append(c.before, strings.Fields(s)...)
		}
	}
	for _, s := range []string{b.HeadComment, b.LineComment, b.FootComment} {
		if s != "" {
			c.after = append(c.after, strings.Fields(s)...)
		}
	}
}

func (c *comparison) same(a, b *yaml.Node) error {
	if a.Anchor != "" {
		c.twins[a] = b
	}
	c.comments(a, b)
	if what := c.differs(a, b); what != "" {
		return Refuse(ErrVerify, c.Tree.Line(a), "another %s would come out", what)
	}
	content := b.Content
	if p, ok := c.want.pairs[a]; ok {
		if len(content) != len(a.Content)+2 {
			return Refuse(ErrVerify, c.Tree.Line(a), "not just one pair would be put in")
		}
		k, v := content[p.at], content[p.at+1]
		if k.Value != p.key || v.Value != p.value || v.ShortTag() != "!!str" || v.Kind != yaml.ScalarNode {
			return Refuse(ErrVerify, c.Tree.Line(a), "the pair put in reads differently")
		}
		content = append(content[:p.at:p.at], content[p.at+2:]...)
	}
	if len(a.Content) != len(content) {
		return Refuse(ErrVerify, c.Tree.Line(a), "another number of items would come out")
	}
	for i := range a.Content {
		if err := c.same(a.Content[i], content[i]); err != nil {
			return err
		}
	}
	return nil
}

// differs names the first thing in which b is not a with the wanted value.
func (c *comparison) differs(a, b *yaml.Node) string {
	v, target := c.want.values[a]
	switch {
	case a.Kind != b.Kind:
		return "kind"
	case a.Anchor != b.Anchor:
		return "anchor"
	case c.sameLines && a.Line != b.Line+c.lines:
		return "line"
	case target && b.Value != v:
		return "new value"
	case c.want.typed[a]:
		if b.ShortTag() != a.ShortTag() {
			return "type"
		}
	case target && b.ShortTag() != "!!str" && (a.Style&yaml.TaggedStyle == 0 && c.Tree.Format == YAML || b.ShortTag() != a.ShortTag()):
		return "type of the new value"
	case !target && (a.Value != b.Value || a.Tag != b.Tag || a.Style != b.Style):
		return "value"
	case a.Kind == yaml.AliasNode && c.twins[a.Alias] != b.Alias:
		return "alias"
	}
	return ""
}

// outsideEqual checks on the result that all bytes outside of the edits are those of the source.
func outsideEqual(src, out []byte, edits []Edit) bool {
	at, to := 0, 0
	for _, e := range edits {
		n := e.Start - at
		if n < 0 || to+n+len(e.New) > len(out) || !bytes.Equal(src[at:e.Start], out[to:to+n]) || !bytes.Equal(out[to+n:to+n+len(e.New)], e.New) {
			return false
		}
		at, to = e.End, to+n+len(e.New)
	}
	return bytes.Equal(src[at:], out[to:])
}
