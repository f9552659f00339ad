package gitea

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/waveguide-dev/waveguide/gitops"
)

// Hint reads a webhook that is signed with the secret. It says what may have
// changed and is never believed.
func Hint(secret string, header http.Header, body []byte) (gitops.Hint, error) {
	if secret == "" {
		return gitops.Hint{}, fmt.Errorf("webhook: %w: no secret is configured", gitops.ErrDenied)
	}
	have, err := hex.DecodeString(header.Get("X-Gitea-Signature"))
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	if err != nil || !hmac.Equal(have, mac.Sum(nil)) {
		return gitops.Hint{}, fmt.Errorf("webhook: %w: the signature does not fit", gitops.ErrDenied)
	}
	var event struct {
		Repository struct {
			FullName string `json:"full_name"`
		} `json:"repository"`
	}
	if err := json.Unmarshal(body, &event); err != nil {
		return gitops.Hint{}, errors.New("webhook: the body is no JSON: choose application/json as its content type")
	}
	h := gitops.Hint{Repository: event.Repository.FullName, Delivery: header.Get("X-Gitea-Delivery")}
	switch header.Get("X-Gitea-Event") {
	case "push", "create", "delete":
		h.Git, h.Forge = true, true
	default:
		h.Forge = true
	}
	return h, nil
}
