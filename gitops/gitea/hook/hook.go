// Package hook reads the webhooks of Gitea and Forgejo: how they are signed, and
// what their events mean for us. What all forges share is in gitops/webhook; a
// new kind of event is a line in meaning.
package hook

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/webhook"
)

// Hook reads the webhooks of one secret. It is safe for concurrent use.
type Hook struct {
	// Secret is asked for every delivery. Several, apart by spaces, are accepted
	// while they rotate; none refuses every delivery.
	Secret func() (string, error)
	// Now is the clock.
	Now func() time.Time

	inbox webhook.Inbox
}

// Hint authenticates a delivery and says what it is about. It fails with
// [gitops.ErrDenied] for what the server did not send; a delivery that came
// before wakes nobody.
func (h *Hook) Hint(r *http.Request) (gitops.Hint, error) {
	return h.inbox.Hint(r, h.Now(), webhook.Kind{Authentic: h.authentic, Meaning: meaning})
}

// authentic checks the signature. Nothing but the body is signed, so that its
// signature is its name.
func (h *Hook) authentic(header http.Header, body []byte) (string, error) {
	secrets, err := h.Secret()
	if err != nil {
		return "", fmt.Errorf("read the webhook's secret: %w", err)
	}
	name := strings.ToLower(header.Get("X-Gitea-Signature"))
	signature, err := hex.DecodeString(name)
	switch {
	case strings.TrimSpace(secrets) == "":
		return "", webhook.Denied("webhooks.gitea.secret is not set")
	case err != nil || len(signature) != sha256.Size:
		return "", webhook.Denied("it has no X-Gitea-Signature; set the secret in Gitea's webhook too")
	case !webhook.Signed(secrets, signature, body):
		return "", webhook.Denied("its signature is not by the secret of webhooks.gitea")
	}
	return name, nil
}

// meaning says what an event is about. Our own check wakes nobody.
func meaning(header http.Header, body []byte) (gitops.Hint, error) {
	var said struct {
		Action     string `json:"action"`
		Context    string `json:"context"`
		Repository struct {
			FullName string `json:"full_name"`
		} `json:"repository"`
	}
	if err := webhook.Decode("Gitea", body, &said); err != nil {
		return gitops.Hint{}, err
	}
	hint := gitops.Hint{Repository: gitops.CutLine(said.Repository.FullName, 300), Delivery: header.Get("X-Gitea-Delivery")}
	switch header.Get("X-Gitea-Event") {
	case "push", "create", "delete":
		hint.Git, hint.Forge = true, true
	case "pull_request", "pull_request_sync":
		hint.Forge = true
		hint.Git = said.Action == "closed" || said.Action == "synchronized" || said.Action == "opened"
	case "pull_request_approved", "pull_request_rejected", "pull_request_comment", "pull_request_review_request",
		"issues", "issue_comment", "repository", "workflow_run", "workflow_job":
		hint.Forge = true
	case "status":
		hint.Forge = said.Context != gitops.CheckName
	}
	return hint, nil
}
