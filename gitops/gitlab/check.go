package gitlab

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/waveguide-dev/waveguide/gitops"
)

// place is where a status stands: on a commit, in one of its pipelines. Zero
// leaves the pipeline to GitLab, which takes that of the branch.
type place struct {
	commit   gitops.Commit
	pipeline int64
}

// SetCheck sets a commit status. Where the project runs pipelines of merge
// requests, GitLab asks those and not the branch's, so it is set there too; and
// where it asks for an external status check of our name, there as well.
func (c *Client) SetCheck(ctx context.Context, head gitops.Commit, k gitops.Check) error {
	var err error
	if k.Name == gitops.CheckName {
		err = c.setExternal(ctx, head, k.State)
		c.unsay(head, err != nil)
	}
	if err != nil && k.State == gitops.CheckSuccess {
		return err // it turns green last, and whole
	}
	for _, at := range c.places(ctx, head) {
		if e := c.setCheck(ctx, at, k); e != nil {
			return errors.Join(err, e)
		}
	}
	return err
}

// places are where the check on a head has to stand. What cannot be read is
// left out: a red check must not wait for it.
func (c *Client) places(ctx context.Context, head gitops.Commit) []place {
	c.mu.Lock()
	var iid int64
	results := c.settings != nil && c.settings.MergePipelinesEnabled
	for n, s := range c.open {
		if s != nil && s.SHA == string(head) && (results || slices.ContainsFunc(s.Checks, func(k gitops.Check) bool { return k.By != c.me.Name })) {
			iid = n // somebody else's jobs run here, or on its merge result
		}
	}
	c.mu.Unlock()
	plain := []place{{commit: head}}
	if iid == 0 {
		return plain
	}
	m, _, err := c.api.MergeRequests.GetMergeRequest(c.options.Project, iid, nil, gitlab.WithContext(ctx))
	if err != nil || m.HeadPipeline == nil || m.HeadPipeline.Source != gitlab.PipelineSourceMergeRequestEvent {
		return plain
	}
	inside := place{gitops.Commit(m.HeadPipeline.SHA), m.HeadPipeline.ID}
	if inside.commit == head {
		return []place{inside}
	}
	return []place{inside, plain[0]} // that of the merge result, which has a commit of its own
}

// setCheck sets a status at one place. GitLab refuses to set the state that
// stands; if then anything else differs, the status that runs is ended first.
func (c *Client) setCheck(ctx context.Context, at place, k gitops.Check) error {
	doing := "set check " + k.Name + " on " + at.commit.Short()
	err := c.setStatus(ctx, at, k, buildState(k.State))
	if status(err) != http.StatusBadRequest {
		return failed(doing, err)
	}
	me, err := c.Whoami(ctx)
	if err != nil {
		return err
	}
	var have seen
	if err := c.statuses(ctx, string(at.commit), &have); err != nil {
		return err
	}
	text := gitops.CutLine(k.Text, limits().Check)
	if slices.ContainsFunc(have.Checks, func(h gitops.Check) bool {
		return h.Name == k.Name && h.By == me.Name && h.State == k.State && h.Text == text && h.Target == k.Target
	}) {
		return nil
	}
	if err := c.setStatus(ctx, at, k, gitlab.Canceled); err != nil {
		return failed(doing, err)
	}
	return failed(doing, c.setStatus(ctx, at, k, buildState(k.State)))
}

func buildState(s gitops.CheckState) gitlab.BuildStateValue {
	switch s {
	case gitops.CheckSuccess:
		return gitlab.Success
	case gitops.CheckFailure:
		return gitlab.Failed
	case gitops.CheckPending:
	}
	return gitlab.Pending
}

func (c *Client) setStatus(ctx context.Context, at place, k gitops.Check, state gitlab.BuildStateValue) error {
	o := &gitlab.SetCommitStatusOptions{State: state, Name: &k.Name, Description: new(gitops.CutLine(k.Text, limits().Check))}
	if k.Target != "" {
		o.TargetURL = &k.Target
	}
	if at.pipeline != 0 {
		o.PipelineID = &at.pipeline
	}
	_, _, err := c.api.Commits.SetCommitStatus(c.options.Project, string(at.commit), o, gitlab.WithContext(ctx))
	c.mu.Lock()
	defer c.mu.Unlock()
	for iid, s := range c.open {
		if s != nil && s.SHA == string(at.commit) {
			due := *s // others may be reading it
			due.Checked = time.Time{}
			c.open[iid] = &due
		}
	}
	return err
}
