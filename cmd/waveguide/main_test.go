package main

import (
	"context"
	"flag"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "write the golden parts of the scripts anew")

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

// TestScripts runs what the documentation of the commands promises. $EXAMPLE is
// the example configuration; $IMAGE is a repository of a registry in which
// 1.0.0 is signed and 2.0.0 is not, and $TRUST/verify.yaml trusts its key.
func TestScripts(t *testing.T) {
	t.Parallel()
	example, err := filepath.Abs("../../deploy/example")
	if err != nil {
		t.Fatal(err)
	}
	w := newShelf(t, memoryRegistry(t))
	w.release("1.0.0")
	w.tag(w.push("build-2.0.0"), "2.0.0")
	testscript.Run(t, testscript.Params{
		Dir:                 "../../testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("EXAMPLE", example)
			e.Setenv("IMAGE", w.image)
			e.Setenv("TRUST", w.dir)
			return nil
		},
	})
}
