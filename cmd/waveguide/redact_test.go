package main

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/waveguide-dev/waveguide/config"
)

// TestRedactor holds that no secret of the daemon's file is repeated after a
// careless server, however it was sent.
func TestRedactor(t *testing.T) {
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
		Repositories: []config.Repository{{Forge: config.Forge{Token: file("token", "ghs_0123456789\n")}, Commit: config.Commit{SigningKey: file("key", "-----BEGIN KEY-----\nb3BlbnNzaC1rZXk\n-----END KEY-----\n")}}},
		Registries:   []config.Registry{{Credentials: &config.RegistryCredentials{Username: file("user", "robot"), Password: file("password", "Vt8eNq2xWc7r")}}},
	}
	clean := redactor(d)
	basic := base64.StdEncoding.EncodeToString([]byte("robot:Vt8eNq2xWc7r"))
	for text, want := range map[string]string{
		"get https://x:ghs_0123456789@git.example.com/: 502": "get https://x:<secret>@git.example.com/: 502",
		"sent Authorization: Basic " + basic + ": 401":       "sent Authorization: Basic <secret>: 401",
		"key b3BlbnNzaC1rZXk, password Vt8eNq2xWc7r":         "key <secret>, password <secret>",
		"the robot could not be asked":                       "the robot could not be asked",
	} {
		if got := clean(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
	// After a rotation the new one is known.
	if err := os.WriteFile(filepath.Join(dir, "token"), []byte("ghs_rotated99"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := clean("token ghs_rotated99"); strings.Contains(got, "ghs_") {
		t.Errorf("after a rotation: %q", got)
	}
}
