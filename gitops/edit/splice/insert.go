package splice

import (
	"bytes"

	"go.yaml.in/yaml/v3"

	"github.com/waveguide-dev/waveguide/gitops/edit/span"
)

// insert puts the pair key: Value right behind the entry of the target: one line in a block mapping, ", key: value" in a
// flow mapping. Nothing that is there is touched.
func (f *File) insert(b *batch, w Write) (Edit, bool, error) {
	t, v, m := w.Target.Tree, w.Target.Node, w.Target.Parent
	at := -1
	for i := 0; m != nil && m.Kind == yaml.MappingNode && i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == w.Key {
			return Edit{}, false, Refuse(ErrDuplicate, t.Line(m.Content[i]), "%q is there", w.Key)
		}
		if m.Content[i+1] == v {
			at = i
		}
	}
	switch {
	case at < 0:
		return Edit{}, false, Refuse(ErrUnwritable, t.Line(v), "it is no value of a mapping, so nothing can be put behind it")
	case t.Outer != nil:
		return Edit{}, false, Refuse(ErrUnwritable, t.Line(v), "a line cannot be added to embedded YAML; add %q by hand", w.Key)
	case t.Format == HCL || t.Format == Env:
		return Edit{}, false, Refuse(ErrUnwritable, t.Line(v), "a line cannot be added to %s; add %q by hand", t.Format, w.Key)
	case IsBlock(v):
		return Edit{}, false, Refuse(ErrUnwritable, t.Line(v), "a line cannot be added behind a block scalar; add %q by hand", w.Key)
	}
	if old, again := b.want.pairs[m]; again {
		if old != (pair{at + 2, w.Key, w.Value}) {
			return Edit{}, false, Refuse(ErrConflict, t.Line(v), "two pairs would be put in")
		}
		return Edit{}, false, nil
	}
	s, err := t.pairBehind(m, m.Content[at], v, w.Key, w.Value)
	if err != nil {
		return Edit{}, false, err
	}
	b.want.pairs[m] = pair{at + 2, w.Key, w.Value}
	b.splices = append(b.splices, s)
	e := Edit{Start: s.Start, End: s.End, New: s.text, Document: w.Target.Document, Line: t.FileLine(s.Start), Path: w.Target.Path, After: w.Value}
	return e, true, nil
}

// pairBehind is the splice for a new pair behind the entry k: v of m. The key needs no quotes.
func (t *Tree) pairBehind(m, k, v *yaml.Node, key, value string) (splice, error) {
	vs, err := t.Range(v)
	if err != nil {
		return splice{}, err
	}
	ks, err := t.Range(k)
	if err != nil {
		return splice{}, err
	}
	if m.Style&yaml.FlowStyle != 0 {
		text := key + ": " + string(span.Encode(value, 0))
		if k.Style&yaml.DoubleQuotedStyle != 0 { // JSON style
			text = `"` + key + `": ` + string(span.DoubleQuote(value))
		}
		begin := t.Lines[t.LineAt(ks.Start)-1]
		if lead := t.Text[begin:ks.Start]; len(bytes.TrimSpace(lead)) == 0 && begin > 0 { // one pair a line
			text = "," + t.lineBreak(begin) + string(lead) + text
		} else {
			text = ", " + text
		}
		return splice{span.Span{Start: vs.End, End: vs.End}, []byte(text)}, nil
	}
	begin := t.Lines[k.Line-1]
	if ks.Start < begin || bytes.IndexByte(t.Text[begin:ks.Start], '\t') >= 0 || bytes.ContainsAny(t.Text[begin:ks.Start], "?&!") {
		return splice{}, Refuse(ErrUnwritable, t.Line(k), "the indentation of its key cannot be repeated; add %q by hand", key)
	}
	end := vs.End
	for end < len(t.Text) && span.BreakLen(t.Text, end) == 0 {
		end++
	}
	eol := t.lineBreak(end)
	indent := bytes.Repeat([]byte{' '}, t.columns(begin, ks.Start))
	return splice{span.Span{Start: end, End: end}, append(append([]byte(eol), indent...), key+": "+string(span.Encode(value, 0))...)}, nil
}

// columns counts the characters between two bytes of a line.
func (t *Tree) columns(from, to int) int { return bytes.Count(t.Text[from:to], nil) - 1 }

// lineBreak is the one at or just before byte at, or else the first of the text.
func (t *Tree) lineBreak(at int) string {
	if w := span.BreakLen(t.Text, at); w > 0 {
		return string(t.Text[at : at+w])
	}
	i := bytes.IndexByte(t.Text, '\n')
	if at > 0 && at < len(t.Text) && t.Text[at-1] == '\n' {
		i = at - 1
	}
	if i > 0 && t.Text[i-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}
