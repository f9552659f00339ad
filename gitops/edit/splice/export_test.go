package splice

// Becomes runs the proof alone: whether out is f with target reading value, and nothing else.
func (f *File) Becomes(out []byte, target Target, value string) error {
	want := newExpectation()
	want.values[target.Node] = value
	return f.Tree.becomes(out, want)
}

// OutsideEqual runs the check of bytes alone.
func OutsideEqual(src, out []byte, edits []Edit) bool { return outsideEqual(src, out, edits) }

// ByPart says whether a part of the file proves the write, and gives what the proof of the whole file says of it.
func (f *File) ByPart(w Write) (bool, error) {
	b := &batch{want: newExpectation()}
	_, ok, err := f.splice(b, w)
	if !ok || err != nil || w.Target.Tree != f.Tree {
		return false, err
	}
	out, err := apply(f.Tree.Text, b.splices)
	if err != nil {
		return false, err
	}
	p, ok := f.Tree.part(b)
	return ok && p.becomes(out, b.want), f.Tree.becomes(out, b.want)
}
