package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/waveguide-dev/waveguide/config"
)

// TestSecrets holds that no secret of the daemon's file is repeated after a
// careless server.
func TestSecrets(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, text string) config.Secret {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return config.Secret{File: path}
	}
	d := &config.Daemon{
		Repositories: []config.Repository{{Forge: config.Forge{Token: file("token", "ghs_0123456789\n")}, Commit: config.Commit{SigningKey: file("key", "-----BEGIN KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU\n-----END KEY-----\n")}}},
		Registries:   []config.Registry{{Credentials: &config.RegistryCredentials{Username: file("user", "robot"), Password: file("password", "Vt8eNq2xWc7r")}}},
	}
	kept := newSecrets(d)
	for text, want := range map[string]string{
		"get https://x:ghs_0123456789@git.example.com/: 502":         "get https://x:<secret>@git.example.com/: 502",
		"key b3BlbnNzaC1rZXktdjEAAAAABG5vbmU, password Vt8eNq2xWc7r": "key <secret>, password <secret>",
		"was sent b3BlbnNzaC1rZXktdjEAAAAABG5…":                      "was sent <secret>…",
		"the robot could not be asked":                               "the robot could not be asked",
	} {
		if got := kept.redact(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
	p := &patient{secrets: kept}
	p.note("forge", errors.New("sent ghs_0123456789"))
	if p.found[0].Why != "sent <secret>" {
		t.Errorf("doctor says %q", p.found[0].Why)
	}
	// After a rotation the new one is known.
	if err := os.WriteFile(filepath.Join(dir, "token"), []byte("ghs_rotated99"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := kept.redact("token ghs_rotated99"); strings.Contains(got, "ghs_") {
		t.Errorf("after a rotation: %q", got)
	}
}

// TestSecretsSent holds that what was sent to be let in is a secret from then
// on, in whatever form it was sent.
func TestSecretsSent(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	kept := &secrets{}
	client, err := newHTTPClient(httpLimits{AllowHosts: []string{"127.0.0.1"}, Secrets: kept})
	if err != nil {
		t.Fatal(err)
	}
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	for name, c := range map[string]struct {
		send func(*http.Request)
		said string
	}{
		"bearer":   {header("Authorization", "Bearer minted-bearer"), "minted-bearer"},
		"token":    {header("Authorization", "token minted-token"), "minted-token"},
		"gitlab":   {header("PRIVATE-TOKEN", "minted-private"), "minted-private"},
		"password": {func(r *http.Request) { r.SetBasicAuth("x", "minted-basic") }, "minted-basic"},
		"basic":    {func(r *http.Request) { r.SetBasicAuth("x", "minted-encoded") }, base64.StdEncoding.EncodeToString([]byte("x:minted-encoded"))},
		"address":  {func(r *http.Request) { r.URL.User = url.UserPassword("x", "minted-address") }, "minted-address"},
		"form":     {header("Content-Type", "application/x-www-form-urlencoded"), "minted-refresh"},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, strings.NewReader("grant_type=refresh_token&refresh_token=minted-refresh"))
		if err != nil {
			t.Fatal(err)
		}
		c.send(r)
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if got := kept.redact("it said " + c.said + "."); got != "it said <secret>." {
			t.Errorf("%s: %q", name, got)
		}
	}
	for i := range 2 * mostSent {
		kept.learn(fmt.Sprintf("secret %06d", i))
	}
	if len(kept.sent) != mostSent || kept.redact(fmt.Sprintf("secret %06d", 2*mostSent-1)) != "<secret>" {
		t.Errorf("of %d secrets %d are known, and the newest reads %q", 2*mostSent, len(kept.sent), kept.sent[len(kept.sent)-1])
	}
}
