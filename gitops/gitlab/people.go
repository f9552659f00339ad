package gitlab

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/waveguide-dev/waveguide/gitops"
)

const (
	// rightsAge is how long a person's role and teams are believed.
	rightsAge = 10 * time.Minute
	maxPeople = 4096
	maxTeams  = 50
)

// people knows who may what in the project.
type people struct {
	api     *gitlab.Client
	project string
	now     func() time.Time

	mu    sync.Mutex
	known map[int64]rights
	teams []string
}

// rights are what GitLab said about a person.
type rights struct {
	permission gitops.Permission
	bot        bool
	teams      []string
	at, teamAt time.Time
}

func newPeople(api *gitlab.Client, o Options) *people {
	return &people{api: api, project: o.Project, now: o.Now, known: map[int64]rights{}}
}

// Heed says which teams rules name, as "@group/subgroup": a reviewer is looked
// up in these.
func (c *Client) Heed(teams []string) {
	p := c.people
	p.mu.Lock()
	defer p.mu.Unlock()
	if slices.Equal(p.teams, teams) {
		return
	}
	p.teams = slices.Clone(teams)
	for id, r := range p.known {
		r.teamAt = time.Time{}
		p.known[id] = r
	}
}

// forget lets a person be looked up anew.
func (p *people) forget(user int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.known, user)
}

// permission is a role in our words. Maintainers can change what protects the
// branch, so they are admins.
func permission(level int64) gitops.Permission {
	switch l := gitlab.AccessLevelValue(level); {
	case l >= gitlab.MaintainerPermissions:
		return gitops.PermissionAdmin
	case l >= gitlab.DeveloperPermissions:
		return gitops.PermissionWrite
	case l >= gitlab.PlannerPermissions:
		return gitops.PermissionTriage
	}
	return gitops.PermissionRead // whoever could act without a role may do no more than read
}

// level is a person's highest role in the project, its groups included; zero
// for whoever is no member.
func (p *people) level(ctx context.Context, user int64) (int64, error) {
	m, _, err := p.api.ProjectMembers.GetInheritedProjectMember(p.project, user, gitlab.WithContext(ctx))
	switch {
	case status(err) == http.StatusNotFound:
		return 0, nil
	case err != nil:
		return 0, err
	}
	return int64(m.AccessLevel), nil
}

// actor is a person with the permission as it is known; what cannot be read
// is unknown, which permits nothing.
func (p *people) actor(ctx context.Context, user int64, name string) gitops.Actor {
	a := gitops.Actor{Name: name, Bot: programName(name)}
	if user == 0 {
		return a
	}
	p.mu.Lock()
	r, ok := p.known[user]
	p.mu.Unlock()
	if !ok || p.now().Sub(r.at) > rightsAge {
		level, err := p.level(ctx, user)
		if err != nil {
			return a
		}
		bot, err := p.program(ctx, user)
		if err != nil {
			return a
		}
		r.permission, r.bot, r.at = permission(level), bot, p.now()
		p.remember(user, r)
	}
	a.Permission, a.Bot = r.permission, a.Bot || r.bot
	return a
}

func (p *people) remember(user int64, r rights) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.known) >= maxPeople {
		clear(p.known)
	}
	p.known[user] = r
}

// program says whether an account is a program's. Where GitLab does not tell,
// the name has to do.
func (p *people) program(ctx context.Context, user int64) (bool, error) {
	u, _, err := p.api.Users.GetUser(user, nil, gitlab.WithContext(ctx))
	switch status(err) {
	case http.StatusNotFound, http.StatusForbidden:
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return u.Bot, nil
}

// programName knows the names GitLab gives to accounts of access tokens and
// services.
func programName(name string) bool {
	for _, prefix := range []string{"project_", "group_"} {
		rest, ok := strings.CutPrefix(name, prefix)
		number, bot, two := strings.Cut(rest, "_bot")
		if ok && two && number != "" && strings.Trim(number, "0123456789") == "" && (bot == "" || strings.Trim(bot, "_0123456789abcdef") == "") {
			return true
		}
	}
	return strings.HasPrefix(name, "service_account_") || name == "ghost"
}

// reviewer is a person with the teams the rules name.
func (p *people) reviewer(ctx context.Context, user int64, name string) (gitops.Actor, error) {
	a := p.actor(ctx, user, name)
	p.mu.Lock()
	r, ok := p.known[user]
	teams := p.teams
	p.mu.Unlock()
	if ok && !r.teamAt.IsZero() && p.now().Sub(r.teamAt) <= rightsAge {
		a.Teams = r.teams
		return a, nil
	}
	for _, team := range teams[:min(len(teams), maxTeams)] {
		in, err := p.member(ctx, strings.TrimPrefix(team, "@"), user)
		if err != nil {
			return a, failed("ask whether "+name+" is in "+team, err)
		}
		if in {
			a.Teams = append(a.Teams, team)
		}
	}
	if ok {
		r.teams, r.teamAt = a.Teams, p.now()
		p.remember(user, r)
	}
	return a, nil
}

func (p *people) member(ctx context.Context, group string, user int64) (bool, error) {
	m, _, err := p.api.GroupMembers.GetInheritedGroupMember(group, user, gitlab.WithContext(ctx))
	switch {
	case status(err) == http.StatusNotFound:
		return false, nil
	case err != nil:
		return false, err
	}
	return m.State == "active", nil
}

// find is the number of a member by name; zero for a stranger.
func (p *people) find(ctx context.Context, name string) (int64, error) {
	list, _, err := p.api.ProjectMembers.ListAllProjectMembers(p.project, &gitlab.ListProjectMembersOptions{
		ListOptions: gitlab.ListOptions{PerPage: pageSize}, Query: new(name),
	}, gitlab.WithContext(ctx))
	if err != nil {
		return 0, failed("look for "+name, err)
	}
	for _, m := range list {
		if strings.EqualFold(m.Username, name) {
			return m.ID, nil
		}
	}
	return 0, nil
}
