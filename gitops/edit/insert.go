package edit

import (
	"bytes"

	"go.yaml.in/yaml/v3"
)

// insert puts the pair key: Value right behind the entry of the target: one line in a block mapping, ", key: value" in a
// flow mapping. Nothing that is there is touched.
func (f *File) insert(b *batch, w Write) (Edit, bool, error) {
	t, v, m := w.Target.tree, w.Target.node, w.Target.parent
	at := -1
	for i := 0; m != nil && m.Kind == yaml.MappingNode && i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == w.key {
			return Edit{}, false, refuse(ErrDuplicate, t.line(m.Content[i]), "%q is there", w.key)
		}
		if m.Content[i+1] == v {
			at = i
		}
	}
	switch {
	case at < 0:
		return Edit{}, false, refuse(ErrUnwritable, t.line(v), "it is no value of a mapping, so nothing can be put behind it")
	case t.outer != nil:
		return Edit{}, false, refuse(ErrUnwritable, t.line(v), "a line cannot be added to embedded YAML; add %q by hand", w.key)
	case isBlock(v):
		return Edit{}, false, refuse(ErrUnwritable, t.line(v), "a line cannot be added behind a block scalar; add %q by hand", w.key)
	}
	if old, again := b.want.pairs[m]; again {
		if old != (pair{at + 2, w.key, w.Value}) {
			return Edit{}, false, refuse(ErrConflict, t.line(v), "two pairs would be put in")
		}
		return Edit{}, false, nil
	}
	s, err := t.pairBehind(m, m.Content[at], v, w.key, w.Value)
	if err != nil {
		return Edit{}, false, err
	}
	b.want.pairs[m] = pair{at + 2, w.key, w.Value}
	b.splices = append(b.splices, s)
	e := Edit{Start: s.start, End: s.end, New: s.text, Document: w.Target.Document, Line: t.lineAt(s.start), Path: w.Target.Path, After: w.Value}
	return e, true, nil
}

// pairBehind is the splice for a new pair behind the entry k: v of m. The key needs no quotes.
func (t *tree) pairBehind(m, k, v *yaml.Node, key, value string) (splice, error) {
	vs, err := t.scalar(v)
	if err != nil {
		return splice{}, err
	}
	ks, err := t.scalar(k)
	if err != nil {
		return splice{}, err
	}
	if m.Style&yaml.FlowStyle != 0 {
		text := ", " + key + ": " + string(encode(value, 0))
		if k.Style&yaml.DoubleQuotedStyle != 0 { // JSON style
			text = `, "` + key + `": ` + string(doubleQuote(value))
		}
		return splice{span{vs.end, vs.end}, []byte(text)}, nil
	}
	begin := t.lines[k.Line-1]
	if ks.start < begin || bytes.IndexByte(t.src[begin:ks.start], '\t') >= 0 || bytes.ContainsAny(t.src[begin:ks.start], "?&!") {
		return splice{}, refuse(ErrUnwritable, t.line(k), "the indentation of its key cannot be repeated; add %q by hand", key)
	}
	end := vs.end
	for end < len(t.src) && breakLen(t.src, end) == 0 {
		end++
	}
	eol := "\n"
	if w := breakLen(t.src, end); w > 0 {
		eol = string(t.src[end : end+w])
	} else if i := bytes.IndexByte(t.src, '\n'); i > 0 && t.src[i-1] == '\r' {
		eol = "\r\n"
	}
	indent := bytes.Repeat([]byte{' '}, t.columns(begin, ks.start))
	return splice{span{end, end}, append(append([]byte(eol), indent...), key+": "+string(encode(value, 0))...)}, nil
}

// columns counts the characters between two bytes of a line.
func (t *tree) columns(from, to int) int { return bytes.Count(t.src[from:to], nil) - 1 }
