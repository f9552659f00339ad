package mirror

import (
	"bytes"
	"compress/zlib"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The object types of a pack.
const (
	typeCommit   = 1
	typeTree     = 2
	typeBlob     = 3
	typeTag      = 4
	typeOfsDelta = 6
	typeRefDelta = 7
)

var (
	errMalformedPack = errors.New("malformed pack")
	errPackTooLarge  = errors.New("pack is larger than the limit")
)

func kindName(kind int) string {
	return [...]string{typeCommit: "commit", typeTree: "tree", typeBlob: "blob", typeTag: "tag"}[kind]
}

// object is an object in memory, whole.
type object struct {
	kind int
	data []byte
}

// draftObject is an object to be sent: either whole, or edits of a base that the remote has.
type draftObject struct {
	id    ID
	kind  int
	data  []byte
	base  ID
	whole []byte // the base's content; immutable, shared with the cache
	edits []splice
}

func (o draftObject) full() []byte {
	if o.base.IsZero() {
		return o.data
	}
	return applySplices(o.whole, o.edits)
}

// writePack encodes objects; thin allows deltas against objects outside of the pack.
func writePack(objects []draftObject, thin bool) ([]byte, error) {
	var out bytes.Buffer
	out.WriteString("PACK")
	out.Write(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, 2), uint32(len(objects))))
	z, err := zlib.NewWriterLevel(io.Discard, zlib.DefaultCompression)
	if err != nil {
		return nil, err
	}
	for _, o := range objects {
		var data []byte
		if thin && !o.base.IsZero() {
			data = encodeDelta(len(o.whole), o.edits)
			out.Write(packHeader(typeRefDelta, len(data)))
			out.Write(o.base[:])
		} else {
			data = o.full()
			out.Write(packHeader(o.kind, len(data)))
		}
		z.Reset(&out)
		if _, err := z.Write(data); err != nil {
			return nil, err
		}
		if err := z.Close(); err != nil {
			return nil, err
		}
	}
	sum := sha1.Sum(out.Bytes())
	out.Write(sum[:])
	return out.Bytes(), nil
}

func packHeader(kind, size int) []byte {
	b := byte(kind<<4 | size&15)
	size >>= 4
	var out []byte
	for size > 0 {
		out = append(out, b|0x80)
		b = byte(size & 0x7f)
		size >>= 7
	}
	return append(out, b)
}

func encodeDelta(baseLen int, edits []splice) []byte {
	size := baseLen
	for _, s := range edits {
		size += len(s.put) - s.cut
	}
	d := binary.AppendUvarint(binary.AppendUvarint(nil, uint64(baseLen)), uint64(size))
	from := 0
	for _, s := range edits {
		d = deltaCopy(d, from, s.at-from)
		for put := s.put; len(put) > 0; {
			n := min(len(put), 127)
			d = append(append(d, byte(n)), put[:n]...)
			put = put[n:]
		}
		from = s.at + s.cut
	}
	return deltaCopy(d, from, baseLen-from)
}

// deltaCopy appends instructions that copy n bytes of the base from offset off.
func deltaCopy(d []byte, off, n int) []byte {
	for n > 0 {
		size := min(n, 0xffffff)
		op := len(d)
		d = append(d, 0x80)
		for i := range 4 {
			if b := byte(off >> (8 * i)); b != 0 {
				d[op] |= 1 << i
				d = append(d, b)
			}
		}
		for i := range 3 {
			if b := byte(size >> (8 * i)); b != 0 {
				d[op] |= 0x10 << i
				d = append(d, b)
			}
		}
		off, n = off+size, n-size
	}
	return d
}

// applyDelta rebuilds an object of at most limit bytes from its base and a delta.
func applyDelta(base, delta []byte, limit int) ([]byte, error) {
	baseLen, n := binary.Uvarint(delta)
	if n <= 0 || baseLen != uint64(len(base)) {
		return nil, fmt.Errorf("%w: delta for another base", errMalformedPack)
	}
	delta = delta[n:]
	size, n := binary.Uvarint(delta)
	if n <= 0 {
		return nil, fmt.Errorf("%w: delta without size", errMalformedPack)
	}
	if size > uint64(limit) {
		return nil, errPackTooLarge
	}
	delta = delta[n:]
	out := make([]byte, 0, size)
	for len(delta) > 0 {
		op := delta[0]
		delta = delta[1:]
		var from []byte
		switch {
		case op&0x80 != 0:
			var off, n int
			var ok bool
			if off, n, delta, ok = copyArgs(op, delta); !ok || off+n > len(base) {
				return nil, fmt.Errorf("%w: delta copies beyond its base", errMalformedPack)
			}
			from = base[off : off+n]
		case op == 0 || int(op) > len(delta):
			return nil, fmt.Errorf("%w: delta ends early", errMalformedPack)
		default:
			from, delta = delta[:op], delta[op:]
		}
		if len(out)+len(from) > int(size) {
			return nil, fmt.Errorf("%w: delta makes more than it says", errMalformedPack)
		}
		out = append(out, from...)
	}
	if len(out) != int(size) {
		return nil, fmt.Errorf("%w: delta makes less than it says", errMalformedPack)
	}
	return out, nil
}

func copyArgs(op byte, delta []byte) (off, n int, rest []byte, ok bool) {
	for i := range 7 {
		if op&(1<<i) == 0 {
			continue
		}
		if len(delta) == 0 {
			return 0, 0, nil, false
		}
		if i < 4 {
			off |= int(delta[0]) << (8 * i)
		} else {
			n |= int(delta[0]) << (8 * (i - 4))
		}
		delta = delta[1:]
	}
	if n == 0 {
		n = 0x10000
	}
	return off, n, delta, true
}

// packReader decodes a small pack that is wholly in memory. Every size is bounded,
// because a pack of a few megabytes can otherwise unfold to terabytes.
type packReader struct {
	pack        []byte
	base        func(ID) (object, error) // finds what a thin pack builds on
	commitsOnly bool
	left        int // bytes that may still be unfolded

	zlib     io.Reader
	out      map[ID]object
	byOffset map[int]ID
	pending  []pendingDelta
}

type pendingDelta struct {
	at, baseAt int // baseAt is 0 for a delta that names its base by id
	base       ID
	delta      []byte
}

func readPack(pack []byte, base func(ID) (object, error), limit int, commitsOnly bool) (map[ID]object, error) {
	r := &packReader{pack: pack, base: base, commitsOnly: commitsOnly, left: limit, out: map[ID]object{}, byOffset: map[int]ID{}}
	if len(pack) < 32 || string(pack[:4]) != "PACK" || binary.BigEndian.Uint32(pack[4:]) != 2 {
		return nil, fmt.Errorf("%w: no pack of version 2", errMalformedPack)
	}
	body := len(pack) - 20
	if sum := sha1.Sum(pack[:body]); !bytes.Equal(sum[:], pack[body:]) {
		return nil, fmt.Errorf("%w: checksum differs", errMalformedPack)
	}
	count, at := binary.BigEndian.Uint32(pack[8:]), 12
	for range count {
		next, err := r.entry(at, body)
		if err != nil {
			return nil, err
		}
		at = next
	}
	if at != body {
		return nil, fmt.Errorf("%w: bytes after the last object", errMalformedPack)
	}
	return r.out, r.resolve()
}

func (r *packReader) entry(at, end int) (int, error) {
	start := at
	kind, size, at, ok := entryHeader(r.pack[:end], at)
	if !ok {
		return 0, fmt.Errorf("%w: object header ends early", errMalformedPack)
	}
	p := pendingDelta{at: start}
	switch kind {
	case typeCommit, typeTree, typeBlob, typeTag:
	case typeOfsDelta:
		back, next, ok := ofsBack(r.pack[:end], at)
		if !ok || back <= 0 || back > start-12 {
			return 0, fmt.Errorf("%w: delta points outside of the pack", errMalformedPack)
		}
		p.baseAt, at = start-back, next
	case typeRefDelta:
		if end-at < 20 {
			return 0, fmt.Errorf("%w: delta without base", errMalformedPack)
		}
		p.base, at = ID(r.pack[at:at+20]), at+20
	default:
		return 0, fmt.Errorf("%w: object of type %d", errMalformedPack, kind)
	}
	keep := !r.commitsOnly || kind == typeCommit || kind >= typeOfsDelta
	data, n, err := r.inflate(r.pack[at:end], size, keep)
	if err != nil {
		return 0, err
	}
	switch {
	case kind >= typeOfsDelta:
		p.delta = data
		r.pending = append(r.pending, p)
	case keep:
		r.put(start, object{kind, data})
	}
	return at + n, nil
}

func (r *packReader) put(at int, o object) {
	id := hashObject(kindName(o.kind), o.data)
	r.out[id] = o
	r.byOffset[at] = id
}

func (r *packReader) inflate(in []byte, size int, keep bool) ([]byte, int, error) {
	if keep {
		if r.left -= size; r.left < 0 {
			return nil, 0, errPackTooLarge
		}
	}
	src := bytes.NewReader(in)
	z, err := r.unzip(src)
	if err != nil {
		return nil, 0, fmt.Errorf("%w: %w", errMalformedPack, err)
	}
	var out bytes.Buffer
	dst := io.Discard
	if keep {
		out.Grow(size)
		dst = &out
	}
	n, err := io.Copy(dst, io.LimitReader(z, int64(size)+1))
	if err != nil || n != int64(size) {
		return nil, 0, fmt.Errorf("%w: object of %d bytes where %d were announced", errMalformedPack, n, size)
	}
	return out.Bytes(), len(in) - src.Len(), nil
}

// unzip uses one reader for all objects: its tables are larger than most of them.
func (r *packReader) unzip(src io.Reader) (io.Reader, error) {
	if z, ok := r.zlib.(zlib.Resetter); ok {
		return r.zlib, z.Reset(src, nil)
	}
	z, err := zlib.NewReader(src)
	r.zlib = z
	return z, err
}

// resolve applies deltas until none is left. Bases usually come first, so that one pass is enough.
func (r *packReader) resolve() error {
	for range 256 {
		var later []pendingDelta
		for _, p := range r.pending {
			o, ok := r.find(p)
			if !ok {
				later = append(later, p)
				continue
			}
			data, err := applyDelta(o.data, p.delta, r.left)
			if err != nil {
				return err
			}
			r.left -= len(data)
			r.put(p.at, object{o.kind, data})
		}
		if len(later) == 0 || (r.commitsOnly && len(later) == len(r.pending)) {
			return nil
		}
		if len(later) == len(r.pending) {
			return fmt.Errorf("%w: base of a delta is missing", errMissing)
		}
		r.pending = later
	}
	return fmt.Errorf("%w: deltas too deep", errMalformedPack)
}

func (r *packReader) find(p pendingDelta) (object, bool) {
	id := p.base
	if p.baseAt != 0 {
		var ok bool
		if id, ok = r.byOffset[p.baseAt]; !ok {
			return object{}, false
		}
	}
	if o, ok := r.out[id]; ok {
		return o, true
	}
	if r.base == nil {
		return object{}, false
	}
	o, err := r.base(id)
	return o, err == nil
}

func entryHeader(b []byte, at int) (kind, size, next int, ok bool) {
	for shift := 0; at < len(b) && shift < 40; at++ {
		c := b[at]
		if shift == 0 {
			kind, size, shift = int(c>>4&7), int(c&15), 4
		} else {
			size |= int(c&0x7f) << shift
			shift += 7
		}
		if c&0x80 == 0 {
			return kind, size, at + 1, true
		}
	}
	return 0, 0, 0, false
}

func ofsBack(b []byte, at int) (back, next int, ok bool) {
	for i := 0; at < len(b) && i < 6; i, at = i+1, at+1 {
		if i > 0 {
			back++
		}
		back = back<<7 | int(b[at]&0x7f)
		if b[at]&0x80 == 0 {
			return back, at + 1, true
		}
	}
	return 0, 0, false
}
