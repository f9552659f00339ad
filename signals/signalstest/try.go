package signalstest

import (
	"fmt"
	"runtime"
	"testing"
)

// Try runs a test apart, to where it ends, and says why it failed or was
// skipped; it is for tests of what tests are made of.
func Try(tb testing.TB, test func(tb testing.TB)) (failed, skipped string) {
	tb.Helper()
	t := &trial{TB: tb}
	done := make(chan struct{})
	go func() {
		defer close(done)
		test(t)
	}()
	<-done
	return t.failed, t.skipped
}

// trial is a test that keeps to itself how it ends.
type trial struct {
	testing.TB

	failed, skipped string
}

// Helper implements [testing.TB].
func (*trial) Helper() {}

// Fatalf implements [testing.TB].
func (t *trial) Fatalf(format string, args ...any) {
	t.failed = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// Skipf implements [testing.TB].
func (t *trial) Skipf(format string, args ...any) {
	t.skipped = fmt.Sprintf(format, args...)
	runtime.Goexit()
}
