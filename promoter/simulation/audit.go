package simulation

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/promoter/loop"
	"github.com/waveguide-dev/waveguide/promoter/simulation/law"
	"github.com/waveguide-dev/waveguide/promoter/simulation/world"
	"github.com/waveguide-dev/waveguide/promoter/store"
)

// entry is the body of an intent or an outcome.
type entry struct {
	Change gitops.Change `json:"change"`
	// Publish says that it is about a statement beside a digest.
	Publish []string `json:"publish"`
}

// auditor reads one ledger.
type auditor struct {
	*book

	store     *store.Store
	intents   map[string]intent
	outcomes  map[string]bool
	decisions int
	broken    []law.Violation
}

func (a *auditor) say(format string, args ...any) {
	a.broken = append(a.broken, law.Violation{Law: "ledger", Text: fmt.Sprintf("store %d: ", a.number) + fmt.Sprintf(format, args...)})
}

// audit holds the laws of the ledger: it is whole, it succeeds every checkpoint
// that was published, it explains every deed, and every decision in it is made
// again with the same bytes.
func (b *book) audit(ctx context.Context, s *sim) (decisions int, vs []law.Violation) {
	a := &auditor{book: b, intents: map[string]intent{}, outcomes: map[string]bool{}}
	st, err := store.Open(ctx, store.Options{Path: b.path, ReadOnly: true})
	if err != nil {
		a.say("%v", err)
		return 0, a.broken
	}
	defer func() { _ = st.Close() }() // only read
	a.store = st
	var ours []store.Checkpoint
	for _, c := range s.checkpoints() {
		if strings.HasSuffix(c.Origin, fmt.Sprintf("/%d", b.number)) {
			ours = append(ours, c)
		}
	}
	all, err := st.Entries(ctx, store.Filter{}, 1<<20)
	if err := errors.Join(err, st.Verify(ctx, ours...)); err != nil {
		a.say("%v", err)
	}
	for _, e := range all {
		s.leaks.look("the ledger", string(e.Body))
		a.read(ctx, e)
	}
	a.memories(ctx, &s.leaks)
	for key, i := range a.intents {
		if !a.outcomes[key] && s.books[len(s.books)-1] == b {
			a.say("the intent to %s has no outcome", i.change)
		}
	}
	for _, d := range b.deeds {
		if !explains(a.intents, d, b.ahead) {
			a.say("no intent explains that %s at %s", d, d.At.Format(time.TimeOnly))
		}
	}
	return a.decisions, a.broken
}

// read takes in one entry of the ledger.
func (a *auditor) read(ctx context.Context, e store.Entry) {
	var body entry
	if err := json.Unmarshal(e.Body, &body); err != nil {
		a.say("entry %d: %v", e.Seq, err)
	}
	switch e.Kind {
	case store.Outcome:
		a.outcomes[e.Key] = true
	case store.Intent:
		a.intents[e.Key] = intent{body.Change, e.At, len(body.Publish) > 0}
	case store.Decision, store.Evidence, store.Epoch, store.Note:
	}
	decided, err := loop.Replay(ctx, a.store, e)
	switch steps := []gitops.ChangeKind{gitops.OpenProposal, gitops.UpdateProposal, gitops.MergeProposal}; {
	case err != nil:
		a.broken = append(a.broken, law.Violation{Law: "replay", Lane: body.Change.Lane, Text: err.Error()})
	case decided:
		a.decisions++
	case e.Kind == store.Intent && slices.Contains(steps, body.Change.Kind):
		a.say("entry %d: the intent to %s carries no decision", e.Seq, body.Change)
	}
}

// intent is what was to be done, and when it was written.
type intent struct {
	change gitops.Change
	at     time.Time
	// says that a statement is to be published.
	says bool
}

// explains says that an intent stands before a deed.
func explains(intents map[string]intent, d world.Deed, ahead time.Duration) bool {
	kinds := map[string][]gitops.ChangeKind{
		"push": {gitops.OpenProposal, gitops.UpdateProposal}, "delete": {gitops.CloseProposal}, "open": {gitops.OpenProposal},
		"describe": {gitops.UpdateProposal, gitops.SetCheck, gitops.DescribeProposal}, "merge": {gitops.MergeProposal}, "enqueue": {gitops.MergeProposal}, "close": {gitops.CloseProposal},
		"check": {gitops.SetCheck, gitops.OpenProposal}, "comment": {gitops.AnswerPerson, gitops.EndIssue}, "resume": {gitops.EndIssue}, "report": {gitops.FileReport}, "request": {gitops.OpenProposal, gitops.UpdateProposal, gitops.SetCheck},
		"mend": {gitops.MendStop}, "retitle": {gitops.MendStop}, string(gitops.Labelled): {gitops.MendStop, gitops.DescribeProposal, gitops.SetCheck},
		string(gitops.Unlabelled): {gitops.RemoveLabel, gitops.MendStop, gitops.DescribeProposal, gitops.SetCheck},
	}[d.Kind]
	for _, i := range intents {
		if i.says && d.Kind == "publish" && !i.at.After(d.At.Add(ahead)) {
			return true
		}
		if i.at.After(d.At.Add(ahead)) || d.Lane.Environment != "" && i.change.Lane.Environment != "" && (i.change.Lane.Environment != d.Lane.Environment || i.change.Lane.Artifact != d.Lane.Artifact) {
			continue
		}
		if slices.Contains(kinds, i.change.Kind) && i.names(d) {
			return true
		}
	}
	return false
}

// names says that an intent to merge or to set a check names the deed's commit.
func (i intent) names(d world.Deed) bool {
	switch {
	case i.change.Kind == gitops.MergeProposal:
		return i.change.Head == d.Head
	case i.change.Kind == gitops.SetCheck && d.Kind == "check":
		return i.change.Head == cmp.Or(d.Group, d.Head)
	}
	return true
}
