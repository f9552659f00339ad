package gitlab

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/waveguide-dev/waveguide/gitops"
)

// external is the project's external status check of our name, which GitLab
// Ultimate asks for: with "Status checks must succeed" nothing is merged before
// it passes, whether there is a pipeline or not.
type external struct {
	// id is zero where the project has none, as of at.
	id int64
	at time.Time
	// unsaid are the heads where it does not say what we last wanted.
	unsaid map[string]bool
}

// setExternal sets the external status check on the merge requests of a head,
// where there is one. It begins as pending, so that only an end has to be told
// where the merge request is not known yet.
func (c *Client) setExternal(ctx context.Context, head gitops.Commit, state gitops.CheckState) error {
	c.mu.Lock()
	none := c.external.id == 0 && !c.external.at.IsZero() && c.options.Now().Sub(c.external.at) < identityAge
	var merges []int64
	for iid, s := range c.open {
		if s != nil && s.SHA == string(head) {
			merges = append(merges, iid)
		}
	}
	c.mu.Unlock()
	if none || len(merges) == 0 && state == gitops.CheckPending {
		return nil
	}
	var err error
	if len(merges) == 0 {
		merges, err = c.mergesOf(ctx, head)
	}
	for _, iid := range merges {
		var id int64
		if id, err = c.externalID(ctx, iid); err != nil || id == 0 {
			return err
		}
		_, err = c.api.ExternalStatusChecks.SetProjectMergeRequestExternalStatusCheckStatus(c.options.Project, iid, &gitlab.SetProjectMergeRequestExternalStatusCheckStatusOptions{
			SHA: new(string(head)), ExternalStatusCheckID: &id,
			Status: new(map[gitops.CheckState]string{gitops.CheckSuccess: "passed", gitops.CheckFailure: "failed", gitops.CheckPending: "pending"}[state]),
		}, gitlab.WithContext(ctx))
		if err != nil {
			return failed("set the external status check of "+mergeID(iid), err)
		}
	}
	return err
}

// mergesOf are the open merge requests into our branch that end in a commit.
func (c *Client) mergesOf(ctx context.Context, head gitops.Commit) ([]int64, error) {
	list, _, err := c.api.Commits.ListMergeRequestsByCommit(c.options.Project, string(head), gitlab.WithContext(ctx))
	if status(err) == http.StatusNotFound {
		return nil, nil // a commit of a train that is over
	}
	if err != nil {
		return nil, failed("look for the merge requests of "+head.Short(), err)
	}
	var out []int64
	for _, m := range list {
		if m.State == "opened" && m.TargetBranch == c.options.Branch && m.SHA == string(head) {
			out = append(out, m.IID)
		}
	}
	return out, nil
}

// externalID is the number of our external status check; zero where the edition
// or the project has none.
func (c *Client) externalID(ctx context.Context, iid int64) (int64, error) {
	c.mu.Lock()
	id, at := c.external.id, c.external.at
	c.mu.Unlock()
	if !at.IsZero() && c.options.Now().Sub(at) < identityAge {
		return id, nil
	}
	list, _, err := c.api.ExternalStatusChecks.ListProjectMergeRequestExternalStatusChecks(c.options.Project, iid, nil, gitlab.WithContext(ctx))
	if s := status(err); err != nil && s != http.StatusNotFound && s != http.StatusForbidden {
		return 0, failed("list the external status checks of "+mergeID(iid), err)
	}
	id = 0
	for _, k := range list {
		if k.Name == gitops.CheckName {
			id = k.ID
		}
	}
	c.mu.Lock()
	c.external.id, c.external.at = id, c.options.Now()
	c.mu.Unlock()
	return id, nil
}

// maxUnsaid bounds the heads that are remembered so. One that is forgotten stays
// as it is until its check changes, and what is pending merges nothing.
const maxUnsaid = 1000

// unsay remembers whether the external status check of a head has to be set
// again.
func (c *Client) unsay(head gitops.Commit, failed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if delete(c.external.unsaid, string(head)); !failed {
		return
	}
	if len(c.external.unsaid) >= maxUnsaid || c.external.unsaid == nil {
		c.external.unsaid = map[string]bool{}
	}
	c.external.unsaid[string(head)] = true
}

// told are the checks of a head; ours is none where it has to be set again.
func (c *Client) told(sha string, all []gitops.Check) []gitops.Check {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.external.unsaid[sha] {
		return all
	}
	return slices.DeleteFunc(slices.Clone(all), func(k gitops.Check) bool { return ours(k, c.me.Name) == 1 })
}

// externalRule reads whether the project demands our external status check.
// Maintainers alone can read that; nobody else is told anything about it.
func (c *Client) externalRule(ctx context.Context, p *gitops.Protection) error {
	list, _, err := c.api.ExternalStatusChecks.ListProjectExternalStatusChecks(c.options.Project, nil, gitlab.WithContext(ctx))
	if s := status(err); s == http.StatusNotFound || s == http.StatusForbidden || s == http.StatusUnauthorized {
		return nil
	}
	if err != nil {
		return failed("read the external status checks", err)
	}
	if !slices.ContainsFunc(list, func(k *gitlab.ProjectStatusCheck) bool { return k.Name == gitops.CheckName }) {
		return nil
	}
	req, err := c.api.NewRequest(http.MethodGet, "projects/"+url.PathEscape(c.options.Project), nil, []gitlab.RequestOptionFunc{gitlab.WithContext(ctx)})
	if err != nil {
		return failed("ask for the settings of "+c.options.Project, err)
	}
	var set struct { // the client library's project does not have it
		Must bool `json:"only_allow_merge_if_all_status_checks_passed"`
	}
	if _, err := c.api.Do(req, &set); err != nil {
		return failed("read the settings of "+c.options.Project, err)
	}
	switch {
	case !set.Must:
		p.Bypass = append(p.Bypass, "the external status check waveguide is asked and not waited for (Status checks must succeed)")
	case len(p.Checks) == 0:
		p.Checks = []gitops.RequiredCheck{{Name: gitops.CheckName, Unbindable: true}}
	}
	return nil
}
