package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/object"
)

// line is the protected branch, oldest first.
func (w *world) line() []*object.Commit {
	w.t.Helper()
	_, c, err := w.main()
	var all []*object.Commit
	for ; err == nil; c, err = c.Parent(0) {
		all = append(all, c)
	}
	if !errors.Is(err, object.ErrParentNotFound) {
		w.t.Fatal(err)
	}
	slices.Reverse(all)
	return all
}

// climbs holds that every version that ever stood on main was released by us,
// and entered an environment only after the one before it had it.
func (w *world) climbs(released map[string]bool) {
	w.t.Helper()
	line := w.line()
	had := map[string]map[string]bool{}
	for n, c := range line {
		for i, env := range w.envs {
			f, err := c.File(file(env))
			if err != nil {
				w.t.Fatal(err)
			}
			text, err := f.Contents()
			if err != nil {
				w.t.Fatal(err)
			}
			found := digestLine.FindStringSubmatch(text)
			if found == nil {
				w.t.Fatalf("commit %s names no digest in %s", c.Hash, env)
			}
			digest := found[1]
			if had[env] == nil {
				had[env] = map[string]bool{}
			}
			if n > 0 && !had[env][digest] {
				if !released[digest] {
					w.t.Errorf("commit %s brings %s to %s, which nobody signed", c.Hash, digest, env)
				}
				if i > 0 && !had[w.envs[i-1]][digest] {
					w.t.Errorf("commit %s brings %s to %s before %s had it", c.Hash, digest, env, w.envs[i-1])
				}
			}
			had[env][digest] = true
		}
	}
}

// keepsSecrets holds that the bot's token stands in nothing that it wrote: its
// output, proposals, commits, the ledger and the memory.
func (w *world) keepsSecrets(said ...string) {
	w.t.Helper()
	raw, err := os.ReadFile(filepath.Join(w.dir, "bot.token"))
	if err != nil {
		w.t.Fatal(err)
	}
	token := strings.TrimSpace(string(raw))
	for _, p := range w.proposals() {
		said = append(said, p.Title, p.Body)
		for _, c := range p.Checks {
			said = append(said, c.Text)
		}
	}
	for _, c := range w.line() {
		said = append(said, c.Message)
	}
	err = filepath.WalkDir(filepath.Join(w.dir, "state"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		said = append(said, string(b))
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, text := range said {
		if i := strings.Index(text, token); i >= 0 {
			w.t.Errorf("the bot's token stands after %q", text[max(0, i-80):i])
		}
	}
}
