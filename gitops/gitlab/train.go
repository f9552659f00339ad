package gitlab

import (
	"context"
	"fmt"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/waveguide-dev/waveguide/gitops"
)

// Enqueue puts exactly that head on the merge train. Being on it already is
// no error.
func (c *Client) Enqueue(ctx context.Context, id string, head gitops.Commit) error {
	iid, err := number(id, mergeMark)
	if err != nil {
		return err
	}
	set, err := c.project(ctx)
	if err != nil {
		return err
	}
	if !set.MergeTrainsEnabled {
		return fmt.Errorf("enqueue merge request %s: merge trains: %w", id, gitops.ErrUnsupported)
	}
	_, _, err = c.api.MergeTrains.AddMergeRequestToMergeTrain(c.options.Project, iid, &gitlab.AddMergeRequestToMergeTrainOptions{SHA: new(string(head))}, gitlab.WithContext(ctx))
	if err == nil {
		return nil
	}
	on, _, again := c.api.MergeTrains.GetMergeRequestOnAMergeTrain(c.options.Project, iid, gitlab.WithContext(ctx))
	if again == nil && (on.Status == "idle" || on.Status == "fresh" || on.Status == "stale" || on.Status == "merging") {
		if m, _, err := c.api.MergeRequests.GetMergeRequest(c.options.Project, iid, nil, gitlab.WithContext(ctx)); err == nil && m.SHA == string(head) {
			return nil
		}
	}
	return c.refused(ctx, "enqueue merge request "+id, iid, head, err)
}

// Groups are the cars of the train in their order: each is built on those
// before it, and its pipeline has to be green.
func (c *Client) Groups(ctx context.Context) ([]gitops.Group, error) {
	set, err := c.project(ctx)
	if err != nil || !set.MergeTrainsEnabled {
		return nil, err
	}
	cars, err := pages(fewPages, func(at gitlab.ListOptions) ([]*gitlab.MergeTrain, *gitlab.Response, error) {
		return c.api.MergeTrains.ListMergeRequestInMergeTrain(c.options.Project, c.options.Branch, &gitlab.ListMergeTrainsOptions{
			ListOptions: at, Scope: new("active"), Sort: new("asc"),
		}, gitlab.WithContext(ctx))
	})
	if err != nil {
		return nil, failed("read the merge train of "+c.options.Branch, err)
	}
	var out []gitops.Group
	var ids []string
	for _, car := range cars {
		if car.MergeRequest == nil {
			continue
		}
		ids = append(ids, mergeID(car.MergeRequest.IID))
		if car.Pipeline != nil && car.Pipeline.SHA != "" {
			out = append(out, gitops.Group{Head: gitops.Commit(car.Pipeline.SHA), Proposals: append([]string(nil), ids...)})
		}
	}
	return out, nil
}
