package attest_test

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
