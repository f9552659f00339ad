package mirror

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/waveguide-dev/waveguide/gitops"
)

// Search calls found, in the order of their paths, for the files below a
// directory of a commit whose bytes are wanted. A blob is read once however
// many paths it has, straight from the pack. Wanted is called from several
// goroutines at once and must not keep the bytes. A file over the limit is
// found without bytes and with [ErrTooLarge].
func (m *Mirror) Search(ctx context.Context, c gitops.Commit, under string, wanted func([]byte) bool, found func(Entry, []byte, error) error) error {
	st, commit, err := m.at(c)
	if err != nil {
		return err
	}
	s := &search{st: st, limit: m.o.Limits.File, wanted: wanted}
	if err := s.run(ctx, commit.Tree, under, found); err != nil {
		m.suspect(st, c, err)
		return fmt.Errorf("search %q at %s: %w", under, c.Short(), err)
	}
	return nil
}

// search is one walk through all trees and then all blobs below a directory,
// each by as many readers as there are processors.
type search struct {
	st     *store
	limit  int
	wanted func([]byte) bool

	packs   []*diskPack
	readers [maxReaders]*packedReader // of each goroutine
}

const maxReaders = 8

// finding is a blob whose bytes are wanted, or that is too large to say.
type finding struct {
	data []byte
	err  error
}

func (s *search) run(ctx context.Context, tree ID, under string, found func(Entry, []byte, error) error) error {
	under = strings.Trim(under, "/")
	if under != "" {
		if err := checkPath(under); err != nil {
			return err
		}
	}
	id, mode, err := lookup(s.st, tree, under)
	if err != nil {
		return err
	}
	s.packs = openPacks(s.st.dir)
	for i := range s.readers {
		s.readers[i] = &packedReader{st: s.st, packs: s.packs, bases: map[basePlace]object{}}
	}
	files := []Entry{{Path: under, Blob: id, Mode: mode}}
	switch {
	case mode == Directory:
		if files, err = s.files(ctx, under, id); err != nil {
			return err
		}
	case !mode.IsFile():
		return kindError(mode)
	}
	matches, err := s.blobs(ctx, files)
	if err != nil {
		return err
	}
	files = slices.DeleteFunc(files, func(e Entry) bool { _, ok := matches[e.Blob]; return !ok })
	slices.SortFunc(files, func(a, b Entry) int { return cmp.Compare(a.Path, b.Path) })
	for _, e := range files {
		m := matches[e.Blob]
		if err := found(e, m.data, m.err); err != nil {
			return err
		}
	}
	return nil
}

// dir is a directory that was not read yet.
type dir struct {
	prefix string
	id     ID
}

// files lists the regular files below a directory, one level after the other.
func (s *search) files(ctx context.Context, under string, id ID) (files []Entry, err error) {
	if under != "" {
		under += "/"
	}
	level := []dir{{under, id}}
	for depth := 0; len(level) > 0; depth++ {
		if depth > maxDepth || len(files) > maxEntries {
			return nil, fmt.Errorf("%w: more than %d entries or deeper than %d", errMalformedTree, maxEntries, maxDepth)
		}
		found := make([]listing, readers(len(level)))
		err := share(ctx, level, func(i int, part []dir) error { return found[i].list(s.readers[i], part) })
		if err != nil {
			return nil, err
		}
		level = level[:0:0]
		for _, l := range found {
			files, level = append(files, l.files...), append(level, l.dirs...)
		}
	}
	return files, nil
}

// listing is what some directories hold.
type listing struct {
	files []Entry
	dirs  []dir
}

func (l *listing) list(r *packedReader, part []dir) error {
	for _, d := range part {
		raw, err := r.get(d.id, typeTree, largeObject)
		if err != nil {
			return err
		}
		err = eachEntry(raw, func(e entry) error {
			switch {
			case e.mode == Directory:
				l.dirs = append(l.dirs, dir{d.prefix + string(e.name) + "/", e.id(raw)})
			case e.mode.IsFile():
				l.files = append(l.files, Entry{Path: d.prefix + string(e.name), Blob: e.id(raw), Mode: e.mode})
			}
			return nil
		})
		if err != nil {
			return err
		}
		if len(l.files)+len(l.dirs) > maxEntries {
			return fmt.Errorf("%w: more than %d entries", errMalformedTree, maxEntries)
		}
	}
	return nil
}

// blobs reads every blob once, in the order of the packs, and keeps those that
// are wanted.
func (s *search) blobs(ctx context.Context, files []Entry) (map[ID]finding, error) {
	type place struct {
		id   ID
		pack int
		at   int64
	}
	seen := make(map[ID]struct{}, len(files))
	todo := make([]place, 0, len(files))
	for _, e := range files {
		if _, again := seen[e.Blob]; !again {
			seen[e.Blob] = struct{}{}
			pack, at := find(s.packs, e.Blob)
			todo = append(todo, place{e.Blob, pack, at})
		}
	}
	slices.SortFunc(todo, func(a, b place) int { return cmp.Or(cmp.Compare(a.pack, b.pack), cmp.Compare(a.at, b.at)) })
	all, mu := map[ID]finding{}, sync.Mutex{}
	err := share(ctx, todo, func(i int, part []place) error {
		r := s.readers[i]
		for _, p := range part {
			data, err := r.get(p.id, typeBlob, s.limit)
			if err != nil && !errors.Is(err, ErrTooLarge) {
				return err
			}
			if err == nil && !s.wanted(data) {
				continue
			}
			mu.Lock()
			all[p.id] = finding{data, err}
			mu.Unlock()
		}
		return nil
	})
	return all, err
}

// readers says how many goroutines share n things.
func readers(n int) int { return max(1, min(runtime.GOMAXPROCS(0), maxReaders, n/64)) }

// share gives each of some goroutines a run of the things, and waits for all.
func share[T any](ctx context.Context, things []T, work func(i int, part []T) error) error {
	n := readers(len(things))
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		part := things[i*len(things)/n : (i+1)*len(things)/n]
		all.Go(func() {
			const some = 1000 // between two looks at the context
			for len(part) > 0 && errs[i] == nil {
				now := part[:min(some, len(part))]
				part = part[len(now):]
				if errs[i] = ctx.Err(); errs[i] == nil {
					errs[i] = work(i, now)
				}
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}
