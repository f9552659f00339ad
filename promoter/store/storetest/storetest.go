// Package storetest holds the laws of package store as tests: order, atomicity,
// keys used once, recovery of a killed process, evidence of tampering. Every
// database behind the store runs them; a law is added as one more line of Run.
package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/waveguide-dev/waveguide/promoter/store"
)

// Backend is one database under test.
type Backend struct {
	// New returns the options of a store that does not exist yet.
	New func(t *testing.T) store.Options
	// Attack runs a statement as somebody who has the database and no scruples.
	// No store is open on it meanwhile.
	Attack func(t *testing.T, o store.Options, statements ...string)
}

// Run checks all laws.
func Run(t *testing.T, b Backend) {
	t.Helper()
	t.Run("a-new-ledger-opens-with-an-epoch", b.opens)
	t.Run("entries-come-back-in-order-and-canonical", b.ordered)
	t.Run("entries-and-memory-change-together-or-not", b.atomic)
	t.Run("a-key-has-one-intent-and-one-outcome", b.once)
	t.Run("an-intent-without-outcome-is-unfinished", b.unfinished)
	t.Run("an-unusable-entry-is-refused", b.refused)
	t.Run("memory-lists-by-prefix-what-is-in-force", b.remembers)
	t.Run("memory-forgets-and-refuses-what-is-unusable", b.forgets)
	t.Run("blobs-are-found-by-their-digest", b.blobs)
	t.Run("writers-and-readers-at-once", b.concurrent)
	t.Run("killed", b.killed)
	t.Run("a-changed-entry-is-named", b.tampered)
	t.Run("a-rewritten-history-betrays-itself", b.rewritten)
	t.Run("checkpoints-of-earlier-ledgers-are-followed", b.succeeded)
	t.Run("a-second-holder-is-refused", b.held)
}

// At is the instant at which the tests take place.
func At() time.Time { return time.Date(2026, 11, 21, 8, 0, 0, 1, time.UTC) }

func open(t *testing.T, o store.Options) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatalf("Open(%s) = %v", o.Path, err)
	}
	t.Cleanup(func() { _ = s.Close() }) // tests that care have closed it
	return s
}

func fresh(t *testing.T, b Backend) *store.Store {
	t.Helper()
	return open(t, b.New(t))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func entry(kind store.Kind, key, body string) store.Entry {
	return store.Entry{At: At(), Kind: kind, Subject: "prod-eu/order-api", Key: key, Body: json.RawMessage(body)}
}

func (b Backend) opens(t *testing.T) {
	t.Parallel()
	o := b.New(t)
	o.Origin, o.Previous = "example.com/two", []store.Checkpoint{{Origin: "example.com/one", Size: 7}}
	s := open(t, o)
	got, err := s.Entries(t.Context(), store.Filter{}, 10)
	must(t, err)
	want := `{"origin":"example.com/two","previous":["example.com/one 7 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="]}`
	if len(got) != 1 || got[0].Kind != store.Epoch || got[0].Seq != 1 || string(got[0].Body) != want {
		t.Errorf("first entries = %+v, want one epoch %s", got, want)
	}
	c, err := s.Checkpoint(t.Context())
	must(t, err)
	if c.Origin != "example.com/two" || c.Size != 1 {
		t.Errorf("Checkpoint() = %s, want size 1 of example.com/two", c)
	}
	must(t, s.Close())
	o.Origin = "example.com/three"
	s = open(t, o)
	if again, err := s.Checkpoint(t.Context()); err != nil || again != c {
		t.Errorf("Checkpoint() of the store opened again = %s, %v; want %s", again, err, c)
	}
	if _, err := s.Append(t.Context(), entry(store.Epoch, "", "{}")); err == nil {
		t.Error("a second epoch was accepted")
	}
}

func (b Backend) ordered(t *testing.T) {
	t.Parallel()
	s := fresh(t, b)
	first, err := s.Append(t.Context(), entry(store.Decision, "k", ` {"z": 1.50, "a": [1, "<é>"]} `), entry(store.Note, "", ""))
	must(t, err)
	second, err := s.Append(t.Context(), entry(store.Evidence, "k", `12345678901234567890`))
	must(t, err)
	if first.Size != 3 || second.Size != 4 {
		t.Errorf("sizes are %d and %d, want 3 and 4", first.Size, second.Size)
	}
	decision, note, evidence := entry(store.Decision, "k", `{"a":[1,"<é>"],"z":1.50}`), entry(store.Note, "", "{}"), entry(store.Evidence, "k", "12345678901234567890")
	decision.Seq, note.Seq, evidence.Seq = 2, 3, 4
	for _, c := range []struct {
		filter store.Filter
		limit  int
		want   []store.Entry
	}{
		{store.Filter{After: 1}, 10, []store.Entry{decision, note, evidence}},
		{store.Filter{After: 1}, 2, []store.Entry{decision, note}},
		{store.Filter{After: 2, Key: "k"}, 10, []store.Entry{evidence}},
		{store.Filter{Kind: store.Note}, 10, []store.Entry{note}},
		{store.Filter{Subject: "prod-eu/order-api", Newest: true}, 2, []store.Entry{evidence, note}},
		{store.Filter{Subject: "nobody"}, 10, nil},
	} {
		got, err := s.Entries(t.Context(), c.filter, c.limit)
		must(t, err)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("Entries(%+v, %d) (-want +got):\n%s", c.filter, c.limit, diff)
		}
	}
	must(t, s.Verify(t.Context(), first, second))
}

func (b Backend) atomic(t *testing.T) {
	t.Parallel()
	s := fresh(t, b)
	before, err := s.Checkpoint(t.Context())
	must(t, err)
	stop := errors.New("stop")
	_, err = s.Write(t.Context(), func(tx *store.Tx) error {
		must(t, tx.Append(t.Context(), entry(store.Intent, "a", "{}")))
		must(t, tx.Put(t.Context(), store.Record{Bucket: "b", Key: "k", Value: []byte("1")}))
		if _, ok, err := tx.Get(t.Context(), "b", "k"); !ok || err != nil {
			t.Errorf("Tx.Get = %v, %v; want what the transaction put", ok, err)
		}
		if _, err := tx.PutBlob(t.Context(), []byte("x")); err != nil {
			t.Error(err)
		}
		return stop
	})
	if !errors.Is(err, stop) {
		t.Errorf("Write = %v, want %v", err, stop)
	}
	_, err = s.Write(t.Context(), func(tx *store.Tx) error {
		_ = tx.Append(t.Context(), entry(store.Note, "", "{}"), entry(store.Note, "", "{")) // forgets to look
		_ = tx.Put(t.Context(), store.Record{Bucket: "b", Key: "k", Value: []byte("1")})
		return nil
	})
	if err == nil {
		t.Error("Write after a failed step succeeded, want its error")
	}
	// The last of these is refused, so none of them is kept.
	_, err = s.Append(t.Context(), entry(store.Intent, "b", "{}"), entry(store.Note, "", "{}"), entry(store.Intent, "b", "{}"))
	if !errors.Is(err, store.ErrKnown) {
		t.Errorf("Append of a doubled intent = %v, want ErrKnown", err)
	}
	after, err := s.Checkpoint(t.Context())
	must(t, err)
	if _, ok, err := s.Get(t.Context(), "b", "k"); ok || err != nil || after != before {
		t.Errorf("after failed writes: memory %v, %v, checkpoint %s; want no trace since %s", ok, err, after, before)
	}
	at, err := s.Write(t.Context(), func(tx *store.Tx) error {
		return errors.Join(tx.Append(t.Context(), entry(store.Intent, "b", "{}")), tx.Put(t.Context(), store.Record{Bucket: "b", Key: "k", Value: []byte("1")}))
	})
	must(t, err)
	if _, ok, err := s.Get(t.Context(), "b", "k"); !ok || err != nil || at.Size != before.Size+1 {
		t.Errorf("after a write: memory %v, %v, checkpoint %s; want both halves", ok, err, at)
	}
	must(t, s.Verify(t.Context(), before, at))
}

func (b Backend) once(t *testing.T) {
	t.Parallel()
	s := fresh(t, b)
	if _, err := s.Append(t.Context(), entry(store.Outcome, "a", "{}")); err == nil {
		t.Error("an outcome without an intent was accepted")
	}
	for _, kind := range []store.Kind{store.Intent, store.Outcome} {
		_, err := s.Append(t.Context(), entry(kind, "a", "{}"))
		must(t, err)
		if _, err := s.Append(t.Context(), entry(kind, "a", `{"again":true}`)); !errors.Is(err, store.ErrKnown) {
			t.Errorf("second %s = %v, want ErrKnown", kind, err)
		}
	}
	_, err := s.Append(t.Context(), entry(store.Intent, "b", "{}"), entry(store.Outcome, "b", "{}"), entry(store.Decision, "a", "{}"), entry(store.Decision, "a", "{}"))
	must(t, err)
	must(t, s.Verify(t.Context()))
}

func (b Backend) unfinished(t *testing.T) {
	t.Parallel()
	s := fresh(t, b)
	_, err := s.Append(t.Context(), entry(store.Intent, "a", "{}"), entry(store.Intent, "b", "{}"), entry(store.Intent, "c", "{}"), entry(store.Outcome, "b", "{}"))
	must(t, err)
	open, err := s.Unfinished(t.Context())
	must(t, err)
	var keys []string
	for _, e := range open {
		keys = append(keys, e.Key)
	}
	if diff := cmp.Diff([]string{"a", "c"}, keys); diff != "" {
		t.Errorf("Unfinished (-want +got):\n%s", diff)
	}
}

func (b Backend) refused(t *testing.T) {
	t.Parallel()
	s := fresh(t, b)
	late := entry(store.Note, "", "{}")
	late.At = time.Time{}
	for name, e := range map[string]store.Entry{
		"no kind":           entry("", "", "{}"),
		"unknown kind":      entry("rumour", "", "{}"),
		"intent, no key":    entry(store.Intent, "", "{}"),
		"no time":           late,
		"not JSON":          entry(store.Note, "", "{"),
		"two values":        entry(store.Note, "", "{} {}"),
		"not UTF-8":         entry(store.Note, "", "\"\xff\""),
		"too big":           entry(store.Note, "", `"`+strings.Repeat("x", 64<<10)+`"`),
		"NUL in a key":      entry(store.Note, "a\x00b", "{}"),
		"key too long":      entry(store.Note, strings.Repeat("x", 2000), "{}"),
		"key not UTF-8":     entry(store.Note, "\xff", "{}"),
		"deeper than sense": entry(store.Note, "", strings.Repeat("[", 20000)+strings.Repeat("]", 20000)),
	} {
		if c, err := s.Append(t.Context(), e); err == nil {
			t.Errorf("%s: accepted as %s", name, c)
		}
	}
	c, err := s.Checkpoint(t.Context())
	must(t, err)
	if c.Size != 1 {
		t.Errorf("the ledger has %d entries, want only its epoch", c.Size)
	}
}

func (b Backend) remembers(t *testing.T) {
	t.Parallel()
	s := fresh(t, b)
	later := time.Now().Add(time.Hour).UTC().Truncate(time.Millisecond)
	cursor, err := store.Remember("etag", "a/1", map[string]int{"page": 3}, later)
	must(t, err)
	must(t, s.Put(t.Context(), cursor,
		store.Record{Bucket: "etag", Key: "a/2", Value: []byte("1"), Expires: time.Unix(1, 0)},
		store.Record{Bucket: "etag", Key: "a%", Value: []byte("1")},
		store.Record{Bucket: "etag", Key: "é/1", Value: []byte("1")},
		store.Record{Bucket: "other", Key: "a/1", Value: []byte("1")}))
	got, err := s.List(t.Context(), "etag", "a/")
	must(t, err)
	if diff := cmp.Diff([]store.Record{cursor}, got); diff != "" {
		t.Errorf("List (-want +got):\n%s", diff)
	}
	if all, err := s.List(t.Context(), "etag", ""); err != nil || len(all) != 3 {
		t.Errorf("List of everything = %d records, %v; want 3", len(all), err)
	}
	if accents, err := s.List(t.Context(), "etag", "é"); err != nil || len(accents) != 1 {
		t.Errorf("List of é = %d records, %v; want 1", len(accents), err)
	}
	r, ok, err := s.Get(t.Context(), "etag", "a/1")
	must(t, err)
	if value, err := store.Recall[map[string]int](r); !ok || err != nil || value["page"] != 3 {
		t.Errorf("Recall = %v, %v, %v; want page 3", value, ok, err)
	}
}

func (b Backend) forgets(t *testing.T) {
	t.Parallel()
	s := fresh(t, b)
	must(t, s.Put(t.Context(),
		store.Record{Bucket: "etag", Key: "a/1", Value: []byte("1"), Expires: time.Now().Add(time.Hour)},
		store.Record{Bucket: "etag", Key: "a/2", Value: []byte("1"), Expires: time.Unix(1, 0)}))
	if n, err := s.Prune(t.Context()); n != 1 || err != nil {
		t.Errorf("Prune = %d, %v; want the expired one", n, err)
	}
	must(t, s.Put(t.Context(), store.Record{Bucket: "etag", Key: "a/1", Value: []byte("2")}))
	if r, _, _ := s.Get(t.Context(), "etag", "a/1"); string(r.Value) != "2" || !r.Expires.IsZero() {
		t.Errorf("Get after Put = %+v, want the second value, without end", r)
	}
	must(t, s.Delete(t.Context(), "etag", "a/1", "never there"))
	if _, ok, err := s.Get(t.Context(), "etag", "a/1"); ok || err != nil {
		t.Errorf("Get after Delete = %v, %v; want none", ok, err)
	}
	for _, r := range []store.Record{{Key: "k", Value: []byte("1")}, {Bucket: "b", Value: []byte("1")}, {Bucket: "b", Key: "k"}, {Bucket: "b", Key: "k", Value: []byte("{")}} {
		if err := s.Put(t.Context(), r); err == nil {
			t.Errorf("Put(%+v) was accepted", r)
		}
	}
}

func (b Backend) blobs(t *testing.T) {
	t.Parallel()
	o := b.New(t)
	s := open(t, o)
	id, err := s.PutBlob(t.Context(), []byte("hello"))
	must(t, err)
	again, err := s.PutBlob(t.Context(), []byte("hello"))
	must(t, err)
	if want := "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"; id != want || again != want {
		t.Errorf("PutBlob = %s, then %s; want %s", id, again, want)
	}
	if data, err := s.Blob(t.Context(), id); err != nil || string(data) != "hello" {
		t.Errorf("Blob = %q, %v; want hello", data, err)
	}
	if _, err := s.Blob(t.Context(), "sha256:00"); err == nil {
		t.Error("a blob that is not there was found")
	}
	none, err := s.PutBlob(t.Context(), nil)
	must(t, err)
	if data, err := s.Blob(t.Context(), none); err != nil || len(data) != 0 {
		t.Errorf("Blob of nothing = %q, %v", data, err)
	}
	must(t, s.Close())
	b.Attack(t, o, `UPDATE blob SET data = (SELECT data FROM blob WHERE length(data) = 0)`)
	if data, err := open(t, o).Blob(t.Context(), id); err == nil {
		t.Errorf("a changed blob was returned: %q", data)
	}
}

func (b Backend) concurrent(t *testing.T) {
	t.Parallel()
	const writers, each = 8, 12
	s := fresh(t, b)
	ctx, stop := context.WithCancel(t.Context())
	var reading, writing sync.WaitGroup
	reading.Go(func() {
		var last store.Checkpoint
		for ctx.Err() == nil {
			if err := s.Verify(t.Context(), last); err != nil && last.Size > 0 {
				t.Errorf("Verify while writing: %v", err)
				return
			}
			last, _ = s.Checkpoint(t.Context())
		}
	})
	write := func(w int) {
		for i := range each {
			key := fmt.Sprintf("%d-%d", w, i)
			_, err := s.Append(t.Context(), entry(store.Intent, key, "{}"), entry(store.Outcome, key, "{}"))
			if err := errors.Join(err, s.Put(t.Context(), store.Record{Bucket: "b", Key: key, Value: []byte("1")})); err != nil {
				t.Errorf("writer %d: %v", w, err)
			}
		}
	}
	for w := range writers {
		writing.Go(func() { write(w) })
	}
	writing.Wait()
	stop()
	reading.Wait()
	c, err := s.Checkpoint(t.Context())
	must(t, err)
	if want := int64(1 + 2*writers*each); c.Size != want {
		t.Errorf("the ledger has %d entries, want %d", c.Size, want)
	}
	must(t, s.Verify(t.Context(), c))
}

func (b Backend) held(t *testing.T) {
	t.Parallel()
	o := b.New(t)
	o.Holder = "first:1"
	s := open(t, o)
	o.Holder = "second:2"
	if _, err := store.Open(t.Context(), o); !errors.Is(err, store.ErrHeld) || !strings.Contains(err.Error(), `"first:1"`) {
		t.Errorf("second Open = %v, want ErrHeld that names first:1", err)
	}
	_, err := s.Append(t.Context(), entry(store.Note, "", "{}"))
	must(t, err)
	must(t, s.Close())
	open(t, o)
}
