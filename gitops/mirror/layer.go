package mirror

import (
	"errors"
	"fmt"

	"github.com/waveguide-dev/waveguide/gitops"
)

// layer reads objects that were just fetched, and beneath them a store.
type layer struct {
	objects map[ID]object
	st      *store
}

func (l layer) tree(id ID) ([]byte, error) {
	if o, ok := l.objects[id]; ok && o.kind == typeTree {
		return o.data, nil
	}
	return l.st.tree(id)
}

func (l layer) commit(id ID) (Commit, error) {
	if o, ok := l.objects[id]; ok && o.kind == typeCommit {
		return parseCommit(id, o.data)
	}
	return l.st.commit(id)
}

func (l layer) has(id ID) bool {
	_, ok := l.objects[id]
	return ok || l.st.has(id)
}

// changed returns the paths that differ and those of the fetched objects that
// the new commit has beyond the old one, and proves on the way that everything
// it has is held.
func (l layer) changed(old, head ID) ([]string, map[ID]object, error) {
	was, err := l.commit(old)
	if err != nil {
		return nil, nil, err
	}
	is, err := l.commit(head)
	if err != nil {
		return nil, nil, err
	}
	var paths []string
	kept := map[ID]object{}
	keep := func(id ID) {
		if o, ok := l.objects[id]; ok {
			kept[id] = o
		}
	}
	keep(head)
	d := differ{a: l.tree, b: l.tree, onTree: keep, onFile: func(f FileChange) error {
		paths = append(paths, f.Path)
		if !f.New.IsZero() && f.NewMode != Submodule && !l.has(f.New) {
			return fmt.Errorf("%w: %s of %s", errMissing, f.New, clean(f.Path, 200))
		}
		keep(f.New)
		return nil
	}}
	return paths, kept, d.trees("", was.Tree, is.Tree, 0)
}

// between is changed for two stores.
func between(a *store, old ID, b *store, head ID) ([]string, error) {
	was, errOld := a.commit(old)
	is, errNew := b.commit(head)
	if err := errors.Join(errOld, errNew); err != nil {
		return nil, err
	}
	var paths []string
	d := differ{a: a.tree, b: b.tree, onFile: func(f FileChange) error {
		paths = append(paths, f.Path)
		return nil
	}}
	return paths, d.trees("", was.Tree, is.Tree, 0)
}

// needed returns the objects in memory that these commits have beyond the
// snapshot. It walks everything that changed since the snapshot.
func (l layer) needed(heads ...ID) (map[ID]object, error) {
	over, _ := l.st.overlay()
	base, err := l.st.commit(l.st.base)
	if err != nil {
		return nil, err
	}
	kept := map[ID]object{}
	keep := func(id ID) {
		if o, ok := l.objects[id]; ok {
			kept[id] = o
		} else if o, ok := over[id]; ok {
			kept[id] = o
		}
	}
	for _, head := range heads {
		c, err := l.commit(head)
		if err != nil {
			return nil, err
		}
		keep(head)
		d := differ{a: l.tree, b: l.tree, onTree: keep, onFile: func(f FileChange) error {
			keep(f.New)
			return nil
		}}
		if err := d.trees("", base.Tree, c.Tree, 0); err != nil {
			return nil, err
		}
	}
	return kept, nil
}

// reaches follows the parents that were fetched.
func (l layer) reaches(from ID, old gitops.Commit) bool {
	seen, todo := map[ID]bool{}, []ID{from}
	for len(todo) > 0 {
		id := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[id] {
			continue
		}
		seen[id] = true
		c, err := l.commit(id)
		if err != nil {
			continue
		}
		for _, parent := range c.Parents {
			if parent == old {
				return true
			}
			if p, err := parseID(string(parent)); err == nil {
				todo = append(todo, p)
			}
		}
	}
	return false
}
