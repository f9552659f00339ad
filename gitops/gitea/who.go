package gitea

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
)

// Whoami is who the token belongs to.
func (c *Client) Whoami(ctx context.Context) (gitops.Actor, error) {
	var u user
	if err := c.call(ctx, http.MethodGet, "/user", nil, &u); err != nil {
		return gitops.Actor{}, fmt.Errorf("ask who the token belongs to: %w", err)
	}
	if u.Login == "" {
		return gitops.Actor{}, fmt.Errorf("the forge does not say who the token belongs to")
	}
	p, err := c.permission(ctx, u.Login)
	if err != nil {
		return gitops.Actor{}, err
	}
	c.mu.Lock()
	c.me = u.Login
	c.mu.Unlock()
	return gitops.Actor{Name: u.Login, Permission: p, Bot: true}, nil
}

// myself is our own name.
func (c *Client) myself(ctx context.Context) (string, error) {
	c.mu.Lock()
	me := c.me
	c.mu.Unlock()
	if me != "" {
		return me, nil
	}
	a, err := c.Whoami(ctx)
	return a.Name, err
}

// permission is what somebody may do. It is unknown where the forge tells it
// to administrators alone.
func (c *Client) permission(ctx context.Context, name string) (gitops.Permission, error) {
	now := time.Now()
	c.mu.Lock()
	have := c.granted[name]
	c.mu.Unlock()
	if have.fresh(now, peopleLife) {
		return have.value, nil
	}
	var p permission
	err := c.call(ctx, http.MethodGet, c.inRepo("/collaborators/%s/permission", url.PathEscape(name)), nil, &p)
	switch {
	case is(err, http.StatusNotFound): // no such account any more
		p.Permission = "none"
	case is(err, http.StatusForbidden):
		p.Permission = ""
	case err != nil:
		return gitops.PermissionUnknown, fmt.Errorf("read the permission of %s: %w", name, err)
	}
	out := map[string]gitops.Permission{
		"none": gitops.PermissionRead, "read": gitops.PermissionRead, "write": gitops.PermissionWrite,
		"admin": gitops.PermissionAdmin, "owner": gitops.PermissionAdmin,
	}[p.Permission]
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.granted) > maxCached {
		clear(c.granted)
	}
	c.granted[name] = cached[gitops.Permission]{out, now}
	return out, nil
}

// actor is somebody with what they may do; our own account is a program.
func (c *Client) actor(ctx context.Context, u *user) (gitops.Actor, error) {
	if u.name() == "" {
		return gitops.Actor{}, nil // deleted, or a system's doing
	}
	me, err := c.myself(ctx)
	if err != nil {
		return gitops.Actor{}, err
	}
	p, err := c.permission(ctx, u.Login)
	return gitops.Actor{Name: u.Login, Permission: p, Bot: u.Login == me || u.Login == "gitea-actions"}, err
}

// Bounds of what is read of teams.
const (
	maxTeams   = 50
	maxMembers = 2000
)

// member gives an actor the teams of the organization that work on this
// repository. A team whose members the forge does not tell us has none.
func (c *Client) member(ctx context.Context, a gitops.Actor) (gitops.Actor, error) {
	now := time.Now()
	c.mu.Lock()
	have := c.teams
	c.mu.Unlock()
	if !have.fresh(now, peopleLife) {
		of, err := c.readTeams(ctx)
		if err != nil {
			return a, err
		}
		have = cached[map[string][]string]{of, now}
		c.mu.Lock()
		c.teams = have
		c.mu.Unlock()
	}
	a.Teams = have.value[a.Name]
	return a, nil
}

func (c *Client) readTeams(ctx context.Context) (map[string][]string, error) {
	of := map[string][]string{}
	var list []team
	err := c.call(ctx, http.MethodGet, c.inRepo("/teams"), nil, &list)
	if is(err, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusForbidden) {
		return of, nil // the owner is a person, or this is not for us to know
	}
	if err != nil {
		return nil, fmt.Errorf("read the teams: %w", err)
	}
	owner, _, _ := cut(c.options.Repository)
	for _, t := range list[:min(len(list), maxTeams)] {
		n := 0
		err := pages(ctx, c, "/teams/"+strconv.FormatInt(t.ID, 10)+"/members", false, func(some []user) bool {
			for _, u := range some {
				of[u.Login] = append(of[u.Login], "@"+owner+"/"+t.Name)
			}
			n += len(some)
			return n < maxMembers
		})
		if err != nil && !is(err, http.StatusNotFound, http.StatusForbidden) {
			return nil, fmt.Errorf("read the members of team %s: %w", t.Name, err)
		}
	}
	return of, nil
}

// Request asks people and teams for a review and makes people responsible.
func (c *Client) Request(ctx context.Context, id string, r gitops.Request) error {
	n, err := number(id)
	if err != nil {
		return err
	}
	var p pull
	if err := c.call(ctx, http.MethodGet, c.inRepo("/pulls/%d", n), nil, &p); err != nil {
		return fmt.Errorf("read proposal %s: %w", id, err)
	}
	asked := requested(p, "")
	for _, who := range r.Reviewers {
		if who == p.User.name() || slices.Contains(asked, who) {
			continue
		}
		if err := c.review(ctx, n, "reviewers", who); err != nil {
			return fmt.Errorf("ask %s to review proposal %s: %w", who, id, err)
		}
	}
	for _, t := range r.Teams {
		_, name, _ := cut(t)
		if slices.ContainsFunc(p.RequestedTeams, func(have team) bool { return have.Name == name }) {
			continue
		}
		if err := c.review(ctx, n, "team_reviewers", name); err != nil {
			return fmt.Errorf("ask %s to review proposal %s: %w", t, id, err)
		}
	}
	return c.assign(ctx, n, p, r.Assignees)
}

// review asks one; whom the forge does not know, or does not let review, is
// passed over.
func (c *Client) review(ctx context.Context, n int64, key, who string) error {
	err := c.call(ctx, http.MethodPost, c.inRepo("/pulls/%d/requested_reviewers", n), map[string][]string{key: {who}}, nil)
	if is(err, http.StatusNotFound, http.StatusUnprocessableEntity) {
		return nil
	}
	return err
}

func (c *Client) assign(ctx context.Context, n int64, p pull, who []string) error {
	want := logins(p.Assignees)
	var missing []string
	for _, name := range who {
		if !slices.Contains(want, name) {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	var can []user
	if err := c.call(ctx, http.MethodGet, c.inRepo("/assignees"), nil, &can); err != nil {
		return fmt.Errorf("read who can be assigned: %w", err)
	}
	known := logins(can)
	missing = slices.DeleteFunc(missing, func(name string) bool { return !slices.Contains(known, name) })
	if len(missing) == 0 {
		return nil
	}
	err := c.call(ctx, http.MethodPatch, c.inRepo("/issues/%d", n), map[string][]string{"assignees": append(want, missing...)}, nil)
	if err != nil {
		return fmt.Errorf("assign proposal %d: %w", n, err)
	}
	return nil
}

func logins(users []user) []string {
	out := make([]string, 0, len(users))
	for _, u := range users {
		out = append(out, u.Login)
	}
	return out
}

// requested are the people and teams asked for a review.
func requested(p pull, owner string) []string {
	out := logins(p.RequestedReviewers)
	for _, t := range p.RequestedTeams {
		out = append(out, "@"+owner+"/"+t.Name)
	}
	return out
}
