package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/waveguide-dev/waveguide/promoter/store"
	"github.com/waveguide-dev/waveguide/promoter/store/storetest"
)

func open(tb testing.TB, o store.Options) *store.Store {
	tb.Helper()
	s, err := store.Open(tb.Context(), o)
	if err != nil {
		tb.Fatalf("Open = %v", err)
	}
	tb.Cleanup(func() { _ = s.Close() })
	return s
}

func remark(body string) store.Entry {
	return store.Entry{At: storetest.At(), Kind: store.Note, Subject: "prod-eu/order-api", Body: []byte(body)}
}

// says checks the sentence a person gets: the file, and what to try.
func says(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error is\n\t%v\nwant it to say %q", err, part)
		}
	}
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.MaxBytes = 200 << 10
	s := open(t, o)
	last, err := s.Checkpoint(t.Context())
	for i := 0; err == nil; i++ {
		if i > 10_000 {
			t.Fatal("a bounded store never filled up")
		}
		var c store.Checkpoint
		body := fmt.Sprintf(`{"n":%d,"filler":%q}`, i, strings.Repeat("x", 1000))
		c, err = s.Write(t.Context(), func(tx *store.Tx) error {
			return errors.Join(tx.Append(t.Context(), remark(body)), tx.Put(t.Context(), store.Record{Bucket: "n", Key: fmt.Sprint(i), Value: []byte("1")}))
		})
		if err == nil {
			last = c
		}
	}
	says(t, err, o.Path, "nothing was changed", "free space")
	if err := s.Verify(t.Context(), last); err != nil {
		t.Errorf("Verify of the full store = %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("Close of the full store = %v", err)
	}
	o.MaxBytes = 0
	s = open(t, o)
	if c, err := s.Append(t.Context(), remark("{}")); err != nil || c.Size != last.Size+1 {
		t.Errorf("Append with space again = %s, %v; want to go on after %s", c, err, last)
	}
	records, err := s.List(t.Context(), "n", "")
	if err != nil || int64(len(records)) != last.Size-1 {
		t.Errorf("%d records, %v; want one for each of %d entries", len(records), err, last.Size-1)
	}
	if err := s.Verify(t.Context(), last); err != nil {
		t.Errorf("Verify with space again = %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	existing := func(t *testing.T, o store.Options) {
		t.Helper()
		if err := open(t, o).Close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name    string
		prepare func(t *testing.T, o *store.Options)
		want    []string
	}{
		{"no path", func(_ *testing.T, o *store.Options) { o.Path = "" }, []string{"not a file name"}},
		{"no holder", func(_ *testing.T, o *store.Options) { o.Holder = "" }, []string{"name this process"}},
		{"an origin of two words", func(_ *testing.T, o *store.Options) { o.Origin = "a b" }, []string{"want one word"}},
		{"a folder that is not there", func(_ *testing.T, o *store.Options) { o.Path = filepath.Join(filepath.Dir(o.Path), "none", "s.db") }, []string{"none", "folder exists"}},
		{"a folder in place of the file", func(_ *testing.T, o *store.Options) { o.Path = filepath.Dir(o.Path) }, []string{"folder"}},
		{"a text file", func(t *testing.T, o *store.Options) {
			t.Helper()
			if err := os.WriteFile(o.Path, []byte(strings.Repeat("dear diary ", 1000)), 0o600); err != nil {
				t.Fatal(err)
			}
		}, []string{"name another file"}},
		{"tables of a newer program", func(t *testing.T, o *store.Options) {
			t.Helper()
			existing(t, *o)
			attack(t, *o, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)`)
		}, []string{"a newer program", "99", "or name another file"}},
		{"tables of a newer program, to read", func(t *testing.T, o *store.Options) {
			t.Helper()
			existing(t, *o)
			attack(t, *o, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)`)
			o.ReadOnly = true
		}, []string{"a newer program", "99"}},
		{"nothing to read", func(_ *testing.T, o *store.Options) { o.ReadOnly = true }, []string{"no such file"}},
		{"a database without our tables, to read", func(t *testing.T, o *store.Options) {
			t.Helper()
			attack(t, *o, `CREATE TABLE other (a)`)
			o.ReadOnly = true
		}, []string{"goose_db_version"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := options(t)
			c.prepare(t, &o)
			s, err := store.Open(t.Context(), o)
			if err == nil {
				_ = s.Close()
			}
			says(t, err, append(c.want, o.Path)...)
		})
	}
}

func TestReadOnlyFile(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		asNobody(t)
		return
	}
	o := options(t)
	if err := open(t, o).Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(o.Path, 0o400); err != nil {
		t.Fatal(err)
	}
	_, err := store.Open(t.Context(), o)
	says(t, err, o.Path, "cannot be written", "permissions")
}

func TestReadBesideWriter(t *testing.T) {
	t.Parallel()
	o := options(t)
	s := open(t, o)
	o.ReadOnly = true
	look := open(t, o)
	c, err := s.Append(t.Context(), remark("{}"))
	if err != nil {
		t.Fatal(err)
	}
	if seen, err := look.Checkpoint(t.Context()); err != nil || seen != c {
		t.Errorf("the reader sees %s, %v; want %s", seen, err, c)
	}
	if err := look.Verify(t.Context(), c); err != nil {
		t.Errorf("Verify = %v", err)
	}
	_, err = look.Append(t.Context(), remark("{}"))
	says(t, err, "for reading only")
}

func TestLockedFile(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.Patience = 20 * time.Millisecond
	s := open(t, o)
	db, err := sql.Open("sqlite", "file:"+strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(o.Path)+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	shell, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Append(t.Context(), remark("{}"))
	says(t, err, o.Path, "another program keeps the file locked")
	if err := shell.Rollback(); err != nil {
		t.Fatal(err)
	}
	if c, err := s.Append(t.Context(), remark("{}")); err != nil || c.Size != 2 {
		t.Errorf("Append after the lock = %s, %v; want entry 2", c, err)
	}
}

func TestFencing(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.Holder = "frozen:1"
	frozen := open(t, o)
	if err := store.AcquireBeside(t.Context(), frozen, "other:2"); !errors.Is(err, store.ErrHeld) || !strings.Contains(err.Error(), `"frozen:1"`) {
		t.Errorf("a living lease on a volume without locks: %v, want ErrHeld by frozen:1", err)
	}
	if err := os.Remove(o.Path + ".lock"); err != nil {
		t.Fatal(err)
	}
	o.Holder = "next:2"
	next := open(t, o)
	c, err := next.Append(t.Context(), remark("{}"))
	if err != nil {
		t.Fatal(err)
	}
	for name, write := range map[string]func() error{
		"Append": func() error { _, err := frozen.Append(t.Context(), remark("{}")); return err },
		"Put": func() error {
			return frozen.Put(t.Context(), store.Record{Bucket: "b", Key: "k", Value: []byte("1")})
		},
		"PutBlob": func() error { _, err := frozen.PutBlob(t.Context(), nil); return err },
		"Renew":   func() error { return frozen.Renew(t.Context()) },
	} {
		if err := write(); !errors.Is(err, store.ErrFenced) || !strings.Contains(err.Error(), `"next:2"`) {
			t.Errorf("%s of the old holder = %v, want ErrFenced by next:2", name, err)
		}
	}
	if err := frozen.Close(); err != nil {
		t.Error(err)
	}
	if err := next.Renew(t.Context()); err != nil {
		t.Errorf("Renew of the holder after the old one closed = %v", err)
	}
	if err := next.Verify(t.Context(), c); err != nil {
		t.Error(err)
	}
	attack(t, o, `UPDATE lease SET expires = 1`) // as if it had been frozen for long
	if err := store.AcquireBeside(t.Context(), next, "third:3"); err != nil {
		t.Errorf("a lease that has run out: %v, want it given", err)
	}
	if err := next.Renew(t.Context()); !errors.Is(err, store.ErrFenced) {
		t.Errorf("Renew of the holder that was late = %v, want ErrFenced", err)
	}
}

// A commit whose answer is lost leaves a database that is ahead of the tree the
// process has in hand.
func TestTreeInHandIsBehind(t *testing.T) {
	t.Parallel()
	o := options(t)
	behind := open(t, o)
	if err := os.Remove(o.Path + ".lock"); err != nil {
		t.Fatal(err)
	}
	ahead := open(t, o)
	for range 6 {
		if _, err := ahead.Append(t.Context(), remark("{}")); err != nil {
			t.Fatal(err)
		}
	}
	attack(t, o, `UPDATE lease SET epoch = 1`)
	c, err := behind.Append(t.Context(), remark("{}"))
	if err != nil || c.Size != 8 {
		t.Fatalf("Append = %s, %v; want entry 8", c, err)
	}
	if err := behind.Verify(t.Context(), c); err != nil {
		t.Error(err)
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	s := open(t, options(t))
	ctx, cancel := context.WithCancel(t.Context())
	_, err := s.Write(ctx, func(tx *store.Tx) error {
		err := tx.Append(ctx, remark("{}"))
		cancel()
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Write that was cancelled = %v, want context.Canceled", err)
	}
	if _, err := s.Append(ctx, remark("{}")); !errors.Is(err, context.Canceled) {
		t.Errorf("Append with a cancelled context = %v, want context.Canceled", err)
	}
	if c, err := s.Append(t.Context(), remark("{}")); err != nil || c.Size != 2 {
		t.Errorf("Append afterwards = %s, %v; want entry 2", c, err)
	}
}

func TestVirtualTime(t *testing.T) {
	t.Parallel()
	o := options(t)
	synctest.Test(t, func(t *testing.T) {
		s, err := store.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = s.Close() }()
		if err := s.Put(t.Context(), store.Record{Bucket: "b", Key: "k", Value: []byte("1"), Expires: time.Now().Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
		for _, want := range []bool{true, false} {
			if _, ok, err := s.Get(t.Context(), "b", "k"); ok != want || err != nil {
				t.Errorf("at %s: Get = %v, %v; want %v", time.Now(), ok, err, want)
			}
			time.Sleep(time.Hour)
		}
		if err := s.Renew(t.Context()); err != nil {
			t.Errorf("Renew after two virtual hours = %v", err)
		}
	})
}
