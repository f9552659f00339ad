// Package span tells where the values of a text begin and end in its bytes, and how a new value is spelled there: in YAML,
// JSON, HCL and files of environment variables.
//
// Every format becomes the same tree of YAML nodes, so that one path language, one search and one proof serve all. For
// YAML the parser gives no ends: the text is scanned from a node's beginning on, steered by the value that the parser
// decoded, so that a range which does not spell that value is never given. Change scalar.go and block.go for where a YAML
// scalar ends, encode.go for YAML's quoting, and json.go, hcl.go and env.go for the other formats.
package span

import (
	"bytes"
	"errors"
	"sort"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

var (
	// errUnclear says that the bytes of a node cannot be told.
	errUnclear = errors.New("its exact place in the bytes cannot be told")
	// ErrBlock says that the lines of a block scalar cannot be told.
	ErrBlock = errors.New("its lines cannot be told apart")
)

// Span is a range of bytes.
type Span struct{ Start, End int }

// Doc is a text of another format than YAML as a tree of YAML nodes.
type Doc struct {
	Root   *yaml.Node
	Spans  map[*yaml.Node]Span   // of each scalar, quotation marks included
	Closed map[*yaml.Node]string // why a scalar cannot be written: it is no single literal
}

// SyntaxError says where a text is not of its format.
type SyntaxError struct {
	Line int
	Text string
}

// Error gives the text without the line.
func (e *SyntaxError) Error() string { return e.Text }

func newDoc() *Doc {
	return &Doc{Spans: map[*yaml.Node]Span{}, Closed: map[*yaml.Node]string{}}
}

// scalar makes a scalar node of the text from start to end.
func (d *Doc) scalar(at Span, line int, tag, value string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: value, Line: line, Column: 1}
	d.Spans[n] = at
	return n
}

// Integer says whether v is a whole number in the only way to write it, so that any reader gives back the same text.
func Integer(v string) bool {
	if v == "0" {
		return true
	}
	digits := strings.TrimPrefix(v, "-")
	return digits != "" && len(digits) < 16 && digits[0] != '0' && strings.Trim(digits, "0123456789") == ""
}

// Source is a text with its lines.
type Source struct {
	Text  []byte
	Lines []int // offset of each line's first byte, counted as the parser counts
}

// New counts the lines of a text. A byte order mark is not part of the first.
func New(text []byte) *Source {
	base := 0
	if bytes.HasPrefix(text, []byte("\xef\xbb\xbf")) {
		base = 3
	}
	return &Source{Text: text, Lines: lineStarts(text, base)}
}

// LineAt is the line, counted as the parser counts from 1, that byte p stands on.
func (t *Source) LineAt(p int) int {
	return sort.Search(len(t.Lines), func(i int) bool { return t.Lines[i] > p })
}

// lineStarts counts lines as libyaml does: LF, CRLF, CR, NEL, LS and PS all end a line.
func lineStarts(src []byte, base int) []int {
	out := make([]int, 1, bytes.Count(src, []byte{'\n'})+2)
	out[0] = base
	if !OtherBreaks(src) {
		for i := base; ; {
			n := bytes.IndexByte(src[i:], '\n')
			if n < 0 {
				return out
			}
			i += n + 1
			out = append(out, i)
		}
	}
	for i := base; i < len(src); i++ {
		if w := BreakLen(src, i); w > 0 {
			i += w - 1
			out = append(out, i+1)
		}
	}
	return out
}

// OtherBreaks says whether a text has line breaks that are no line feeds.
func OtherBreaks(src []byte) bool {
	return bytes.IndexByte(src, '\r') >= 0 || bytes.Contains(src, []byte("\u0085")) || bytes.Contains(src, []byte("\u2028")) || bytes.Contains(src, []byte("\u2029"))
}

// BreakLen is the width of the line break at i, 0 when there is none.
func BreakLen(s []byte, i int) int {
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

// IsBlank says whether c is a space or a tab.
func IsBlank(c byte) bool { return c == ' ' || c == '\t' }

// offset turns the parser's 1-based line and rune column into a byte offset.
func (t *Source) offset(line, col int) (int, bool) {
	if line < 1 || line > len(t.Lines) || col < 1 {
		return 0, false
	}
	p := t.Lines[line-1]
	for ; col > 1; col-- {
		if p >= len(t.Text) {
			return 0, false
		}
		_, w := utf8.DecodeRune(t.Text[p:])
		p += w
	}
	return p, p <= len(t.Text)
}
