package local

import (
	"errors"
	"fmt"
	"slices"
	"sort"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"github.com/waveguide-dev/waveguide/gitops"
)

func isDir(e object.TreeEntry) bool  { return e.Mode == filemode.Dir }
func isLink(e object.TreeEntry) bool { return e.Mode == filemode.Submodule }

// readTree is the entries of a tree by name; the zero id is the empty tree.
func readTree(store *filesystem.Storage, id plumbing.Hash) (map[string]object.TreeEntry, error) {
	if id.IsZero() {
		return nil, nil
	}
	t, err := object.GetTree(store, id)
	if err != nil {
		return nil, fmt.Errorf("read tree %s: %w", id, err)
	}
	out := make(map[string]object.TreeEntry, len(t.Entries))
	for _, e := range t.Entries {
		out[e.Name] = e
	}
	return out, nil
}

func isAncestor(store *filesystem.Storage, old, young plumbing.Hash) (bool, error) {
	a, errOld := object.GetCommit(store, old)
	b, errYoung := object.GetCommit(store, young)
	if err := errors.Join(errOld, errYoung); err != nil {
		return false, fmt.Errorf("read commits %s and %s: %w", old, young, err)
	}
	return a.IsAncestor(b)
}

// three is a three-way merge of whole files: nobody merges within a file here.
type three struct {
	store     *filesystem.Storage
	conflicts []string
}

const maxConflicts = 20

// merge applies what differs between base and theirs to ours and returns the
// new tree. Paths that both sides changed differently are conflicts.
func (m *three) merge(base, ours, theirs plumbing.Hash, at string) (plumbing.Hash, error) {
	var sides [3]map[string]object.TreeEntry
	for i, id := range []plumbing.Hash{base, ours, theirs} {
		var err error
		if sides[i], err = readTree(m.store, id); err != nil {
			return plumbing.ZeroHash, err
		}
	}
	names := map[string]bool{}
	for _, side := range sides {
		for name := range side {
			names[name] = true
		}
	}
	var out []object.TreeEntry
	for _, name := range sortedNames(names) {
		e, err := m.entry(sides[0][name], sides[1][name], sides[2][name], at+name)
		if err != nil {
			return plumbing.ZeroHash, err
		}
		if !e.Hash.IsZero() {
			e.Name = name
			out = append(out, e)
		}
	}
	return writeTree(m.store, out)
}

func (m *three) entry(b, o, t object.TreeEntry, path string) (object.TreeEntry, error) {
	switch {
	case same(o, t), same(b, t):
		return o, nil
	case same(b, o):
		return t, nil
	case isDir(o) && isDir(t):
		below := plumbing.ZeroHash
		if isDir(b) {
			below = b.Hash
		}
		id, err := m.merge(below, o.Hash, t.Hash, path+"/")
		return object.TreeEntry{Mode: filemode.Dir, Hash: id}, err
	}
	if len(m.conflicts) < maxConflicts {
		m.conflicts = append(m.conflicts, path)
	}
	return o, nil
}

func same(a, b object.TreeEntry) bool { return a.Hash == b.Hash && a.Mode == b.Mode }

// writeTree stores a tree and returns its id, zero for an empty one, which has
// no entry in the tree above it.
func writeTree(store *filesystem.Storage, entries []object.TreeEntry) (plumbing.Hash, error) {
	if len(entries) == 0 {
		return plumbing.ZeroHash, nil
	}
	entries = slices.Clone(entries)
	sort.Sort(object.TreeEntrySorter(entries))
	o := store.NewEncodedObject()
	if err := (&object.Tree{Entries: entries}).Encode(o); err != nil {
		return plumbing.ZeroHash, fmt.Errorf("encode a tree: %w", err)
	}
	id, err := store.SetEncodedObject(o)
	if err != nil {
		return plumbing.ZeroHash, fmt.Errorf("store a tree: %w", err)
	}
	return id, nil
}

func parentsOf(store *filesystem.Storage, id gitops.Commit) ([]plumbing.Hash, error) {
	c, err := object.GetCommit(store, plumbing.NewHash(string(id)))
	if err != nil {
		return nil, fmt.Errorf("read commit %s: %w", id, err)
	}
	return c.ParentHashes, nil
}
