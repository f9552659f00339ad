package registrytest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/waveguide-dev/waveguide/signals/signalstest"
)

// Debian starts Debian's docker-registry, which has no Referrers API, and gives
// its address. Settings are further lines of its configuration.
func Debian(tb testing.TB, settings ...string) string {
	tb.Helper()
	program := signalstest.Program(tb, "docker-registry", "apt-get install docker-registry")
	address, dir := signalstest.Free(tb), tb.TempDir()
	config := filepath.Join(dir, "config.yml")
	text := fmt.Sprintf(`version: 0.1
log: {level: error}
storage: {delete: {enabled: true}, filesystem: {rootdirectory: %s}}
http: {addr: %q, secret: test-only}
`, filepath.Join(dir, "data"), address)
	if err := os.WriteFile(config, []byte(text+strings.Join(settings, "\n")+"\n"), 0o600); err != nil {
		tb.Fatal(err)
	}
	signalstest.Serve(tb, "http://"+address+"/v2/", program, "serve", config)
	return address
}
