package local

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"github.com/waveguide-dev/waveguide/gitops"
)

const (
	maxCommands = 2000
	// fewObjects are stored one by one, so that small pushes do not leave a
	// pack each.
	fewObjects = 100
)

func (s *Server) receive(w http.ResponseWriter, r *http.Request) {
	repo, u := s.gitRequest(w, r, gitops.PermissionWrite)
	if u == nil {
		return
	}
	plain, err := body(w, r, s.options.MaxPush)
	if err != nil {
		status, text := answer(err)
		http.Error(w, text, status)
		return
	}
	in := bufio.NewReaderSize(plain, 64<<10)
	kind := "application/x-" + receivePack + "-result"
	if first, err := in.Peek(4); err == nil && string(first) == "0000" {
		header(w, kind) // a probe of the credentials
		return
	}
	req := packp.NewReferenceUpdateRequest()
	if err := req.Decode(in); err != nil || len(req.Commands) > maxCommands {
		http.Error(w, fmt.Sprintf("the push is not understood: use at most %d references", maxCommands), http.StatusBadRequest)
		return
	}
	report, moved := repo.receive(u.actor, req.Commands, in)
	_, _ = io.Copy(io.Discard, in) // a client that is still sending would not read the answer
	header(w, kind)
	_ = report.Encode(w) // the client is gone
	if moved && repo.changed != nil {
		repo.changed(repo.name)
	}
}

// receive judges each command before anything is stored and once more, under
// the lock, before its reference moves.
func (r *repository) receive(by gitops.Actor, commands []*packp.Command, in *bufio.Reader) (*packp.ReportStatus, bool) {
	report := packp.NewReportStatus()
	report.UnpackStatus = "ok"
	reasons := make([]error, len(commands))
	var some, pack bool
	r.mu.Lock()
	for i, c := range commands {
		reasons[i] = r.judge(by, c)
		some = some || reasons[i] == nil
		pack = pack || !c.New.IsZero()
	}
	r.mu.Unlock()
	if some && pack {
		if err := r.storePack(in); err != nil {
			report.UnpackStatus = "the pack cannot be read: push again, without a thin pack"
			some = false
		}
	}
	moved := false
	for i, c := range commands {
		err := reasons[i]
		if err == nil && !some {
			err = refuse(http.StatusBadRequest, "the pack cannot be read")
		}
		if err == nil {
			err = r.update(by, c)
		}
		moved = moved || err == nil
		report.CommandStatuses = append(report.CommandStatuses, &packp.CommandStatus{ReferenceName: c.Name, Status: status(err)})
	}
	return report, moved
}

func status(err error) string {
	if err == nil {
		return "ok"
	}
	_, text := answer(err)
	return oneLine(text, 200)
}

// judge says whether a command is permitted as things are. The caller holds
// the lock.
func (r *repository) judge(by gitops.Actor, c *packp.Command) error {
	if !validRef(c.Name) {
		return refuse(http.StatusForbidden, "only branches and tags of plain names can be pushed")
	}
	now, err := r.ref(c.Name)
	if err != nil {
		return err
	}
	if now != c.Old {
		return refuse(http.StatusConflict, "stale info: it is at %s", short(now))
	}
	admin := may(by, gitops.PermissionAdmin)
	main := c.Name == plumbing.NewBranchReferenceName(r.protected)
	switch {
	case main && !admin:
		return refuse(http.StatusForbidden, "protected branch: open a proposal")
	case main && c.New.IsZero():
		return refuse(http.StatusForbidden, "protected branch: it cannot be deleted")
	case c.Name.IsTag() && !now.IsZero() && !admin:
		return refuse(http.StatusForbidden, "tags do not move: push another name")
	}
	if p := r.state.openOn(c.Name.Short()); p != nil && c.Name.IsBranch() && c.New.IsZero() {
		return refuse(http.StatusForbidden, "proposal %s is open on it: close that first", p.ID)
	}
	return nil
}

// update moves one reference if it is permitted still, to a commit that is
// whole.
func (r *repository) update(by gitops.Actor, c *packp.Command) error {
	if !c.New.IsZero() {
		if err := r.whole(c); err != nil {
			return err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.judge(by, c); err != nil {
		return err
	}
	if err := r.setRef(c.Name, c.New); err != nil {
		return err
	}
	return nil
}

func (r *repository) storePack(in *bufio.Reader) error {
	head, err := in.Peek(12)
	if errors.Is(err, io.EOF) && len(head) == 0 {
		return nil // nothing but objects that are here
	}
	if err != nil {
		return fmt.Errorf("read the pack's header: %w", err)
	}
	store := r.storage()
	if binary.BigEndian.Uint32(head[8:]) > fewObjects {
		return packfile.UpdateObjectStorage(store, in)
	}
	return packfile.UpdateObjectStorage(struct{ storer.Storer }{store}, in)
}

// whole checks that everything the new commit needs is here, looking only at
// what differs from what is known already, and that the protected branch is
// not rewritten.
func (r *repository) whole(c *packp.Command) error {
	store := r.storage()
	kind, err := store.EncodedObject(plumbing.AnyObject, c.New)
	if err != nil {
		return refuse(http.StatusUnprocessableEntity, "missing necessary objects")
	}
	if kind.Type() == plumbing.TagObject && c.Name.IsTag() {
		return nil
	}
	if kind.Type() != plumbing.CommitObject {
		return refuse(http.StatusUnprocessableEntity, "it is no commit")
	}
	r.mu.Lock()
	refs, err := r.refs()
	r.mu.Unlock()
	if err != nil {
		return err
	}
	known := map[plumbing.Hash]bool{}
	for _, id := range refs {
		known[id] = true
	}
	if err := wholeCommits(store, c.New, known); err != nil {
		return refuse(http.StatusUnprocessableEntity, "missing necessary objects")
	}
	if c.Name == plumbing.NewBranchReferenceName(r.protected) && !c.Old.IsZero() {
		if ok, err := isAncestor(store, c.Old, c.New); err != nil || !ok {
			return refuse(http.StatusForbidden, "protected branch: only fast-forward")
		}
	}
	return nil
}

// wholeCommits walks back from a commit to what references reached before.
func wholeCommits(store *filesystem.Storage, from plumbing.Hash, known map[plumbing.Hash]bool) error {
	seen := map[plumbing.Hash]bool{}
	for todo := []plumbing.Hash{from}; len(todo) > 0; {
		id := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[id] || known[id] {
			continue
		}
		seen[id] = true
		c, err := object.GetCommit(store, id)
		if err != nil {
			return fmt.Errorf("read commit %s: %w", id, err)
		}
		base := plumbing.ZeroHash
		if len(c.ParentHashes) > 0 {
			if p, err := object.GetCommit(store, c.ParentHashes[0]); err == nil {
				base = p.TreeHash
			}
		}
		if err := wholeTree(store, c.TreeHash, base); err != nil {
			return err
		}
		todo = append(todo, c.ParentHashes...)
	}
	return nil
}

func wholeTree(store *filesystem.Storage, tree, base plumbing.Hash) error {
	if tree == base {
		return nil
	}
	entries, err := readTree(store, tree)
	if err != nil {
		return err
	}
	old, _ := readTree(store, base) // nothing to compare with: everything is checked
	for name, e := range entries {
		before := old[name]
		switch {
		case e.Hash == before.Hash:
		case isDir(e):
			below := plumbing.ZeroHash
			if isDir(before) {
				below = before.Hash
			}
			if err := wholeTree(store, e.Hash, below); err != nil {
				return err
			}
		case isLink(e):
		default:
			if err := store.HasEncodedObject(e.Hash); err != nil {
				return fmt.Errorf("read blob %s: %w", e.Hash, err)
			}
		}
	}
	return nil
}
