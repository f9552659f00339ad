package store_test

import (
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/waveguide-dev/waveguide/promoter/store"
)

// stored reads the hashes of a ledger as any other program would.
func stored(t *testing.T, path string) tlog.HashReaderFunc {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return func(places []int64) ([]tlog.Hash, error) {
		all := make([]tlog.Hash, len(places))
		for i, idx := range places {
			var hash []byte
			if err := db.QueryRowContext(t.Context(), `SELECT hash FROM ledger_hash WHERE idx = $1`, idx).Scan(&hash); err != nil {
				return nil, err
			}
			all[i] = tlog.Hash(hash)
		}
		return all, nil
	}
}

// The standard library of transparency logs must accept our tree: its roots,
// its proofs of entries, and its proofs that nothing was rewritten.
func TestTreeIsATransparencyLog(t *testing.T) {
	t.Parallel()
	o := options(t)
	s := open(t, o)
	reader := stored(t, o.Path)
	var published []store.Checkpoint
	for i := range 40 {
		var batch []store.Entry
		for j := range i%4 + 1 {
			batch = append(batch, remark(fmt.Sprintf(`{"i":%d,"j":%d}`, i, j)))
		}
		c, err := s.Append(t.Context(), batch...)
		if err != nil {
			t.Fatal(err)
		}
		published = append(published, c)
		if root, err := tlog.TreeHash(c.Size, reader); err != nil || root != tlog.Hash(c.Root) {
			t.Fatalf("TreeHash(%d) = %v, %v; want %s", c.Size, root, err, c)
		}
	}
	newest := published[len(published)-1]
	for _, c := range published {
		proof, err := tlog.ProveTree(newest.Size, c.Size, reader)
		if err != nil {
			t.Fatal(err)
		}
		if err := tlog.CheckTree(proof, newest.Size, tlog.Hash(newest.Root), c.Size, tlog.Hash(c.Root)); err != nil {
			t.Errorf("CheckTree(%s, %s) = %v", newest, c, err)
		}
	}
	// The leaf is a format that others read: it never changes.
	leaf := `{"at":"2026-11-21T08:00:00.000000001Z","body":{"i":0,"j":0},"key":"","kind":"note","subject":"prod-eu/order-api"}`
	proof, err := tlog.ProveRecord(newest.Size, 1, reader)
	if err != nil {
		t.Fatal(err)
	}
	if err := tlog.CheckRecord(proof, newest.Size, tlog.Hash(newest.Root), 1, tlog.RecordHash([]byte(leaf))); err != nil {
		t.Errorf("CheckRecord of %s = %v", leaf, err)
	}
}

func TestSignedCheckpoint(t *testing.T) {
	t.Parallel()
	secret, public, err := note.GenerateKey(rand.Reader, "waveguide.example.com")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	o := options(t)
	o.Signer, o.Origin = signer, "example.com/ledger"
	s := open(t, o)
	c, err := s.Append(t.Context(), remark("{}"))
	if err != nil {
		t.Fatal(err)
	}
	signed, err := note.Open([]byte(c.Text), note.VerifierList(verifier))
	if err != nil {
		t.Fatalf("note.Open(%q) = %v", c.Text, err)
	}
	want := fmt.Sprintf("example.com/ledger\n2\n%s\n", base64.StdEncoding.EncodeToString(c.Root[:]))
	if signed.Text != want {
		t.Errorf("signed text is %q, want %q", signed.Text, want)
	}
	for _, text := range []string{c.Text, signed.Text, c.String()} {
		again, err := store.ParseCheckpoint(text)
		if err != nil || again.String() != c.String() {
			t.Errorf("ParseCheckpoint(%q) = %s, %v; want %s", text, again, err, c)
		}
	}
	if err := s.Verify(t.Context(), c); err != nil {
		t.Errorf("Verify = %v", err)
	}
}

func FuzzParseCheckpoint(f *testing.F) {
	root := base64.StdEncoding.EncodeToString(make([]byte, 32))
	for _, seed := range []string{
		"", "a 1 " + root, "a\n1\n" + root + "\n", "a\n1\n" + root + "\nextension\n\n— a b\n", "a -1 " + root, "a 01 " + root,
		"a 1 " + root[1:], "a 99999999999999999999 " + root, " a\n1\n" + root + "\n", "a b\n1\n" + root + "\n", "\n\n\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := store.ParseCheckpoint(text)
		if err != nil {
			return
		}
		again, err := store.ParseCheckpoint(c.String())
		if err != nil || again.String() != c.String() || c.Size < 0 {
			t.Errorf("%q reads as %s, which reads as %s, %v", text, c, again, err)
		}
	})
}
