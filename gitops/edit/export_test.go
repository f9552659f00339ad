package edit

import "go.yaml.in/yaml/v3"

// Becomes runs the proof alone: whether out is f with target reading value, and nothing else.
func (f *File) Becomes(out []byte, target Target, value string) error {
	want := newExpectation()
	want.values[target.node] = value
	return f.tree.becomes(out, want)
}

// OutsideEqual runs the check of bytes alone.
func OutsideEqual(src, out []byte, edits []Edit) bool { return outsideEqual(src, out, edits) }

// ByPart says whether a part of the file proves the write, and gives what the proof of the whole file says of it.
func (f *File) ByPart(w Write) (bool, error) {
	b := &batch{want: newExpectation()}
	_, ok, err := f.splice(b, w)
	if !ok || err != nil || w.Target.tree != f.tree {
		return false, err
	}
	out, err := apply(f.tree.Text, b.splices)
	if err != nil {
		return false, err
	}
	p, ok := f.tree.part(b)
	return ok && p.becomes(out, b.want), f.tree.becomes(out, b.want)
}

// Scalars lists every scalar value of the file.
func (f *File) Scalars() (out []Target) {
	s := &search{file: f}
	for i, d := range f.tree.docs {
		if n := root(d); n != nil {
			s.doc, s.look = i+1, lookup{tree: f.tree}
			s.visit(n, func(n *yaml.Node) { out = append(out, s.target(n)) })
		}
	}
	return out
}
