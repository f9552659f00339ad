package hook_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/gitlab/hook"
)

var hookKey = base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))

func noon() time.Time { return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC) }

func sign(r *http.Request, id string, at time.Time, body, key string) {
	raw, err := base64.StdEncoding.DecodeString(key)
	if err != nil {
		panic(err)
	}
	stamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, raw)
	mac.Write([]byte(id + "." + stamp + "." + body))
	r.Header.Set("webhook-id", id)
	r.Header.Set("webhook-timestamp", stamp)
	r.Header.Set("webhook-signature", "v1,AAAA v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

func text(s string) func() (string, error) { return func() (string, error) { return s, nil } }

func delivery(t *testing.T, body string) *http.Request {
	t.Helper()
	return httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/hooks/gitlab", strings.NewReader(body))
}

func TestHooksOfEveryKind(t *testing.T) {
	t.Parallel()
	want := map[string]gitops.Hint{
		"push.json":          {Repository: "acme/platform/env", Git: true, Forge: true},
		"merge_request.json": {Repository: "acme/platform/env", Git: true, Forge: true},
		"note.json":          {Repository: "acme/platform/env", Forge: true},
		"issue.json":         {Repository: "acme/platform/env", Forge: true},
		"pipeline.json":      {Repository: "acme/platform/env", Forge: true},
		"wiki_page.json":     {},
	}
	for name, hint := range want {
		body, err := os.ReadFile(filepath.Join("testdata", "webhooks", name))
		if err != nil {
			t.Fatal(err)
		}
		h := &hook.Hook{Token: text("t0ken"), Now: noon}
		r := delivery(t, string(body))
		r.Header.Set("X-Gitlab-Token", "t0ken")
		r.Header.Set("X-Gitlab-Event-UUID", "uuid-"+name)
		hint.Delivery = "uuid-" + name
		got, err := h.Hint(r)
		if diff := cmp.Diff(hint, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", name, err, diff)
		}
	}
}

func TestHooksAreAuthentic(t *testing.T) {
	t.Parallel()
	const body = `{"object_kind":"push","project":{"path_with_namespace":"acme/env"}}`
	other := base64.StdEncoding.EncodeToString([]byte("another-key-another-key-another-"))
	for name, c := range map[string]struct {
		token, secret string
		change        func(r *http.Request)
		accepted      bool
	}{
		"no secret is configured":         {"", "", func(*http.Request) {}, false},
		"the token":                       {"t0ken", "", func(r *http.Request) { r.Header.Set("X-Gitlab-Token", "t0ken") }, true},
		"the token before it rotated":     {"new t0ken", "", func(r *http.Request) { r.Header.Set("X-Gitlab-Token", "t0ken") }, true},
		"no token":                        {"t0ken", "", func(*http.Request) {}, false},
		"another token":                   {"t0ken", "", func(r *http.Request) { r.Header.Set("X-Gitlab-Token", "t0kenx") }, false},
		"both tokens at once":             {"new t0ken", "", func(r *http.Request) { r.Header.Set("X-Gitlab-Token", "new t0ken") }, false},
		"signed":                          {"", "whsec_" + hookKey, func(r *http.Request) { sign(r, "1", noon(), body, hookKey) }, true},
		"signed with the older key":       {"", "whsec_" + other + "\nwhsec_" + hookKey, func(r *http.Request) { sign(r, "1", noon(), body, hookKey) }, true},
		"signed with another key":         {"", "whsec_" + hookKey, func(r *http.Request) { sign(r, "1", noon(), body, other) }, false},
		"signed over another body":        {"", "whsec_" + hookKey, func(r *http.Request) { sign(r, "1", noon(), body+" ", hookKey) }, false},
		"signed for another delivery":     {"", "whsec_" + hookKey, func(r *http.Request) { sign(r, "1", noon(), body, hookKey); r.Header.Set("webhook-id", "2") }, false},
		"signed long ago":                 {"", "whsec_" + hookKey, func(r *http.Request) { sign(r, "1", noon().Add(-6*time.Minute), body, hookKey) }, false},
		"signed in the future":            {"", "whsec_" + hookKey, func(r *http.Request) { sign(r, "1", noon().Add(6*time.Minute), body, hookKey) }, false},
		"the token where it is signed":    {"", "whsec_" + hookKey, func(r *http.Request) { r.Header.Set("X-Gitlab-Token", "t0ken") }, false},
		"signed, but without the token":   {"t0ken", "whsec_" + hookKey, func(r *http.Request) { sign(r, "1", noon(), body, hookKey) }, false},
		"a key that is no key":            {"", "whsec_", func(r *http.Request) { sign(r, "1", noon(), body, "") }, false},
		"signed with the secret as it is": {"", "whsec_!", func(r *http.Request) { sign(r, "1", noon(), body, "") }, false},
	} {
		h := &hook.Hook{Token: text(c.token), Secret: text(c.secret), Now: noon}
		r := delivery(t, body)
		c.change(r)
		got, err := h.Hint(r)
		if c.accepted && (err != nil || got.Repository != "acme/env") {
			t.Errorf("%s: %+v, %v, want it accepted", name, got, err)
		}
		if !c.accepted && !errors.Is(err, gitops.ErrDenied) {
			t.Errorf("%s: %+v, %v, want ErrDenied", name, got, err)
		}
	}
}

func TestHooksAreBoundedAndWakeOnce(t *testing.T) {
	t.Parallel()
	now := noon()
	h := &hook.Hook{Secret: text("whsec_" + hookKey), Now: func() time.Time { return now }}
	const body = `{"object_kind":"note","project":{"path_with_namespace":"acme/env"}}`
	send := func(body string) (gitops.Hint, error) {
		r := delivery(t, body)
		sign(r, "delivery-1", now, body, hookKey)
		return h.Hint(r)
	}
	first, err := send(body)
	if err != nil || !first.Forge {
		t.Fatalf("first = %+v, %v", first, err)
	}
	if again, err := send(body); err != nil || again.Repository != "" || again.Forge {
		t.Errorf("replayed = %+v, %v, want nobody woken", again, err)
	}
	if _, err := send(strings.Repeat(" ", 5<<20)); err == nil || !strings.Contains(err.Error(), "4 MiB") {
		t.Errorf("a body of 5 MiB: %v", err)
	}
	if _, err := send("<html>"); err == nil || errors.Is(err, gitops.ErrDenied) {
		t.Errorf("no JSON: %v", err)
	}
}
