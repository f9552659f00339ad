package mirror

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/waveguide-dev/waveguide/gitops"
)

// Why a path cannot be read or written as a file.
var (
	ErrNotFound     = errors.New("not found")
	ErrSymlink      = errors.New("is a symbolic link")
	ErrSubmodule    = errors.New("is a submodule")
	ErrDirectory    = errors.New("is a directory")
	ErrNotDirectory = errors.New("is a file where a directory should be")
	ErrLFS          = errors.New("is kept in Git LFS")
	ErrTooLarge     = errors.New("is too large")
	// ErrUnknownCommit says that a commit is not held here; [Mirror.Commit] can fetch it.
	ErrUnknownCommit = errors.New("commit is not in the mirror")
)

// Entry is one file, symbolic link or submodule that [Mirror.Walk] finds.
type Entry struct {
	Path string
	Blob ID
	Mode Mode
}

// kindError says what stands where a regular file should be.
func kindError(mode Mode) error {
	kind := mode & 0o170000
	if kind == Symlink {
		return ErrSymlink
	}
	if kind == Submodule {
		return ErrSubmodule
	}
	if kind == Directory {
		return ErrDirectory
	}
	return fmt.Errorf("has the unknown mode %s", mode)
}

// at returns the parsed commit and the store that holds it.
func (m *Mirror) at(c gitops.Commit) (*store, Commit, error) {
	id, err := parseID(string(c))
	if err != nil {
		return nil, Commit{}, err
	}
	st := m.current()
	if st == nil {
		return nil, Commit{}, fmt.Errorf("%w: %s: nothing was fetched yet", ErrUnknownCommit, c)
	}
	parsed, err := st.commit(id)
	if errors.Is(err, errMissing) {
		err = fmt.Errorf("%w: %s", ErrUnknownCommit, c)
	}
	return st, parsed, err
}

// Read returns a file as it is at a commit. What is not a file there is one of
// this package's errors. The bytes are shared: do not change them.
func (m *Mirror) Read(c gitops.Commit, path string) ([]byte, Mode, error) {
	if err := checkPath(path); err != nil {
		return nil, 0, err
	}
	st, commit, err := m.at(c)
	if err != nil {
		return nil, 0, err
	}
	id, mode, err := lookup(st, commit.Tree, path)
	if err == nil && !mode.IsFile() {
		err = kindError(mode)
	}
	if err != nil {
		return nil, mode, fmt.Errorf("read %s at %s: %w", path, c.Short(), err)
	}
	data, err := m.readBlob(st, id)
	if err == nil && isLFS(data) {
		err = ErrLFS
	}
	if err != nil {
		m.suspect(st, c, err)
		return nil, mode, fmt.Errorf("read %s at %s: %w", path, c.Short(), err)
	}
	return data, mode, nil
}

// suspect makes the next Fetch take a new snapshot when the head is not whole.
func (m *Mirror) suspect(st *store, c gitops.Commit, err error) {
	if errors.Is(err, errMissing) && c == m.Head() && st == m.current() {
		st.mu.Lock()
		defer st.mu.Unlock()
		st.broken = true
	}
}

// ReadBlob returns the content of a blob by its id, so that a caller can keep
// what it made of a blob and never read it twice. The bytes are shared: do not
// change them.
func (m *Mirror) ReadBlob(id ID) ([]byte, error) {
	st := m.current()
	if st == nil {
		return nil, fmt.Errorf("read blob %s: nothing was fetched yet", id)
	}
	data, err := m.readBlob(st, id)
	if err != nil {
		return nil, fmt.Errorf("read blob %s: %w", id, err)
	}
	return data, nil
}

func (m *Mirror) readBlob(st *store, id ID) ([]byte, error) {
	o, err := st.get(id, typeBlob, m.o.Limits.File)
	return o.data, err
}

// isLFS recognises the pointer that Git LFS puts in place of a large file.
func isLFS(data []byte) bool {
	return len(data) < 1024 && bytes.HasPrefix(data, []byte("version https://git-lfs.github.com/spec/"))
}

// lookup follows a path down the trees.
func lookup(st *store, tree ID, path string) (ID, Mode, error) {
	id, mode := tree, Directory
	if path == "" {
		return id, mode, nil
	}
	for part := range strings.SplitSeq(path, "/") {
		if mode.IsFile() {
			return ID{}, 0, ErrNotFound
		}
		if mode != Directory {
			return ID{}, mode, fmt.Errorf("a directory on the way %w", kindError(mode))
		}
		raw, err := st.tree(id)
		if err != nil {
			return ID{}, 0, err
		}
		e, ok, err := findEntry(raw, part)
		if err != nil {
			return ID{}, 0, err
		}
		if !ok {
			return ID{}, 0, ErrNotFound
		}
		id, mode = e.id(raw), e.mode
	}
	return id, mode, nil
}

// Walk calls fn for everything but directories below a directory of a commit,
// in Git's order; an empty name is the whole tree. It stops at fn's first error.
func (m *Mirror) Walk(ctx context.Context, c gitops.Commit, under string, fn func(Entry) error) error {
	under = strings.Trim(under, "/")
	if under != "" {
		if err := checkPath(under); err != nil {
			return err
		}
	}
	st, commit, err := m.at(c)
	if err != nil {
		return err
	}
	id, mode, err := lookup(st, commit.Tree, under)
	if err == nil && mode != Directory {
		err = ErrNotDirectory
	}
	if err != nil {
		return fmt.Errorf("list %q at %s: %w", under, c.Short(), err)
	}
	if under != "" {
		under += "/"
	}
	w := walker{ctx: ctx.Err, st: st, fn: fn}
	if err := w.walk(under, id, 0); err != nil {
		m.suspect(st, c, err)
		return fmt.Errorf("list %q at %s: %w", under, c.Short(), err)
	}
	return nil
}

type walker struct {
	ctx  func() error
	st   *store
	fn   func(Entry) error
	seen int
}

func (w *walker) walk(prefix string, id ID, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("%w: deeper than %d", errMalformedTree, maxDepth)
	}
	if err := w.ctx(); err != nil {
		return err
	}
	raw, err := w.st.tree(id)
	if err != nil {
		return err
	}
	return eachEntry(raw, func(e entry) error {
		if w.seen++; w.seen > maxEntries {
			return fmt.Errorf("%w: more than %d entries", errMalformedTree, maxEntries)
		}
		path := prefix + string(e.name)
		if e.mode == Directory {
			return w.walk(path+"/", e.id(raw), depth+1)
		}
		return w.fn(Entry{Path: path, Blob: e.id(raw), Mode: e.mode})
	})
}

// Diff returns what differs between two commits that the mirror holds, in Git's order.
func (m *Mirror) Diff(a, b gitops.Commit) ([]FileChange, error) {
	sa, ca, err := m.at(a)
	if err != nil {
		return nil, err
	}
	sb, cb, err := m.at(b)
	if err != nil {
		return nil, err
	}
	var out []FileChange
	d := differ{a: sa.tree, b: sb.tree, onFile: func(f FileChange) error {
		out = append(out, f)
		return nil
	}}
	if err := d.trees("", ca.Tree, cb.Tree, 0); err != nil {
		return nil, fmt.Errorf("compare %s and %s: %w", a.Short(), b.Short(), err)
	}
	return out, nil
}
