package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode/utf8"
)

// Kind says what an entry records.
type Kind string

// The kinds of entry. An intent is written before an effect on the world and
// its outcome after it, under the same key. An epoch opens a new ledger.
const (
	Intent   Kind = "intent"
	Outcome  Kind = "outcome"
	Decision Kind = "decision"
	Evidence Kind = "evidence"
	Epoch    Kind = "epoch"
	Note     Kind = "note"
)

// Bounds of one entry. What is bulkier goes into a blob, whose id goes into the
// body: blobs can be dropped one day without breaking a proof.
const (
	maxName = 1 << 10
	maxBody = 64 << 10
)

// instant is how a time is stored: UTC with nine digits, so that text order is
// time order.
const instant = "2006-01-02T15:04:05.000000000Z"

// Entry is one record of the ledger.
type Entry struct {
	// Seq is the entry's place, from 1 on without gaps. Append sets it.
	Seq int64
	// At is when it happened, by the clock of who appends it.
	At time.Time
	// Kind says what is recorded.
	Kind Kind
	// Subject is what it is about: a lane or a promotion.
	Subject string
	// Key is derived from the change, so that the same change has the same key:
	// a key has at most one intent and at most one outcome. Other kinds may
	// leave it empty or repeat it.
	Key string
	// Body is JSON. It is stored in canonical form: keys sorted, no spaces,
	// numbers as written.
	Body json.RawMessage
}

// check refuses an entry that could not be read back as it was given, and
// returns its canonical form.
func (e Entry) check() (Entry, error) {
	switch e.Kind {
	case Intent, Outcome:
		if e.Key == "" {
			return Entry{}, fmt.Errorf("%s for %q has no key: derive one from the change", e.Kind, e.Subject)
		}
	case Decision, Evidence, Epoch, Note:
	default:
		return Entry{}, fmt.Errorf("entry for %q has the unknown kind %q", e.Subject, e.Kind)
	}
	if e.At.IsZero() || e.At.UTC().Year() > 9999 || e.At.UTC().Year() < 1 {
		return Entry{}, fmt.Errorf("%s for %q has no usable time", e.Kind, e.Subject)
	}
	for _, s := range []string{e.Subject, e.Key} {
		if err := checkName(s); err != nil {
			return Entry{}, fmt.Errorf("%s: %w", e.Kind, err)
		}
	}
	if len(e.Body) > maxBody {
		return Entry{}, fmt.Errorf("%s for %q has a body of %d bytes, over %d: put bulky parts into a blob", e.Kind, e.Subject, len(e.Body), maxBody)
	}
	body, err := Canonical(e.Body)
	if err != nil {
		return Entry{}, fmt.Errorf("%s for %q: body: %w", e.Kind, e.Subject, err)
	}
	e.At, e.Body = e.At.UTC().Round(0), body
	return e, nil
}

// checkName refuses names that no database would keep as they are.
func checkName(s string) error {
	if len(s) > maxName || !utf8.ValidString(s) || bytes.IndexByte([]byte(s), 0) >= 0 {
		return fmt.Errorf("%.40q is not a usable name: want at most %d bytes of UTF-8 without NUL", s, maxName)
	}
	return nil
}

// Canonical returns JSON as a body is stored: with sorted keys and no spaces.
// Numbers keep their digits: a rewrite as floating point would lose some.
func Canonical(data []byte) (json.RawMessage, error) {
	if len(data) == 0 {
		return json.RawMessage("{}"), nil
	}
	if !utf8.Valid(data) {
		return nil, errors.New("not UTF-8")
	}
	var value any
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&value); err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one JSON value")
	}
	var out bytes.Buffer
	w := json.NewEncoder(&out)
	w.SetEscapeHTML(false)
	if err := w.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(out.Bytes()), nil
}

// leaf is what is hashed: every stored byte of the entry but its place, which
// the tree proves. Names are quoted and quoting leaves no bare quote, so two
// different entries never have the same leaf.
func (e Entry) leaf() []byte {
	var b bytes.Buffer
	b.WriteString(`{"at":`)
	b.Write(quote(e.At.Format(instant)))
	b.WriteString(`,"body":`)
	b.Write(e.Body)
	b.WriteString(`,"key":`)
	b.Write(quote(e.Key))
	b.WriteString(`,"kind":`)
	b.Write(quote(string(e.Kind)))
	b.WriteString(`,"subject":`)
	b.Write(quote(e.Subject))
	b.WriteByte('}')
	return b.Bytes()
}

func quote(s string) []byte {
	var b bytes.Buffer
	w := json.NewEncoder(&b)
	w.SetEscapeHTML(false)
	_ = w.Encode(s) // a string always encodes
	return bytes.TrimSpace(b.Bytes())
}
