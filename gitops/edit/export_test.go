package edit

// Becomes runs the proof alone: whether out is f with target reading value, and nothing else.
func (f *File) Becomes(out []byte, target Target, value string) error {
	want := newExpectation()
	want.values[target.node] = value
	return f.tree.becomes(out, want)
}

// OutsideEqual runs the check of bytes alone.
func OutsideEqual(src, out []byte, edits []Edit) bool { return outsideEqual(src, out, edits) }
