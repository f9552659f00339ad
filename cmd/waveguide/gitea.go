package main

import (
	"time"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/gitops/gitea"
	"github.com/waveguide-dev/waveguide/gitops/gitea/hook"
)

var _ forge = (*gitea.Client)(nil)

// giteaHook reads the webhooks of Gitea and Forgejo with the secret of the
// daemon's file.
func giteaHook(h *config.Webhook) *hook.Hook {
	return &hook.Hook{Secret: func() (string, error) { return secret(h.Secret) }, Now: time.Now}
}
