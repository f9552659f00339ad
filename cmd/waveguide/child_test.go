package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// eventually asks until it is so. What is asked says how things stand, which
// is the failure's text.
func eventually(t *testing.T, what string, ask func() (now string, ok bool)) {
	t.Helper()
	end := time.Now().Add(deadline)
	for {
		now, ok := ask()
		if ok {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s did not come within %s; now: %s", what, deadline, now)
		}
		time.Sleep(25 * time.Millisecond)
	}
}

// child is a process of a test with what it wrote.
type child struct {
	cmd  *exec.Cmd
	out  output
	done chan struct{}
	err  error
}

// output may be read while it is written.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// start runs a program until the test ends.
func start(t *testing.T, env []string, args ...string) *child {
	t.Helper()
	c := &child{cmd: exec.Command(args[0], args[1:]...), done: make(chan struct{})} //nolint:noctx // ended by the clean-up
	c.cmd.Env = append(os.Environ(), env...)
	c.cmd.Stdout, c.cmd.Stderr = &c.out, &c.out
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		c.err = c.cmd.Wait()
		close(c.done)
	}()
	t.Cleanup(func() {
		_ = c.cmd.Process.Kill() // gone already where the test ended it
		<-c.done
		if t.Failed() {
			t.Logf("%s:\n%s", strings.Join(args, " "), c.out.String())
		}
	})
	return c
}

// says waits for a line of the process and returns what the pattern holds.
func (c *child) says(t *testing.T, pattern string) string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	var found []string
	eventually(t, pattern, func() (string, bool) {
		select {
		case <-c.done:
			t.Fatalf("the process ended: %v\n%s", c.err, c.out.String())
		default:
		}
		found = re.FindStringSubmatch(c.out.String())
		return "silent", found != nil
	})
	return found[1]
}

// stop ends the process as a service manager would.
func (c *child) stop(t *testing.T) {
	t.Helper()
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-c.done:
	case <-time.After(deadline):
		t.Fatal("the process did not stop")
	}
	if c.err != nil {
		t.Errorf("the process stopped with %v", c.err)
	}
}

// killed waits until the process has killed itself.
func (c *child) killed(t *testing.T) {
	t.Helper()
	select {
	case <-c.done:
	case <-time.After(deadline):
		t.Fatal("the crash point was not reached")
	}
	var exit *exec.ExitError
	if !errors.As(c.err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL { //nolint:forcetypeassert // so on every system this runs on
		t.Fatalf("the process ended with %v, want SIGKILL", c.err)
	}
}

// The users of the test's forge.
const (
	botToken   = "bot-token-1"
	adaToken   = "ada-token-1"
	rootToken  = "root-token-1"
	repository = "env"
	email      = "bot@waveguide.example"
)
