package sigstore_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/sigstore/signer"
)

// dockerRegistry starts Debian's docker-registry, which has no referrers API.
func dockerRegistry(t *testing.T) string {
	t.Helper()
	const program = "/usr/bin/docker-registry"
	if _, err := os.Stat(program); err != nil {
		if os.Getenv("WAVEGUIDE_REQUIRE_SERVERS") == "1" {
			t.Fatalf("%s is required: %v", program, err)
		}
		t.Skipf("%s is not installed", program)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	address := listener.Addr().String()
	must(t, listener.Close())
	dir := t.TempDir()
	config := filepath.Join(dir, "config.yml")
	must(t, os.WriteFile(config, fmt.Appendf(nil, `version: 0.1
log: {level: error}
storage: {filesystem: {rootdirectory: %s}}
http: {addr: %q, secret: test-only}
`, filepath.Join(dir, "data"), address), 0o600))
	ctx, cancel := context.WithCancel(context.Background())
	server := exec.CommandContext(ctx, program, "serve", config)
	must(t, server.Start())
	t.Cleanup(func() {
		cancel()
		_ = server.Wait()
	})
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/v2/", nil)
		must(t, err)
		if resp, err := http.DefaultClient.Do(req); err == nil {
			must(t, resp.Body.Close())
			return address
		}
		if time.Now().After(deadline) {
			t.Fatal("docker-registry does not answer")
		}
	}
}

func TestDockerRegistry(t *testing.T) {
	t.Parallel()
	h := &host{address: dockerRegistry(t)}
	release, stranger := newSigner(t), newSigner(t)
	v := trust(t, nil, map[string]*signer.Signer{"release": release})
	f := h.fetcher(t)
	unsigned, legacy, bundle, strange := h.image(t, "team/app"), h.image(t, "team/app"), h.image(t, "team/app"), h.image(t, "team/app")
	must(t, release.Sign(t.Context(), legacy))
	must(t, stranger.SignBundle(t.Context(), bundle))
	must(t, release.SignBundle(t.Context(), bundle))
	must(t, stranger.SignBundle(t.Context(), strange))
	if got := prove(t, f, v, unsigned); got.Outcome != signals.OutcomeAbsent {
		t.Errorf("unsigned: %+v", got)
	}
	if got := prove(t, f, v, legacy); got.Outcome != signals.OutcomeVerified || got.Repository != h.address+"/team/app" {
		t.Errorf("legacy: %+v", got)
	}
	if got := prove(t, f, v, bundle); got.Outcome != signals.OutcomeVerified || len(got.Evidence) != 1 {
		t.Errorf("bundle: %+v", got)
	}
	if got := prove(t, f, v, strange); got.Outcome != signals.OutcomeRefused {
		t.Errorf("stranger's bundle: %+v", got)
	}
}
