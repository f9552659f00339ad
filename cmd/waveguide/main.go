package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/gitops/edit"
)

// version is set when a release is built.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], streams{out: os.Stdout, err: os.Stderr}, hooks{})
	stop()
	os.Exit(code)
}

// streams are where a command writes.
type streams struct{ out, err io.Writer }

// hooks are what only tests set.
type hooks struct {
	// crash is called at every point at which a process may die.
	crash func(point string)
}

// The exit codes.
const (
	exitDone    = 0
	exitError   = 1
	exitUsage   = 2
	exitRefused = 3
)

// hinted is an error with something to try.
type hinted struct {
	error
	hint string
}

func (h hinted) Unwrap() error { return h.error }

// usage is an error of the command line or the configuration.
type usage struct{ error }

func (u usage) Unwrap() error { return u.error }

// alone refuses arguments, and says where a folder is named instead.
func alone(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	err := usage{fmt.Errorf("%s takes no argument, and there is %q", cmd.Name(), args[0])}
	if cmd.Flags().Lookup("checkout") != nil {
		return hinted{err, "a folder is named by --checkout"}
	}
	return err
}

// run is the whole program; tests call it.
func run(ctx context.Context, args []string, s streams, h hooks) int {
	root := &cobra.Command{
		Use:   "waveguide",
		Short: "Promotes verified digests through the environments of a GitOps repository",
		Long: "Waveguide promotes verified digests through the environments of a GitOps repository, wave by wave, by proposals.\n\n" +
			"Exit codes: 0 done, 1 error, 2 wrong usage or configuration, 3 refused.",
		SilenceErrors: true, SilenceUsage: true,
		Version: version,
	}
	root.SetOut(s.out)
	root.SetErr(s.err)
	root.SetArgs(args)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage{err} })
	root.AddCommand(
		demoCommand(s), runCommand(s, h), planCommand(s), explainCommand(s), verifyCommand(s), validateCommand(s),
		schemaCommand(s), editCommand(s), findCommand(s), doctorCommand(s), pauseCommand(s), resumeCommand(s), forgeCommand(s), versionCommand(s),
	)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	return report(s.err, err)
}

// report prints an error and says with which code to exit.
func report(w io.Writer, err error) int {
	var problems config.Problems
	var refusal *edit.Refusal
	var u usage
	var h hinted
	if isCobraUsage(err) {
		err = hinted{usage{err}, "`waveguide help` lists the commands, and `waveguide help COMMAND` its flags"}
	}
	fmt.Fprintf(w, "waveguide: %s\n", err)
	switch {
	case errors.As(err, &refusal):
		if refusal.Hint != "" {
			fmt.Fprintf(w, "hint: %s\n", refusal.Hint)
		}
		return exitRefused
	case errors.As(err, &h):
		fmt.Fprintf(w, "hint: %s\n", h.hint)
	}
	if _, ok := errors.AsType[refused](err); ok {
		return exitRefused
	}
	if errors.As(err, &problems) || errors.As(err, &u) {
		return exitUsage
	}
	return exitError
}

// isCobraUsage knows the errors that cobra makes of its own.
func isCobraUsage(err error) bool {
	return strings.HasPrefix(err.Error(), "unknown command") || strings.HasPrefix(err.Error(), "unknown flag") ||
		strings.HasPrefix(err.Error(), "unknown shorthand flag")
}
