package mirror

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ID names a Git object by its SHA-1. The zero ID names nothing.
type ID [20]byte

// String returns the ID in hexadecimal.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// IsZero says whether the ID names nothing.
func (id ID) IsZero() bool { return id == ID{} }

func parseID(s string) (ID, error) {
	var id ID
	if len(s) != 40 {
		return id, fmt.Errorf("%q is not a commit: want 40 hexadecimal digits", clean(s, 80))
	}
	if _, err := hex.Decode(id[:], []byte(s)); err != nil {
		return ID{}, fmt.Errorf("%q is not a commit: want 40 hexadecimal digits", clean(s, 80))
	}
	return id, nil
}

// Mode is the kind of a tree entry, as Git writes it.
type Mode uint32

// The modes that Git knows. Old repositories may also hold 0100664.
const (
	Directory  Mode = 0o040000
	Regular    Mode = 0o100644
	Executable Mode = 0o100755
	Symlink    Mode = 0o120000
	Submodule  Mode = 0o160000
)

// IsFile says whether the entry is a regular or executable file.
func (m Mode) IsFile() bool { return m&0o170000 == 0o100000 }

// String returns the mode as Git prints it.
func (m Mode) String() string { return fmt.Sprintf("%06o", uint32(m)) }

const (
	maxDepth   = 100
	maxEntries = 5_000_000
)

var errMalformedTree = errors.New("malformed tree")

// entry is one record of a raw tree: mode SP name NUL id. name points into the tree.
type entry struct {
	mode     Mode
	name     []byte
	at, idAt int
}

func (e entry) id(raw []byte) ID { return ID(raw[e.idAt : e.idAt+20]) }

// nextEntry reads the record at offset i and returns the offset after it.
func nextEntry(raw []byte, i int) (entry, int, error) {
	e := entry{at: i}
	digits := 0
	for ; i < len(raw) && raw[i] != ' '; i++ {
		if raw[i] < '0' || raw[i] > '7' || digits == 7 {
			return e, 0, errMalformedTree
		}
		e.mode = e.mode<<3 | Mode(raw[i]-'0')
		digits++
	}
	if digits == 0 || i >= len(raw) {
		return e, 0, errMalformedTree
	}
	i++
	nul := bytes.IndexByte(raw[i:], 0)
	if nul <= 0 || len(raw)-i-nul-1 < 20 {
		return e, 0, errMalformedTree
	}
	e.name, e.idAt = raw[i:i+nul], i+nul+1
	if bytes.IndexByte(e.name, '/') >= 0 || string(e.name) == "." || string(e.name) == ".." {
		return e, 0, errMalformedTree
	}
	return e, e.idAt + 20, nil
}

// eachEntry calls fn for every record of a raw tree.
func eachEntry(raw []byte, fn func(entry) error) error {
	for i := 0; i < len(raw); {
		e, next, err := nextEntry(raw, i)
		if err != nil {
			return err
		}
		if err := fn(e); err != nil {
			return err
		}
		i = next
	}
	return nil
}

// findEntry returns the record of name; two records of one name are an error.
func findEntry(raw []byte, name string) (entry, bool, error) {
	var found entry
	ok := false
	err := eachEntry(raw, func(e entry) error {
		if string(e.name) != name {
			return nil
		}
		if ok {
			return fmt.Errorf("%w: %q is there twice", errMalformedTree, clean(name, 80))
		}
		found, ok = e, true
		return nil
	})
	return found, ok && err == nil, err
}

// compareNames orders as Git does: a directory sorts as if its name ended in a slash.
func compareNames(a []byte, aDir bool, b []byte, bDir bool) int {
	n := min(len(a), len(b))
	if c := bytes.Compare(a[:n], b[:n]); c != 0 {
		return c
	}
	return int(byteAt(a, n, aDir)) - int(byteAt(b, n, bDir))
}

func byteAt(name []byte, i int, dir bool) byte {
	switch {
	case i < len(name):
		return name[i]
	case dir:
		return '/'
	}
	return 0
}

// splice replaces cut bytes at offset at by put. A list of them is sorted by offset.
type splice struct {
	at, cut int
	put     []byte
}

func splicedLen(base []byte, edits []splice) int {
	n := len(base)
	for _, s := range edits {
		n += len(s.put) - s.cut
	}
	return n
}

func applySplices(base []byte, edits []splice) []byte {
	out := make([]byte, 0, splicedLen(base, edits))
	from := 0
	for _, s := range edits {
		out = append(append(out, base[from:s.at]...), s.put...)
		from = s.at + s.cut
	}
	return append(out, base[from:]...)
}

// hashSpliced is the id of base after the edits, without building it.
func hashSpliced(kind string, base []byte, edits []splice) ID {
	h := sha1.New()
	h.Write([]byte(kind + " " + strconv.Itoa(splicedLen(base, edits)) + "\x00"))
	from := 0
	for _, s := range edits {
		h.Write(base[from:s.at])
		h.Write(s.put)
		from = s.at + s.cut
	}
	h.Write(base[from:])
	return ID(h.Sum(nil))
}

func hashObject(kind string, data []byte) ID { return hashSpliced(kind, data, nil) }

// checkPath refuses paths that do not name a plain place inside the repository.
func checkPath(path string) error {
	if path == "" || len(path) > 4096 || strings.Count(path, "/") >= maxDepth {
		return fmt.Errorf("path %q is empty, too long or too deep", clean(path, 80))
	}
	for part := range strings.SplitSeq(path, "/") {
		lower := strings.ToLower(part)
		bad := part == "" || part == "." || part == ".." || len(part) > 255 ||
			strings.TrimRight(lower, " .") == ".git" || lower == "git~1" ||
			strings.ContainsFunc(part, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' || r == ':' })
		if bad {
			return fmt.Errorf("path %q leaves the repository or is not portable", clean(path, 80))
		}
	}
	return nil
}

// clean makes text from outside fit for an error: bounded, one line, no control characters.
func clean(s string, limit int) string {
	var b strings.Builder
	for _, r := range s {
		if b.Len() >= limit {
			b.WriteString("…")
			break
		}
		switch {
		case r == '\n' || r == '\t':
			b.WriteByte(' ')
		case r < ' ' || (r >= 0x7f && r < 0xa0) || r == 0xfffd || (r >= 0x200b && r <= 0x200f) || (r >= 0x2028 && r <= 0x202e) || (r >= 0x2066 && r <= 0x2069):
		default:
			b.WriteRune(r)
		}
	}
	return strings.TrimSpace(b.String())
}
