package mirror

import (
	"bytes"
	"fmt"
)

// FileChange is one path that differs between two trees. A zero ID on one side
// means that the path does not exist there.
type FileChange struct {
	Path             string
	Old, New         ID
	OldMode, NewMode Mode
}

type readTree func(ID) ([]byte, error)

// differ walks two trees in step and skips whatever is equal on both sides.
type differ struct {
	a, b    readTree
	onFile  func(FileChange) error
	onTree  func(ID) // every tree of side b that differs, if set
	entries int
}

// side is a cursor over one raw tree that checks Git's order as it goes.
type side struct {
	raw  []byte
	next int
	e    entry
	ok   bool
}

func (s *side) dir() bool { return s.e.mode == Directory }

func (s *side) step() error {
	if s.next >= len(s.raw) {
		s.ok = false
		return nil
	}
	e, next, err := nextEntry(s.raw, s.next)
	if err != nil {
		return err
	}
	if s.ok && compareNames(s.e.name, s.dir(), e.name, e.mode == Directory) >= 0 {
		return fmt.Errorf("%w: out of order at %q", errMalformedTree, clean(string(e.name), 80))
	}
	s.e, s.next, s.ok = e, next, true
	return nil
}

func (d *differ) open(read readTree, id ID) (*side, error) {
	s := &side{}
	if !id.IsZero() {
		raw, err := read(id)
		if err != nil {
			return nil, err
		}
		s.raw = raw
	}
	return s, s.step()
}

// trees reports what differs below two directories; a zero id is an empty one.
func (d *differ) trees(prefix string, ia, ib ID, depth int) error {
	if ia == ib {
		return nil
	}
	if depth > maxDepth {
		return fmt.Errorf("%w: deeper than %d at %q", errMalformedTree, maxDepth, clean(prefix, 80))
	}
	a, err := d.open(d.a, ia)
	if err != nil {
		return err
	}
	b, err := d.open(d.b, ib)
	if err != nil {
		return err
	}
	if d.onTree != nil && !ib.IsZero() {
		d.onTree(ib)
	}
	for a.ok || b.ok {
		if d.entries++; d.entries > maxEntries {
			return fmt.Errorf("%w: more than %d entries", errMalformedTree, maxEntries)
		}
		if err := d.pair(prefix, a, b, depth); err != nil {
			return err
		}
	}
	return nil
}

// pair handles the smaller of the two current entries, or both when they have one name.
func (d *differ) pair(prefix string, a, b *side, depth int) error {
	var c int
	switch {
	case !a.ok:
		c = 1
	case !b.ok:
		c = -1
	default:
		c = compareNames(a.e.name, a.dir(), b.e.name, b.dir())
	}
	var old, now ID
	var ch FileChange
	var name []byte
	dir := false
	if c <= 0 {
		old, ch.OldMode, name, dir = a.e.id(a.raw), a.e.mode, a.e.name, a.dir()
	}
	if c >= 0 {
		now, ch.NewMode, name, dir = b.e.id(b.raw), b.e.mode, b.e.name, b.dir()
	}
	if old != now || ch.OldMode != ch.NewMode {
		path := prefix + string(name)
		if dir {
			if err := d.trees(path+"/", old, now, depth+1); err != nil {
				return err
			}
		} else {
			ch.Path, ch.Old, ch.New = path, old, now
			if err := d.onFile(ch); err != nil {
				return err
			}
		}
	}
	if c <= 0 {
		if err := a.step(); err != nil {
			return err
		}
	}
	if c >= 0 {
		return b.step()
	}
	return nil
}

// commonSplice is the one edit that turns a into b, found by their common ends.
func commonSplice(a, b []byte) splice {
	n := min(len(a), len(b))
	p := 0
	for p < n && a[p] == b[p] {
		p++
	}
	t := 0
	for t < n-p && a[len(a)-1-t] == b[len(b)-1-t] {
		t++
	}
	return splice{at: p, cut: len(a) - p - t, put: bytes.Clone(b[p : len(b)-t])}
}
