package github

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/github/api"
	"github.com/waveguide-dev/waveguide/gitops/github/node"
)

// reader turns nodes into nouns during one look.
type reader struct {
	*Client
	age  time.Duration
	need []gitops.RequiredCheck
	me   gitops.Actor
	// unread is what the whole look could not see.
	unread []string
}

func (c *Client) reader(age time.Duration) *reader { return &reader{Client: c, age: age} }

// prepare reads what every proposal is compared with.
func (r *reader) prepare(ctx context.Context) (err error) {
	if r.me, err = r.api.Self(ctx); err != nil {
		return err
	}
	if r.need, err = r.guard.Required(ctx, r.age); err != nil {
		if _, limited := errors.AsType[*gitops.LimitError](err); limited {
			return err
		}
		r.unread = append(r.unread, "the required checks: "+err.Error())
	}
	return nil
}

// see lets an answer pass of which a part is hidden, and remembers that.
func (r *reader) see(err error) error {
	if api.Hidden(err) {
		r.unread = append(r.unread, err.Error())
		return nil
	}
	return err
}

// proposal reads one node. What cannot be read of it is in Unread.
func (r *reader) proposal(ctx context.Context, n node.Pull) gitops.Proposal {
	unread := slices.Clone(r.unread)
	say := func(what string, err error) {
		if err != nil {
			unread = append(unread, what+": "+err.Error())
		}
	}
	items, err := r.timeline(ctx, n.Number, n.TimelineItems)
	say("its events", err)
	p := n.Proposal(items)
	if p.Lane.Artifact != "" {
		p.Lane.Repository = r.lanes
	}
	reviews, err := r.reviews(ctx, n)
	say("its reviews", err)
	p.Reviews = node.Standing(reviews)
	p.Checks, err = r.checks(ctx, n)
	say("its checks", err)
	p.Unread = strings.Join(unread, "; ")
	return p
}

// maxOlder bounds how many older pages of one proposal are read.
const maxOlder = 10

// timeline is the whole timeline, of which the last part is given.
func (r *reader) timeline(ctx context.Context, n int, last node.List[node.Item]) ([]node.Item, error) {
	items := last.Nodes
	for range maxOlder {
		if !last.PageInfo.HasPreviousPage {
			return items, nil
		}
		var out struct {
			Repository *struct {
				IssueOrPullRequest *struct{ TimelineItems node.List[node.Item] }
			}
		}
		err := r.api.Ask(ctx, "more", api.Variables{"number": n, "before": last.PageInfo.StartCursor}, &out)
		if err == nil && (out.Repository == nil || out.Repository.IssueOrPullRequest == nil) {
			err = errors.New("they are gone")
		}
		if err != nil {
			return items, err
		}
		last = out.Repository.IssueOrPullRequest.TimelineItems
		items = append(slices.Clone(last.Nodes), items...)
	}
	if last.PageInfo.HasPreviousPage {
		return items, fmt.Errorf("there are more than %d", len(items))
	}
	return items, nil
}

// reviews are all that were ever given, oldest first.
func (r *reader) reviews(ctx context.Context, n node.Pull) ([]node.Review, error) {
	last, nodes := n.Reviews, n.Reviews.Nodes
	for i := 0; last.PageInfo.HasPreviousPage; i++ {
		if i == maxOlder {
			return nil, fmt.Errorf("there are more than %d", len(nodes))
		}
		var out struct {
			Repository *struct {
				PullRequest *struct{ Reviews node.List[node.Review] }
			}
		}
		err := r.api.Ask(ctx, "reviews", api.Variables{"number": n.Number, "before": last.PageInfo.StartCursor}, &out)
		if err == nil && (out.Repository == nil || out.Repository.PullRequest == nil) {
			err = errors.New("they are gone")
		}
		if err != nil {
			return nil, err
		}
		last = out.Repository.PullRequest.Reviews
		nodes = append(slices.Clone(last.Nodes), nodes...)
	}
	return nodes, nil
}

// checks are those on the head, and those that the branch asks for and nobody
// set yet.
func (r *reader) checks(ctx context.Context, n node.Pull) ([]gitops.Check, error) {
	var contexts []node.Context
	if len(n.Newest.Nodes) > 0 {
		c := n.Newest.Nodes[0].Commit
		if c.OID != n.HeadRefOID {
			return nil, fmt.Errorf("GitHub shows those of %s, not of the head", gitops.Commit(c.OID).Short())
		}
		if roll := c.StatusCheckRollup; roll != nil {
			var err error
			if contexts, err = r.contexts(ctx, c.OID, roll.Contexts); err != nil {
				return nil, err
			}
		}
	}
	out := make([]gitops.Check, 0, len(contexts))
	for _, one := range contexts {
		out = append(out, one.Check())
	}
	slices.SortStableFunc(out, func(a, b gitops.Check) int {
		own := func(c gitops.Check) int { return map[bool]int{true: 0, false: 1}[c.By == r.me.Name] }
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(own(a), own(b)))
	})
	return r.demand(out), nil
}

// demand marks the checks that the branch asks for, and adds those that
// nobody set yet.
func (r *reader) demand(checks []gitops.Check) []gitops.Check {
	for _, want := range r.need {
		there := false
		for i, c := range checks {
			if c.Name == want.Name && (want.Bound == "" || want.Bound == c.By) {
				checks[i].Required, there = true, true
			}
		}
		if !there && want.Name != gitops.CheckName {
			checks = append(checks, gitops.Check{Name: want.Name, State: gitops.CheckPending, Required: true, Text: "nobody has set it yet"})
		}
	}
	return checks
}

// contexts are all contexts of a commit, of which the first part is given.
func (r *reader) contexts(ctx context.Context, oid string, first node.List[node.Context]) ([]node.Context, error) {
	all := first.Nodes
	for range maxOlder {
		if !first.PageInfo.HasNextPage {
			return all, nil
		}
		var out struct {
			Repository *struct{ Object *node.Commit }
		}
		if err := r.api.Ask(ctx, "contexts", api.Variables{"oid": oid, "after": first.PageInfo.EndCursor}, &out); err != nil {
			return nil, err
		}
		if out.Repository == nil || out.Repository.Object == nil || out.Repository.Object.StatusCheckRollup == nil {
			return nil, errors.New("they are gone")
		}
		first = out.Repository.Object.StatusCheckRollup.Contexts
		all = append(all, first.Nodes...)
	}
	return nil, fmt.Errorf("there are more than %d", len(all))
}
