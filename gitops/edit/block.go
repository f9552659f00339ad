package edit

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

const maxEmbedding = 3

// blockText maps the lines of a block scalar to the source.
type blockText struct {
	lines []span // each content line's text without indentation and line break
	end   int
}

// block reads the block scalar whose header stands at p.
func (t *tree) block(n *yaml.Node, p int) (blockText, error) {
	s := t.src
	fail := refuse(ErrBlock, t.line(n), "its lines cannot be told apart")
	if p >= len(s) || s[p] != '|' && s[p] != '>' {
		return blockText{}, fail
	}
	explicit := false
	i := p + 1
	for i < len(s) && (s[i] == '+' || s[i] == '-' || s[i] >= '1' && s[i] <= '9') {
		explicit = explicit || s[i] >= '1'
		i++
	}
	for i < len(s) && breakLen(s, i) == 0 { // blanks and comment behind the header
		i++
	}
	i += breakLen(s, i)
	if strings.Trim(n.Value, " \n") == "" {
		return blockText{end: skipBlankLines(s, i)}, nil
	}
	first := skipBlankLines(s, i)
	indent := spaces(s, first)
	if explicit { // the text may begin with blanks of its own: take away those that the value has
		indent -= leading(n)
	}
	if indent < 0 {
		return blockText{}, fail
	}
	return blockLines(s, i, indent), nil
}

func blockLines(s []byte, i, indent int) blockText {
	b := blockText{end: i}
	for i < len(s) {
		k := i + min(indent, spaces(s, i))
		e := k
		for e < len(s) && breakLen(s, e) == 0 {
			e++
		}
		if k-i < indent && e > k { // less indented text: the block is over
			break
		}
		if indent == 0 && isDocMarker(s, i) {
			break
		}
		b.lines = append(b.lines, span{k, e})
		w := breakLen(s, e)
		i = e + w
		b.end = i
		if w == 0 {
			break
		}
	}
	return b
}

func spaces(s []byte, i int) int {
	n := 0
	for i+n < len(s) && s[i+n] == ' ' {
		n++
	}
	return n
}

// skipBlankLines returns the beginning of the first line from i on that has more than spaces.
func skipBlankLines(s []byte, i int) int {
	for {
		k := i + spaces(s, i)
		w := breakLen(s, k)
		if w == 0 {
			return i
		}
		i = k + w
	}
}

// leading counts the spaces before the first line of text in the value of a block scalar.
func leading(n *yaml.Node) int {
	for line := range strings.SplitSeq(n.Value, "\n") {
		if text := strings.TrimLeft(line, " "); text != "" {
			return len(line) - len(text)
		}
	}
	return 0
}

func isDocMarker(s []byte, i int) bool {
	if i+3 > len(s) {
		return false
	}
	m := string(s[i : i+3])
	return (m == "---" || m == "...") && (i+3 == len(s) || isBlank(s[i+3]) || breakLen(s, i+3) > 0)
}

// embedded parses the text of a literal block scalar as YAML of its own.
func (t *tree) embedded(n *yaml.Node) (*tree, error) {
	if n.Kind != yaml.ScalarNode || n.Style&yaml.LiteralStyle == 0 {
		return nil, refuse(ErrBlock, t.line(n), "%s is not a literal block scalar, so there is no embedded YAML to go into", describe(n))
	}
	depth := 1
	for o := t; o.outer != nil; o = o.outer {
		depth++
	}
	if depth > maxEmbedding {
		return nil, refuse(ErrTooLarge, t.line(n), "embedded YAML is nested more than %d deep", maxEmbedding)
	}
	sp, err := t.scalar(n)
	if err != nil {
		return nil, err
	}
	b, err := t.block(n, sp.start)
	if err != nil {
		return nil, err
	}
	var text []byte
	starts := make([]int, 0, len(b.lines))
	for _, l := range b.lines {
		starts = append(starts, len(text))
		text = append(text, t.src[l.start:l.end]...)
		text = append(text, '\n')
	}
	if strings.TrimRight(string(text), "\n") != strings.TrimRight(n.Value, "\n") {
		return nil, refuse(ErrBlock, t.line(n), "its lines cannot be told apart")
	}
	base := t.lineBase + n.Line
	if len(b.lines) > 0 {
		base = t.lineBase + t.parserLine(b.lines[0].start) - 1
	}
	in, err := parse(text)
	if err != nil {
		return nil, refuse(ErrSyntax, t.line(n), "the embedded text is not YAML: %v", err)
	}
	in.outer, in.host, in.text, in.starts, in.lineBase = t, n, b.lines, starts, base
	return in, nil
}
