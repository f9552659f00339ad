package signalstest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"
)

// patience is how long a server may take to start.
const patience = 30 * time.Second

// Program is where a command is that a test needs. Without it the test is
// skipped and says how to get it; where WAVEGUIDE_REQUIRE_SERVERS is 1, as in
// CI, it fails.
func Program(tb testing.TB, name, get string) string {
	tb.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if os.Getenv("WAVEGUIDE_REQUIRE_SERVERS") == "1" { //nolint:forbidigo // it says what a run of the tests may leave out
		tb.Fatalf("%s is required: %s", name, get)
	}
	tb.Skipf("%s is not here: %s", name, get)
	return ""
}

// Free is an address of this machine on which nobody listens.
func Free(tb testing.TB) string {
	tb.Helper()
	l, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// Serve runs a server until the test ends, and returns once a page of it is
// answered without a fault of the server's.
func Serve(tb testing.TB, page, program string, args ...string) {
	tb.Helper()
	var said bytes.Buffer                 // to be read once the server has ended
	cmd := exec.Command(program, args...) //nolint:gosec,noctx // a server that a test names, ended by the clean-up
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	running, ended := context.WithCancelCause(context.Background())
	go func() { ended(fmt.Errorf("it ended: %w", cmp.Or(cmd.Wait(), errors.New("without an error")))) }()
	end := func() {
		_ = cmd.Process.Kill()
		<-running.Done()
	}
	tb.Cleanup(end)
	waiting, stop := context.WithTimeoutCause(running, patience, fmt.Errorf("it is not ready after %s", patience))
	defer stop()
	for ; !answers(waiting, page); time.Sleep(20 * time.Millisecond) {
		if waiting.Err() != nil {
			end()
			tb.Fatalf("%s: %v\n%s", program, context.Cause(waiting), said.String())
		}
	}
}

func answers(ctx context.Context, page string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, page, nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	return res.StatusCode < http.StatusInternalServerError
}
