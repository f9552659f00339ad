package splice

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"sort"
	"strconv"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/waveguide-dev/waveguide/gitops/edit/span"
)

// MaxBytes is the limit on the size of a file.
const MaxBytes = 5 << 20

const maxTokens = 500_000 // bytes that may begin a node; bounds the memory of the parsed tree

// Tree is a parsed text: a file, or the YAML inside a literal block scalar of another tree.
type Tree struct {
	*span.Source
	Format Format
	Docs   []*yaml.Node
	doc    *span.Doc // of another format than YAML

	Outer    *Tree       // nil for a file
	host     *yaml.Node  // the block scalar of outer that holds Text
	text     []span.Span // where each line of Text stands in outer.Text
	starts   []int       // where each line of Text begins in Text
	lineBase int         // line of the file, as the parser counts, before line 1 of Text
	exotic   bool        // the parser counts more lines than people do, who end them at LF
}

var reErrLine = regexp.MustCompile(`line ([0-9]+)`)

// parse reads a text of any format.
func parse(f Format, src []byte) (t *Tree, err error) {
	defer func() { // a parser's panic must not end the daemon
		if r := recover(); r != nil {
			t, err = nil, Refuse(ErrSyntax, 0, "the parser gave up: %v", r)
		}
	}()
	if len(src) > MaxBytes {
		return nil, Refuse(ErrTooLarge, 0, "%d bytes, the limit is %d", len(src), MaxBytes)
	}
	if i := bytes.IndexByte(src, 0); i >= 0 {
		return nil, Refuse(ErrEncoding, 1+bytes.Count(src[:i], []byte{'\n'}), "NUL at byte %d", i)
	}
	if !utf8.Valid(src) {
		return nil, Refuse(ErrEncoding, 0, "invalid UTF-8")
	}
	if n := tokens(src); n > maxTokens {
		return nil, Refuse(ErrTooLarge, 0, "about %d values, the limit is %d", n, maxTokens)
	}
	if f != YAML {
		return parseOther(f, src)
	}
	docs, err := documents(src)
	if err != nil {
		return nil, syntax(src, err)
	}
	t = &Tree{Source: span.New(src), Docs: docs}
	t.exotic = len(t.Lines) != 1+bytes.Count(src, []byte{'\n'})
	return t, nil
}

func documents(src []byte) (docs []*yaml.Node, err error) {
	dec := yaml.NewDecoder(bytes.NewReader(src))
	for {
		n := new(yaml.Node)
		if err := dec.Decode(n); errors.Is(err, io.EOF) {
			return docs, nil
		} else if err != nil {
			return nil, err
		}
		docs = append(docs, n)
	}
}

func parseOther(f Format, src []byte) (*Tree, error) {
	read := map[Format]func([]byte) (*span.Doc, error){JSON: span.JSON, HCL: span.HCL, Env: span.Env}[f]
	doc, err := read(src)
	if err != nil {
		r := Refuse(ErrSyntax, 0, "%v", err)
		if e, ok := errors.AsType[*span.SyntaxError](err); ok {
			r.Line = e.Line
		}
		if bytes.Contains(src, []byte("{{")) {
			r.Reason = ErrTemplate
		}
		r.Hint = "correct the file: it is read as " + f.String() + " by its name"
		return nil, r
	}
	lines := make([]int, 1, bytes.Count(src, []byte{'\n'})+1)
	for i, c := range src {
		if c == '\n' {
			lines = append(lines, i+1)
		}
	}
	root := &yaml.Node{Kind: yaml.DocumentNode, Line: 1, Column: 1, Content: []*yaml.Node{doc.Root}}
	return &Tree{Source: &span.Source{Text: src, Lines: lines}, Format: f, Docs: []*yaml.Node{root}, doc: doc}, nil
}

// Range is the range of a scalar's bytes, quotation marks included.
func (t *Tree) Range(n *yaml.Node) (span.Span, error) {
	if n.Kind != yaml.ScalarNode {
		return span.Span{}, Refuse(ErrNotScalar, t.Line(n), "%s", Describe(n))
	}
	if why := t.Closed(n); why != "" {
		return span.Span{}, Refuse(ErrTemplate, t.Line(n), "%.80q: %s", n.Value, why)
	}
	if t.doc != nil {
		return t.doc.Spans[n], nil
	}
	s, err := t.Scalar(n)
	switch {
	case errors.Is(err, span.ErrBlock):
		err = Refuse(ErrBlock, t.Line(n), "%v", err)
	case err != nil:
		err = Refuse(ErrUnwritable, t.Line(n), "%v", err)
	}
	return s, err
}

// Closed says why a scalar of another format than YAML cannot be written, empty if it can.
func (t *Tree) Closed(n *yaml.Node) string {
	if t.doc == nil {
		return ""
	}
	return t.doc.Closed[n]
}

// spelled is the text that makes n read v, where something stands already.
func (t *Tree) spelled(n *yaml.Node, v string) ([]byte, error) {
	switch t.Format {
	case JSON:
		return span.SpellJSON(n, v), nil
	case HCL:
		return span.SpellHCL(n, v), nil
	case Env:
		text, ok := span.SpellEnv(n, v)
		if !ok {
			return nil, Refuse(ErrUnwritable, t.Line(n), "%.80q cannot stand there without other quotation marks", v)
		}
		return text, nil
	case YAML:
	}
	return span.EncodeLike(n, v), nil
}

func syntax(src []byte, err error) error {
	line := 0
	if m := reErrLine.FindStringSubmatch(err.Error()); m != nil {
		line, _ = strconv.Atoi(m[1])
	}
	text := err.Error()
	if len(text) > 200 {
		text = text[:200]
	}
	if bytes.Contains(src, []byte("{{")) {
		return Refuse(ErrTemplate, line, "it holds {{ and is not YAML as it stands: %s", text)
	}
	if i := bytes.Index(src, []byte("%YAML 1.2")); i == 0 || i > 0 && src[i-1] == '\n' {
		return Refuse(ErrDirective, 1+bytes.Count(src[:i], []byte{'\n'}), "%%YAML 1.2 stands there")
	}
	return Refuse(ErrSyntax, line, "%s", text)
}

// tokens counts the bytes without which no further node can begin.
func tokens(src []byte) int {
	n := 0
	for i, c := range src {
		switch c {
		case ',', ':', '[', '{', '?', '\n', '\r':
			n++
		case '-':
			if i+1 < len(src) && (span.IsBlank(src[i+1]) || src[i+1] == '\n' || src[i+1] == '\r') {
				n++
			}
		}
	}
	return n
}

// Line is the line of the file that a node of t stands on, as people count.
func (t *Tree) Line(n *yaml.Node) int {
	line := t.lineBase + n.Line
	for t.Outer != nil {
		t = t.Outer
	}
	if !t.exotic || line < 1 || line > len(t.Lines) {
		return line
	}
	return t.FileLine(t.Lines[line-1])
}

// FileLine is the line of a file's tree that byte p stands on, as people count.
func (t *Tree) FileLine(p int) int {
	if t.exotic {
		return 1 + bytes.Count(t.Text[:p], []byte{'\n'})
	}
	return t.LineAt(p)
}

// Lift carries a range within one line of an embedded text to the tree around it.
func (t *Tree) Lift(s span.Span) (span.Span, error) {
	k := sort.SearchInts(t.starts, s.Start+1) - 1
	if k < 0 {
		return span.Span{}, Refuse(ErrUnwritable, t.Line(t.Docs[0]), "embedded text does not map to the file")
	}
	l := t.text[k]
	out := span.Span{Start: l.Start + s.Start - t.starts[k], End: l.Start + s.End - t.starts[k]}
	if out.End > l.End {
		return span.Span{}, Refuse(ErrUnwritable, t.Line(t.Docs[0])+k, "the value goes over several lines of embedded text")
	}
	return out, nil
}

// Root is the content of a document, nil when it has none.
func Root(doc *yaml.Node) *yaml.Node {
	if doc.Kind != yaml.DocumentNode || len(doc.Content) == 0 {
		return nil
	}
	return doc.Content[0]
}

// Resolved is the node that an alias stands for.
func Resolved(n *yaml.Node) *yaml.Node {
	if n != nil && n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// Describe says in a few words what a node is.
func Describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a sequence"
	case yaml.AliasNode:
		return "an alias"
	case yaml.ScalarNode:
		return fmt.Sprintf("the value %.60q", n.Value)
	case yaml.DocumentNode:
		return "a document"
	}
	return "nothing"
}
