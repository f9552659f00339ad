package attest_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/waveguide-dev/waveguide/signals/sigstore/attest"
	"github.com/waveguide-dev/waveguide/signals/sigstore/signer"
)

// TestCosign has the cosign command verify what we put, with a key that it made
// itself. WAVEGUIDE_COSIGN names the command, version 3.
func TestCosign(t *testing.T) {
	t.Parallel()
	program := os.Getenv("WAVEGUIDE_COSIGN")
	if program == "" {
		t.Skip("WAVEGUIDE_COSIGN does not name the cosign command")
	}
	dir := t.TempDir()
	cosign := func(args ...string) ([]byte, error) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "COSIGN_PASSWORD=open", "HOME="+dir)
		return cmd.Output()
	}
	if _, err := cosign("generate-key-pair"); err != nil {
		t.Fatal(err)
	}
	pem, err := os.ReadFile(filepath.Join(dir, "cosign.key"))
	must(t, err)
	s, err := signer.Load(pem, "open")
	must(t, err)
	for _, wrong := range []string{"", "shut"} {
		if _, err := signer.Load(pem, wrong); err == nil {
			t.Errorf("the key opens with %q", wrong)
		}
	}
	h := serve(t, true)
	p := place(t, h)
	must(t, p.Put(t.Context(), s, both(p, "prod")))
	verify := func(kind, key string) ([]byte, error) {
		return cosign("verify-attestation", "--new-bundle-format", "--key", key, "--type", kind, "--insecure-ignore-tlog=true", "--allow-http-registry", p.Subject.Name())
	}
	for _, kind := range []string{"https://slsa.dev/verification_summary/v1", attest.RecordType} {
		out, err := verify(kind, "cosign.pub")
		if err != nil {
			t.Fatalf("%s: %v", kind, stderr(err))
		}
		var envelope struct{ Payload string }
		line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
		must(t, json.Unmarshal([]byte(line), &envelope))
		payload, err := base64.StdEncoding.DecodeString(envelope.Payload)
		if err != nil || !strings.Contains(string(payload), kind) || !strings.Contains(string(payload), verifierID) {
			t.Errorf("%s: %s, %v", kind, payload, err)
		}
	}
	public, err := newSigner(t).PublicKey()
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "other.pub"), public, 0o600))
	if out, err := verify(attest.RecordType, "other.pub"); err == nil {
		t.Errorf("it verifies with another key: %s", out)
	}
}

func stderr(err error) string {
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		return string(e.Stderr)
	}
	return err.Error()
}
