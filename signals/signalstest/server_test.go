package signalstest_test

import (
	"strings"
	"testing"

	"github.com/waveguide-dev/waveguide/signals/signalstest"
)

// TestMissingProgram holds that what is missing is said, and that the test fails
// where nothing may be left out.
func TestMissingProgram(t *testing.T) {
	const name, get = "no-such-program", "apt-get install no-such-package"
	for required, want := range map[string][2]string{
		"":  {"", name + " is not here: " + get},
		"1": {name + " is required: " + get, ""},
	} {
		t.Setenv("WAVEGUIDE_REQUIRE_SERVERS", required)
		failed, skipped := signalstest.Try(t, func(tb testing.TB) { tb.Helper(); signalstest.Program(tb, name, get) })
		if got := [2]string{failed, skipped}; got != want {
			t.Errorf("required %q: failed and skipped with %q, want %q", required, got, want)
		}
	}
}

func TestServerThatEnds(t *testing.T) {
	t.Parallel()
	failed, _ := signalstest.Try(t, func(tb testing.TB) {
		tb.Helper()
		signalstest.Serve(tb, "http://"+signalstest.Free(t)+"/", "sh", "-c", "echo no such file >&2; exit 3")
	})
	if !strings.Contains(failed, "it ended: exit status 3") || !strings.Contains(failed, "no such file") {
		t.Errorf("failed with %q, want what the server said", failed)
	}
}
