package store

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Checkpoint states the whole ledger in one line: its name, its size and the
// root of its Merkle tree. Who keeps one can tell later whether anything up to
// that size was changed.
type Checkpoint struct {
	// Origin names one ledger. A new ledger has a new origin.
	Origin string
	// Size is the number of entries; the newest has this Seq.
	Size int64
	// Root is the hash of all of them.
	Root [32]byte
	// Text is the checkpoint as published: a C2SP tlog-checkpoint, signed if
	// the store has a key. Empty when parsed from one line.
	Text string
}

// String returns the one-line form, fit for a commit trailer.
func (c Checkpoint) String() string {
	return fmt.Sprintf("%s %d %s", c.Origin, c.Size, base64.StdEncoding.EncodeToString(c.Root[:]))
}

// ParseCheckpoint reads the one-line form or a tlog-checkpoint text. It checks
// the form only: signatures are checked with package note.
func ParseCheckpoint(text string) (Checkpoint, error) {
	var c Checkpoint
	lines := strings.Split(text, "\n")
	if len(lines) < 3 {
		lines = strings.Fields(text)
		if len(lines) != 3 {
			return Checkpoint{}, fmt.Errorf("checkpoint %.80q: want origin, size and root", text)
		}
	} else {
		c.Text = text
	}
	if err := checkOrigin(lines[0]); err != nil {
		return Checkpoint{}, err
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return Checkpoint{}, fmt.Errorf("checkpoint %.80q: %.20q is not a size", lines[0], lines[1])
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != len(c.Root) {
		return Checkpoint{}, fmt.Errorf("checkpoint %.80q: %.60q is not a root hash", lines[0], lines[2])
	}
	c.Origin, c.Size = lines[0], size
	copy(c.Root[:], root)
	return c, nil
}

func checkOrigin(origin string) error {
	if len(strings.Fields(origin)) != 1 || strings.TrimSpace(origin) != origin || len(origin) > 200 {
		return fmt.Errorf("%.80q cannot name a ledger: want one word", origin)
	}
	return nil
}

// publish makes the checkpoint of a tree, signed if there is a signer.
func publish(origin string, tree edge, signer note.Signer) (Checkpoint, error) {
	c := Checkpoint{Origin: origin, Size: tree.size, Root: tree.root()}
	c.Text = fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, tlog.Hash(c.Root))
	if signer == nil {
		return c, nil
	}
	signed, err := note.Sign(&note.Note{Text: c.Text}, signer)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("sign checkpoint %d of %s: %w", c.Size, c.Origin, err)
	}
	c.Text = string(signed)
	return c, nil
}
