// Package hook reads GitHub's webhooks: how GitHub signs them, and what its
// events mean for us. What all forges share is in gitops/webhook; a new kind of
// event is a line in meaning.
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
// [gitops.ErrDenied] for what GitHub did not send; a delivery that came before
// wakes nobody.
func (h *Hook) Hint(r *http.Request) (gitops.Hint, error) {
	return h.inbox.Hint(r, h.Now(), webhook.Kind{Authentic: h.authentic, Meaning: meaning})
}

// authentic checks the signature. The delivery's name is not signed and anybody
// may change it, so that the signature is the body's own name.
func (h *Hook) authentic(header http.Header, body []byte) (string, error) {
	secrets, err := h.Secret()
	if err != nil {
		return "", fmt.Errorf("read the webhook's secret: %w", err)
	}
	name, prefixed := strings.CutPrefix(header.Get("X-Hub-Signature-256"), "sha256=")
	name = strings.ToLower(name)
	signature, err := hex.DecodeString(name)
	switch {
	case strings.TrimSpace(secrets) == "":
		return "", webhook.Denied("webhooks.github.secret is not set")
	case err != nil || !prefixed || len(signature) != sha256.Size:
		return "", webhook.Denied("it has no X-Hub-Signature-256; set the secret in GitHub's webhook too")
	case !webhook.Signed(secrets, signature, body):
		return "", webhook.Denied("its signature is not by the secret that is configured")
	}
	return name, nil
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
