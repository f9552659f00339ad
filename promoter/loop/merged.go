package loop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/edit"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/loop/trail"
	"github.com/waveguide-dev/waveguide/promoter/store"
)

// mergeOf is the proposal of ours whose merge a step is.
func (l *Loop) mergeOf(s step) (gitops.Proposal, bool) {
	for _, p := range l.ended {
		if s.MadeOf(p) {
			return p, true
		}
	}
	for _, p := range l.unfinished {
		if s.MadeOf(p) {
			return p, true
		}
	}
	return gitops.Proposal{}, false
}

// landed compares what a merge of ours wrote with the edit that was planned, on
// what was there right before it. A difference stops the artifact. It says why
// that is not known yet.
func (l *Loop) landed(ctx context.Context, now time.Time, s step, p gitops.Proposal) string {
	if !l.atlas.follows(p.Lane) {
		return "" // no rule names the lane any more, or it is looked at when one does
	}
	compared := len(s.Lanes) > 0 && !slices.Contains(s.Lanes, p.Lane)
	what, err := "", error(nil)
	if !compared {
		what, err = l.merged(ctx, s, p)
	}
	if err != nil {
		return fmt.Sprintf("what the merge of proposal %s wrote could not be read: %v", p.ID, err)
	}
	for _, m := range s.Moves {
		if e := l.entryOf(s, m); e != nil {
			e.WrittenBy(s.Step)
			e.How, e.Problem, e.Proposal, e.At = trail.Proposed, "", p.ID, p.Ended
			l.following[m.Lane] = struct{}{}
		}
	}
	x := trail.Stray{Lane: p.Lane, Proposal: p.ID, Commit: s.Commit, What: what, At: now}
	if compared || slices.ContainsFunc(l.trunk.Strays, func(o trail.Stray) bool { return o.Key() == x.Key() }) {
		return ""
	}
	l.note(now, p.Lane, landing{Proposal: p.ID, Commit: s.Commit, To: p.To, Difference: what})
	if what == "" {
		return ""
	}
	l.trunk.Strays = append(slices.Clone(l.trunk.Strays), x)
	l.people.proposals = append(l.people.proposals, gitops.Standing{Replies: []gitops.Reply{{ID: p.ID, Key: x.Key(), Text: x.Word()}}})
	l.Log.ErrorContext(ctx, "a merged tree is not what was planned", "proposal", p.ID, "commit", string(s.Commit), "difference", what)
	return ""
}

// merged says how what a step wrote differs from the edit that was planned;
// empty if it is exactly that.
func (l *Loop) merged(ctx context.Context, s step, p gitops.Proposal) (string, error) {
	if p.To == (gitops.Version{}) {
		return "", errors.New("its head is gone")
	}
	at := l.atlas.stops[p.Lane]
	image := l.ruling.Routes[at.route].Image
	d, err := l.Repo.Delta(ctx, s.Before(), s.Commit)
	if err != nil {
		return "", err
	}
	files, err := l.Repo.Files(ctx, s.Before(), at.stop.Path, string(edit.Needle(image)))
	if err != nil {
		return "", err
	}
	revision := l.revision(p.Lane, p.To)
	if revision == "" && slices.ContainsFunc(at.stop.Metadata, func(m promoter.Metadata) bool { return strings.Contains(m.Value, "${revision}") }) {
		return l.proposed(ctx, p, d) // no proof names it any more
	}
	planned, err := Edited(files, l.request(image, *at.stop), at.stop.Metadata, p.To, revision)
	if err != nil {
		return "the planned edit does not fit what was there: " + err.Error(), nil //nolint:nilerr // that is the difference
	}
	return trail.Difference(planned, d.Files), nil
}

// proposed compares what a merge wrote with what stood on the proposal's head.
func (l *Loop) proposed(ctx context.Context, p gitops.Proposal, wrote Delta) (string, error) {
	d, err := l.Repo.Delta(ctx, "", p.Head)
	if err != nil {
		return "", err
	}
	planned := map[string][]byte{}
	for name, sides := range d.Files {
		planned[name] = sides[1]
	}
	return trail.Difference(planned, wrote.Files), nil
}

// landing is the body of the ledger's note about a merge.
type landing struct {
	Proposal string         `json:"proposal"`
	Commit   gitops.Commit  `json:"commit"`
	To       gitops.Version `json:"to,omitzero"`
	// Difference says how the merged tree differs from the plan, Released who
	// ended the stop that followed.
	Difference string `json:"difference,omitempty"`
	Released   string `json:"released,omitempty"`
}

// noted is a note for the ledger.
type noted struct {
	at   time.Time
	lane gitops.Lane
	body landing
}

// note keeps a note until the look's memory is written.
func (l *Loop) note(now time.Time, at gitops.Lane, body landing) {
	l.notes = append(l.notes, noted{at: now, lane: at, body: body})
}

// writeNotes puts what was found of merges into the ledger.
func (l *Loop) writeNotes(ctx context.Context) error {
	for _, n := range l.notes {
		body, err := json.Marshal(map[string]landing{"merge": n.body})
		if err != nil {
			return err
		}
		entry := store.Entry{At: n.at, Kind: store.Note, Subject: gitops.CutLine(n.lane.String(), maxSubject), Body: body}
		if _, err := l.Store.Append(ctx, entry); err != nil {
			return err
		}
	}
	l.notes = nil
	return nil
}

// stray are the pauses of artifacts with a merged tree that is not what was
// planned, before those that people made.
func (l *Loop) stray(pauses []gitops.Pause) []gitops.Pause {
	var all []gitops.Pause
	for _, x := range l.trunk.Strays {
		all = append(all, x.Pause(l.people.Filed[x.Key()]))
	}
	for _, p := range pauses {
		if !slices.ContainsFunc(all, func(o gitops.Pause) bool { return o.Title == p.Title }) {
			all = append(all, p)
		}
	}
	return all
}
