package gitopstest

import (
	"os"
	"os/exec"
	"testing"
)

// Need says where a program is. Without it the test is skipped; where
// WAVEGUIDE_REQUIRE_SERVERS=1 says that nothing may be skipped, it fails.
func Need(tb testing.TB, program, install string) string {
	tb.Helper()
	path, err := exec.LookPath(program)
	NeedThat(tb, err == nil, program, install)
	return path
}

// NeedThat is [Need] for what is no program.
func NeedThat(tb testing.TB, there bool, what, install string) {
	tb.Helper()
	switch {
	case there:
	case os.Getenv("WAVEGUIDE_REQUIRE_SERVERS") == "1": //nolint:forbidigo // what may be skipped is the machine's affair
		tb.Fatalf("%s is required: apt-get install %s", what, install)
	default:
		tb.Skipf("%s is needed: apt-get install %s", what, install)
	}
}
