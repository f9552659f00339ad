package span

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

const maxDepth = 500 // of nested values, in JSON and HCL

// JSON reads one JSON value.
func JSON(text []byte) (*Doc, error) {
	r := &jsonReader{text: text, line: 1, doc: newDoc()}
	if bytes.HasPrefix(text, []byte("\xef\xbb\xbf")) {
		r.at = 3
	}
	root, err := r.value(0)
	if err != nil {
		return nil, err
	}
	if r.blanks(); r.at < len(text) {
		return nil, r.fail("text behind the value")
	}
	r.doc.Root = root
	return r.doc, nil
}

type jsonReader struct {
	text     []byte
	at, line int
	doc      *Doc
}

func (r *jsonReader) fail(text string) error { return &SyntaxError{r.line, text} }

func (r *jsonReader) blanks() {
	for ; r.at < len(r.text); r.at++ {
		switch r.text[r.at] {
		case '\n':
			r.line++
		case ' ', '\t', '\r':
		default:
			return
		}
	}
}

// next is the next byte that is no blank, 0 at the end.
func (r *jsonReader) next() byte {
	if r.blanks(); r.at < len(r.text) {
		return r.text[r.at]
	}
	return 0
}

func (r *jsonReader) value(depth int) (*yaml.Node, error) {
	if depth > maxDepth {
		return nil, r.fail("values are nested more than " + strconv.Itoa(maxDepth) + " deep")
	}
	switch r.next() {
	case '{':
		return r.object(depth)
	case '[':
		return r.array(depth)
	case '"':
		return r.quoted()
	case '/':
		return nil, r.fail("comments are not JSON")
	case 0:
		return nil, r.fail("a value is missing")
	}
	return r.literal()
}

func (r *jsonReader) object(depth int) (*yaml.Node, error) {
	n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: r.line, Column: 1, Style: yaml.FlowStyle}
	for r.at++; ; r.at++ {
		if r.next() == '}' && len(n.Content) == 0 {
			break
		}
		if r.next() != '"' {
			return nil, r.fail("a key in quotation marks is missing")
		}
		key, err := r.quoted()
		if err != nil {
			return nil, err
		}
		if r.next() != ':' {
			return nil, r.fail("':' is missing behind the key")
		}
		r.at++
		v, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		n.Content = append(n.Content, key, v)
		if c := r.next(); c == '}' {
			break
		} else if c != ',' {
			return nil, r.fail("',' or '}' is missing")
		}
	}
	r.at++
	return n, nil
}

func (r *jsonReader) array(depth int) (*yaml.Node, error) {
	n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Line: r.line, Column: 1, Style: yaml.FlowStyle}
	for r.at++; ; r.at++ {
		if r.next() == ']' && len(n.Content) == 0 {
			break
		}
		v, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		n.Content = append(n.Content, v)
		if c := r.next(); c == ']' {
			break
		} else if c != ',' {
			return nil, r.fail("',' or ']' is missing")
		}
	}
	r.at++
	return n, nil
}

func (r *jsonReader) quoted() (*yaml.Node, error) {
	start, plain := r.at, true
	for i := start + 1; i < len(r.text); i++ {
		switch c := r.text[i]; {
		case c == '\\':
			plain = false
			i++
		case c < 0x20:
			return nil, r.fail("a control character in a text")
		case c == '"':
			r.at = i + 1
			v := string(r.text[start+1 : i])
			if !plain {
				if err := json.Unmarshal(r.text[start:r.at], &v); err != nil {
					return nil, r.fail("a text with a broken escape")
				}
			}
			n := r.doc.scalar(Span{start, r.at}, r.line, "!!str", v)
			n.Style = yaml.DoubleQuotedStyle
			return n, nil
		}
	}
	return nil, r.fail("the quotation mark is not closed")
}

func (r *jsonReader) literal() (*yaml.Node, error) {
	start := r.at
	for r.at < len(r.text) && bytes.IndexByte([]byte(" \t\r\n,]}:\"[{/"), r.text[r.at]) < 0 {
		r.at++
	}
	word := r.text[start:r.at]
	if !json.Valid(word) {
		return nil, r.fail("a value that is not JSON")
	}
	tag := "!!float"
	switch v := string(word); {
	case v == "true" || v == "false":
		tag = "!!bool"
	case v == "null":
		tag = "!!null"
	case !strings.ContainsAny(v, ".eE"):
		tag = "!!int"
	}
	return r.doc.scalar(Span{start, r.at}, r.line, tag, string(word)), nil
}

// SpellJSON spells v as a JSON text; a number stays one if v is a whole number.
func SpellJSON(n *yaml.Node, v string) []byte {
	if (n.Tag == "!!int" || n.Tag == "!!float") && Integer(v) {
		return []byte(v)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil { // a string can always be encoded
		return nil
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
