package local

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"github.com/waveguide-dev/waveguide/gitops"
)

// merge applies a proposal to the newest protected branch, exactly as it was
// when the caller looked: the expected head, open, green, not held.
func (r *repository) merge(by gitops.Actor, id string, expected gitops.Commit) (gitops.Commit, error) {
	var merged gitops.Commit
	return merged, r.do(func() error {
		t, head, err := r.mergeable(by, id, expected)
		if err != nil {
			return err
		}
		main := plumbing.NewBranchReferenceName(r.protected)
		onto, err := r.ref(main)
		if err != nil {
			return err
		}
		if onto.IsZero() {
			return refuse(http.StatusConflict, "branch %s does not exist: push it first", r.protected)
		}
		commit, err := r.mergeCommit(by, t, onto, head)
		if err != nil {
			return err
		}
		merged = gitops.Commit(commit.String())
		// The intent first: after a crash the branch says whether it was done.
		if err := r.record(event{By: by, Kind: merging, ID: id, Head: expected, Commit: merged}); err != nil {
			return err
		}
		if err := r.setRef(main, commit); err != nil {
			return err
		}
		return r.finishMerge(t)
	})
}

func (r *repository) mergeable(by gitops.Actor, id string, expected gitops.Commit) (*thread, plumbing.Hash, error) {
	t, err := r.proposal(id)
	if err != nil {
		return nil, plumbing.ZeroHash, err
	}
	if !may(by, gitops.PermissionWrite) {
		return nil, plumbing.ZeroHash, refuse(http.StatusForbidden, "%s may not merge: write permission is needed", by.Name)
	}
	if t.State != gitops.Open {
		return nil, plumbing.ZeroHash, refuse(http.StatusConflict, "proposal %s is %s, not open", id, t.State)
	}
	head, err := r.branch(t.Branch)
	if err != nil {
		return nil, plumbing.ZeroHash, err
	}
	if head.IsZero() || head.String() != string(expected) {
		return nil, plumbing.ZeroHash, refuse(http.StatusConflict, "the head of proposal %s moved to %s: look again", id, short(head))
	}
	for _, name := range []string{gitops.LabelHold, gitops.LabelHoldProw} {
		if t.label(name) {
			return nil, plumbing.ZeroHash, forbid("proposal %s is held by label %s: take it off first", id, name)
		}
	}
	check, ok := r.state.checks[expected][gitops.CheckName]
	if !ok || check.State != gitops.CheckSuccess {
		said := "not there yet"
		if ok {
			said = string(check.State) + ": " + check.Text
		}
		return nil, plumbing.ZeroHash, forbid("the check %s of proposal %s is not green (%s)", gitops.CheckName, id, said)
	}
	return t, head, nil
}

// mergeCommit stores the merge of head onto a commit of the protected branch.
func (r *repository) mergeCommit(by gitops.Actor, t *thread, onto, head plumbing.Hash) (plumbing.Hash, error) {
	store := r.storage()
	ours, errOurs := object.GetCommit(store, onto)
	theirs, errTheirs := object.GetCommit(store, head)
	if err := errors.Join(errOurs, errTheirs); err != nil {
		return plumbing.ZeroHash, fmt.Errorf("read what to merge: %w", err)
	}
	base, err := r.mergeBase(store, onto, head)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	if base.IsZero() || base == head {
		return plumbing.ZeroHash, refuse(http.StatusConflict, "proposal %s has nothing that %s has not: close it", t.ID, r.protected)
	}
	common, err := object.GetCommit(store, base)
	if err != nil {
		return plumbing.ZeroHash, fmt.Errorf("read the merge base: %w", err)
	}
	m := three{store: store}
	tree, err := m.merge(common.TreeHash, ours.TreeHash, theirs.TreeHash, "")
	if err != nil {
		return plumbing.ZeroHash, err
	}
	if len(m.conflicts) > 0 {
		return plumbing.ZeroHash, refuse(http.StatusConflict, "proposal %s conflicts with %s in %s: rebase it", t.ID, r.protected, strings.Join(m.conflicts, ", "))
	}
	if tree.IsZero() || tree == ours.TreeHash {
		return plumbing.ZeroHash, refuse(http.StatusConflict, "proposal %s changes nothing on %s: close it", t.ID, r.protected)
	}
	who := object.Signature{Name: by.Name, Email: by.Name + "@localhost", When: time.Now().UTC()}
	return writeCommit(store, &object.Commit{
		Author: who, Committer: who, TreeHash: tree, ParentHashes: []plumbing.Hash{onto, head},
		Message: fmt.Sprintf("Merge proposal %s: %s\n", t.ID, t.Title),
	})
}

func writeCommit(store *filesystem.Storage, c *object.Commit) (plumbing.Hash, error) {
	o := store.NewEncodedObject()
	if err := c.Encode(o); err != nil {
		return plumbing.ZeroHash, fmt.Errorf("encode the merge: %w", err)
	}
	id, err := store.SetEncodedObject(o)
	if err != nil {
		return plumbing.ZeroHash, fmt.Errorf("store the merge: %w", err)
	}
	return id, nil
}

// finishMerge records what the branch shows and removes the merged branch.
// The caller holds the lock.
func (r *repository) finishMerge(t *thread) error {
	head := t.Head
	if err := r.record(event{By: t.MergingBy, Kind: ended, ID: t.ID, State: string(gitops.Merged), Head: head, Commit: t.Merging}); err != nil {
		return err
	}
	name := plumbing.NewBranchReferenceName(t.Branch)
	now, err := r.ref(name)
	if err != nil || now.String() != string(head) {
		return err
	}
	return r.setRef(name, plumbing.ZeroHash)
}

// settle finishes merges that a crash cut off behind the deed, and forgets
// those it cut off before.
func (r *repository) settle() error {
	for _, t := range r.state.order {
		if t.Merging == "" || t.State != gitops.Open {
			continue
		}
		done, err := r.contains(t.Merging)
		if err != nil {
			return fmt.Errorf("see whether proposal %s was merged: %w", t.ID, err)
		}
		if !done {
			t.Merging = ""
			continue
		}
		if err := r.finishMerge(t); err != nil {
			return err
		}
	}
	return nil
}

// contains says whether the protected branch has a commit.
func (r *repository) contains(c gitops.Commit) (bool, error) {
	id := plumbing.NewHash(string(c))
	main, err := r.branch(r.protected)
	if err != nil || main.IsZero() || r.storage().HasEncodedObject(id) != nil {
		return false, err
	}
	return isAncestor(r.storage(), id, main)
}

// mergeBase is where two commits parted, zero if they have nothing in common.
func (r *repository) mergeBase(store *filesystem.Storage, main, head plumbing.Hash) (plumbing.Hash, error) {
	key := [2]plumbing.Hash{main, head}
	if id, ok := r.bases[key]; ok {
		return id, nil
	}
	a, errMain := object.GetCommit(store, main)
	b, errHead := object.GetCommit(store, head)
	if err := errors.Join(errMain, errHead); err != nil {
		return plumbing.ZeroHash, fmt.Errorf("read commits: %w", err)
	}
	found := plumbing.ZeroHash
	if len(b.ParentHashes) == 1 && b.ParentHashes[0] == main {
		found = main // what the bot makes
	} else {
		bases, err := b.MergeBase(a)
		if err != nil {
			return plumbing.ZeroHash, fmt.Errorf("find where %s left %s: %w", short(head), r.protected, err)
		}
		if len(bases) > 0 {
			found = bases[0].Hash
		}
	}
	if len(r.bases) >= maxBases {
		clear(r.bases)
	}
	r.bases[key] = found
	return found, nil
}
