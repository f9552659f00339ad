package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/promoter/loop"
)

// hookSender is how a forge sends a push to a repository, signed by a key.
type hookSender func(key, body string, name int) http.Header

func mac(key, text string) []byte {
	m := hmac.New(sha256.New, []byte(key))
	_, _ = m.Write([]byte(text)) // a hash does not fail
	return m.Sum(nil)
}

func hookSenders() map[string]hookSender {
	return map[string]hookSender{
		"github": func(key, body string, name int) http.Header {
			return http.Header{"X-Github-Event": {"push"}, "X-Github-Delivery": {fmt.Sprint(name)}, "X-Hub-Signature-256": {"sha256=" + hex.EncodeToString(mac(key, body))}}
		},
		"gitea": func(key, body string, name int) http.Header {
			return http.Header{"X-Gitea-Event": {"push"}, "X-Gitea-Delivery": {fmt.Sprint(name)}, "X-Gitea-Signature": {hex.EncodeToString(mac(key, body))}}
		},
		"gitlab": func(key, body string, name int) http.Header {
			id, stamp := fmt.Sprint(name), fmt.Sprint(time.Now().Unix())
			return http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {stamp}, "Webhook-Signature": {"v1," + base64.StdEncoding.EncodeToString(mac(key, id+"."+stamp+"."+body))}}
		},
	}
}

// TestWebhooksOfEveryForge sends a push to a daemon with two repositories on
// that forge: only the loop of the one it names is woken, once.
func TestWebhooksOfEveryForge(t *testing.T) {
	const key = "0123456789abcdef0123456789abcdef"
	t.Setenv("FORGE_HOOK", key)
	t.Setenv("GITLAB_HOOK_KEY", "whsec_"+base64.StdEncoding.EncodeToString([]byte(key)))
	hook := &config.Webhook{Secret: config.Secret{Env: "FORGE_HOOK"}}
	for kind, header := range hookSenders() {
		forge := config.Forge{Kind: kind, URL: "https://forge.example.com"}
		w := &daemon{
			config: &config.Daemon{
				Repositories: []config.Repository{
					{Name: "env", URL: "https://forge.example.com/acme/env.git", Forge: forge},
					{Name: "other", URL: "https://forge.example.com/acme/other.git", Forge: forge},
				},
				Webhooks: config.Webhooks{GitHub: hook, Gitea: hook, GitLab: &config.Webhook{Secret: config.Secret{Env: "GITLAB_HOOK_KEY"}}},
			},
			log: slog.New(slog.DiscardHandler), hints: []chan loop.Hint{make(chan loop.Hint, 4), make(chan loop.Hint, 4)},
		}
		hooks := w.webhooks()
		send := func(key, body string, name int) int {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1/hooks/"+kind, strings.NewReader(body))
			r.Header = header(key, body, name)
			rec := httptest.NewRecorder()
			hooks.ServeHTTP(rec, r)
			return rec.Code
		}
		const push = `{"object_kind":"push","repository":{"full_name":"acme/other"},"project":{"path_with_namespace":"acme/other"}}`
		for i, c := range []struct {
			key, body string
			name      int
			want      int
		}{
			{"another key", push, 1, http.StatusUnauthorized},
			{key, push, 2, http.StatusAccepted},
			{key, push, 2, http.StatusAccepted}, // the same delivery again
			{key, strings.ReplaceAll(push, "acme/other", "acme/unknown"), 3, http.StatusAccepted},
			{key, "<html>", 4, http.StatusBadRequest},
			{key, strings.Repeat(" ", 5<<20), 5, http.StatusRequestEntityTooLarge},
		} {
			if got := send(c.key, c.body, c.name); got != c.want {
				t.Errorf("%s, delivery %d: %d, want %d", kind, i, got, c.want)
			}
		}
		if len(w.hints[0]) != 0 || len(w.hints[1]) != 1 {
			t.Errorf("%s: hints %d and %d, want 0 and 1", kind, len(w.hints[0]), len(w.hints[1]))
		}
	}
}
