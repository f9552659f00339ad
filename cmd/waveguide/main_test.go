package main

import (
	"context"
	"flag"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "write the golden parts of the scripts anew") //nolint:gochecknoglobals // a flag

// TestMain puts the program itself, as the command waveguide, where scripts
// and tests find it: every call of it is a process of its own.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"waveguide": program})
}

// program is main with the one seam of this harness: at the crash point that
// the environment names, the process kills itself as the kernel would.
func program() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	h := hooks{}
	if at := os.Getenv("WAVEGUIDE_CRASH_AT"); at != "" {
		h.crash = func(point string) {
			if point == at {
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
				select {} // nothing may happen after it
			}
		}
	}
	code := run(ctx, os.Args[1:], streams{out: os.Stdout, err: os.Stderr}, h)
	stop()
	os.Exit(code)
}

// TestScripts runs what the documentation of the commands promises.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "../../testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			example, err := os.Getwd()
			if err != nil {
				return err
			}
			e.Setenv("EXAMPLE", example+"/../../deploy/example")
			return nil
		},
	})
}
