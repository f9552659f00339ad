// Package hook reads GitHub's webhooks. They are only hints: what changed is
// always read anew, so that nothing in them is believed but that GitHub sent
// them and which repository they are about. A new kind of event is a line in
// meaning.
package hook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
)

const (
	// maxBody is less than the 25 MB that GitHub may send: a push of that size
	// is found by the next poll.
	maxBody       = 4 << 20
	maxDeliveries = 10_000
	// replay is how long a delivery is remembered.
	replay = time.Hour
)

// Hook reads the webhooks of one secret. It is safe for concurrent use.
type Hook struct {
	// Secret is asked for every delivery. Several, apart by spaces, are accepted
	// while they rotate; none refuses every delivery.
	Secret func() (string, error)
	// Now is the clock.
	Now func() time.Time

	mu   sync.Mutex
	seen map[string]time.Time
}

// Hint authenticates a delivery and says what it is about. It fails with
// [gitops.ErrDenied] for what GitHub did not send; a delivery that came before
// wakes nobody.
func (h *Hook) Hint(r *http.Request) (gitops.Hint, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return gitops.Hint{}, fmt.Errorf("read the webhook: %w", err)
	}
	if len(body) > maxBody {
		return gitops.Hint{}, errors.New("the webhook is longer than 4 MiB")
	}
	signature := r.Header.Get("X-Hub-Signature-256")
	if err := h.authentic(signature, body); err != nil {
		return gitops.Hint{}, err
	}
	hint, err := meaning(r.Header.Get("X-GitHub-Event"), body)
	if err != nil {
		return gitops.Hint{}, err
	}
	hint.Delivery = gitops.CutLine(r.Header.Get("X-GitHub-Delivery"), 100)
	// The delivery's name is not signed and anybody may change it; the
	// signature is the body's own name.
	if h.again(signature) {
		return gitops.Hint{Delivery: hint.Delivery}, nil
	}
	return hint, nil
}

// authentic compares signatures in constant time.
func (h *Hook) authentic(signature string, body []byte) error {
	secrets, err := h.Secret()
	if err != nil {
		return fmt.Errorf("read the webhook's secret: %w", err)
	}
	if strings.TrimSpace(secrets) == "" {
		return fmt.Errorf("webhook: %w: webhooks.github.secret is not set", gitops.ErrDenied)
	}
	have, err := hex.DecodeString(strings.TrimPrefix(signature, "sha256="))
	if err != nil || !strings.HasPrefix(signature, "sha256=") || len(have) != sha256.Size {
		return fmt.Errorf("webhook: %w: it has no X-Hub-Signature-256; set the secret in GitHub's webhook too", gitops.ErrDenied)
	}
	for secret := range strings.FieldsSeq(secrets) {
		mac := hmac.New(sha256.New, []byte(secret))
		_, _ = mac.Write(body) // a hash does not fail
		if hmac.Equal(mac.Sum(nil), have) {
			return nil
		}
	}
	return fmt.Errorf("webhook: %w: its signature is not by the secret that is configured", gitops.ErrDenied)
}

// again remembers a delivery and says whether it came before.
func (h *Hook) again(signature string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.Now()
	if at, ok := h.seen[signature]; ok && now.Sub(at) < replay {
		return true
	}
	if h.seen == nil || len(h.seen) >= maxDeliveries {
		h.seen = map[string]time.Time{}
	}
	h.seen[signature] = now
	return false
}

// meaning says what an event is about. Our own check wakes nobody.
func meaning(event string, body []byte) (gitops.Hint, error) {
	var said struct {
		Action     string
		Repository struct {
			FullName string `json:"full_name"`
		}
		Context  string
		CheckRun struct{ Name string } `json:"check_run"`
	}
	if err := json.Unmarshal(body, &said); err != nil {
		return gitops.Hint{}, fmt.Errorf("the webhook is no JSON of GitHub; choose the content type application/json: %w", err)
	}
	hint := gitops.Hint{Repository: gitops.CutLine(said.Repository.FullName, 300)}
	switch event {
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
	if !hint.Git && !hint.Forge {
		hint.Repository = ""
	}
	return hint, nil
}
