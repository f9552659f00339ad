package simulation

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/promoter/simulation/law"
	"github.com/waveguide-dev/waveguide/promoter/simulation/world"
	"github.com/waveguide-dev/waveguide/promoter/store"
)

// book is a store on disk, whoever holds it, with what was done while it was
// open.
type book struct {
	number int
	path   string
	holder string
	opened int
	// limit bounds the file, so that the disk is full; zero does not.
	limit int64
	// broken mends what keeps the store from being written; nil if nothing does.
	broken func()
	// ahead is how far the clock of a holder ever was before that of the world.
	ahead  time.Duration
	clocks *law.Clocks
	deeds  []world.Deed
}

func (s *sim) newBook(holder string) *book {
	b := &book{number: len(s.books), holder: holder, clocks: law.NewClocks()}
	b.path = filepath.Join(s.Dir, fmt.Sprintf("store-%d-%d.db", s.Seed, b.number))
	s.books = append(s.books, b)
	return b
}

// open opens the store for its holder, as if no other process were alive on
// this machine: the one that had it is fenced off from then on.
func (b *book) open(ctx context.Context, s *sim) (*store.Store, error) {
	b.opened++
	b.mend()
	if err := os.Remove(b.path + ".lock"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return store.Open(ctx, store.Options{
		Path: b.path, Holder: fmt.Sprintf("%s-%d", b.holder, b.opened), Origin: fmt.Sprintf("simulation/%d/%d", s.Seed, b.number),
		MaxBytes: b.limit, Patience: time.Millisecond,
	})
}

// mend ends what keeps the store from being written.
func (b *book) mend() {
	if b.broken != nil {
		b.broken()
		b.broken = nil
	}
}

// published are the newest checkpoints in Git, one per ledger.
func (s *sim) published() []store.Checkpoint {
	newest := map[string]store.Checkpoint{}
	var order []string
	for _, c := range s.checkpoints() {
		if old, ok := newest[c.Origin]; !ok {
			order = append(order, c.Origin)
			newest[c.Origin] = c
		} else if c.Size > old.Size {
			newest[c.Origin] = c
		}
	}
	var all []store.Checkpoint
	for _, origin := range order {
		all = append(all, newest[origin])
	}
	return all
}

// checkpoints are all that were ever pushed, in the order of their commits.
func (s *sim) checkpoints() []store.Checkpoint {
	var all []store.Checkpoint
	for _, d := range s.world.Deeds {
		if d.Kind != "push" || s.process(d.By) == nil {
			continue
		}
		_, line, _ := strings.Cut(s.world.Commits[d.Head].Message, "Waveguide-Checkpoint: ")
		if c, err := store.ParseCheckpoint(strings.TrimSpace(line)); err == nil {
			all = append(all, c)
		}
	}
	return all
}

// size is how large the file is.
func (b *book) size() int64 {
	i, err := os.Stat(b.path)
	if err != nil {
		return 0
	}
	return i.Size()
}
