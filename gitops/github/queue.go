package github

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/github/api"
	"github.com/waveguide-dev/waveguide/gitops/github/node"
)

// Enqueue puts exactly that head into the branch's merge queue;
// [gitops.ErrUnsupported] where it has none.
func (c *Client) Enqueue(ctx context.Context, id string, head gitops.Commit) error {
	if err := c.enqueue(ctx, id, head); err != nil {
		return fmt.Errorf("enqueue proposal %.40s: %w", id, err)
	}
	return nil
}

func (c *Client) enqueue(ctx context.Context, id string, head gitops.Commit) error {
	s, err := c.guard.Settings(ctx, 0)
	if err != nil {
		return err
	}
	if !s.Queue {
		return fmt.Errorf("%w: branch %s has no merge queue", gitops.ErrUnsupported, c.api.Branch)
	}
	n, err := number(id)
	if err != nil {
		return err
	}
	// It may be there already, or become so while an answer is lost.
	err = c.enqueueOnce(ctx, n, head)
	if code := api.Status(err); err != nil && (code == 0 || code >= http.StatusInternalServerError) && !errors.Is(err, gitops.ErrMoved) {
		err = c.enqueueOnce(ctx, n, head)
	}
	return err
}

// enqueueOnce looks where the proposal is, and enqueues it if it is not there.
func (c *Client) enqueueOnce(ctx context.Context, n int, head gitops.Commit) error {
	p, err := c.pull(ctx, c.reader(0), n)
	switch {
	case err != nil:
		return err
	case gitops.Commit(p.HeadRefOID) != head:
		return fmt.Errorf("%w: the head is %s", gitops.ErrMoved, gitops.Commit(p.HeadRefOID).Short())
	case p.IsInMergeQueue || p.State == "MERGED":
		return nil
	case p.State != "OPEN":
		return fmt.Errorf("%w: it is not open any more", gitops.ErrMoved)
	}
	var out struct {
		EnqueuePullRequest *struct{ MergeQueueEntry *struct{ Position int } }
	}
	err = c.api.Graph(ctx, "enqueue", api.Variables{"input": map[string]any{"pullRequestId": p.ID, "expectedHeadOid": string(head)}}, &out)
	if api.Status(err) == http.StatusUnprocessableEntity {
		return fmt.Errorf("%w: %w", gitops.ErrDenied, err)
	}
	return err
}

// entry is a place in the merge queue.
type entry struct {
	Position               int
	HeadCommit, BaseCommit *node.Commit
	PullRequest            *struct{ Number int }
}

// Groups are those that the merge queue has formed. Each holds the proposals
// before it too, and the check has to stand on its head.
func (c *Client) Groups(ctx context.Context) ([]gitops.Group, error) {
	var out struct {
		Repository *struct {
			MergeQueue *struct {
				Entries node.List[entry]
			}
		}
	}
	if err := c.api.Ask(ctx, "queue", api.Variables{"branch": c.api.Branch}, &out); err != nil {
		return nil, fmt.Errorf("read the merge queue of %s: %w", c.api.Branch, err)
	}
	if out.Repository == nil {
		return nil, fmt.Errorf("read the merge queue of %s: GitHub shows no repository %s", c.api.Branch, c.api.Repository)
	}
	if out.Repository.MergeQueue == nil {
		return nil, nil
	}
	entries := out.Repository.MergeQueue.Entries.Nodes
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.Position, b.Position) })
	var groups []gitops.Group
	var before []string
	for _, e := range entries {
		if e.PullRequest != nil {
			before = append(before, strconv.Itoa(e.PullRequest.Number))
		}
		if e.HeadCommit == nil {
			continue // the queue has not built it yet
		}
		g := gitops.Group{Head: gitops.Commit(e.HeadCommit.OID), Proposals: slices.Clone(before)}
		if e.BaseCommit != nil {
			g.Base = gitops.Commit(e.BaseCommit.OID)
		}
		groups = append(groups, g)
	}
	return groups, nil
}

// tidy removes the branch of a merged proposal, if it is still at that commit.
// A branch that stays does no harm, so nobody hears of a failure.
func (c *Client) tidy(ctx context.Context, n int, head gitops.Commit) {
	s, err := c.guard.Settings(ctx, api.Fresh)
	if err != nil {
		return
	}
	p, _, err := c.api.REST.PullRequests.Get(ctx, c.api.Owner, c.api.Name, n)
	branch := p.GetHead().GetRef()
	if err != nil || !strings.HasPrefix(branch, gitops.BranchPrefix) {
		return
	}
	var out struct {
		UpdateRefs *struct{ ClientMutationID string }
	}
	_ = c.api.Graph(ctx, "deleteBranch", api.Variables{"input": map[string]any{ // see above
		"repositoryId": s.ID,
		"refUpdates": []any{map[string]any{
			"name": "refs/heads/" + branch, "beforeOid": string(head), "afterOid": strings.Repeat("0", len(head)),
		}},
	}}, &out)
}
