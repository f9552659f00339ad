package span

import (
	"bytes"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Scalar gives the exact byte range of a scalar's token, quotes or block header included, anchor and tag excluded.
// The value decoded by the parser steers the scan, so a range that does not spell that value is never returned.
func (t *Source) Scalar(n *yaml.Node) (Span, error) {
	if n.Kind != yaml.ScalarNode {
		return Span{}, errUnclear
	}
	p, ok := t.offset(n.Line, n.Column)
	if !ok {
		return Span{}, errUnclear
	}
	p, end, ok := t.properties(n, p)
	if !ok {
		return Span{}, errUnclear
	}
	switch {
	case n.Style&yaml.DoubleQuotedStyle != 0:
		if e := endDouble(t.Text, p); e > 0 {
			return Span{p, e}, nil
		}
	case n.Style&yaml.SingleQuotedStyle != 0:
		if e := endSingle(t.Text, p); e > 0 {
			return Span{p, e}, nil
		}
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		b, err := t.Block(n, p)
		if err != nil {
			return Span{}, err
		}
		return Span{p, b.End}, nil
	case n.Value == "":
		return Span{end, end}, nil
	default:
		if e := endPlain(t.Text, p, n.Value); e > 0 {
			return Span{p, e}, nil
		}
	}
	return Span{}, errUnclear
}

// properties steps over the anchor and tag before a value. It returns where the value begins, and where the last
// property ended, which is the place of a value that is not written. A null with nothing written is marked by the
// parser at the next token; where its own properties cannot be told from the next node's, it gives up.
func (t *Source) properties(n *yaml.Node, p int) (start, end int, ok bool) {
	s := t.Text
	sawProp, sawTag, sawAnchor, crossed, end := false, false, false, false, p
	nothing := n.Value == "" && n.Style&^yaml.TaggedStyle == 0
	for p < len(s) {
		switch c := s[p]; {
		case nothing && (crossed && (c == '&' || c == '!') || c == '!' && n.Style&yaml.TaggedStyle == 0):
			return 0, 0, false
		case c == '&' && n.Anchor != "" && !sawAnchor:
			if !bytes.HasPrefix(s[p+1:], []byte(n.Anchor)) {
				return 0, 0, false
			}
			p += 1 + len(n.Anchor)
			sawProp, sawAnchor, end = true, true, p
		case c == '!' && !sawTag:
			if p+1 < len(s) && s[p+1] == '<' {
				i := bytes.IndexByte(s[p:], '>')
				if i < 0 {
					return 0, 0, false
				}
				p += i + 1
			} else {
				for p < len(s) && !IsBlank(s[p]) && BreakLen(s, p) == 0 { // libyaml demands a blank behind a tag
					p++
				}
			}
			sawProp, sawTag, end = true, true, p
		case sawProp && IsBlank(c):
			p++
		case sawProp && c == '#':
			for p < len(s) && BreakLen(s, p) == 0 {
				p++
			}
		case sawProp && BreakLen(s, p) > 0:
			p, crossed = p+BreakLen(s, p), true
		default:
			return p, end, true
		}
	}
	return p, end, true
}

// endDouble is the end of the double-quoted text at p, 0 when there is none.
func endDouble(s []byte, p int) int {
	if p >= len(s) || s[p] != '"' {
		return 0
	}
	for i := p + 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return 0
}

// endSingle is the end of the single-quoted text at p, 0 when there is none.
func endSingle(s []byte, p int) int {
	if p >= len(s) || s[p] != '\'' {
		return 0
	}
	for i := p + 1; i < len(s); i++ {
		if s[i] != '\'' {
			continue
		}
		if i+1 < len(s) && s[i+1] == '\'' {
			i++
			continue
		}
		return i + 1
	}
	return 0
}

// endPlain walks the source from p together with the decoded value v; a fold in the source must match the blank or
// breaks in the value. It returns the end of the text, 0 when the source does not spell v.
func endPlain(s []byte, p int, v string) int {
	i, j := p, 0
	for j < len(v) {
		if i < len(s) && s[i] == v[j] && v[j] != ' ' && BreakLen(s, i) == 0 {
			i, j = i+1, j+1
			continue
		}
		if i >= len(s) || !IsBlank(s[i]) && BreakLen(s, i) == 0 {
			return 0
		}
		k := i
		for k < len(s) && IsBlank(s[k]) {
			k++
		}
		want := string(s[i:k])
		if BreakLen(s, k) > 0 {
			want, k = fold(s, k)
		}
		if !strings.HasPrefix(v[j:], want) {
			return 0
		}
		i, j = k, j+len(want)
	}
	return i
}

// fold reads line breaks and blanks from k on, and gives the text that they stand for and where they end.
func fold(s []byte, k int) (string, int) {
	var breaks []string
	for k < len(s) {
		w := BreakLen(s, k)
		switch {
		case w == 3: // LS and PS stay what they are
			breaks = append(breaks, string(s[k:k+3]))
		case w > 0:
			breaks = append(breaks, "\n")
		case !IsBlank(s[k]):
			return folded(breaks), k
		default:
			w = 1
		}
		k += w
	}
	return folded(breaks), k
}

func folded(breaks []string) string {
	switch {
	case breaks[0] != "\n":
		return strings.Join(breaks, "")
	case len(breaks) > 1:
		return strings.Join(breaks[1:], "")
	}
	return " "
}
