package mirror

import (
	"bytes"
	"testing"
)

// The raw parsers are tested from inside: they are the part that must survive any bytes.

func record(mode, name string, fill byte) []byte {
	return append([]byte(mode+" "+name+"\x00"), bytes.Repeat([]byte{fill}, 20)...)
}

func seeds() [][]byte {
	tree := append(append(record("100644", "a", 1), record("40000", "b", 2)...), record("120000", "c", 3)...)
	return [][]byte{nil, tree, record("100644", "x", 0), tree[:30], []byte("100644 a"), bytes.Repeat(record("40000", "d", 4), 2), []byte(" a\x00")}
}

func FuzzEachEntry(f *testing.F) {
	for _, s := range seeds() {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		at := 0
		err := eachEntry(raw, func(e entry) error {
			if e.at != at || len(e.name) == 0 || e.idAt+20 > len(raw) {
				t.Fatalf("entry %+v at %d of %d bytes", e, at, len(raw))
			}
			at = e.idAt + 20
			return nil
		})
		if err == nil && at != len(raw) {
			t.Fatalf("read %d of %d bytes without an error", at, len(raw))
		}
	})
}

func FuzzFindEntry(f *testing.F) {
	for _, s := range seeds() {
		f.Add(s, "a")
	}
	f.Fuzz(func(t *testing.T, raw []byte, name string) {
		e, ok, err := findEntry(raw, name)
		if ok && (err != nil || string(e.name) != name || e.idAt+20 > len(raw)) {
			t.Fatalf("findEntry = %+v, %v", e, err)
		}
		if at, err := insertAt(raw, name, false); err == nil && (at < 0 || at > len(raw)) {
			t.Fatalf("insertAt = %d of %d", at, len(raw))
		}
	})
}

func FuzzDiff(f *testing.F) {
	for _, a := range seeds() {
		for _, b := range seeds() {
			f.Add(a, b)
		}
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		read := func(id ID) ([]byte, error) {
			switch id {
			case ID{1}:
				return a, nil
			case ID{2}:
				return b, nil
			}
			return nil, nil
		}
		seen := map[string]bool{}
		d := differ{a: read, b: read, onFile: func(c FileChange) error {
			if c.Path == "" || c.Old == c.New && c.OldMode == c.NewMode || seen[c.Path] && c.Old.IsZero() == c.New.IsZero() {
				t.Fatalf("change %+v", c)
			}
			seen[c.Path] = true
			return nil
		}}
		_ = d.trees("", ID{1}, ID{2}, 0)
	})
}

func FuzzReadPack(f *testing.F) {
	base := []byte("the base of a delta, long enough to be copied from")
	baseID := hashObject("blob", base)
	o := draftObject{id: ID{1}, kind: typeBlob, base: baseID, whole: base, edits: []splice{{at: 4, cut: 4, put: []byte("root")}}}
	for _, thin := range []bool{true, false} {
		pack, err := writePack([]draftObject{o, {kind: typeCommit, data: []byte("tree x\n")}}, thin)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(pack)
	}
	find := func(id ID) (object, error) {
		if id == baseID {
			return object{typeBlob, base}, nil
		}
		return object{}, errMissing
	}
	f.Fuzz(func(t *testing.T, pack []byte) {
		r := packReader{pack: pack, base: find, left: 1 << 16, out: map[ID]object{}, byOffset: map[int]ID{}}
		for at := 12; at < len(pack); { // without the checksum, which would hide the rest
			next, err := r.entry(at, len(pack))
			if err != nil || next <= at {
				break
			}
			at = next
		}
		_ = r.resolve()
		total := 0
		for id, o := range r.out {
			if hashObject(kindName(o.kind), o.data) != id {
				t.Fatalf("object %s has another id", id)
			}
			total += len(o.data)
		}
		if total > 1<<16 {
			t.Fatalf("unfolded %d bytes", total)
		}
		_, _ = readPack(pack, find, 1<<16, false)
	})
}

func FuzzParseCommit(f *testing.F) {
	f.Add([]byte("tree 0123456789012345678901234567890123456789\nauthor A <a@b> 1 +0000\n\nm\n"))
	f.Fuzz(func(_ *testing.T, raw []byte) { _, _ = parseCommit(ID{}, raw) })
}

func TestDeltasRoundTrip(t *testing.T) {
	t.Parallel()
	base := bytes.Repeat([]byte("0123456789abcdef"), 2<<20) // copies of more than 16 MB need several instructions
	for name, edits := range map[string][]splice{
		"nothing":   nil,
		"both ends": {{0, 3, []byte("start")}, {len(base) - 1, 1, nil}},
		"long":      {{1 << 24, 5, bytes.Repeat([]byte("x"), 1000)}},
		"insert":    {{at: 100, put: []byte("y")}, {at: 100, put: []byte("z")}},
		"all":       {{0, len(base), []byte("w")}},
	} {
		want := applySplices(base, edits)
		got, err := applyDelta(base, encodeDelta(len(base), edits), len(want))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %v, %d bytes, want %d", name, err, len(got), len(want))
		}
		if hashSpliced("blob", base, edits) != hashObject("blob", want) {
			t.Errorf("%s: hash differs", name)
		}
		if _, err := applyDelta(base, encodeDelta(len(base), edits), len(want)-1); err == nil {
			t.Errorf("%s: the limit was passed", name)
		}
	}
}

func TestTwoEntriesOfOneNameAreRefused(t *testing.T) {
	t.Parallel()
	raw := append(record("100644", "a", 1), record("40000", "a", 2)...)
	if _, _, err := findEntry(raw, "a"); err == nil {
		t.Error("findEntry accepted them")
	}
	p, err := plant(map[string][]byte{"a": nil})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.existing(raw); err == nil {
		t.Error("compose accepted them")
	}
}
