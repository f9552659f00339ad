package mirror

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"sync"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

// errMissing says that an object is not held here.
var errMissing = errors.New("object is missing")

const (
	diskCacheBytes  = 16 << 20
	treeCacheBytes  = 32 << 20
	sideBytes       = 32 << 20
	pruneBytes      = 16 << 20
	largeObject     = 32 << 20
	commitSizeLimit = 1 << 20
)

// store holds the objects of one snapshot and what came after it. go-git's
// storage is not safe for concurrent use, so everything happens under one lock;
// the byte slices that leave it are never changed.
type store struct {
	dir  string
	base ID   // the commit of the snapshot on disk
	full bool // the snapshot has the whole history: the server knows no shallow clones

	mu     sync.Mutex
	disk   *filesystem.Storage
	over   map[ID]object // what the current and previous head need beyond the snapshot, and some that others needed
	side   map[ID]object // other commits that were asked for
	trees  map[ID][]byte
	sizes  struct{ over, pruned, side, trees int }
	broken bool // an object that must be here is not: take a new snapshot
}

func openDisk(dir string) *filesystem.Storage {
	return filesystem.NewStorageWithOptions(osfs.New(dir), cache.NewObjectLRU(diskCacheBytes),
		filesystem.Options{KeepDescriptors: true, LargeObjectThreshold: largeObject})
}

func newStore(dir string, disk *filesystem.Storage, base ID, full bool) *store {
	return &store{
		dir: dir, base: base, full: full, disk: disk,
		over: map[ID]object{}, side: map[ID]object{}, trees: map[ID][]byte{},
	}
}

func (s *store) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.disk == nil {
		return nil
	}
	err := s.disk.Close()
	s.disk = nil
	return err
}

// object finds an object of any type.
func (s *store) object(id ID) (object, error) { return s.get(id, 0, largeObject) }

// tree returns a raw tree, from the cache where possible.
func (s *store) tree(id ID) ([]byte, error) {
	o, err := s.get(id, typeTree, largeObject)
	return o.data, err
}

func (s *store) commit(id ID) (Commit, error) {
	o, err := s.get(id, typeCommit, commitSizeLimit)
	if err != nil {
		return Commit{}, err
	}
	return parseCommit(id, o.data)
}

// has says whether an object is held, without reading it.
func (s *store) has(id ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.inMemory(id); ok {
		return true
	}
	return s.disk != nil && s.disk.HasEncodedObject(plumbing.Hash(id)) == nil
}

func (s *store) inMemory(id ID) (object, bool) {
	if raw, ok := s.trees[id]; ok {
		return object{typeTree, raw}, true
	}
	if o, ok := s.over[id]; ok {
		return o, true
	}
	o, ok := s.side[id]
	return o, ok
}

// get returns an object of the wanted kind; kind 0 takes any.
func (s *store) get(id ID, kind, limit int) (object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.inMemory(id)
	if !ok {
		var err error
		if o, err = s.fromDisk(id, limit); err != nil {
			return object{}, err
		}
	}
	if kind != 0 && o.kind != kind {
		return object{}, fmt.Errorf("object %s is a %s where a %s should be", id, kindName(o.kind), kindName(kind))
	}
	if len(o.data) > limit {
		return object{}, fmt.Errorf("%w: object %s has %d bytes, the limit is %d", ErrTooLarge, id, len(o.data), limit)
	}
	return o, nil
}

func (s *store) fromDisk(id ID, limit int) (object, error) {
	if s.disk == nil {
		return object{}, fmt.Errorf("%w: %s (the snapshot was replaced)", errMissing, id)
	}
	e, err := s.disk.EncodedObject(plumbing.AnyObject, plumbing.Hash(id))
	if err != nil {
		if !errors.Is(err, plumbing.ErrObjectNotFound) {
			s.broken = true
		}
		return object{}, fmt.Errorf("%w: %s: %w", errMissing, id, err)
	}
	if e.Size() > int64(limit) {
		return object{}, fmt.Errorf("%w: object %s has %d bytes, the limit is %d", ErrTooLarge, id, e.Size(), limit)
	}
	data := make([]byte, e.Size())
	r, err := e.Reader()
	if err == nil {
		_, err = io.ReadFull(r, data)
		err = errors.Join(err, r.Close())
	}
	if err != nil {
		s.broken = true
		return object{}, fmt.Errorf("%w: %s: %w", errMissing, id, err)
	}
	o := object{int(e.Type()), data}
	if o.kind == typeTree {
		s.cacheTree(id, data)
	}
	return o, nil
}

// cacheTree forgets everything when full: the working set comes back at once.
func (s *store) cacheTree(id ID, raw []byte) {
	if s.sizes.trees += len(raw) + 64; s.sizes.trees > treeCacheBytes {
		clear(s.trees)
		s.sizes.trees = len(raw) + 64
	}
	s.trees[id] = raw
}

// addSide keeps objects of other commits, within a bound.
func (s *store) addSide(objects map[ID]object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := sizeOf(objects)
	if s.sizes.side+n > sideBytes {
		clear(s.side)
		s.sizes.side = 0
	}
	maps.Copy(s.side, objects)
	s.sizes.side += n
}

// setOver replaces the overlay.
func (s *store) setOver(objects map[ID]object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over, s.sizes.over = objects, sizeOf(objects)
	s.sizes.pruned = s.sizes.over
}

// addOver adds to the overlay, unless so much in it may be no longer needed that
// it is time to replace it: that costs a walk of all changes since the snapshot.
func (s *store) addOver(objects map[ID]object, limit int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	size := s.sizes.over + sizeOf(objects)
	if size > min(limit, 2*s.sizes.pruned+pruneBytes) {
		return false
	}
	maps.Copy(s.over, objects)
	s.sizes.over = size
	return true
}

func (s *store) overlay() (map[ID]object, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.over, s.sizes.over
}

func (s *store) isBroken() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.broken
}

func sizeOf(objects map[ID]object) int {
	n := 0
	for _, o := range objects {
		n += len(o.data) + 100
	}
	return n
}
