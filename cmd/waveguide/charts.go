package main

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/edit"
	"github.com/waveguide-dev/waveguide/gitops/mirror"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/loop"
)

// charts finds the sources of charts in a repository. The whole tree is searched
// once; after that only what changes is read.
type charts struct {
	*mirror.Mirror

	mu      sync.Mutex
	at      gitops.Commit
	defined map[string][]byte // files that define sources
}

var _ loop.Sources = (*charts)(nil)

func (c *charts) Sources(ctx context.Context, at gitops.Commit) (map[string]string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at != c.at {
		if err := c.advance(at); err != nil {
			if err := c.search(ctx, at); err != nil {
				return nil, err
			}
		}
		c.at = at
	}
	all := map[string]string{}
	for name, src := range c.defined {
		edit.AddSources(all, name, src)
	}
	return all, nil
}

// search reads the whole tree.
func (c *charts) search(ctx context.Context, at gitops.Commit) error {
	c.at, c.defined = "", map[string][]byte{}
	return c.Search(ctx, at, "", edit.DefinesSources, func(e mirror.Entry, src []byte, err error) error {
		if err == nil && edit.Known(e.Path) { // what is too large to be read is too large for a source
			c.defined[e.Path] = src
		}
		return nil
	})
}

// advance reads what changed since the last commit.
func (c *charts) advance(at gitops.Commit) error {
	changes, err := c.Diff(c.at, at)
	if err != nil {
		return err
	}
	for _, ch := range changes {
		delete(c.defined, ch.Path)
		if ch.New.IsZero() || !ch.NewMode.IsFile() || !edit.Known(ch.Path) {
			continue
		}
		src, err := c.ReadBlob(ch.New)
		if err != nil {
			return err
		}
		if edit.DefinesSources(src) {
			c.defined[ch.Path] = src
		}
	}
	return nil
}

// requested is what leads to the places of an artifact in a checkout.
func requested(checkout string, files map[string][]byte, image string, stop promoter.Stop) (edit.Request, error) {
	r := loop.Request(image, stop)
	if !loop.Sourced(files) {
		return r, nil
	}
	r.Sources = map[string]string{}
	root, err := os.OpenRoot(checkout)
	if err != nil {
		return r, err
	}
	defer func() { _ = root.Close() }()
	return r, filepath.WalkDir(checkout, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && e.Name() == ".git":
			return fs.SkipDir
		case !e.Type().IsRegular() || !edit.Known(path):
			return nil
		}
		name, err := filepath.Rel(checkout, path)
		if err != nil {
			return err
		}
		src, err := root.ReadFile(name)
		if err == nil {
			edit.AddSources(r.Sources, name, src)
		}
		return err
	})
}
