// Package hook reads the webhooks of Gitea and Forgejo: how they are signed, and
// what their events mean for us. What all forges share is in gitops/webhook; a
// new kind of event is a line in meaning.
package hook

import (
	"net/http"
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
	signed := webhook.HMAC{Secret: h.Secret, Header: "X-Gitea-Signature", Forge: "Gitea", Key: "webhooks.gitea.secret"}
	return h.inbox.Hint(r, h.Now(), webhook.Kind{Authentic: signed.Authentic, Meaning: meaning})
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
