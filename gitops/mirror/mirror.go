// Package mirror is the Git engine: it keeps one small bare snapshot of a
// branch on disk and everything newer in memory, tells which files changed,
// and makes and pushes commits without a checkout. Nothing but a whole
// snapshot is ever written to disk, so there is nothing to lock or to repair.
//
// How the remote is asked is in fetch.go, line.go and push.go, how commits are made in
// compose.go, how a whole tree is searched straight from the packs in search.go
// and packed.go; the raw formats of Git are read and written in tree.go, diff.go,
// pack.go and commit.go, each tested against Git itself. go-git provides the
// storage of the snapshot and the transports; its porcelain is not used,
// because it walks whole histories and checkouts.
package mirror

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"

	"github.com/waveguide-dev/waveguide/gitops"
)

// Options say which repository is mirrored, and how.
type Options struct {
	Dir    string // owned by this mirror alone
	URL    string // http(s)://, ssh:// or user@host:path; file:// and plain paths run the git binary
	Branch string

	HTTP *http.Client // required for http and https
	// Credentials is asked once per session, so that rotated secrets are seen.
	// An empty user sends pass as a bearer token. May be nil.
	Credentials func(context.Context) (user, pass string, err error)
	SSH         SSHKey

	Identity Identity // author and committer of what is composed
	Signer   *Signer  // nil leaves commits unsigned
	Limits   Limits
}

// SSHKey names the files that a connection over SSH needs.
type SSHKey struct {
	File, KnownHosts string
	Passphrase       []byte
}

// Limits bound what the remote can cost us. Zero fields take their defaults.
type Limits struct {
	File            int           // largest file read or written: 16 MiB
	Pack            int           // largest incremental fetch, packed: 8 MiB; beyond it a new snapshot is taken
	Unpacked        int           // the same, unpacked: 128 MiB
	Overlay         int           // objects in memory beyond the snapshot: 64 MiB
	Snapshot        int64         // largest snapshot, packed: 4 GiB
	Timeout         time.Duration // of a fetch or a push: 1 minute
	SnapshotTimeout time.Duration // of a new snapshot, and of its history: 15 minutes
}

func (l Limits) orDefaults() Limits {
	set := func(p *int, v int) {
		if *p <= 0 {
			*p = v
		}
	}
	set(&l.File, 16<<20)
	set(&l.Pack, 8<<20)
	set(&l.Unpacked, 128<<20)
	set(&l.Overlay, 64<<20)
	if l.Snapshot <= 0 {
		l.Snapshot = 4 << 30
	}
	if l.Timeout <= 0 {
		l.Timeout = time.Minute
	}
	if l.SnapshotTimeout <= 0 {
		l.SnapshotTimeout = 15 * time.Minute
	}
	return l
}

// Mirror is a copy of one branch of one repository. It is safe for concurrent use.
type Mirror struct {
	o      Options
	remote remote

	fetching sync.Mutex // one conversation with the upload side at a time
	failed   int        // incremental fetches in a row that went wrong

	mu     sync.RWMutex
	st     *store
	head   ID
	resume bool // head is from an earlier run: how the remote got on from there says nothing
	refs   map[string]ID
	noThin bool
}

const snapshotDir = "snapshot"

// Open prepares a mirror without asking the remote. A usable snapshot from an
// earlier run is taken up; otherwise the first Fetch makes one.
func Open(ctx context.Context, o Options) (*Mirror, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	o.Limits, o.Identity = o.Limits.orDefaults(), o.Identity.tidy()
	if o.Dir == "" || o.Identity.Name == "" || o.Identity.Email == "" {
		return nil, errors.New("open mirror: a directory and an identity with name and email are needed")
	}
	if err := plumbing.NewBranchReferenceName(o.Branch).Validate(); err != nil || o.Branch == "" {
		return nil, fmt.Errorf("open mirror: %q is not a branch name", clean(o.Branch, 80))
	}
	r, err := newRemote(o)
	if err != nil {
		return nil, fmt.Errorf("open mirror: %w", err)
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("open mirror: %w", err)
	}
	m := &Mirror{o: o, remote: r, refs: map[string]ID{}}
	if err := m.sweep(); err != nil {
		return nil, fmt.Errorf("open mirror: %w", err)
	}
	if st := m.load(); st != nil {
		m.st, m.head, m.resume = st, st.base, true
	}
	return m, nil
}

// sweep removes what a killed process left of an unfinished snapshot.
func (m *Mirror) sweep() error {
	left, err := filepath.Glob(filepath.Join(m.o.Dir, "new-*"))
	if err != nil {
		return err
	}
	for _, dir := range left {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return nil
}

// load opens the snapshot if it is whole and of this remote and branch.
func (m *Mirror) load() *store {
	dir := filepath.Join(m.o.Dir, snapshotDir)
	if _, err := os.Stat(dir); err != nil {
		return nil
	}
	disk := openDisk(dir)
	cfg, err := disk.Config()
	if err == nil && (cfg.Remotes["origin"] == nil || !slices.Equal(cfg.Remotes["origin"].URLs, []string{m.remote.name})) {
		err = errMissing
	}
	ref, errRef := disk.Reference(plumbing.NewBranchReferenceName(m.o.Branch))
	shallow, errShallow := disk.Shallow()
	if errors.Join(err, errRef, errShallow) == nil {
		st := newStore(dir, disk, ID(ref.Hash()), len(shallow) == 0)
		if c, err := st.commit(st.base); err == nil {
			if _, err := st.tree(c.Tree); err == nil {
				return st
			}
		}
	}
	_ = disk.Close() // unusable: the next Fetch replaces it
	return nil
}

// describe writes what load checks into a fresh snapshot.
func (m *Mirror) describe(st *store) error {
	name := plumbing.NewBranchReferenceName(m.o.Branch)
	cfg, err := st.disk.Config()
	if err != nil {
		return err
	}
	cfg.Core.IsBare = true
	cfg.Remotes["origin"] = &config.RemoteConfig{Name: "origin", URLs: []string{m.remote.name}}
	var shallow []plumbing.Hash
	if !st.full {
		shallow = []plumbing.Hash{plumbing.Hash(st.base)}
	}
	return errors.Join(
		st.disk.SetConfig(cfg), st.disk.SetShallow(shallow),
		st.disk.SetReference(plumbing.NewSymbolicReference(plumbing.HEAD, name)),
		st.disk.SetReference(plumbing.NewHashReference(name, plumbing.Hash(st.base))))
}

// Close releases the snapshot's files. Reads after it fail.
func (m *Mirror) Close() error {
	m.fetching.Lock()
	defer m.fetching.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.st == nil {
		return nil
	}
	err := m.st.close()
	m.st = nil
	return err
}

// Head returns the commit of the branch as of the last Fetch, or of the
// snapshot of an earlier run, or nothing.
func (m *Mirror) Head() gitops.Commit {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return commitOf(m.head)
}

// Branch returns the commit of a branch of the remote, as last seen.
func (m *Mirror) Branch(name string) (gitops.Commit, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	id, ok := m.refs[name]
	return commitOf(id), ok
}

// Branches yields the remote's branches whose names begin with prefix, as last
// seen, in order.
func (m *Mirror) Branches(prefix string) iter.Seq2[string, gitops.Commit] {
	m.mu.RLock()
	refs := m.refs
	m.mu.RUnlock()
	return func(yield func(string, gitops.Commit) bool) {
		for _, name := range slices.Sorted(maps.Keys(refs)) {
			if strings.HasPrefix(name, prefix) && !yield(name, commitOf(refs[name])) {
				return
			}
		}
	}
}

func (m *Mirror) current() *store {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.st
}

// setRefs replaces the map: those who hold the old one keep a consistent view.
func (m *Mirror) setRefs(refs map[string]ID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refs = refs
}

func commitOf(id ID) gitops.Commit {
	if id.IsZero() {
		return ""
	}
	return gitops.Commit(id.String())
}
