package local

import (
	"slices"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/waveguide-dev/waveguide/gitops"
)

// Issue is an issue as the API tells it, with every label event.
type Issue struct {
	ID       string               `json:"id"`
	URL      string               `json:"url,omitempty"`
	Title    string               `json:"title"`
	Body     string               `json:"body,omitempty"`
	State    gitops.ProposalState `json:"state"`
	Author   gitops.Actor         `json:"author"`
	Labels   []gitops.Label       `json:"labels,omitempty"`
	Events   []LabelEvent         `json:"events,omitempty"`
	Comments []Comment            `json:"comments,omitempty"`
	Standing bool                 `json:"standing"`
}

// view is a proposal as it is this moment. What cannot be read is said, so
// that the proposal counts as held. The caller holds the lock.
func (r *repository) view(t *thread) gitops.Proposal {
	p := gitops.Proposal{
		ID: t.ID, URL: "/" + r.name + "/" + t.ID, Lane: laneOf(r.name, t.Branch), State: t.State, Branch: t.Branch,
		Title: t.Title, Body: t.Body, Author: t.Author, Head: t.Head,
		Labels: slices.Clone(t.Labels), Reviews: slices.Clone(t.Reviews),
		Events: slices.Clone(t.Happened), Requested: slices.Clone(t.Requested),
		Opened: t.Opened, Ended: t.Ended, EndedBy: t.EndedBy, MergedAs: t.MergedAs,
	}
	if t.State == gitops.Open {
		head, err := r.branch(t.Branch)
		switch {
		case err != nil:
			p.Unread = "the branch cannot be read"
		case head.IsZero():
			p.Unread = "the branch does not exist"
		default:
			p.Head = gitops.Commit(head.String())
		}
	}
	p.Checks = r.state.checksOf(p.Head)
	base, err := r.baseOf(t, p.Head)
	if err != nil && p.Unread == "" {
		p.Unread = "the commit that the branch was made on cannot be read"
	}
	p.Base = base
	return p
}

// baseOf is where the head left the protected branch; for a merged proposal,
// where it was put.
func (r *repository) baseOf(t *thread, head gitops.Commit) (gitops.Commit, error) {
	store := r.storage()
	main, err := r.branch(r.protected)
	if err != nil {
		return "", err
	}
	if t.MergedAs != "" {
		parents, err := parentsOf(store, t.MergedAs)
		if err != nil || len(parents) == 0 {
			return "", err
		}
		main = parents[0]
	}
	if main.IsZero() || head == "" {
		return "", nil
	}
	id, err := r.mergeBase(store, main, plumbing.NewHash(string(head)))
	if err != nil || id.IsZero() {
		return "", err
	}
	return gitops.Commit(id.String()), nil
}

// laneOf reads the lane from a branch of the bot; other branches have none.
func laneOf(repository, branch string) gitops.Lane {
	l, _ := gitops.LaneOf(branch)
	l.Repository = repository
	return l
}

func (r *repository) viewIssue(t *thread) Issue {
	return Issue{
		ID: t.ID, URL: "/" + r.name + "/" + t.ID, Title: t.Title, Body: t.Body, State: t.State, Author: t.Author,
		Labels: slices.Clone(t.Labels), Events: slices.Clone(t.Events), Comments: slices.Clone(t.Comments), Standing: t.standing(),
	}
}
