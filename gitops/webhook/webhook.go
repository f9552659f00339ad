// Package webhook receives what forges send when something happened there. It
// holds what all of them share: how long a body may be, which delivery came
// before, comparisons that tell nothing by the time they take, and the answer
// to each failure. How a forge signs and what its events are called is in that
// forge's own package, which gives an [Inbox] a [Kind].
//
// Nothing in a delivery is believed but that the forge sent it and which
// repository it is about: what changed is always read anew.
package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
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
	// maxBody bounds a delivery; what a larger one says is found by polling.
	maxBody = 4 << 20
	// maxDeliveries bounds how many are known again, and replay for how long.
	maxDeliveries = 10_000
	replay        = time.Hour
	// nameLength is how much of a delivery's name is told.
	nameLength = 100
)

// errTooLong is a body beyond the bound.
var errTooLong = errors.New("the webhook is longer than 4 MiB")

// Kind is how one forge sends its webhooks.
type Kind struct {
	// Authentic says what names a delivery, so that the same one is known
	// again; it fails with [gitops.ErrDenied] for what the forge did not send.
	// A name that is empty is never known again.
	Authentic func(header http.Header, body []byte) (name string, err error)
	// Meaning says what a body is about, and which delivery it is.
	Meaning func(header http.Header, body []byte) (gitops.Hint, error)
}

// Inbox remembers deliveries. The zero value is empty; it is safe for
// concurrent use.
type Inbox struct {
	mu   sync.Mutex
	seen map[string]time.Time
}

// Hint reads a delivery and says what it is about. One that came before, or
// that is about nothing we know, wakes nobody.
func (i *Inbox) Hint(r *http.Request, now time.Time, k Kind) (gitops.Hint, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return gitops.Hint{}, fmt.Errorf("read the webhook: %w", err)
	}
	if len(body) > maxBody {
		return gitops.Hint{}, errTooLong
	}
	name, err := k.Authentic(r.Header, body)
	if err != nil {
		return gitops.Hint{}, err
	}
	hint, err := k.Meaning(r.Header, body)
	if err != nil {
		return gitops.Hint{}, err
	}
	hint.Delivery = gitops.CutLine(hint.Delivery, nameLength)
	if !hint.Git && !hint.Forge || i.again(name, now) {
		return gitops.Hint{Delivery: hint.Delivery}, nil
	}
	return hint, nil
}

// again remembers a delivery and says whether it came before.
func (i *Inbox) again(name string, now time.Time) bool {
	if name == "" {
		return false
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if at, ok := i.seen[name]; ok && now.Sub(at) < replay {
		return true
	}
	if i.seen == nil || len(i.seen) >= maxDeliveries {
		i.seen = map[string]time.Time{}
	}
	i.seen[name] = now
	return false
}

// Status is the answer to a delivery that failed.
func Status(err error) int {
	switch {
	case err == nil:
		return http.StatusAccepted
	case errors.Is(err, gitops.ErrDenied):
		return http.StatusUnauthorized
	case errors.Is(err, errTooLong):
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusBadRequest
}

// Decode reads a body's JSON; forge is who should have sent it.
func Decode(forge string, body []byte, into any) error {
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("the webhook is no JSON of %s; choose the content type application/json: %w", forge, err)
	}
	return nil
}

// Denied is a refusal, with what to look at.
func Denied(why string) error { return fmt.Errorf("webhook: %w: %s", gitops.ErrDenied, why) }

// AnyOf says whether one of the words is good: several secrets, apart by
// spaces or lines, are accepted while one replaces the other.
func AnyOf(words string, good func(word string) bool) bool {
	for w := range strings.FieldsSeq(words) {
		if good(w) {
			return true
		}
	}
	return false
}

// HMAC is how a forge signs that sends the HMAC-SHA256 of the body, in
// hexadecimal, in a header.
type HMAC struct {
	// Secret is asked for every delivery. Several, apart by spaces, are accepted
	// while they rotate; none refuses every delivery.
	Secret func() (string, error)
	// Header holds the signature, behind the prefix.
	Header, Prefix string
	// Forge is who signs, and Key where the daemon's file has the secret.
	Forge, Key string
}

// Authentic is that of a [Kind]. Nothing but the body is signed, and anybody may
// change the delivery's name, so that the signature is the name.
func (m HMAC) Authentic(header http.Header, body []byte) (string, error) {
	secrets, err := m.Secret()
	if err != nil {
		return "", fmt.Errorf("read the webhook's secret: %w", err)
	}
	name, prefixed := strings.CutPrefix(strings.ToLower(header.Get(m.Header)), m.Prefix)
	signature, err := hex.DecodeString(name)
	switch {
	case strings.TrimSpace(secrets) == "":
		return "", Denied(m.Key + " is not set")
	case err != nil || !prefixed || len(signature) != sha256.Size:
		return "", Denied("it has no " + m.Header + "; set the secret in " + m.Forge + "'s webhook too")
	case !Signed(secrets, signature, body):
		return "", Denied("its signature is not by the secret of " + m.Key)
	}
	return name, nil
}

// MAC is the HMAC-SHA256 of a message.
func MAC(key, message []byte) []byte {
	mac := hmac.New(sha256.New, key)
	_, _ = mac.Write(message) // a hash does not fail
	return mac.Sum(nil)
}

// Same compares in a time that tells nothing, the length included.
func Same(a, b []byte) bool {
	x, y := sha256.Sum256(a), sha256.Sum256(b)
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// Signed says whether a signature is the MAC of a body by one of the secrets.
func Signed(secrets string, signature, body []byte) bool {
	return AnyOf(secrets, func(secret string) bool { return Same(MAC([]byte(secret), body), signature) })
}
