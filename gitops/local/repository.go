package local

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

// repository is one bare repository with what people said about it. The lock
// covers every reference and the state; objects need none, as they are only
// ever added.
type repository struct {
	name      string
	dir       string
	protected string
	people    []string // who can be asked
	changed   func(repository string)

	mu    sync.Mutex
	log   *journal
	state state
	bases map[[2]plumbing.Hash]plumbing.Hash // merge bases already computed
}

const (
	objectCache = 16 << 20
	maxBases    = 4096
)

func initBare(dir, protected string) error {
	if _, err := os.Stat(filepath.Join(dir, "HEAD")); err == nil {
		return nil
	}
	store := filesystem.NewStorage(osfs.New(dir), cache.NewObjectLRU(objectCache))
	if err := store.Init(); err != nil {
		return fmt.Errorf("lay out the files: %w", err)
	}
	cfg := config.NewConfig()
	cfg.Core.IsBare = true
	if err := store.SetConfig(cfg); err != nil {
		return fmt.Errorf("write the config: %w", err)
	}
	head := plumbing.NewSymbolicReference(plumbing.HEAD, plumbing.NewBranchReferenceName(protected))
	if err := store.SetReference(head); err != nil {
		return fmt.Errorf("point HEAD to %s: %w", protected, err)
	}
	return nil
}

func openRepository(name string, o Options) (*repository, error) {
	r := &repository{
		name: name, dir: filepath.Join(o.Dir, name+".git"), protected: o.Protected, changed: o.OnChange,
		state: newState(), bases: map[[2]plumbing.Hash]plumbing.Hash{},
	}
	for _, u := range o.Users {
		r.people = append(r.people, u.Name)
	}
	log, err := openJournal(filepath.Join(o.Dir, name+".journal"), r.state.apply)
	if err != nil {
		return nil, err
	}
	r.log = log
	if err := r.settle(); err != nil {
		return nil, errors.Join(err, log.close())
	}
	return r, nil
}

func (r *repository) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.close()
}

// storage is opened for each request: the library's own is not made to be
// shared, and a new one sees every pack.
func (r *repository) storage() *filesystem.Storage {
	return filesystem.NewStorage(osfs.New(r.dir), cache.NewObjectLRU(objectCache))
}

// refs are the branches and tags. The caller holds the lock.
func (r *repository) refs() (map[plumbing.ReferenceName]plumbing.Hash, error) {
	iter, err := r.storage().IterReferences()
	if err != nil {
		return nil, fmt.Errorf("list references: %w", err)
	}
	out := map[plumbing.ReferenceName]plumbing.Hash{}
	err = iter.ForEach(func(ref *plumbing.Reference) error {
		if ref.Type() == plumbing.HashReference && (ref.Name().IsBranch() || ref.Name().IsTag()) {
			out[ref.Name()] = ref.Hash()
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list references: %w", err)
	}
	return out, nil
}

// ref is where a reference points, zero if it does not exist.
func (r *repository) ref(name plumbing.ReferenceName) (plumbing.Hash, error) {
	ref, err := r.storage().Reference(name)
	if errors.Is(err, plumbing.ErrReferenceNotFound) {
		return plumbing.ZeroHash, nil
	}
	if err != nil {
		return plumbing.ZeroHash, fmt.Errorf("read %s: %w", name, err)
	}
	return ref.Hash(), nil
}

func (r *repository) branch(name string) (plumbing.Hash, error) {
	return r.ref(plumbing.NewBranchReferenceName(name))
}

// setRef moves a reference; zero removes it. The caller holds the lock and
// has compared the old value.
func (r *repository) setRef(name plumbing.ReferenceName, to plumbing.Hash) error {
	var err error
	if to.IsZero() {
		err = r.storage().RemoveReference(name)
	} else {
		err = r.writeRef(name, to)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// writeRef puts a reference in the place of the old one in one step: the
// library empties the file first, which whoever reads at that moment, or
// whoever starts after a crash, takes for a reference that is not there.
func (r *repository) writeRef(name plumbing.ReferenceName, to plumbing.Hash) (err error) {
	path := filepath.Join(r.dir, filepath.FromSlash(name.String()))
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil { //nolint:gosec // validRef has seen the name
		return err
	}
	f, err := os.CreateTemp(r.dir, "ref-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name())) //nolint:gosec // a name of our own making
		}
	}()
	_, err = f.WriteString(to.String() + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path) //nolint:gosec // validRef has seen the name
}

func validRef(name plumbing.ReferenceName) bool {
	s := name.String()
	return len(s) <= 250 && (name.IsBranch() || name.IsTag()) && name.Validate() == nil && !strings.HasSuffix(s, ".lock")
}
