package span

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// Block maps the lines of a block scalar to the source.
type Block struct {
	Lines []Span // each content line's text without indentation and line break
	End   int
}

// Block reads the block scalar whose header stands at p.
func (t *Source) Block(n *yaml.Node, p int) (Block, error) {
	s := t.Text
	if p >= len(s) || s[p] != '|' && s[p] != '>' {
		return Block{}, ErrBlock
	}
	explicit := false
	i := p + 1
	for i < len(s) && (s[i] == '+' || s[i] == '-' || s[i] >= '1' && s[i] <= '9') {
		explicit = explicit || s[i] >= '1'
		i++
	}
	for i < len(s) && BreakLen(s, i) == 0 { // blanks and comment behind the header
		i++
	}
	i += BreakLen(s, i)
	if strings.Trim(n.Value, " \n") == "" {
		return Block{End: skipBlankLines(s, i)}, nil
	}
	first := skipBlankLines(s, i)
	indent := spaces(s, first)
	if explicit { // the text may begin with blanks of its own: take away those that the value has
		indent -= leading(n)
	}
	if indent < 0 {
		return Block{}, ErrBlock
	}
	return blockLines(s, i, indent), nil
}

func blockLines(s []byte, i, indent int) Block {
	b := Block{End: i}
	for i < len(s) {
		k := i + min(indent, spaces(s, i))
		e := k
		for e < len(s) && BreakLen(s, e) == 0 {
			e++
		}
		if k-i < indent && e > k { // less indented text: the block is over
			break
		}
		if indent == 0 && isDocMarker(s, i) {
			break
		}
		b.Lines = append(b.Lines, Span{k, e})
		w := BreakLen(s, e)
		i = e + w
		b.End = i
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
		w := BreakLen(s, k)
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
	return (m == "---" || m == "...") && (i+3 == len(s) || IsBlank(s[i+3]) || BreakLen(s, i+3) > 0)
}
