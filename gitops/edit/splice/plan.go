package splice

import (
	"bytes"
	"sort"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/waveguide-dev/waveguide/gitops/edit/span"
)

// MaxEdits is the limit on the edits of one plan.
const MaxEdits = 1000

const maxValue = 2000 // bytes of a value that is written

// File is one parsed file. It never touches the disk.
type File struct {
	Name string
	Tree *Tree
}

// Open parses a file of at most 5 MiB. Its name tells the format: JSON, HCL, environment variables, else YAML.
func Open(name string, src []byte) (*File, error) {
	t, err := parse(FormatOf(name), src)
	if err != nil {
		return nil, (&File{Name: name}).In(err, "")
	}
	return &File{Name: name, Tree: t}, nil
}

// Write asks for one scalar to read Value.
type Write struct {
	Target Target
	Value  string
	Expect []string // refuse with ErrStale when the current value is none of these; empty accepts any

	Key   string // not empty: a pair key: Value is put behind Target's instead
	Typed bool   // a number or boolean stays one if Value is one too; versions are always text
}

// Edit is one splice of a plan: the bytes from Start to End of the source become New.
type Edit struct {
	Start, End    int
	New           []byte
	Document      int
	Line          int
	Path          string
	Before, After string // the values, as a reader of the file sees them
}

// Plan is a set of edits with their proven result.
type Plan struct {
	edits []Edit
	out   []byte
}

// Bytes gives the whole file with the edits in it; the source itself when there are none.
func (p *Plan) Bytes() []byte { return p.out }

// Edits gives the splices in the order of the file.
func (p *Plan) Edits() []Edit { return p.edits }

// batch collects what is to happen in one tree.
type batch struct {
	splices []splice
	want    expectation
}

type splice struct {
	span.Span
	text []byte
}

// Plan checks all writes, splices them together and proves the result. Values that stand there already make no edit.
func (f *File) Plan(writes ...Write) (*Plan, error) {
	p := &Plan{out: f.Tree.Text}
	if len(writes) > MaxEdits {
		return nil, f.In(Refuse(ErrTooLarge, 0, "%d writes, the limit is %d", len(writes), MaxEdits), "")
	}
	batches := map[*Tree]*batch{}
	for _, w := range writes {
		b := batches[w.Target.Tree]
		if b == nil {
			b = &batch{want: newExpectation()}
			batches[w.Target.Tree] = b
		}
		e, ok, err := f.splice(b, w)
		if err != nil {
			return nil, f.In(err, w.Target.Path)
		}
		if ok {
			p.edits = append(p.edits, e)
		}
	}
	if len(p.edits) == 0 {
		return p, nil
	}
	sort.SliceStable(p.edits, func(i, j int) bool { return p.edits[i].Start < p.edits[j].Start })
	out, err := f.prove(batches)
	if err != nil {
		return nil, f.In(err, p.edits[0].Path)
	}
	if !outsideEqual(f.Tree.Text, out, p.edits) {
		return nil, f.In(Refuse(ErrVerify, p.edits[0].Line, "bytes outside of the edits changed"), p.edits[0].Path)
	}
	p.out = out
	return p, nil
}

// splice turns one write into a splice of its tree and the edit of the file that it amounts to.
func (f *File) splice(b *batch, w Write) (Edit, bool, error) {
	t, n := w.Target.Tree, w.Target.Node
	if err := f.allowed(w); err != nil {
		return Edit{}, false, err
	}
	if w.Key != "" {
		return f.insert(b, w)
	}
	value := w.Value
	if IsBlock(n) {
		value += trailingBreaks(n.Value)
	}
	if old, again := b.want.values[n]; again {
		if old != value {
			return Edit{}, false, Refuse(ErrConflict, t.Line(n), "%.80q and %.80q are both wanted", old, value)
		}
		return Edit{}, false, nil
	}
	b.want.values[n] = value
	if w.Typed && t.Format == YAML && sameType(n, value) {
		b.want.typed[n] = true
	}
	if n.Value == value && (n.ShortTag() == "!!str" || t.Format != YAML && n.ShortTag() != "!!null") {
		return Edit{}, false, nil
	}
	s, err := t.replace(n, w.Value)
	if err != nil {
		return Edit{}, false, err
	}
	if b.want.typed[n] {
		s.text = []byte(w.Value)
	}
	if bytes.Equal(t.Text[s.Start:s.End], s.text) { // a tag of its own makes it no string, but the text is there
		return Edit{}, false, nil
	}
	b.splices = append(b.splices, s)
	b.want.filled = b.want.filled || s.Start == s.End
	e, err := f.edit(w, s)
	e.Before, e.After = strings.TrimRight(n.Value, "\n"), w.Value
	return e, err == nil, err
}

// sameType says whether bare v is of the type that n has: a whole number, or true or false.
func sameType(n *yaml.Node, v string) bool {
	if n.Style != 0 {
		return false
	}
	m := yaml.Node{Kind: yaml.ScalarNode, Value: v}
	switch tag := n.ShortTag(); tag {
	case "!!int":
		return m.ShortTag() == tag && span.Integer(v)
	case "!!bool":
		return v == "true" || v == "false"
	}
	return false
}

// allowed refuses writes that must not happen whatever their bytes.
func (f *File) allowed(w Write) error {
	t, n := w.Target.Tree, w.Target.Node
	switch {
	case n == nil || t == nil:
		return Refuse(ErrNoMatch, 0, "the write has no target")
	case !f.owns(t):
		return Refuse(ErrConflict, 0, "the target belongs to another file")
	case !utf8.ValidString(w.Value):
		return Refuse(ErrEncoding, t.Line(n), "the new value is not UTF-8 text")
	case len(w.Value) > maxValue:
		return Refuse(ErrTooLarge, t.Line(n), "the new value has %d bytes, the limit is %d", len(w.Value), maxValue)
	}
	stale := len(w.Expect) > 0
	for _, e := range w.Expect {
		stale = stale && e != strings.TrimRight(n.Value, "\n") && e != n.Value
	}
	if stale {
		return Refuse(ErrStale, t.Line(n), "%.80q stands there, expected %.80q", n.Value, strings.Join(w.Expect, " or "))
	}
	if line := f.sealedAt(w.Target.Document); line > 0 {
		return Refuse(ErrSealed, line, "an edit would break its message authentication code")
	}
	for o, h := t, n; o != nil; o, h = o.Outer, o.host {
		if line := o.aliasOf(h); h.Anchor != "" && line > 0 {
			return Refuse(ErrAnchored, o.Line(h), "&%s is used again at line %d", h.Anchor, line)
		}
	}
	return nil
}

func (f *File) owns(t *Tree) bool {
	for t.Outer != nil {
		t = t.Outer
	}
	return t == f.Tree
}

// sealedAt is the line of a document's SOPS metadata, 0 when it has none.
func (f *File) sealedAt(document int) int {
	if document < 1 || document > len(f.Tree.Docs) {
		return 0
	}
	n := Root(f.Tree.Docs[document-1])
	if n == nil || n.Kind != yaml.MappingNode {
		return 0
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == "sops_mac" && f.Tree.Format == Env {
			return f.Tree.Line(n.Content[i])
		}
		if m := n.Content[i+1]; n.Content[i].Value == "sops" && m.Kind == yaml.MappingNode {
			for j := 0; j < len(m.Content); j += 2 {
				if m.Content[j].Value == "mac" {
					return f.Tree.Line(m.Content[j])
				}
			}
		}
	}
	return 0
}

// aliasOf is the line of the first alias of n, 0 when there is none.
func (t *Tree) aliasOf(n *yaml.Node) int {
	if n.Anchor == "" {
		return 0
	}
	var walk func(m *yaml.Node) int
	walk = func(m *yaml.Node) int {
		if m.Kind == yaml.AliasNode && m.Alias == n {
			return t.Line(m)
		}
		for _, c := range m.Content {
			if l := walk(c); l > 0 {
				return l
			}
		}
		return 0
	}
	for _, d := range t.Docs {
		if l := walk(d); l > 0 {
			return l
		}
	}
	return 0
}

// edit carries a splice of any tree to the file.
func (f *File) edit(w Write, s splice) (Edit, error) {
	at := s.Span
	for t := w.Target.Tree; t.Outer != nil; t = t.Outer {
		var err error
		if at, err = t.Lift(at); err != nil {
			return Edit{}, err
		}
	}
	return Edit{Start: at.Start, End: at.End, New: s.text, Document: w.Target.Document, Line: f.Tree.FileLine(at.Start), Path: w.Target.Path}, nil
}

// replace is the splice that makes n read v.
func (t *Tree) replace(n *yaml.Node, v string) (splice, error) {
	sp, err := t.Range(n)
	if err != nil {
		return splice{}, err
	}
	if t.Format == YAML && IsBlock(n) {
		return t.replaceLine(n, sp, v)
	}
	enc, err := t.spelled(n, v)
	if err != nil {
		return splice{}, err
	}
	if sp.Start < sp.End || t.Format == Env {
		return splice{sp, enc}, nil
	}
	k := sp.Start // nothing is written: only behind ':' or '-' is a place for it
	for k > 0 && span.IsBlank(t.Text[k-1]) {
		k--
	}
	if n.Anchor == "" && n.Style&yaml.TaggedStyle == 0 && (k == 0 || t.Text[k-1] != ':' && t.Text[k-1] != '-') {
		return splice{}, Refuse(ErrUnwritable, t.Line(n), "nothing is written there, and there is no place for a value")
	}
	if sp.Start > 0 && !bytes.ContainsRune([]byte(" \t\r\n[{,"), rune(t.Text[sp.Start-1])) {
		enc = append([]byte{' '}, enc...)
	}
	if sp.End < len(t.Text) && !span.IsBlank(t.Text[sp.End]) && span.BreakLen(t.Text, sp.End) == 0 && !bytes.ContainsRune([]byte(",]}"), rune(t.Text[sp.End])) {
		enc = append(enc, ' ')
	}
	return splice{sp, enc}, nil
}

// IsBlock says whether a scalar is written as a block.
func IsBlock(n *yaml.Node) bool { return n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 }

func trailingBreaks(v string) string { return v[len(strings.TrimRight(v, "\n")):] }

// replaceLine changes the one line of text in a block scalar; header, indentation and trailing breaks stay.
func (t *Tree) replaceLine(n *yaml.Node, sp span.Span, v string) (splice, error) {
	b, err := t.block(n, sp)
	if err != nil {
		return splice{}, err
	}
	var at []span.Span
	for _, l := range b.Lines {
		if l.End > l.Start {
			at = append(at, l)
		}
	}
	if len(at) != 1 || strings.TrimRight(n.Value, "\n") != string(t.Text[at[0].Start:at[0].End]) {
		return splice{}, Refuse(ErrBlock, t.Line(n), "it has not just one line of text")
	}
	if !span.Printable(v) || v == "" || v != strings.TrimSpace(v) {
		return splice{}, Refuse(ErrBlock, t.Line(n), "%.80q cannot stand in a block scalar of one line", v)
	}
	return splice{at[0], []byte(v)}, nil
}
