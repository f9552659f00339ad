package gitea

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
	// maxHook bounds a delivery; what a larger one says is found by polling.
	maxHook       = 4 << 20
	maxDeliveries = 10_000
	// replay is how long a delivery is known again.
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
// [gitops.ErrDenied] for what the server did not send; a delivery that came
// before wakes nobody.
func (h *Hook) Hint(r *http.Request) (gitops.Hint, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxHook+1))
	if err != nil {
		return gitops.Hint{}, fmt.Errorf("read the webhook: %w", err)
	}
	if len(body) > maxHook {
		return gitops.Hint{}, errors.New("the webhook is longer than 4 MiB")
	}
	signature := strings.ToLower(r.Header.Get("X-Gitea-Signature"))
	if err := h.authentic(signature, body); err != nil {
		return gitops.Hint{}, err
	}
	hint, err := meaning(r.Header.Get("X-Gitea-Event"), body)
	if err != nil {
		return gitops.Hint{}, err
	}
	hint.Delivery = gitops.CutLine(r.Header.Get("X-Gitea-Delivery"), 100)
	// Nothing but the body is signed, so its signature is its name.
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
	have, err := hex.DecodeString(signature)
	if err != nil || len(have) != sha256.Size {
		return fmt.Errorf("webhook: %w: it has no X-Gitea-Signature; set the secret in Gitea's webhook too", gitops.ErrDenied)
	}
	for secret := range strings.FieldsSeq(secrets) {
		mac := hmac.New(sha256.New, []byte(secret))
		_, _ = mac.Write(body) // a hash does not fail
		if hmac.Equal(mac.Sum(nil), have) {
			return nil
		}
	}
	return fmt.Errorf("webhook: %w: its signature is not by the secret of webhooks.gitea", gitops.ErrDenied)
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
		Action     string `json:"action"`
		Context    string `json:"context"`
		Repository struct {
			FullName string `json:"full_name"`
		} `json:"repository"`
	}
	if err := json.Unmarshal(body, &said); err != nil {
		return gitops.Hint{}, fmt.Errorf("the webhook is no JSON of Gitea; choose the content type application/json: %w", err)
	}
	hint := gitops.Hint{Repository: gitops.CutLine(said.Repository.FullName, 300)}
	switch event {
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
	if !hint.Git && !hint.Forge {
		hint.Repository = ""
	}
	return hint, nil
}
