package simulation_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waveguide-dev/waveguide/promoter/simulation"
)

// traced is how many seeds are compared, each for some hours with everything
// that can go wrong.
const traced = 4

func traces(t *testing.T) []string {
	t.Helper()
	var lines []string
	for seed := range uint64(traced) {
		r := simulate(t, simulation.Options{Seed: seed, Storm: 6 * time.Hour, Calm: time.Hour})
		lines = append(lines, fmt.Sprintf("seed %d: %d steps, %s", seed, r.Steps, r.Trace))
	}
	return lines
}

// TestTracesOfChild is the part of [TestTracesAreTheSame] that runs in another
// process.
func TestTracesOfChild(t *testing.T) {
	t.Parallel()
	path := os.Getenv("WAVEGUIDE_TRACES")
	if path == "" {
		t.Skip("it is run by TestTracesAreTheSame")
	}
	if err := os.WriteFile(path, []byte(strings.Join(traces(t), "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestTracesAreTheSame holds that a seed gives the same trace, byte for byte, in
// this process and in others, whatever the number of processors; in CI with
// and without the race detector.
func TestTracesAreTheSame(t *testing.T) {
	t.Parallel()
	want := traces(t)
	programs := map[string]string{"this build": os.Args[0]}
	if os.Getenv("CI") != "" {
		for name, flag := range map[string]string{"race": "-race=true", "no race": "-race=false"} {
			programs[name] = filepath.Join(t.TempDir(), "simulation.test")
			build := exec.CommandContext(t.Context(), "go", "test", "-c", flag, "-o", programs[name], ".")
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("build with %s: %v\n%s", flag, err, out)
			}
		}
	}
	for name, program := range programs {
		for _, processors := range []int{1, 2, 7} {
			t.Run(fmt.Sprintf("%s, %d processors", name, processors), func(t *testing.T) {
				t.Parallel()
				path := filepath.Join(t.TempDir(), "traces")
				c := exec.CommandContext(t.Context(), program, "-test.run=^TestTracesOfChild$")
				c.Env = append(os.Environ(), "WAVEGUIDE_TRACES="+path, "GOMAXPROCS="+strconv.Itoa(processors))
				if out, err := c.CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				got, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, strings.Split(string(got), "\n")); diff != "" {
					t.Errorf("traces (-here +there):\n%s", diff)
				}
			})
		}
	}
}
