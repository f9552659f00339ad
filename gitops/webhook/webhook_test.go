package webhook_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/webhook"
)

func noon() time.Time { return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC) }

// kind is a forge whose deliveries are named by their bodies, and refused
// without a body.
func kind() webhook.Kind {
	return webhook.Kind{
		Authentic: func(_ http.Header, body []byte) (string, error) {
			if len(body) == 0 {
				return "", webhook.Denied("it says nothing")
			}
			return string(body), nil
		},
		Meaning: func(_ http.Header, body []byte) (gitops.Hint, error) {
			var said struct{ Repository string }
			err := webhook.Decode("this forge", body, &said)
			return gitops.Hint{Repository: said.Repository, Forge: said.Repository != "", Delivery: strings.Repeat("x", 300)}, err
		},
	}
}

func send(t *testing.T, inbox *webhook.Inbox, at time.Time, body string) (gitops.Hint, error) {
	t.Helper()
	return inbox.Hint(httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body)), at, kind())
}

func TestADeliveryWakesOnceAnHour(t *testing.T) {
	t.Parallel()
	var inbox webhook.Inbox
	for i, c := range []struct {
		after time.Duration
		body  string
		want  string
	}{
		{0, `{"repository":"acme/env"}`, "acme/env"},
		{time.Minute, `{"repository":"acme/env"}`, ""},
		{time.Minute, `{"repository":"acme/other"}`, "acme/other"},
		{59 * time.Minute, `{"repository":"acme/env"}`, ""},
		{61 * time.Minute, `{"repository":"acme/env"}`, "acme/env"},
		{61 * time.Minute, `{}`, ""},
	} {
		h, err := send(t, &inbox, noon().Add(c.after), c.body)
		if err != nil || h.Repository != c.want || h.Forge != (c.want != "") || len(h.Delivery) > 102 {
			t.Errorf("delivery %d = %+v, %v, want %q woken", i, h, err, c.want)
		}
	}
}

func TestWhatIsNoDeliveryHasItsAnswer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body   string
		status int
	}{
		"what can be read":       {`{"repository":"acme/env"}`, http.StatusAccepted},
		"what nobody signed":     {"", http.StatusUnauthorized},
		"what is no JSON":        {"<html>", http.StatusBadRequest},
		"what is as long as may": {strings.Repeat(" ", 4<<20-2) + "{}", http.StatusAccepted},
		"what is too long":       {strings.Repeat(" ", 4<<20-1) + "{}", http.StatusRequestEntityTooLarge},
	} {
		var inbox webhook.Inbox
		_, err := send(t, &inbox, noon(), c.body)
		if got := webhook.Status(err); got != c.status || errors.Is(err, gitops.ErrDenied) != (c.status == http.StatusUnauthorized) {
			t.Errorf("%s: %d for %v, want %d", name, got, err, c.status)
		}
	}
}

func TestManyDeliveriesAreForgottenTogether(t *testing.T) {
	t.Parallel()
	var inbox webhook.Inbox
	for i := range 10_001 {
		if _, err := send(t, &inbox, noon(), `{"repository":"`+strings.Repeat("a", i%150+1)+strings.Repeat("b", i/150)+`"}`); err != nil {
			t.Fatal(err)
		}
	}
	if h, err := send(t, &inbox, noon(), `{"repository":"a"}`); err != nil || h.Repository != "a" {
		t.Errorf("after ten thousand others = %+v, %v", h, err)
	}
}

// TestMAC holds the example of RFC 4231, 4.3.
func TestMAC(t *testing.T) {
	t.Parallel()
	key, text := "Jefe", []byte("what do ya want for nothing?")
	good := webhook.MAC([]byte(key), text)
	if len(good) != 32 || good[0] != 0x5b || good[31] != 0x43 {
		t.Errorf("MAC = %x", good)
	}
	if !webhook.Signed("other\n"+key, good, text) || webhook.Signed("other", good, text) || webhook.Signed("", good, text) || webhook.Signed(key, good[:31], text) {
		t.Error("a signature counts by one of the secrets, whole, and by nothing else")
	}
}
