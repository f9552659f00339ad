package loop

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/edit"
	"github.com/waveguide-dev/waveguide/promoter/store"
)

// compose computes the edit of a deed and makes its commit.
func (l *Loop) compose(ctx context.Context, now time.Time, cp store.Checkpoint, d *deed) error {
	c := d.change
	files, err := l.Repo.Files(ctx, c.Base, d.stop.Path, string(edit.Needle(d.route.Image)))
	if err != nil {
		return err
	}
	d.files, err = Edited(files, l.request(d.route.Image, d.stop), d.stop.Metadata, c.To, l.revision(c.Lane, c.To))
	var refused *edit.Refusal
	switch {
	case errors.As(err, &refused) && refused.Hint != "":
		return fmt.Errorf("%w; %s", err, refused.Hint)
	case err != nil:
		return err
	case c.To.Tag == "" && c.From.Tag != "":
		return fmt.Errorf("the tag of %s is not known any more, and %s names one: set both by hand", c.To.Digest, d.stop.Path)
	case len(d.files) == 0:
		return fmt.Errorf("nothing to write: %s names %s already", d.stop.Path, c.To.Tag)
	}
	if d.move, err = l.branch(ctx, now, *d); err != nil {
		return err
	}
	message := fmt.Sprintf("%s\n\nWaveguide-Artifact: %s\nWaveguide-Environment: %s\nWaveguide-Digest: %s\nWaveguide-From: %s\nWaveguide-Class: %s\nWaveguide-Checkpoint: %s\n",
		l.Writer.Title(d.lane), c.Lane.Artifact, c.Lane.Environment, c.To.Digest, c.From.Digest, c.Class, cp)
	d.move.New, err = l.Repo.Compose(ctx, Draft{Base: c.Base, Files: d.files, Message: message, Time: now.Truncate(time.Second)})
	return err
}

const (
	// maxNumbered bounds how many branches of strangers are passed by.
	maxNumbered = 9
	// settling is how long a list may not show a proposal that is open.
	settling = 5 * time.Minute
)

// sighting is a commit and when it was first seen.
type sighting struct {
	head gitops.Commit
	at   time.Time
}

// branch finds the branch to move: that of the living proposal, or for a new
// one the lane's own. Where a stranger has a branch of that name it is left
// alone, and a numbered name is used: not before a list would show the proposal
// of ours that the stranger pushed to.
func (l *Loop) branch(ctx context.Context, now time.Time, d deed) (Move, error) {
	if d.change.Kind == gitops.UpdateProposal {
		return Move{Branch: l.branchOf(d.change), Old: d.change.Head}, nil
	}
	for n := 1; n <= maxNumbered; n++ {
		name := d.change.Lane.NumberedBranch(n)
		head, exists := l.Branches.Branch(name)
		if !exists {
			return Move{Branch: name}, nil
		}
		left, err := l.Repo.Delta(ctx, "", head)
		if err != nil {
			return Move{}, fmt.Errorf("read branch %s: %w", name, err)
		}
		if left.Author == l.Email {
			return Move{Branch: name, Old: head}, nil
		}
		if l.strange[name].head != head {
			l.strange[name] = sighting{head, now}
		}
		if wait := l.strange[name].at.Add(settling).Sub(now); wait > 0 && !l.claimed(name) {
			l.queue.retry(l.atlas.stops[d.change.Lane].route, now.Add(wait))
			return Move{}, fmt.Errorf("branch %s holds a commit of %s: another name is used in %s, if no proposal of ours shows on it", name, left.Author, settling)
		}
		l.Log.WarnContext(ctx, "a branch of our name holds a commit that is not ours: it is left alone", "branch", name, "author", left.Author)
	}
	return Move{}, fmt.Errorf("branches %s to %s all hold commits that are not ours: delete or rename them",
		d.change.Lane.NumberedBranch(1), d.change.Lane.NumberedBranch(maxNumbered))
}

// claimed says that somebody else's proposal stands on a branch: none of ours
// does then.
func (l *Loop) claimed(branch string) bool {
	for _, v := range l.rivals {
		if v.proposal.Branch == branch {
			return true
		}
	}
	return false
}

// branchOf is the branch of the proposal that a change is about.
func (l *Loop) branchOf(c gitops.Change) string {
	if k := l.lanes[c.Lane]; k != nil {
		for _, p := range k.proposals {
			if p.ID == c.Proposal && p.Branch != "" {
				return p.Branch
			}
		}
	}
	return c.Lane.Branch()
}

// push moves the branches of a batch together.
func (l *Loop) push(ctx context.Context, batch []deed) {
	var moves []Move
	var movers []*deed
	for i := range batch {
		if batch[i].move.New != "" {
			moves, movers = append(moves, batch[i].move), append(movers, &batch[i])
		}
	}
	if len(moves) == 0 {
		return
	}
	for i, err := range l.Branches.Push(ctx, moves) {
		if err != nil {
			movers[i].err = fmt.Errorf("push %s: %w", moves[i].Branch, err)
		}
	}
	l.Crash("pushed")
}

// effect makes the change, after its branch was moved. Every effect may be
// repeated: branches move by compare-and-swap, proposals are found before they
// are created, a merge names its head.
func (l *Loop) effect(ctx context.Context, d deed) error {
	c := d.change
	switch c.Kind {
	case gitops.OpenProposal:
		return l.open(ctx, d)
	case gitops.UpdateProposal:
		return l.Proposer.Update(ctx, c.Proposal, l.Writer.Title(d.lane), l.body(d))
	case gitops.MergeProposal:
		err := l.Queue.Enqueue(ctx, c.Proposal, c.Head)
		if errors.Is(err, gitops.ErrUnsupported) {
			if _, err = l.Proposer.Merge(ctx, c.Proposal, c.Head); err == nil {
				l.over(c)
			}
		}
		return err
	case gitops.CloseProposal:
		if err := l.Proposer.Close(ctx, c.Proposal, c.Why); err != nil {
			return err
		}
		l.over(c)
		return errors.Join(l.Branches.Push(ctx, []Move{{Branch: l.branchOf(c), Old: c.Head}})...)
	case gitops.DescribeProposal:
		return l.describe(ctx, d)
	case gitops.SetCheck:
		if err := l.describe(ctx, d); err != nil {
			return err
		}
		check := c.Check
		check.Target = l.Target(c.Lane)
		err := l.Marker.SetCheck(ctx, c.Head, check)
		if err == nil && len(l.groups) > 0 {
			l.answered[c.Head] = c.Check
		}
		return err
	case gitops.RemoveLabel:
		return l.Marker.RemoveLabel(ctx, c.Proposal, c.Label)
	case gitops.MendStop:
		return l.Talker.Mend(ctx, *c.Mend)
	case gitops.AnswerPerson:
		return l.Talker.Answer(ctx, c.Proposal, c.Reply.Key, c.Reply.Text)
	case gitops.FileReport:
		return l.file(ctx, *c.Report)
	case gitops.EndIssue:
		return l.endIssue(ctx, c)
	}
	return fmt.Errorf("unknown change %q", c.Kind)
}

// open opens the proposal of a branch.
func (l *Loop) open(ctx context.Context, d deed) error {
	p, err := l.Proposer.Open(ctx, gitops.Proposal{
		Lane: d.change.Lane, Branch: d.move.Branch, Head: d.move.New, Title: l.Writer.Title(d.lane), Body: l.body(d),
	}, []string{"waveguide", "env/" + d.change.Lane.Environment, waveLabel + d.lane.Wave})
	if err != nil {
		return err
	}
	p.Author, p.State = l.me, gitops.Open
	l.opened[p.ID] = p // a list that lags does not show it
	l.Crash("opened")
	r, owners := approvers(d.stop.Gates.Approval), l.Owners(d.change.Base, slices.Sorted(maps.Keys(d.files)))
	r.Teams, r.Reviewers = append(r.Teams, owners.Teams...), append(r.Reviewers, owners.Reviewers...)
	if len(r.Teams)+len(r.Reviewers) > 0 {
		// Whoever is not asked can still review.
		if err := l.Marker.Request(ctx, p.ID, r); err != nil {
			l.Log.WarnContext(ctx, "reviewers could not be asked", "proposal", p.ID, "error", err.Error())
		}
	}
	return l.Marker.SetCheck(ctx, d.move.New, gitops.Check{
		Name: gitops.CheckName, State: gitops.CheckPending, Text: "proposal " + p.ID + " is being read", Target: l.Target(d.change.Lane),
	})
}
