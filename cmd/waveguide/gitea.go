package main

import (
	"time"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/gitops/gitea"
)

var _ forge = (*gitea.Client)(nil)

// giteaHook reads the webhooks of Gitea and Forgejo with the secret of the
// daemon's file.
func giteaHook(h *config.Webhook) *gitea.Hook {
	return &gitea.Hook{Secret: func() (string, error) { return secret(h.Secret) }, Now: time.Now}
}
