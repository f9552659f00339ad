package mirror

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/waveguide-dev/waveguide/gitops"
)

// Update is what a Fetch found.
type Update struct {
	Old, New gitops.Commit
	// Changed holds the paths that were added, modified or removed, in Git's
	// order. All is set instead when there was nothing to compare with.
	Changed []string
	All     bool
	// Forced says that Old is not among the last generations of New: the
	// branch was rewritten. It is never set on the first fetch of a run.
	Forced bool
}

// generations is how far back a rewritten branch is told from a long push.
const generations = 64

// patience is how often an incremental fetch may fail before a snapshot is tried.
const patience = 3

// Fetch asks the remote for its branches and brings the mirror to the head of
// its branch. When nothing moved, one request for the branches is all.
func (m *Mirror) Fetch(ctx context.Context) (Update, error) {
	m.fetching.Lock()
	defer m.fetching.Unlock()
	up, err := m.fetch(ctx)
	if err != nil {
		return Update{}, fmt.Errorf("fetch %s of %s: %w", m.o.Branch, m.remote.name, err)
	}
	return up, nil
}

func (m *Mirror) fetch(ctx context.Context) (Update, error) {
	short, cancel := context.WithTimeout(ctx, m.o.Limits.Timeout)
	defer cancel()
	s, ad, err := m.remote.upload(short)
	if err != nil {
		return Update{}, err
	}
	defer s.Close() //nolint:errcheck // the work is done, or has failed already
	head, ok := ad.refs[m.o.Branch]
	if !ok {
		return Update{}, fmt.Errorf("the remote has no branch %s", m.o.Branch)
	}
	m.setRefs(ad.refs)
	st, old := m.current(), m.headID()
	usable := st != nil && !st.isBroken()
	if usable {
		if _, size := st.overlay(); size > m.o.Limits.Overlay {
			usable = false
		}
	}
	if usable && head == old {
		m.install(st, head)
		return Update{Old: commitOf(old), New: commitOf(head)}, nil
	}
	if usable {
		up, err := m.advance(short, s, ad, head)

		if err == nil {
			m.failed = 0
			return up, nil
		}
		if m.failed++; !needsSnapshot(st, err) && (m.failed < patience || !answered(err)) {
			return Update{}, err
		}
		m.failed = 0
	}
	return m.replace(ctx)
}

func (m *Mirror) headID() ID {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.head
}

// install makes a head visible to readers.
func (m *Mirror) install(st *store, head ID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.st, m.head, m.resume = st, head, false
}

// needsSnapshot tells an answer we cannot build on from a remote we cannot reach.
func needsSnapshot(st *store, err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, gitops.ErrDenied) {
		return false
	}
	for _, kind := range []error{errPackTooLarge, errMissing, errMalformedPack, errMalformedTree, errMalformedCommit, ErrTooLarge} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return st.full || errors.Is(err, transport.ErrEmptyUploadPackRequest)
}

// answered says that the remote spoke, and was not understood or would not.
func answered(err error) bool {
	_, ok := errors.AsType[*remoteError](err)
	return ok && !errors.Is(err, gitops.ErrDenied)
}

// advance fetches what the new head has beyond ours and swaps the overlay.
func (m *Mirror) advance(ctx context.Context, s transport.UploadPackSession, ad advert, head ID) (Update, error) {
	st, old := m.current(), m.headID()
	var objects map[ID]object
	if head != st.base {
		var err error
		if objects, err = m.thin(ctx, s, ad, head); err != nil {
			return Update{}, err
		}
	}
	l := layer{objects, st}
	changed, fresh, err := l.changed(old, head)
	if err != nil {
		return Update{}, err
	}
	up := Update{Old: commitOf(old), New: commitOf(head), Changed: changed}
	if up.Forced, err = m.forced(ctx, l, old, head); err != nil {
		return Update{}, err
	}
	if !st.addOver(fresh, m.o.Limits.Overlay) {
		over, err := l.needed(old, head)
		if err != nil {
			return Update{}, err
		}
		st.setOver(over)
	}
	m.install(st, head)
	return up, nil
}

// thin asks for one commit, on top of what we surely have.
func (m *Mirror) thin(ctx context.Context, s transport.UploadPackSession, ad advert, want ID) (map[ID]object, error) {
	return m.unpack(ctx, s, ad, want, 1, false)
}

// unpack asks for a commit and so many generations in all, on top of what we
// surely have: the whole tree of our head, of which we claim no history, or the
// whole snapshot with its history. Objects between the two are pruned and must
// not be claimed.
func (m *Mirror) unpack(ctx context.Context, s transport.UploadPackSession, ad advert, want ID, depth int, commitsOnly bool) (map[ID]object, error) {
	st := m.current()
	req := packp.NewUploadPackRequestFromCapabilities(ad.caps)
	req.Wants = []plumbing.Hash{plumbing.Hash(want)}
	if st.full {
		req.Haves = []plumbing.Hash{plumbing.Hash(st.base)}
	} else {
		have := plumbing.Hash(m.headID())
		if err := errors.Join(req.Capabilities.Set(capability.ThinPack), req.Capabilities.Set(capability.Shallow)); err != nil {
			return nil, err
		}
		req.Haves, req.Shallows, req.Depth = []plumbing.Hash{have}, []plumbing.Hash{have}, packp.DepthCommits(depth)
	}
	pack, err := download(ctx, s, req)
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(&capped{r: pack, left: int64(m.o.Limits.Pack)})
	if err = errors.Join(err, pack.Close()); err != nil {
		return nil, explain(err)
	}
	return readPack(raw, st.object, m.o.Limits.Unpacked, commitsOnly)
}

// download starts an answer and takes it out of its side band.
func download(ctx context.Context, s transport.UploadPackSession, req *packp.UploadPackRequest) (io.ReadCloser, error) {
	band, none := sideband.Type(-1), sideband.Type(-1)
	switch {
	case req.Capabilities.Supports(capability.Sideband64k):
		band = sideband.Sideband64k
	case req.Capabilities.Supports(capability.Sideband):
		band = sideband.Sideband
	}
	if band != none { // servers without a side band may refuse to hear of progress
		if err := req.Capabilities.Set(capability.NoProgress); err != nil {
			return nil, err
		}
	}
	resp, err := s.UploadPack(ctx, req)
	if err != nil {
		return nil, explain(err)
	}
	if band == none {
		return resp, nil
	}
	return body{sideband.NewDemuxer(band, resp), resp}, nil
}

// forced says whether the old head is no recent ancestor of the new one.
func (m *Mirror) forced(ctx context.Context, l layer, old, head ID) (bool, error) {
	m.mu.RLock()
	resume := m.resume
	m.mu.RUnlock()
	if resume {
		return false, nil
	}
	c, err := l.commit(head)
	if err != nil {
		return false, err
	}
	if slices.Contains(c.Parents, commitOf(old)) {
		return false, nil
	}
	if !l.st.full {
		s, ad, err := m.remote.upload(ctx)
		if err != nil {
			return false, err
		}
		defer s.Close() //nolint:errcheck // the work is done, or has failed already
		commits, err := m.unpack(ctx, s, ad, head, generations, true)
		if errors.Is(err, errPackTooLarge) {
			return true, nil // nothing but foreign history is that large
		}
		if err != nil {
			return false, err
		}
		l.objects = commits
	}
	return !l.reaches(head, commitOf(old)), nil
}

// replace takes a fresh snapshot beside the current one and swaps them.
func (m *Mirror) replace(ctx context.Context) (Update, error) {
	ctx, cancel := context.WithTimeout(ctx, m.o.Limits.SnapshotTimeout)
	defer cancel()
	tmp, err := os.MkdirTemp(m.o.Dir, "new-")
	if err != nil {
		return Update{}, err
	}
	defer os.RemoveAll(tmp) //nolint:errcheck // gone already when all went well; else swept at the next start
	fresh, err := m.snapshot(ctx, tmp)
	if err != nil {
		return Update{}, err
	}
	last, old := m.current(), m.headID()
	up := Update{Old: commitOf(old), New: commitOf(fresh.base), All: true}
	if last != nil && !last.isBroken() {
		if changed, err := between(last, old, fresh, fresh.base); err == nil {
			up.All, up.Changed = false, changed
		}
	}
	if up.Forced, err = m.forcedSince(ctx, last, old, fresh); err != nil {
		return Update{}, errors.Join(err, fresh.close())
	}
	if err := fresh.close(); err != nil {
		return Update{}, err
	}
	dir := filepath.Join(m.o.Dir, snapshotDir)
	if err := errors.Join(os.RemoveAll(dir), os.Rename(tmp, dir)); err != nil {
		return Update{}, err
	}
	m.install(newStore(dir, openDisk(dir), fresh.base, fresh.full), fresh.base)
	if last != nil {
		return up, last.close()
	}
	return up, nil
}

// forcedSince asks the fresh snapshot whether it descends from the old head.
func (m *Mirror) forcedSince(ctx context.Context, last *store, old ID, fresh *store) (bool, error) {
	if last == nil || old == fresh.base {
		return false, nil
	}
	rewritten, err := m.forced(ctx, layer{nil, fresh}, old, fresh.base)
	if err != nil && needsSnapshot(fresh, err) {
		return false, nil // it cannot be told, and what is there now is known whole
	}
	return rewritten, err
}

// snapshot fetches the branch into an empty directory: one commit, or all of
// its history from a server that cannot do less.
func (m *Mirror) snapshot(ctx context.Context, dir string) (*store, error) {
	s, ad, err := m.remote.upload(ctx)
	if err != nil {
		return nil, err
	}
	defer s.Close() //nolint:errcheck // the work is done, or has failed already
	head, ok := ad.refs[m.o.Branch]
	if !ok {
		return nil, fmt.Errorf("the remote has no branch %s", m.o.Branch)
	}
	req := packp.NewUploadPackRequestFromCapabilities(ad.caps)
	req.Wants = []plumbing.Hash{plumbing.Hash(head)}
	full := !ad.caps.Supports(capability.Shallow)
	if !full {
		req.Depth = packp.DepthCommits(1)
		if err := req.Capabilities.Set(capability.Shallow); err != nil {
			return nil, err
		}
	}
	pack, err := download(ctx, s, req)
	if err != nil {
		return nil, err
	}
	defer pack.Close() //nolint:errcheck // read to its end, or failed already
	disk := openDisk(dir)
	if err := disk.Init(); err != nil {
		return nil, err
	}
	if err := packfile.UpdateObjectStorage(disk, &capped{r: pack, left: m.o.Limits.Snapshot}); err != nil {
		return nil, errors.Join(explain(err), disk.Close())
	}
	st := newStore(dir, disk, head, full)
	c, err := st.commit(head)
	if err == nil {
		_, err = st.tree(c.Tree)
	}
	if err == nil {
		err = m.describe(st)
	}
	if err != nil {
		return nil, errors.Join(err, disk.Close())
	}
	m.setRefs(ad.refs)
	return st, nil
}

// Commit returns a commit, fetching it if it is not held: the head of a
// proposal's branch that somebody pushed, say. Its files can be read until a
// later Fetch or Commit needs the room; then ask again.
func (m *Mirror) Commit(ctx context.Context, c gitops.Commit) (Commit, error) {
	id, err := parseID(string(c))
	if err != nil {
		return Commit{}, err
	}
	m.fetching.Lock()
	defer m.fetching.Unlock()
	parsed, err := m.hold(ctx, id)
	if err != nil {
		return Commit{}, fmt.Errorf("fetch commit %s of %s: %w", c.Short(), m.remote.name, err)
	}
	return parsed, nil
}

func (m *Mirror) hold(ctx context.Context, id ID) (Commit, error) {
	st, head := m.current(), m.headID()
	if st == nil {
		return Commit{}, errors.New("the branch was not fetched yet")
	}
	if _, _, err := (layer{nil, st}).changed(head, id); err == nil {
		return st.commit(id)
	}
	ctx, cancel := context.WithTimeout(ctx, m.o.Limits.Timeout)
	defer cancel()
	s, ad, err := m.remote.upload(ctx)
	if err != nil {
		return Commit{}, err
	}
	defer s.Close() //nolint:errcheck // the work is done, or has failed already
	objects, err := m.thin(ctx, s, ad, id)
	if err != nil {
		if ctx.Err() == nil && !slices.Contains(slices.Collect(maps.Values(ad.refs)), id) {
			err = fmt.Errorf("%w, and not the head of any branch: %w", ErrUnknownCommit, err)
		}
		return Commit{}, err
	}
	l := layer{objects, st}
	if _, _, err := l.changed(head, id); err != nil {
		return Commit{}, err
	}
	st.addSide(objects)
	return l.commit(id)
}
