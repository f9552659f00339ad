package store_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/waveguide-dev/waveguide/promoter/store"
	"github.com/waveguide-dev/waveguide/promoter/store/storetest"
)

func TestMain(m *testing.M) {
	storetest.Victim()
	os.Exit(m.Run())
}

func TestConformance(t *testing.T) {
	t.Parallel()
	storetest.Run(t, storetest.Backend{New: options, Attack: attack})
}

func options(t *testing.T) store.Options {
	t.Helper()
	return store.Options{Path: filepath.Join(t.TempDir(), "what? 100%#1.db"), Holder: "test:1"}
}

// attack runs statements past the store. One that begins with "! " must fail.
func attack(t *testing.T, o store.Options, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(o.Path))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for _, s := range statements {
		statement, fails := strings.CutPrefix(s, "! ")
		if _, err := db.ExecContext(t.Context(), statement); (err != nil) != fails {
			t.Fatalf("%s: error %v, want an error: %v", s, err, fails)
		}
	}
}
