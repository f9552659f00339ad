package mirror

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
)

const (
	maxDiskPack   = 512 << 20 // larger packs are read by go-git, object by object
	baseBytes     = 32 << 20  // of objects that deltas may build on
	maxDeltaDepth = 4096      // as Git has it
)

// diskPack is a pack on disk with its index, both in memory while they are read.
type diskPack struct {
	data  []byte
	ids   []byte // sorted
	first [256]uint32
	at    []byte // the place of each
	far   []byte // places beyond 2 GiB
}

// openPacks reads the packs of a repository. One that is too large or of a
// format that is not known is left out: its objects are found another way.
func openPacks(dir string) (packs []*diskPack) {
	names, err := filepath.Glob(filepath.Join(dir, "objects", "pack", "pack-*.idx"))
	if err != nil {
		return nil
	}
	for _, name := range names {
		if p, err := openPack(name); err == nil {
			packs = append(packs, p)
		}
	}
	return packs
}

func openPack(index string) (*diskPack, error) {
	idx, err := os.ReadFile(index)
	if err != nil {
		return nil, err
	}
	file := index[:len(index)-len("idx")] + "pack"
	if info, err := os.Stat(file); err != nil || info.Size() > maxDiskPack {
		return nil, errors.Join(errPackTooLarge, err)
	}
	p := &diskPack{}
	const head = 8 + 256*4
	if len(idx) < head+40 || !bytes.HasPrefix(idx, []byte("\xfftOc\x00\x00\x00\x02")) {
		return nil, fmt.Errorf("%w: no index of version 2", errMalformedPack)
	}
	for i := range p.first {
		p.first[i] = binary.BigEndian.Uint32(idx[8+4*i:])
		if i > 0 && p.first[i] < p.first[i-1] {
			return nil, fmt.Errorf("%w: index is not in order", errMalformedPack)
		}
	}
	n, rest := int(p.first[255]), idx[head:len(idx)-40]
	if len(rest) < n*28 {
		return nil, fmt.Errorf("%w: index ends early", errMalformedPack)
	}
	p.ids, p.at, p.far = rest[:n*20], rest[n*24:n*28], rest[n*28:]
	if p.data, err = os.ReadFile(file); err != nil {
		return nil, err
	}
	return p, nil
}

// offset is where an object begins in the pack.
func (p *diskPack) offset(id ID) (int64, bool) {
	from, to := 0, int(p.first[id[0]])
	if id[0] > 0 {
		from = int(p.first[id[0]-1])
	}
	i := from + sort.Search(to-from, func(i int) bool { return bytes.Compare(p.ids[(from+i)*20:(from+i+1)*20], id[:]) >= 0 })
	if i >= to || !bytes.Equal(p.ids[i*20:(i+1)*20], id[:]) {
		return 0, false
	}
	at := binary.BigEndian.Uint32(p.at[i*4:])
	if at>>31 == 0 {
		return int64(at), true
	}
	if k := int(at&0x7fffffff) * 8; k+8 <= len(p.far) {
		return int64(binary.BigEndian.Uint64(p.far[k:])), true
	}
	return 0, false
}

// find is the pack that holds an object and its place there; -1 if none does.
func find(packs []*diskPack, id ID) (pack int, at int64) {
	for i, p := range packs {
		if at, ok := p.offset(id); ok {
			return i, at
		}
	}
	return -1, 0
}

// packedReader reads objects from packs without a lock; each goroutine has its
// own. It remembers what deltas may build on.
type packedReader struct {
	st    *store
	packs []*diskPack

	zlib  io.Reader
	src   bytes.Reader
	bases map[basePlace]object
	kept  int
}

type basePlace struct {
	pack int
	at   int64
}

// get returns an object of a kind. What is not in a pack may be in memory or on
// its own.
func (r *packedReader) get(id ID, kind, limit int) ([]byte, error) {
	pack, at := find(r.packs, id)
	if pack < 0 {
		o, err := r.st.get(id, kind, limit)
		return o.data, err
	}
	o, err := r.object(basePlace{pack, at}, limit, 0)
	if err != nil {
		return nil, fmt.Errorf("object %s: %w", id, err)
	}
	if o.kind != kind {
		return nil, fmt.Errorf("object %s is a %s where a %s should be", id, kindName(o.kind), kindName(kind))
	}
	return o.data, nil
}

// object reads the object at a place of a pack.
func (r *packedReader) object(p basePlace, limit, depth int) (o object, err error) {
	if o, ok := r.bases[p]; ok && len(o.data) <= limit {
		return o, nil
	}
	pack := r.packs[p.pack].data
	if p.at < 12 || p.at > int64(len(pack))-20 || depth > maxDeltaDepth {
		return o, fmt.Errorf("%w: a place outside of the pack", errMalformedPack)
	}
	body := pack[:len(pack)-20]
	kind, size, at, ok := entryHeader(body, int(p.at))
	if !ok {
		return o, fmt.Errorf("%w: object header ends early", errMalformedPack)
	}
	if size > limit {
		return o, fmt.Errorf("%w: %d bytes, the limit is %d", ErrTooLarge, size, limit)
	}
	switch kind {
	case typeCommit, typeTree, typeBlob, typeTag:
		o.kind = kind
		if o.data, err = r.inflate(body[at:], size); err != nil {
			return o, err
		}
	case typeOfsDelta, typeRefDelta:
		if o, at, err = r.base(p, kind, at, depth); err != nil {
			return o, err
		}
		delta, err := r.inflate(body[at:], size)
		if err != nil {
			return o, err
		}
		if o.data, err = applyDelta(o.data, delta, limit); err != nil {
			if errors.Is(err, errPackTooLarge) {
				err = fmt.Errorf("%w: the limit is %d bytes", ErrTooLarge, limit)
			}
			return o, err
		}
	default:
		return o, fmt.Errorf("%w: object of type %d", errMalformedPack, kind)
	}
	r.keep(p, o)
	return o, nil
}

// base reads what the delta at p builds on, and says where the delta itself begins.
func (r *packedReader) base(p basePlace, kind, at, depth int) (o object, next int, err error) {
	body := r.packs[p.pack].data
	if kind == typeRefDelta {
		if len(body)-20-at < 20 {
			return o, 0, fmt.Errorf("%w: delta without base", errMalformedPack)
		}
		id := ID(body[at : at+20])
		if pack, where := find(r.packs, id); pack >= 0 {
			o, err = r.object(basePlace{pack, where}, largeObject, depth+1)
		} else {
			o, err = r.st.object(id)
		}
		return o, at + 20, err
	}
	back, next, ok := ofsBack(body[:len(body)-20], at)
	if !ok || back <= 0 {
		return o, 0, fmt.Errorf("%w: delta points outside of the pack", errMalformedPack)
	}
	o, err = r.object(basePlace{p.pack, p.at - int64(back)}, largeObject, depth+1)
	return o, next, err
}

// keep remembers an object, and forgets all when there are too many: bases stand near.
func (r *packedReader) keep(p basePlace, o object) {
	if r.kept += len(o.data) + 100; r.kept > baseBytes {
		clear(r.bases)
		r.kept = len(o.data) + 100
	}
	r.bases[p] = o
}

func (r *packedReader) inflate(in []byte, size int) ([]byte, error) {
	r.src.Reset(in)
	var err error
	if z, ok := r.zlib.(zlib.Resetter); ok {
		err = z.Reset(&r.src, nil)
	} else {
		r.zlib, err = zlib.NewReader(&r.src)
	}
	out := make([]byte, size)
	if err == nil {
		_, err = io.ReadFull(r.zlib, out)
	}
	if err == nil {
		var more [1]byte // the end is where the sum is checked
		if n, end := r.zlib.Read(more[:]); n > 0 || !errors.Is(end, io.EOF) {
			err = errors.Join(errors.New("more than was announced"), end)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errMalformedPack, err)
	}
	return out, nil
}
