package mirror

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/storer"

	"github.com/waveguide-dev/waveguide/gitops"
)

// Repository is a Git repository on this machine, bare or with a checkout. It
// is only read, and no remote is asked.
type Repository struct{ st *store }

// OpenRepository opens the repository in a directory.
func OpenRepository(dir string) (*Repository, error) {
	if inside := filepath.Join(dir, ".git"); isDir(inside) {
		dir = inside
	}
	if !isDir(filepath.Join(dir, "objects")) {
		return nil, fmt.Errorf("open %s: there is no Git repository; name a clone or a bare repository, and of a linked worktree the clone it belongs to", dir)
	}
	return &Repository{newStore(dir, openDisk(dir), ID{}, true)}, nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// Close releases the repository's files.
func (r *Repository) Close() error { return r.st.close() }

// Commit finds a commit by its full id or by the name of a branch, a tag or HEAD.
func (r *Repository) Commit(name string) (gitops.Commit, error) {
	id, err := parseID(name)
	if err != nil {
		id, err = r.named(name)
	}
	if err != nil {
		return "", fmt.Errorf("%w: %q is no branch, tag or full id of a commit", ErrUnknownCommit, clean(name, 80))
	}
	o, err := r.st.object(id)
	if err == nil && o.kind == typeTag { // an annotated tag names its commit in its first line
		first, _, _ := strings.Cut(string(o.data), "\n")
		if id, err = parseID(strings.TrimPrefix(first, "object ")); err == nil {
			o, err = r.st.object(id)
		}
	}
	if err == nil && o.kind != typeCommit {
		err = fmt.Errorf("it is a %s", kindName(o.kind))
	}
	if err != nil {
		return "", fmt.Errorf("%w: %q: %w", ErrUnknownCommit, clean(name, 80), err)
	}
	return commitOf(id), nil
}

// named looks a name up as Git does.
func (r *Repository) named(name string) (ID, error) {
	r.st.mu.Lock()
	defer r.st.mu.Unlock()
	for _, rule := range plumbing.RefRevParseRules {
		full := plumbing.ReferenceName(fmt.Sprintf(rule, name))
		if full.Validate() != nil {
			continue
		}
		if ref, err := storer.ResolveReference(r.st.disk, full); err == nil {
			return ID(ref.Hash()), nil
		}
	}
	return ID{}, ErrNotFound
}

// Search is [Mirror.Search] for any commit of the repository.
func (r *Repository) Search(ctx context.Context, c gitops.Commit, under string, wanted func([]byte) bool, found func(Entry, []byte, error) error) error {
	id, err := parseID(string(c))
	if err != nil {
		return err
	}
	commit, err := r.st.commit(id)
	if err != nil {
		return err
	}
	s := &search{st: r.st, limit: Limits{}.orDefaults().File, wanted: wanted}
	if err := s.run(ctx, commit.Tree, under, found); err != nil {
		return fmt.Errorf("search %q at %s: %w", under, c.Short(), err)
	}
	return nil
}
