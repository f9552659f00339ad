package hook_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/github/hook"
)

func delivery(t *testing.T, event, secret string, body []byte) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/hooks/github", bytes.NewReader(body))
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = mac.Write(body)
	r.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	r.Header.Set("X-GitHub-Event", event)
	r.Header.Set("X-GitHub-Delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958")
	return r
}

func newHook(secret string) *hook.Hook {
	return &hook.Hook{Secret: func() (string, error) { return secret, nil }, Now: time.Now}
}

func TestPublishedExamples(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/examples.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []struct {
		Event   string
		Payload json.RawMessage
	}
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, e := range list {
		h, err := newHook("s3cret").Hint(delivery(t, e.Event, "s3cret", e.Payload))
		if err != nil {
			t.Errorf("%s: %v", e.Event, err)
		}
		wakes := h.Repository
		if h.Git {
			wakes += " git"
		}
		if h.Forge {
			wakes += " forge"
		}
		var action struct{ Action string }
		if err := json.Unmarshal(e.Payload, &action); err != nil {
			t.Fatal(err)
		}
		got[strings.TrimSuffix(e.Event+"/"+action.Action, "/")] = wakes
	}
	want := map[string]string{
		"check_run/completed": "Codertocat/Hello-World forge", "check_suite/completed": "Codertocat/Hello-World forge",
		"installation/created": "", "issue_comment/created": "Codertocat/Hello-World forge",
		"issues/labeled":               "Codertocat/Hello-World forge",
		"merge_group/checks_requested": "octo-org/octo-repo forge", "ping": "",
		"pull_request/closed": "Codertocat/Hello-World git forge", "pull_request/opened": "Codertocat/Hello-World git forge",
		"pull_request_review/submitted": "Codertocat/Hello-World forge", "push": "Codertocat/Hello-World git forge",
		"status": "Codertocat/Hello-World forge",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWhatGitHubDidNotSend(t *testing.T) {
	t.Parallel()
	body := []byte(`{"repository":{"full_name":"acme/env"}}`)
	for name, change := range map[string]func(*http.Request){
		"another secret":  func(r *http.Request) { *r = *delivery(t, "push", "other", body) },
		"no signature":    func(r *http.Request) { r.Header.Del("X-Hub-Signature-256") },
		"SHA-1 alone":     func(r *http.Request) { r.Header.Set("X-Hub-Signature-256", "sha1=0000") },
		"short signature": func(r *http.Request) { r.Header.Set("X-Hub-Signature-256", r.Header.Get("X-Hub-Signature-256")[:20]) },
		"another body":    func(r *http.Request) { r.Body = http.NoBody },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := delivery(t, "push", "s3cret", body)
			change(r)
			if _, err := newHook("s3cret").Hint(r); !errors.Is(err, gitops.ErrDenied) || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("Hint = %v, want ErrDenied", err)
			}
		})
	}
	if _, err := newHook("").Hint(delivery(t, "push", "", body)); !errors.Is(err, gitops.ErrDenied) {
		t.Errorf("without a secret: %v, want ErrDenied", err)
	}
	if _, err := newHook("new s3cret").Hint(delivery(t, "push", "s3cret", body)); err != nil {
		t.Errorf("while secrets rotate: %v", err)
	}
	if _, err := newHook("s3cret").Hint(delivery(t, "push", "s3cret", append(bytes.Repeat([]byte(" "), 5<<20), body...))); err == nil || errors.Is(err, gitops.ErrDenied) {
		t.Errorf("a body of 5 MiB: %v", err)
	}
}

func TestReplayWakesNobody(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)
	h := newHook("s3cret")
	h.Now = func() time.Time { return now }
	body := []byte(`{"repository":{"full_name":"acme/env"}}`)
	for i, want := range []string{"acme/env", "", "acme/env"} {
		r := delivery(t, "push", "s3cret", body)
		r.Header.Set("X-GitHub-Delivery", strings.Repeat("x", i)) // not signed: anybody can change it
		got, err := h.Hint(r)
		if err != nil || got.Repository != want {
			t.Errorf("delivery %d wakes %q, %v, want %q", i, got.Repository, err, want)
		}
		if i == 1 {
			now = now.Add(2 * time.Hour)
		}
	}
}

func TestOwnCheckWakesNobody(t *testing.T) {
	t.Parallel()
	for event, body := range map[string]string{
		"check_run": `{"check_run":{"name":"waveguide"},"repository":{"full_name":"acme/env"}}`,
		"status":    `{"context":"waveguide","repository":{"full_name":"acme/env"}}`,
	} {
		if got, err := newHook("s").Hint(delivery(t, event, "s", []byte(body))); err != nil || got.Repository != "" {
			t.Errorf("%s = %+v, %v", event, got, err)
		}
	}
}
