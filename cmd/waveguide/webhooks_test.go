package main

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/promoter/loop"
)

// TestGitLabWebhookWakesItsRepository sends what GitLab sends to a daemon with
// two repositories.
func TestGitLabWebhookWakesItsRepository(t *testing.T) {
	t.Setenv("GITLAB_HOOK", "t0ken")
	var log bytes.Buffer
	forge := config.Forge{Kind: "gitlab", URL: "https://gitlab.example.com/git"}
	w := &daemon{
		config: &config.Daemon{
			Repositories: []config.Repository{
				{Name: "env", URL: "https://gitlab.example.com/git/acme/env.git", Forge: forge},
				{Name: "other", URL: "git@gitlab.example.com:acme/other.git", Forge: config.Forge{Kind: "gitlab", URL: "https://gitlab.example.com"}},
			},
			Webhooks: config.Webhooks{GitLab: &config.Webhook{Token: config.Secret{Env: "GITLAB_HOOK"}}},
		},
		log: slog.New(slog.NewTextHandler(&log, nil)), hints: []chan loop.Hint{make(chan loop.Hint, 2), make(chan loop.Hint, 2)},
	}
	hooks := w.webhooks()
	send := func(host, token, uuid, body string) int {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+host+"/hooks/gitlab", strings.NewReader(body))
		r.Header.Set("X-Gitlab-Token", token)
		r.Header.Set("X-Gitlab-Event-UUID", uuid)
		rec := httptest.NewRecorder()
		hooks.ServeHTTP(rec, r)
		return rec.Code
	}
	const push = `{"object_kind":"push","project":{"path_with_namespace":"acme/other"}}`
	for name, c := range map[string]struct {
		host, token, body string
		want              int
	}{
		"another token": {"127.0.0.1", "guess", push, http.StatusUnauthorized},
		"another host":  {"evil.example.com", "t0ken", push, http.StatusUnauthorized},
		"no JSON":       {"127.0.0.1", "t0ken", "<html>", http.StatusBadRequest},
		"elsewhere":     {"127.0.0.1", "t0ken", `{"object_kind":"push","project":{"path_with_namespace":"x/y"}}`, http.StatusAccepted},
	} {
		if got := send(c.host, c.token, "uuid of "+name, c.body); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
	for range 2 { // the second is the same delivery
		if got := send("127.0.0.1", "t0ken", "u1", push); got != http.StatusAccepted {
			t.Errorf("a push: %d", got)
		}
	}
	if len(w.hints[0]) != 0 || len(w.hints[1]) != 1 {
		t.Fatalf("hints: %d and %d, want 0 and 1", len(w.hints[0]), len(w.hints[1]))
	}
	if h := <-w.hints[1]; !h.Git || !h.Forge {
		t.Errorf("hint = %+v", h)
	}
	if strings.Contains(log.String(), "t0ken") || strings.Contains(log.String(), "guess") {
		t.Errorf("the log holds a secret: %s", log.String())
	}
}
