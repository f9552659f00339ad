package storetest

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/waveguide-dev/waveguide/promoter/store"
)

// victim is the first argument of a test binary that is to be killed.
const victim = "storetest-victim"

// Victim writes to a store until its process is killed, when the test binary
// was started for that. Call it first in TestMain.
func Victim() {
	flag.Parse()
	if flag.Arg(0) != victim {
		return
	}
	fmt.Fprintln(os.Stdout, write(context.Background(), flag.Arg(1)))
}

// write appends for ever and prints every checkpoint it was given.
func write(ctx context.Context, path string) error {
	s, err := store.Open(ctx, store.Options{Path: path, Holder: "victim"})
	if err != nil {
		return err
	}
	for i := 0; ; i++ {
		key := fmt.Sprintf("%d-%d", os.Getpid(), i)
		var blob string
		c, err := s.Write(ctx, func(tx *store.Tx) error {
			if blob, err = tx.PutBlob(ctx, []byte(key)); err != nil {
				return err
			}
			if err := tx.Put(ctx, store.Record{Bucket: "last", Key: key, Value: []byte("1")}); err != nil {
				return err
			}
			return tx.Append(ctx, entry(store.Intent, key, `{"blob":"`+blob+`"}`), entry(store.Outcome, key, "{}"))
		})
		if err != nil {
			return err
		}
		fmt.Fprintln(os.Stdout, c)
	}
}

// killed lets another process write, ends it at some instant, and looks at
// what it leaves: everything acknowledged is there, and nothing by halves.
func (b Backend) killed(t *testing.T) {
	t.Parallel()
	o := b.New(t)
	self, err := os.Executable()
	must(t, err)
	var published []store.Checkpoint
	for round := range 5 {
		acknowledged := kill(t, self, o.Path, 7*round+3)
		s := open(t, o)
		published = append(published, acknowledged...)
		if err := s.Verify(t.Context(), published...); err != nil {
			t.Fatalf("round %d: Verify after the kill = %v", round, err)
		}
		whole(t, s)
		must(t, s.Close())
	}
}

// kill starts a victim, reads some acknowledgements, kills it, and returns all
// that it had printed.
func kill(t *testing.T, self, path string, after int) []store.Checkpoint {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^$", victim, path) //nolint:gosec // self is the running test binary
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	var all []store.Checkpoint
	for lines := bufio.NewScanner(out); lines.Scan(); {
		c, err := store.ParseCheckpoint(strings.TrimSpace(lines.Text()))
		if err != nil {
			t.Fatalf("the victim said: %s", lines.Text())
		}
		if all = append(all, c); len(all) == after {
			must(t, cmd.Process.Kill())
		}
	}
	_ = cmd.Wait() // it was killed
	if len(all) < after {
		t.Fatalf("the victim acknowledged %d writes, want %d", len(all), after)
	}
	return all
}

// whole checks that every transaction left all of its parts.
func whole(t *testing.T, s *store.Store) {
	t.Helper()
	open, err := s.Unfinished(t.Context())
	must(t, err)
	if len(open) > 0 {
		t.Errorf("%d intents lost the outcome of the same transaction", len(open))
	}
	intents, err := s.Entries(t.Context(), store.Filter{Kind: store.Intent}, 1e6)
	must(t, err)
	for _, e := range intents {
		if _, ok, err := s.Get(t.Context(), "last", e.Key); !ok || err != nil {
			t.Errorf("intent %s lost the memory of the same transaction: %v", e.Key, err)
		}
		if _, err := s.Blob(t.Context(), strings.TrimSuffix(strings.TrimPrefix(string(e.Body), `{"blob":"`), `"}`)); err != nil {
			t.Errorf("intent %s lost the blob of the same transaction: %v", e.Key, err)
		}
	}
	records, err := s.List(t.Context(), "last", "")
	must(t, err)
	if len(records) != len(intents) {
		t.Errorf("%d records and %d intents, want as many", len(records), len(intents))
	}
}
