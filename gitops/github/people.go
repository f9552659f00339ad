package github

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/github/api"
	"github.com/waveguide-dev/waveguide/gitops/github/node"
)

const (
	// maxPeople bounds how many people are remembered; maxStrangers, how many
	// new ones are looked up during one look.
	maxPeople    = 2000
	maxStrangers = 60
)

// people remembers what people may do and which teams they are in.
type people struct {
	mu    sync.Mutex
	known map[string]person
}

type person struct {
	permission gitops.Permission
	teams      []string
	at         time.Time
}

// introduce fills in everywhere what the people of these proposals may do.
func (r *reader) introduce(ctx context.Context, all []gitops.Proposal) {
	in := r.introducer(ctx)
	for i := range all {
		p := &all[i]
		in(&p.Author)
		in(&p.EndedBy)
		for k := range p.Events {
			in(&p.Events[k].By)
		}
		for k := range p.Labels {
			in(&p.Labels[k].By)
		}
		for k := range p.Reviews {
			in(&p.Reviews[k].By)
		}
	}
}

// introducer looks everybody up once.
func (r *reader) introducer(ctx context.Context) func(*gitops.Actor) {
	met := map[string]gitops.Actor{}
	strangers := 0
	return func(a *gitops.Actor) {
		if a.Name == "" {
			return
		}
		who, ok := met[a.Name]
		if !ok {
			who = r.person(ctx, a.Name, &strangers)
			met[a.Name] = who
		}
		*a = who
	}
}

// person is somebody as of now, or as remembered. What cannot be read stays
// unknown, which permits nothing.
func (r *reader) person(ctx context.Context, name string, strangers *int) gitops.Actor {
	if name == r.me.Name {
		return r.me
	}
	a := gitops.Actor{Name: name, Bot: strings.HasSuffix(name, node.BotEnding)}
	if a.Bot || name == "ghost" {
		a.Permission = gitops.PermissionRead // whatever it may do, it is nobody's word
		return a
	}
	r.people.mu.Lock()
	known, ok := r.people.known[name]
	r.people.mu.Unlock()
	if !ok || time.Since(known.at) >= r.age {
		if *strangers++; *strangers > maxStrangers {
			return a
		}
		var whole bool
		if known, whole = r.lookUp(ctx, name); whole {
			r.people.mu.Lock()
			if r.people.known == nil || len(r.people.known) >= maxPeople {
				r.people.known = map[string]person{}
			}
			r.people.known[name] = known
			r.people.mu.Unlock()
		}
	}
	a.Permission, a.Teams = known.permission, known.teams
	return a
}

// lookUp reads a person; it says whether everything was told.
func (r *reader) lookUp(ctx context.Context, name string) (person, bool) {
	p := person{at: time.Now()}
	level, _, err := r.api.REST.Repositories.GetPermissionLevel(ctx, r.api.Owner, r.api.Name, name)
	switch {
	case api.Status(err) == http.StatusNotFound:
		p.permission = gitops.PermissionRead // somebody from outside
	case err != nil:
		return p, false
	default:
		p.permission = permission(level.GetPermission(), level.GetRoleName())
	}
	p.teams, err = r.teams(ctx, name)
	return p, err == nil
}

// permission reads a level; roles of an organization's own making count as the
// level they are built on.
func permission(level, role string) gitops.Permission {
	switch {
	case role == "admin", level == "admin":
		return gitops.PermissionAdmin
	case role == "maintain", role == "write", level == "write":
		return gitops.PermissionWrite
	case role == "triage":
		return gitops.PermissionTriage
	case level == "read", level == "none":
		return gitops.PermissionRead
	}
	return gitops.PermissionUnknown
}

// teams are those of the repository's organization that a person is in, as
// "@org/team". A person's own repository has none.
func (r *reader) teams(ctx context.Context, name string) ([]string, error) {
	s, err := r.guard.Settings(ctx, api.Fresh)
	if err != nil || !s.Organization {
		return nil, err
	}
	var out struct {
		Organization *struct{ Teams node.List[node.Account] }
	}
	if err := r.api.Graph(ctx, "teams", api.Variables{"org": r.api.Owner, "who": []string{name}}, &out); err != nil {
		return nil, err
	}
	if out.Organization == nil {
		return nil, fmt.Errorf("GitHub shows no organization %s", r.api.Owner)
	}
	var teams []string
	for _, t := range out.Organization.Teams.Nodes {
		teams = append(teams, t.Name())
	}
	return teams, nil
}
