// Package hook reads GitHub's webhooks: how GitHub signs them, and what its
// events mean for us. What all forges share is in gitops/webhook; a new kind of
// event is a line in meaning.
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
// [gitops.ErrDenied] for what GitHub did not send; a delivery that came before
// wakes nobody.
func (h *Hook) Hint(r *http.Request) (gitops.Hint, error) {
	signed := webhook.HMAC{Secret: h.Secret, Header: "X-Hub-Signature-256", Prefix: "sha256=", Forge: "GitHub", Key: "webhooks.github.secret"}
	return h.inbox.Hint(r, h.Now(), webhook.Kind{Authentic: signed.Authentic, Meaning: meaning})
}

// meaning says what an event is about. Our own check wakes nobody.
func meaning(header http.Header, body []byte) (gitops.Hint, error) {
	var said struct {
		Action     string
		Repository struct {
			FullName string `json:"full_name"`
		}
		Context  string
		CheckRun struct{ Name string } `json:"check_run"`
	}
	if err := webhook.Decode("GitHub", body, &said); err != nil {
		return gitops.Hint{}, err
	}
	hint := gitops.Hint{Repository: gitops.CutLine(said.Repository.FullName, 300), Delivery: header.Get("X-GitHub-Delivery")}
	switch header.Get("X-GitHub-Event") {
	case "push", "create", "delete":
		hint.Git, hint.Forge = true, true
	case "pull_request":
		hint.Forge = true
		hint.Git = said.Action == "closed" || said.Action == "synchronize" || said.Action == "opened"
	case "pull_request_review", "pull_request_review_thread", "issues", "issue_comment", "check_suite", "merge_group", "label",
		"branch_protection_rule", "branch_protection_configuration", "repository_ruleset", "member", "repository":
		hint.Forge = true
	case "check_run":
		hint.Forge = said.CheckRun.Name != gitops.CheckName
	case "status":
		hint.Forge = said.Context != gitops.CheckName
	}
	return hint, nil
}
