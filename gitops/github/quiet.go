package github

import (
	"context"
	"fmt"
	"net/http"
	"time"

	gogithub "github.com/google/go-github/v88/github"
)

const (
	// recheck is how long a look stands while nothing is touched: checks of
	// others, teams and permissions change without touching a proposal.
	recheck = time.Minute
	// settle is how long ago the last change must have been when the look
	// began: GitHub's clock ticks in seconds.
	settle = 2 * time.Second
)

// glance is the newest change of any proposal or issue of the repository. It
// costs one conditional request, which GitHub does not count when nothing
// changed.
type glance struct {
	mark     string
	settled  bool
	answered bool
}

// glance never fails: whoever cannot glance has to look.
func (c *Client) glance(ctx context.Context) glance {
	list, resp, err := c.api.REST.Issues.ListByRepo(ctx, c.api.Owner, c.api.Name, &gogithub.IssueListByRepoOptions{
		State: "all", Sort: "updated", Direction: "desc", ListOptions: gogithub.ListOptions{PerPage: 1},
	})
	if err != nil || resp == nil {
		return glance{}
	}
	g := glance{mark: "nothing", settled: true, answered: true}
	for _, i := range list {
		if i == nil {
			return glance{}
		}
		g.mark = fmt.Sprint(i.GetNumber(), i.GetUpdatedAt().UTC(), i.GetComments(), len(i.Labels), i.GetState())
		date, err := http.ParseTime(resp.Header.Get("Date"))
		g.settled = err == nil && i.GetUpdatedAt().Add(settle).Before(date)
	}
	return g
}

// seen is what a look saw, and the glance before it.
type seen[T any] struct {
	glance glance
	key    string
	value  T
	at     time.Time
}

// still says that the look would see the same again.
func (s *seen[T]) still(now glance, key string) bool {
	return now.answered && s.glance.settled && s.glance.mark == now.mark && s.key == key && time.Since(s.at) < recheck
}
