package gitea

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
)

// lately is how long a closed pause is looked at without being asked for.
const lately = 30 * 24 * time.Hour

// Pauses are those in force; none where issues are switched off.
func (c *Client) Pauses(ctx context.Context) ([]gitops.Pause, error) {
	issues, err := c.Issues(ctx, nil)
	if errors.Is(err, gitops.ErrDisabled) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	me, err := c.myself(ctx)
	if err != nil {
		return nil, err
	}
	list, _ := gitops.Pauses(issues, me, time.Now(), nil)
	return list, nil
}

// Issues are those with the label of pauses, open or closed lately, those that
// this client has seen in force, and those that are asked for.
func (c *Client) Issues(ctx context.Context, ids []string) ([]gitops.Issue, error) {
	r, err := c.repository(ctx, false)
	if err != nil {
		return nil, err
	}
	if !r.HasIssues {
		return nil, fmt.Errorf("issues of %s: %w", c.options.Name, gitops.ErrDisabled)
	}
	me, err := c.myself(ctx)
	if err != nil {
		return nil, err
	}
	found, err := c.pauseIssues(ctx)
	if err != nil {
		return nil, err
	}
	more, err := c.others(ctx, ids, found)
	if err != nil {
		return nil, err
	}
	var out []gitops.Issue
	for _, i := range append(found, more...) {
		one, err := c.issue(ctx, i)
		if err != nil {
			return nil, err
		}
		_, in, _ := gitops.Stands(one, me, time.Now(), nil)
		c.mu.Lock()
		if in {
			c.paused[i.Number] = true
		} else {
			delete(c.paused, i.Number)
		}
		c.mu.Unlock()
		out = append(out, one)
	}
	return out, nil
}

// pauseIssues lists the issues that bear the label. A server that does not
// know the label would list all issues, and of two labels of one name only
// what bears both.
func (c *Client) pauseIssues(ctx context.Context) ([]issue, error) {
	labels := c.known(gitops.LabelPause)
	if len(labels) == 0 {
		if err := c.readLabels(ctx); err != nil {
			return nil, err
		}
		labels = c.known(gitops.LabelPause)
	}
	if len(labels) == 0 {
		return nil, nil
	}
	filter := "&labels=" + url.QueryEscape(gitops.LabelPause)
	if len(labels) > 1 {
		filter = ""
	}
	since := url.QueryEscape(c.clock().Add(-lately).UTC().Truncate(24 * time.Hour).Format(time.RFC3339))
	var out []issue
	for _, which := range []string{"state=open", "state=closed&since=" + since} {
		err := pages(ctx, c, c.inRepo("/issues?type=issues&%s%s", which, filter), false, func(some []issue) bool {
			out = append(out, slices.DeleteFunc(some, func(i issue) bool {
				return i.PullRequest != nil || !slices.Contains(names(i.Labels), gitops.LabelPause)
			})...)
			return true
		})
		if err != nil {
			return nil, fmt.Errorf("list pauses: %w", err)
		}
	}
	return unique(out), nil
}

func unique(list []issue) []issue {
	seen := map[int64]bool{}
	return slices.DeleteFunc(list, func(i issue) bool {
		was := seen[i.Number]
		seen[i.Number] = true
		return was
	})
}

// others reads the issues that have to be seen and are not in the list: their
// label was taken off, or they were closed long ago.
func (c *Client) others(ctx context.Context, ids []string, found []issue) ([]issue, error) {
	want := map[int64]bool{}
	for _, id := range ids {
		n, err := number(id)
		if err != nil {
			return nil, err
		}
		want[n] = true
	}
	c.mu.Lock()
	for n := range c.paused {
		want[n] = true
	}
	c.mu.Unlock()
	for _, i := range found {
		delete(want, i.Number)
	}
	var out []issue
	for n := range want {
		var i issue
		err := c.call(ctx, http.MethodGet, c.inRepo("/issues/%d", n), nil, &i)
		if is(err, http.StatusNotFound, http.StatusGone) {
			i = issue{Number: n, Title: "an issue that was deleted", State: "open", Labels: []label{{Name: gitops.LabelPause}}}
		} else if err != nil {
			return nil, fmt.Errorf("read issue %d: %w", n, err)
		}
		out = append(out, i)
	}
	slices.SortFunc(out, func(a, b issue) int { return int(a.Number - b.Number) })
	return out, nil
}

// issue says an issue in our words.
func (c *Client) issue(ctx context.Context, i issue) (gitops.Issue, error) {
	out := gitops.Issue{ID: strconv.FormatInt(i.Number, 10), URL: i.HTMLURL, Title: i.Title, State: gitops.Closed, Opened: i.CreatedAt}
	if i.State == "open" {
		out.State = gitops.Open
	}
	out.Labels = gitops.LabelsNow(names(i.Labels), nil)
	if i.User == nil {
		out.Unread = "somebody deleted it, which ends no pause"
		return out, nil
	}
	t, err := c.thread(ctx, about{i.Number, i.UpdatedAt, i.Comments, false}, false)
	if err != nil {
		return out, err
	}
	out.Events = slices.Clone(t.Events)
	out.Labels = gitops.LabelsNow(names(i.Labels), t.Events)
	out.Author, err = c.actor(ctx, i.User)
	return out, err
}
