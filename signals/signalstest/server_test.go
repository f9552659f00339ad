package signalstest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/waveguide-dev/waveguide/signals/signalstest"
)

// told is a test that ends where it fails or is skipped, and keeps why.
type told struct {
	testing.TB

	failed, skipped string
}

func (t *told) Helper() {}

func (t *told) Fatalf(format string, args ...any) {
	t.failed = fmt.Sprintf(format, args...)
	panic(t)
}

func (t *told) Skipf(format string, args ...any) {
	t.skipped = fmt.Sprintf(format, args...)
	panic(t)
}

// tell runs a test to where it ends.
func tell(t *testing.T, test func(tb testing.TB)) (out *told) {
	t.Helper()
	out = &told{TB: t}
	defer func() {
		if r := recover(); r != nil && r != any(out) {
			panic(r)
		}
	}()
	test(out)
	return out
}

// TestMissingProgram holds that what is missing is said, and that the test fails
// where nothing may be left out.
func TestMissingProgram(t *testing.T) {
	const name, get = "no-such-program", "apt-get install no-such-package"
	for required, want := range map[string]told{
		"":  {skipped: name + " is not here: " + get},
		"1": {failed: name + " is required: " + get},
	} {
		t.Setenv("WAVEGUIDE_REQUIRE_SERVERS", required)
		got := tell(t, func(tb testing.TB) { tb.Helper(); signalstest.Program(tb, name, get) })
		if got.failed != want.failed || got.skipped != want.skipped {
			t.Errorf("required %q: failed %q, skipped %q, want %q, %q", required, got.failed, got.skipped, want.failed, want.skipped)
		}
	}
}

func TestServerThatEnds(t *testing.T) {
	t.Parallel()
	got := tell(t, func(tb testing.TB) {
		tb.Helper()
		signalstest.Serve(tb, "http://"+signalstest.Free(t)+"/", "sh", "-c", "echo no such file >&2; exit 3")
	})
	if !strings.Contains(got.failed, "it ended: exit status 3") || !strings.Contains(got.failed, "no such file") {
		t.Errorf("failed with %q, want what the server said", got.failed)
	}
}
