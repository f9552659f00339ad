package simulation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter"
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
	limit  int64
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
	if err := os.Remove(b.path + ".lock"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return store.Open(ctx, store.Options{
		Path: b.path, Holder: fmt.Sprintf("%s-%d", b.holder, b.opened), Origin: fmt.Sprintf("simulation/%d/%d", s.Seed, b.number),
		MaxBytes: b.limit,
	})
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

// entry is the body of an intent or an outcome.
type entry struct {
	Change   gitops.Change   `json:"change"`
	Decision json.RawMessage `json:"decision"`
	Snapshot string          `json:"snapshot"`
	Result   string          `json:"result"`
}

// audit holds the laws of the ledger: it is whole, it succeeds every checkpoint
// that was published, it explains every deed, and every decision in it is made
// again with the same bytes.
func (b *book) audit(s *sim) (decisions int, vs []law.Violation) {
	broken := func(format string, args ...any) {
		vs = append(vs, law.Violation{Law: "ledger", Text: fmt.Sprintf("store %d: ", b.number) + fmt.Sprintf(format, args...)})
	}
	ctx := context.Background()
	st, err := store.Open(ctx, store.Options{Path: b.path, ReadOnly: true})
	if err != nil {
		broken("%v", err)
		return 0, vs
	}
	defer func() { _ = st.Close() }() // only read
	var ours []store.Checkpoint
	for _, c := range s.checkpoints() {
		if strings.HasSuffix(c.Origin, fmt.Sprintf("/%d", b.number)) {
			ours = append(ours, c)
		}
	}
	if err := st.Verify(ctx, ours...); err != nil {
		broken("%v", err)
	}
	all, err := st.Entries(ctx, store.Filter{}, 1<<20)
	if err != nil {
		broken("%v", err)
	}
	intents, outcomes := map[string]intent{}, map[string]bool{}
	for _, e := range all {
		var body entry
		if err := json.Unmarshal(e.Body, &body); err != nil {
			broken("entry %d: %v", e.Seq, err)
		}
		switch e.Kind {
		case store.Intent:
			intents[e.Key] = intent{body.Change, e.At}
			if body.Snapshot != "" && len(body.Decision) > 2 {
				decisions++
				if why := replay(ctx, st, body); why != "" {
					vs = append(vs, law.Violation{Law: "replay", Lane: body.Change.Lane, Text: fmt.Sprintf("entry %d: %s", e.Seq, why)})
				}
			}
		case store.Outcome:
			outcomes[e.Key] = true
		case store.Decision, store.Evidence, store.Epoch, store.Note:
		}
	}
	for key, i := range intents {
		if !outcomes[key] && s.books[len(s.books)-1] == b {
			broken("the intent to %s has no outcome", i.change)
		}
	}
	for _, d := range b.deeds {
		if !explains(intents, d) {
			broken("no intent explains that %s at %s", d, d.At.Format(time.TimeOnly))
		}
	}
	return decisions, vs
}

// intent is what was to be done, and when it was written.
type intent struct {
	change gitops.Change
	at     time.Time
}

// explains says that an intent stands before a deed.
func explains(intents map[string]intent, d world.Deed) bool {
	kinds := map[string][]gitops.ChangeKind{
		"push": {gitops.OpenProposal, gitops.UpdateProposal}, "delete": {gitops.CloseProposal}, "open": {gitops.OpenProposal},
		"describe": {gitops.UpdateProposal, gitops.SetCheck}, "merge": {gitops.MergeProposal}, "close": {gitops.CloseProposal},
		"check": {gitops.SetCheck, gitops.OpenProposal}, "comment": {gitops.AnswerPerson}, "request": {gitops.OpenProposal, gitops.UpdateProposal, gitops.SetCheck},
		"mend": {gitops.MendStop}, "retitle": {gitops.MendStop}, string(gitops.Labelled): {gitops.MendStop},
		string(gitops.Unlabelled): {gitops.RemoveLabel, gitops.MendStop},
	}[d.Kind]
	for _, i := range intents {
		if i.at.After(d.At) || d.Lane.Environment != "" && i.change.Lane.Environment != "" && (i.change.Lane.Environment != d.Lane.Environment || i.change.Lane.Artifact != d.Lane.Artifact) {
			continue
		}
		for _, k := range kinds {
			if i.change.Kind == k && (k != gitops.MergeProposal || i.change.Head == d.Head) && (k != gitops.SetCheck || d.Kind != "check" || i.change.Head == d.Head) {
				return true
			}
		}
	}
	return false
}

// replay decides a stored snapshot again and says how the answer differs from
// the one that was stored.
func replay(ctx context.Context, st *store.Store, e entry) string {
	data, err := st.Blob(ctx, e.Snapshot)
	if err != nil {
		return err.Error()
	}
	var s promoter.Snapshot
	if err := json.Unmarshal(data, &s); err != nil {
		return err.Error()
	}
	for _, l := range promoter.Decide(s).Lanes {
		if l.Lane != e.Change.Lane {
			continue
		}
		again, err := json.Marshal(l)
		if err != nil {
			return err.Error()
		}
		var a, b any
		if err := errors.Join(json.Unmarshal(again, &a), json.Unmarshal(e.Decision, &b)); err != nil {
			return err.Error()
		}
		if !reflect.DeepEqual(a, b) {
			return fmt.Sprintf("decided again it is %s, stored was %s", again, e.Decision)
		}
		return ""
	}
	return "decided again it has no such lane"
}

// size is how large the file is.
func (b *book) size() int64 {
	i, err := os.Stat(b.path)
	if err != nil {
		return 0
	}
	return i.Size()
}
