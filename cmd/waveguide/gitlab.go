package main

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/gitops/gitlab"
	"github.com/waveguide-dev/waveguide/gitops/gitlab/hook"
	"github.com/waveguide-dev/waveguide/promoter/loop"
)

var _ forge = (*gitlab.Client)(nil)

// newGitLab makes the client of a project of GitLab: gitlab.com, or the
// installation that forge.url names. The token is a project's, a group's, a
// person's or one of OAuth; its file is read again at every request.
func newGitLab(r config.Repository, client *http.Client, token func(context.Context) (string, error)) (forge, error) {
	return gitlab.New(gitlab.Options{BaseURL: forgeURL(r), Project: forgePath(r), Name: r.Name, Branch: r.Branch, HTTP: client, Token: token})
}

// gitlabHook reads GitLab's webhooks with the secrets of the daemon's file.
func gitlabHook(h *config.Webhook) *hook.Hook {
	return &hook.Hook{
		Token:  func() (string, error) { return secret(h.Token) },
		Secret: func() (string, error) { return secret(h.Secret) },
		Now:    time.Now,
	}
}

// teamed tells a forge which teams the rules in force name, because GitLab has
// no way to ask for all teams of a person.
type teamed struct {
	rules loop.Rules
	heed  func(teams []string)
}

// heeding is the rules, told to the forge if it wants to know of teams.
func heeding(f forge, rules loop.Rules) loop.Rules {
	if c, ok := f.(*gitlab.Client); ok {
		return teamed{rules, c.Heed}
	}
	return rules
}

// Rules implements [loop.Rules].
func (t teamed) Rules(files map[string][]byte, now time.Time) (loop.Ruling, error) {
	ruling, err := t.rules.Rules(files, now)
	var teams []string
	for _, s := range lanes(ruling.Routes) {
		for _, a := range s.Gates.Approval.Required {
			if strings.Contains(a.From, "/") {
				teams = append(teams, a.From)
			}
		}
	}
	slices.Sort(teams)
	t.heed(slices.Compact(teams))
	return ruling, err
}
