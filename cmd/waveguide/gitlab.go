package main

import (
	"context"
	"net/http"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/gitops/gitlab"
)

var _ forge = (*gitlab.Client)(nil)

// newGitLab makes the client of a project of GitLab: gitlab.com, or the
// installation that forge.url names. The token is a project's, a group's, a
// person's or one of OAuth; its file is read again at every request.
func newGitLab(r config.Repository, client *http.Client, token func(context.Context) (string, error)) (forge, error) {
	return gitlab.New(gitlab.Options{BaseURL: forgeURL(r), Project: forgePath(r), Name: r.Name, Branch: r.Branch, HTTP: client, Token: token})
}
