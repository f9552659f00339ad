package edit

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
)

const (
	maxBytes  = 5 << 20
	maxTokens = 500_000 // bytes that may begin a node; bounds the memory of the parsed tree
)

type span struct{ start, end int }

// tree is a parsed text: a file, or the YAML inside a literal block scalar of another tree.
type tree struct {
	src   []byte
	docs  []*yaml.Node
	lines []int // offset of each line's first byte, counted as the parser counts

	outer    *tree      // nil for a file
	host     *yaml.Node // the block scalar of outer that holds src
	text     []span     // where each line of src stands in outer.src
	starts   []int      // where each line of src begins in src
	lineBase int        // line of the file, as the parser counts, before line 1 of src
	exotic   bool       // the parser counts more lines than people do, who end them at LF
}

var reErrLine = regexp.MustCompile(`line ([0-9]+)`)

func parse(src []byte) (t *tree, err error) {
	defer func() { // a parser's panic must not end the daemon
		if r := recover(); r != nil {
			t, err = nil, refuse(ErrSyntax, 0, "the parser gave up: %v", r)
		}
	}()
	if len(src) > maxBytes {
		return nil, refuse(ErrTooLarge, 0, "%d bytes, the limit is %d", len(src), maxBytes)
	}
	if i := bytes.IndexByte(src, 0); i >= 0 {
		return nil, refuse(ErrEncoding, 1+bytes.Count(src[:i], []byte{'\n'}), "NUL at byte %d", i)
	}
	if !utf8.Valid(src) {
		return nil, refuse(ErrEncoding, 0, "invalid UTF-8")
	}
	if n := tokens(src); n > maxTokens {
		return nil, refuse(ErrTooLarge, 0, "about %d values, the limit is %d", n, maxTokens)
	}
	t = &tree{src: src}
	dec := yaml.NewDecoder(bytes.NewReader(src))
	for {
		n := new(yaml.Node)
		if err := dec.Decode(n); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, syntax(src, err)
		}
		t.docs = append(t.docs, n)
	}
	base := 0
	if bytes.HasPrefix(src, []byte("\xef\xbb\xbf")) {
		base = 3
	}
	t.lines = lineStarts(src, base)
	t.exotic = len(t.lines) != 1+bytes.Count(src, []byte{'\n'})
	return t, nil
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
		return refuse(ErrTemplate, line, "it holds {{ and is not YAML as it stands: %s", text)
	}
	r := refuse(ErrSyntax, line, "%s", text)
	if bytes.Contains(src, []byte("%YAML 1.2")) {
		r.Hint = "drop the %YAML 1.2 line or write 1.1: kubectl, kustomize and Helm refuse it as well"
	}
	return r
}

// tokens counts the bytes without which no further node can begin.
func tokens(src []byte) int {
	n := 0
	for i, c := range src {
		switch c {
		case ',', ':', '[', '{', '?', '\n', '\r':
			n++
		case '-':
			if i+1 < len(src) && (isBlank(src[i+1]) || src[i+1] == '\n' || src[i+1] == '\r') {
				n++
			}
		}
	}
	return n
}

// lineStarts counts lines as libyaml does: LF, CRLF, CR, NEL, LS and PS all end a line.
func lineStarts(src []byte, base int) []int {
	out := make([]int, 1, bytes.Count(src, []byte{'\n'})+2)
	out[0] = base
	for i := base; i < len(src); i++ {
		if w := breakLen(src, i); w > 0 {
			i += w - 1
			out = append(out, i+1)
		}
	}
	return out
}

// breakLen is the width of the line break at i, 0 when there is none.
func breakLen(s []byte, i int) int {
	if i >= len(s) {
		return 0
	}
	switch s[i] {
	case '\n':
		return 1
	case '\r':
		if i+1 < len(s) && s[i+1] == '\n' {
			return 2
		}
		return 1
	case 0xC2:
		if i+1 < len(s) && s[i+1] == 0x85 {
			return 2
		}
	case 0xE2:
		if i+2 < len(s) && s[i+1] == 0x80 && (s[i+2] == 0xA8 || s[i+2] == 0xA9) {
			return 3
		}
	}
	return 0
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// offset turns the parser's 1-based line and rune column into a byte offset.
func (t *tree) offset(line, col int) (int, bool) {
	if line < 1 || line > len(t.lines) || col < 1 {
		return 0, false
	}
	p := t.lines[line-1]
	for ; col > 1; col-- {
		if p >= len(t.src) {
			return 0, false
		}
		_, w := utf8.DecodeRune(t.src[p:])
		p += w
	}
	return p, p <= len(t.src)
}

// line is the line of the file that a node of t stands on, as people count.
func (t *tree) line(n *yaml.Node) int {
	line := t.lineBase + n.Line
	for t.outer != nil {
		t = t.outer
	}
	if !t.exotic || line < 1 || line > len(t.lines) {
		return line
	}
	return t.lineAt(t.lines[line-1])
}

// lineAt is the line of a file's tree that byte p stands on, as people count.
func (t *tree) lineAt(p int) int {
	if t.exotic {
		return 1 + bytes.Count(t.src[:p], []byte{'\n'})
	}
	return t.parserLine(p)
}

func (t *tree) parserLine(p int) int {
	return sort.Search(len(t.lines), func(i int) bool { return t.lines[i] > p })
}

// lift carries a range within one line of an embedded text to the tree around it.
func (t *tree) lift(s span) (span, error) {
	k := sort.SearchInts(t.starts, s.start+1) - 1
	if k < 0 {
		return span{}, refuse(ErrUnwritable, t.line(t.docs[0]), "embedded text does not map to the file")
	}
	l := t.text[k]
	out := span{l.start + s.start - t.starts[k], l.start + s.end - t.starts[k]}
	if out.end > l.end {
		return span{}, refuse(ErrUnwritable, t.line(t.docs[0])+k, "the value goes over several lines of embedded text")
	}
	return out, nil
}

// root is the content of a document, nil when it has none.
func root(doc *yaml.Node) *yaml.Node {
	if doc.Kind != yaml.DocumentNode || len(doc.Content) == 0 {
		return nil
	}
	return doc.Content[0]
}

// resolved is the node that an alias stands for.
func resolved(n *yaml.Node) *yaml.Node {
	if n != nil && n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func describe(n *yaml.Node) string {
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
