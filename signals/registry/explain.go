package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// explain turns what the registry library says into what a person can act on.
// The original error stays in the chain.
func (r *Registry) explain(err error) error {
	if err == nil {
		return nil
	}
	if throttled := (*Throttled)(nil); errors.As(err, &throttled) {
		return throttled
	}
	if until := r.wire.throttled(); time.Now().Before(until) {
		return &Throttled{Host: r.wire.host, Until: until}
	}
	var answer *transport.Error
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &answer):
		return explainStatus(answer)
	case errors.As(err, &syntax):
		return fmt.Errorf("the answer is not JSON; is a login page or a proxy in the way? %w", err)
	case strings.Contains(err.Error(), "is a private or link-local address"):
		return fmt.Errorf("the registry sends its clients for tokens to a private IP address, which is refused; let it name its token server by host name and add that to the realms of this registry: %w", err)
	}
	return err
}

// refusal is an answer of the registry in our words; what it wrote stays
// behind, because anybody may have written it.
type refusal struct {
	text   string
	answer error
}

// Error implements error.
func (r *refusal) Error() string { return r.text }

// Unwrap is the answer as the library gave it.
func (r *refusal) Unwrap() error { return r.answer }

func explainStatus(answer *transport.Error) error {
	switch answer.StatusCode {
	case http.StatusNotFound:
		return fmt.Errorf("%w: the registry does not have it, or hides it from these credentials", ErrNotFound)
	case http.StatusUnauthorized:
		return &refusal{"the registry answered 401; check the user name and token of this registry", answer}
	case http.StatusForbidden:
		return &refusal{"the registry answered 403; give the credentials of this registry read permission", answer}
	}
	return &refusal{fmt.Sprintf("the registry answered %d %s", answer.StatusCode, http.StatusText(answer.StatusCode)), answer}
}
