package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/edit"
	"github.com/waveguide-dev/waveguide/gitops/mirror"
	"github.com/waveguide-dev/waveguide/promoter/loop"
)

// maxComposed bounds how many commits are kept that were not pushed yet.
const maxComposed = 1000

// maxFiles bounds how many files of one folder are read for a lane.
const maxFiles = 2000

// repo makes the mirror speak the loop's words.
type repo struct {
	*mirror.Mirror
	// silent remembers which blobs do not hold a text, so that an unchanged
	// file is searched once.
	mu      sync.Mutex
	fetched bool // by the loop, one after the other
	silent  map[string]struct{}
	// composed are commits on their way to the remote.
	composed map[gitops.Commit]*mirror.Composed
}

var (
	_ loop.Repo     = (*repo)(nil)
	_ loop.Branches = (*repo)(nil)
)

func (r *repo) Fetch(ctx context.Context) (loop.Update, error) {
	u, err := r.Mirror.Fetch(ctx)
	if err != nil {
		return loop.Update{}, err
	}
	up := loop.Update{Head: u.New, Old: u.Old, Changed: u.Changed, All: u.All || u.Forced}
	if u.Forced || !r.fetched {
		up.Old = "" // a mirror of an earlier run does not tell how the branch got on
	}
	r.fetched = true
	return up, nil
}

func (r *repo) Files(ctx context.Context, at gitops.Commit, under, text string) (map[string][]byte, error) {
	under = strings.TrimSuffix(under, "/")
	if src, mode, err := r.Read(at, under); err == nil && mode.IsFile() {
		return map[string][]byte{under: src}, nil
	}
	files := map[string][]byte{}
	err := r.Walk(ctx, at, under, func(e mirror.Entry) error {
		if !e.Mode.IsFile() || r.mute(e.Blob, text) {
			return nil
		}
		src, err := r.ReadBlob(e.Blob)
		if err != nil {
			return fmt.Errorf("read %s: %w", e.Path, err)
		}
		// Markers lead to places in files that do not name the image.
		if text != "" && (bytes.IndexByte(src, 0) >= 0 || !edit.Mentions(src, []byte(text)) && len(edit.Markers(src)) == 0) {
			r.hush(e.Blob, text)
			return nil
		}
		if len(files) == maxFiles {
			return fmt.Errorf("%s holds more than %d files that matter: name a smaller folder", under, maxFiles)
		}
		files[e.Path] = src
		return nil
	})
	if errors.Is(err, mirror.ErrNotFound) {
		return files, nil // a folder that is not there holds nothing
	}
	return files, err
}

func (r *repo) mute(id mirror.ID, text string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.silent[text+id.String()]
	return ok
}

func (r *repo) hush(id mirror.ID, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.silent) > 1<<17 {
		clear(r.silent)
	}
	r.silent[text+id.String()] = struct{}{}
}

func (r *repo) Delta(ctx context.Context, from, to gitops.Commit) (loop.Delta, error) {
	got, err := r.Commit(ctx, to)
	if err != nil {
		return loop.Delta{}, err
	}
	if from == "" && len(got.Parents) != 1 {
		return loop.Delta{}, fmt.Errorf("commit %s has %d parents, not one", to.Short(), len(got.Parents))
	}
	if from == "" {
		from = got.Parents[0]
	}
	d := loop.Delta{Parent: from, Files: map[string][2][]byte{}, Author: got.Author.Email, Message: got.Message}
	if _, err := r.Commit(ctx, d.Parent); err != nil {
		return d, err
	}
	changes, err := r.Diff(d.Parent, to)
	if err != nil {
		return d, err
	}
	if len(changes) > maxFiles {
		return d, fmt.Errorf("commit %s changes more than %d files", to.Short(), maxFiles)
	}
	for _, ch := range changes {
		if d.Files[ch.Path], err = r.sides(ch); err != nil {
			return d, err
		}
	}
	return d, nil
}

// sides are the bytes of a changed path before and after. What is no regular
// file counts as absent, and a change of mode is never ours and has no after.
func (r *repo) sides(ch mirror.FileChange) (s [2][]byte, err error) {
	for i, side := range []struct {
		id   mirror.ID
		mode mirror.Mode
	}{{ch.Old, ch.OldMode}, {ch.New, ch.NewMode}} {
		if side.id.IsZero() || !side.mode.IsFile() {
			continue
		}
		if s[i], err = r.ReadBlob(side.id); err != nil {
			return s, fmt.Errorf("read %s: %w", ch.Path, err)
		}
	}
	if !ch.Old.IsZero() && !ch.New.IsZero() && ch.OldMode != ch.NewMode {
		s[1] = nil
	}
	return s, nil
}

// Compose keeps the objects of a commit until it is pushed.
func (r *repo) Compose(_ context.Context, d loop.Draft) (gitops.Commit, error) {
	c, err := r.Mirror.Compose(mirror.Draft{Base: d.Base, Files: d.Files, Message: d.Message, Time: d.Time})
	if err != nil {
		return "", err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.composed) >= maxComposed {
		clear(r.composed) // never pushed; they are composed again
	}
	r.composed[c.ID] = &c
	return c.ID, nil
}

func (r *repo) Push(ctx context.Context, moves []loop.Move) []error {
	errs := make([]error, len(moves))
	updates := make([]mirror.RefUpdate, len(moves))
	r.mu.Lock()
	for i, m := range moves {
		updates[i] = mirror.RefUpdate{Branch: m.Branch, Old: m.Old, New: m.New, Composed: r.composed[m.New]}
		delete(r.composed, m.New)
	}
	r.mu.Unlock()
	results, err := r.Mirror.Push(ctx, updates)
	for i := range errs {
		if errs[i] = err; i < len(results) {
			errs[i] = results[i].Err
		}
	}
	return errs
}

func newRepo(m *mirror.Mirror) *repo {
	return &repo{Mirror: m, silent: map[string]struct{}{}, composed: map[gitops.Commit]*mirror.Composed{}}
}
