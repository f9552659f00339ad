package gitlab

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
)

const (
	maxHook = 4 << 20
	// hookSkew is how far a signed delivery's time may be from ours.
	hookSkew      = 5 * time.Minute
	maxDeliveries = 10_000
)

// Hook reads GitLab's webhooks. It believes nothing but that GitLab sent them.
type Hook struct {
	// Token is what GitLab sends in X-Gitlab-Token; Secret is the signing
	// token, "whsec_" and a key in base64. Several, apart by spaces, are
	// accepted while they rotate. What is configured is demanded; with neither
	// every delivery is refused.
	Token, Secret func() (string, error)
	// Now is the clock.
	Now func() time.Time

	mu   sync.Mutex
	seen map[string]time.Time
}

// Hint authenticates a delivery and says what it is about. It fails with
// [gitops.ErrDenied] for what GitLab did not send; a delivery seen before
// wakes nobody.
func (h *Hook) Hint(r *http.Request) (gitops.Hint, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxHook+1))
	if err != nil {
		return gitops.Hint{}, fmt.Errorf("read the webhook: %w", err)
	}
	if len(body) > maxHook {
		return gitops.Hint{}, errors.New("the webhook is longer than 4 MiB")
	}
	if err := h.authentic(r.Header, body); err != nil {
		return gitops.Hint{}, err
	}
	hint, err := readHook(body)
	if err != nil {
		return gitops.Hint{}, err
	}
	for _, name := range []string{"Webhook-Id", "Idempotency-Key", "X-Gitlab-Event-UUID"} {
		if hint.Delivery == "" {
			hint.Delivery = gitops.CutLine(r.Header.Get(name), 100)
		}
	}
	if h.again(hint.Delivery) {
		return gitops.Hint{Delivery: hint.Delivery}, nil
	}
	return hint, nil
}

func (h *Hook) authentic(header http.Header, body []byte) error {
	var token, secret string
	var err error
	if h.Token != nil {
		token, err = h.Token()
	}
	if h.Secret != nil && err == nil {
		secret, err = h.Secret()
	}
	switch {
	case err != nil:
		return fmt.Errorf("read the webhook's secret: %w", err)
	case token == "" && secret == "":
		return fmt.Errorf("webhook: %w: neither webhooks.gitlab.token nor webhooks.gitlab.secret is set", gitops.ErrDenied)
	case token != "" && !anyOf(token, func(t string) bool { return same([]byte(t), []byte(header.Get("X-Gitlab-Token"))) }):
		return fmt.Errorf("webhook: %w: X-Gitlab-Token is not the token that is configured", gitops.ErrDenied)
	case secret != "":
		return h.signed(header, body, secret)
	}
	return nil
}

// signed checks the form of the Standard Webhooks, which GitLab uses.
func (h *Hook) signed(header http.Header, body []byte, secret string) error {
	id, stamp := header.Get("Webhook-Id"), header.Get("Webhook-Timestamp")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || id == "" {
		return fmt.Errorf("webhook: %w: it is not signed", gitops.ErrDenied)
	}
	if age := h.Now().Sub(time.Unix(seconds, 0)); age > hookSkew || age < -hookSkew {
		return fmt.Errorf("webhook: %w: it was signed at %s, more than %s from now: are both clocks right?", gitops.ErrDenied, time.Unix(seconds, 0).UTC().Format(time.RFC3339), hookSkew)
	}
	good := anyOf(secret, func(s string) bool {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(s, "whsec_"))
		if err != nil || len(key) == 0 {
			return false
		}
		mac := hmac.New(sha256.New, key)
		fmt.Fprintf(mac, "%s.%s.%s", id, stamp, body)
		want := []byte("v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		return anyOf(header.Get("Webhook-Signature"), func(got string) bool { return same([]byte(got), want) })
	})
	if !good {
		return fmt.Errorf("webhook: %w: its signature is not by the secret that is configured", gitops.ErrDenied)
	}
	return nil
}

// anyOf says whether one of the words is good.
func anyOf(words string, good func(string) bool) bool {
	for w := range strings.FieldsSeq(words) {
		if good(w) {
			return true
		}
	}
	return false
}

// same compares in a time that tells nothing, the length included.
func same(a, b []byte) bool {
	x, y := sha256.Sum256(a), sha256.Sum256(b)
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// again remembers a delivery and says whether it came before.
func (h *Hook) again(delivery string) bool {
	if delivery == "" {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.Now()
	if at, ok := h.seen[delivery]; ok && now.Sub(at) < 2*hookSkew {
		return true
	}
	if h.seen == nil || len(h.seen) >= maxDeliveries {
		h.seen = map[string]time.Time{}
	}
	h.seen[delivery] = now
	return false
}

// readHook says what a delivery is about.
func readHook(body []byte) (gitops.Hint, error) {
	var said struct {
		Kind    string `json:"object_kind"`
		Project struct {
			Path string `json:"path_with_namespace"`
		} `json:"project"`
	}
	if err := json.Unmarshal(body, &said); err != nil {
		return gitops.Hint{}, fmt.Errorf("the webhook is no JSON of GitLab: %w", err)
	}
	hint := gitops.Hint{Repository: gitops.CutLine(said.Project.Path, 500)}
	switch said.Kind {
	case "push":
		hint.Git, hint.Forge = true, true
	case "merge_request":
		hint.Git, hint.Forge = true, true // it may have been merged
	case "note", "issue", "work_item", "pipeline", "build", "confidential_note", "confidential_issue":
		hint.Forge = true
	default:
		hint.Repository = ""
	}
	return hint, nil
}
