package mirror

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
)

// Identity is who a commit says it is from.
type Identity struct {
	Name, Email string
}

// tidy removes what could forge header lines, as Git itself does.
func (i Identity) tidy() Identity {
	strip := func(s string) string {
		return strings.Trim(strings.Map(func(r rune) rune {
			if r < ' ' || r == 0x7f || r == '<' || r == '>' {
				return -1
			}
			return r
		}, s), " .,:;\"'\\")
	}
	return Identity{strip(i.Name), strip(i.Email)}
}

// Stamp is an identity at a time, as a commit carries it.
type Stamp struct {
	Identity

	At time.Time
}

// Commit is a parsed commit.
type Commit struct {
	ID                gitops.Commit
	Tree              ID
	Parents           []gitops.Commit
	Author, Committer Stamp
	Message           string
	Signed            bool
}

var errMalformedCommit = errors.New("malformed commit")

func parseCommit(id ID, raw []byte) (Commit, error) {
	head, message, ok := bytes.Cut(raw, []byte("\n\n"))
	if !ok {
		head, message = bytes.TrimSuffix(raw, []byte("\n")), nil
	}
	c := Commit{ID: gitops.Commit(id.String()), Message: string(message)}
	haveTree := false
	for line := range bytes.SplitSeq(head, []byte("\n")) {
		key, value, _ := strings.Cut(string(line), " ")
		var err error
		switch key {
		case "tree":
			c.Tree, err = parseID(value)
			haveTree = true
		case "parent":
			_, err = parseID(value)
			c.Parents = append(c.Parents, gitops.Commit(value))
		case "author":
			c.Author = parseStamp(value)
		case "committer":
			c.Committer = parseStamp(value)
		case "gpgsig", "gpgsig-sha256":
			c.Signed = true
		}
		if err != nil {
			return Commit{}, fmt.Errorf("%w %s: %w", errMalformedCommit, id, err)
		}
	}
	if !haveTree {
		return Commit{}, fmt.Errorf("%w %s: no tree", errMalformedCommit, id)
	}
	return c, nil
}

// parseStamp reads "name <email> seconds zone" leniently: old commits hold odd ones.
func parseStamp(s string) Stamp {
	open, shut := strings.LastIndexByte(s, '<'), strings.LastIndexByte(s, '>')
	if open < 0 || shut < open {
		return Stamp{Identity: Identity{Name: s}}
	}
	st := Stamp{Identity: Identity{Name: strings.TrimSpace(s[:open]), Email: s[open+1 : shut]}}
	if when := strings.Fields(s[shut+1:]); len(when) > 0 {
		if sec, err := strconv.ParseInt(when[0], 10, 64); err == nil {
			st.At = time.Unix(sec, 0).UTC()
		}
	}
	return st
}

// encodeCommit writes the commit without its signature; the times are whole seconds, UTC.
func encodeCommit(tree, parent ID, author, committer Stamp, message string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "tree %s\nparent %s\n", tree, parent)
	fmt.Fprintf(&b, "author %s <%s> %d +0000\n", author.Name, author.Email, author.At.Unix())
	fmt.Fprintf(&b, "committer %s <%s> %d +0000\n", committer.Name, committer.Email, committer.At.Unix())
	b.WriteString("\n" + message)
	return b.Bytes()
}

// addSignature puts an armored signature where Git looks for it: last in the header.
func addSignature(raw []byte, armored string) []byte {
	head, message, _ := bytes.Cut(raw, []byte("\n\n"))
	sig := strings.ReplaceAll(strings.TrimSuffix(armored, "\n"), "\n", "\n ")
	return fmt.Appendf(nil, "%s\ngpgsig %s\n\n%s", head, sig, message)
}
