// Package hook reads GitLab's webhooks: how GitLab proves that it sent one, and
// what its events mean for us. What all forges share is in gitops/webhook; a new
// kind of event is a line in meaning.
package hook

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/webhook"
)

// hookSkew is how far a signed delivery's time may be from ours.
const hookSkew = 5 * time.Minute

// Hook reads GitLab's webhooks. It is safe for concurrent use.
type Hook struct {
	// Token is what GitLab sends in X-Gitlab-Token; Secret is the signing
	// token, "whsec_" and a key in base64. Several, apart by spaces, are
	// accepted while they rotate. What is configured is demanded; with neither
	// every delivery is refused.
	Token, Secret func() (string, error)
	// Now is the clock.
	Now func() time.Time

	inbox webhook.Inbox
}

// Hint authenticates a delivery and says what it is about. It fails with
// [gitops.ErrDenied] for what GitLab did not send; a delivery seen before
// wakes nobody.
func (h *Hook) Hint(r *http.Request) (gitops.Hint, error) {
	return h.inbox.Hint(r, h.Now(), webhook.Kind{Authentic: h.authentic, Meaning: meaning})
}

// authentic checks what is configured. A delivery is named by GitLab's header,
// which only the signed form protects: whoever has the token can send anything.
// Where GitLab has only one name for all that came of one request, the body
// belongs to the name.
func (h *Hook) authentic(header http.Header, body []byte) (string, error) {
	var token, secret string
	var err error
	if h.Token != nil {
		token, err = h.Token()
	}
	if h.Secret != nil && err == nil {
		secret, err = h.Secret()
	}
	given := []byte(header.Get("X-Gitlab-Token"))
	name := cmp.Or(header.Get("Webhook-Id"), header.Get("Idempotency-Key"), header.Get("X-Gitlab-Event-UUID")+fmt.Sprintf(" %x", sha256.Sum256(body)))
	switch {
	case err != nil:
		return "", fmt.Errorf("read the webhook's secret: %w", err)
	case token == "" && secret == "":
		return "", webhook.Denied("neither webhooks.gitlab.token nor webhooks.gitlab.secret is set")
	case token != "" && !webhook.AnyOf(token, func(t string) bool { return webhook.Same([]byte(t), given) }):
		return "", webhook.Denied("X-Gitlab-Token is not the token that is configured")
	case secret != "":
		return name, h.signed(header, body, secret)
	}
	return name, nil
}

// signed checks the form of the Standard Webhooks, which GitLab uses.
func (h *Hook) signed(header http.Header, body []byte, secret string) error {
	id, stamp := header.Get("Webhook-Id"), header.Get("Webhook-Timestamp")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || id == "" {
		return webhook.Denied("it is not signed")
	}
	if at := time.Unix(seconds, 0); h.Now().Sub(at).Abs() > hookSkew {
		return webhook.Denied(fmt.Sprintf("it was signed at %s, more than %s from now: are both clocks right?", at.UTC().Format(time.RFC3339), hookSkew))
	}
	message := fmt.Appendf(nil, "%s.%s.%s", id, stamp, body)
	good := webhook.AnyOf(secret, func(s string) bool {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(s, "whsec_"))
		if err != nil || len(key) == 0 {
			return false
		}
		want := []byte("v1," + base64.StdEncoding.EncodeToString(webhook.MAC(key, message)))
		return webhook.AnyOf(header.Get("Webhook-Signature"), func(got string) bool { return webhook.Same([]byte(got), want) })
	})
	if !good {
		return webhook.Denied("its signature is not by the secret of webhooks.gitlab.secret")
	}
	return nil
}

// meaning says what a delivery is about.
func meaning(header http.Header, body []byte) (gitops.Hint, error) {
	var said struct {
		Kind    string `json:"object_kind"`
		Project struct {
			Path string `json:"path_with_namespace"`
		} `json:"project"`
	}
	if err := webhook.Decode("GitLab", body, &said); err != nil {
		return gitops.Hint{}, err
	}
	hint := gitops.Hint{
		Repository: gitops.CutLine(said.Project.Path, 500),
		Delivery:   cmp.Or(header.Get("Webhook-Id"), header.Get("Idempotency-Key"), header.Get("X-Gitlab-Event-UUID")),
	}
	switch said.Kind {
	case "push", "merge_request": // it may have been merged
		hint.Git, hint.Forge = true, true
	case "note", "issue", "work_item", "pipeline", "build", "confidential_note", "confidential_issue":
		hint.Forge = true
	}
	return hint, nil
}
