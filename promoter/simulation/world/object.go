package world

import (
	"crypto/sha1" // it is what Git names its objects by
	"encoding/hex"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/waveguide-dev/waveguide/gitops"
)

// hash is the name of an object.
type hash [sha1.Size]byte

func (h hash) String() string { return hex.EncodeToString(h[:]) }

// Object is one object as Git stores it.
type Object struct {
	ID, Kind string
	Data     []byte
}

// named is what Git calls an object.
func named(kind, data string) hash {
	h := make([]byte, 0, 512)
	h = append(append(append(append(h, kind...), ' '), strconv.Itoa(len(data))...), 0)
	return sha1.Sum(append(h, data...))
}

// tree is a folder as Git stores it. It never changes, so that commits share
// what is the same in them and only what changed is hashed.
type tree struct {
	id      hash
	entries []entry
}

// entry is one name in a folder; dir is nil for a file.
type entry struct {
	name string
	id   hash
	dir  *tree
}

// key orders entries as Git does: a folder as if its name ended in a slash.
func (e entry) key() string {
	if e.dir != nil {
		return e.name + "/"
	}
	return e.name
}

// folder is the tree of entries in their order.
func folder(entries []entry) *tree {
	t := &tree{entries: entries}
	t.id = named("tree", t.encode())
	return t
}

func (t *tree) encode() string {
	var b strings.Builder
	for _, e := range t.entries {
		mode := "100644 "
		if e.dir != nil {
			mode = "40000 "
		}
		b.WriteString(mode + e.name + "\x00")
		b.Write(e.id[:])
	}
	return b.String()
}

// with is the tree with a file that holds a text, or without it if that is
// [Gone]; nothing is left of an empty folder.
func (t *tree) with(path, text string) *tree {
	name, rest, below := strings.Cut(path, "/")
	put, entries := entry{name: name}, []entry(nil)
	if t != nil {
		entries = slices.Clone(t.entries)
	}
	if i := slices.IndexFunc(entries, func(e entry) bool { return e.name == name }); i >= 0 {
		put.dir = entries[i].dir
		entries = slices.Delete(entries, i, i+1)
	}
	if below {
		put.dir = put.dir.with(rest, text)
	}
	switch {
	case below && put.dir != nil:
		put.id = put.dir.id
	case !below && text != Gone:
		put.id = named("blob", text)
	default:
		return folderOrNone(entries)
	}
	at, _ := slices.BinarySearchFunc(entries, put.key(), func(e entry, key string) int { return strings.Compare(e.key(), key) })
	return folder(slices.Insert(entries, at, put))
}

func folderOrNone(entries []entry) *tree {
	if len(entries) == 0 {
		return nil
	}
	return folder(entries)
}

// encode is the commit as Git stores it.
func (c *Commit) encode() string {
	root := c.tree
	if root == nil {
		root = folder(nil)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "tree %s\n", root.id)
	for _, p := range c.Parents() {
		fmt.Fprintf(&b, "parent %s\n", p)
	}
	for _, role := range []string{"author", "committer"} {
		fmt.Fprintf(&b, "%s %s <%s> %d +0000\n", role, c.Name(), c.Author, c.Time.Unix())
	}
	b.WriteString("\n" + c.Message)
	return b.String()
}

// Objects are all that the remote holds, each once: blobs before the trees that
// name them, and those before their commits.
func (w *World) Objects() iter.Seq[Object] {
	return func(yield func(Object) bool) {
		o := objects{seen: map[hash]bool{}, yield: yield}
		for _, id := range slices.Sorted(maps.Keys(w.Commits)) {
			c := w.Commits[id]
			if !o.tree(c.tree, "", c.Files) || !yield(Object{string(id), "commit", []byte(c.encode())}) {
				return
			}
		}
	}
}

// objects is a walk over all of them.
type objects struct {
	seen  map[hash]bool
	yield func(Object) bool
}

func (o objects) tree(t *tree, under string, files map[string]string) bool {
	if t == nil {
		t = folder(nil)
	}
	for _, e := range t.entries {
		switch {
		case o.seen[e.id]:
		case e.dir != nil && !o.tree(e.dir, under+e.name+"/", files):
			return false
		case e.dir == nil && !o.yield(Object{e.id.String(), "blob", []byte(files[under+e.name])}):
			return false
		}
		o.seen[e.id] = true
	}
	if o.seen[t.id] {
		return true
	}
	o.seen[t.id] = true
	return o.yield(Object{t.id.String(), "tree", []byte(t.encode())})
}

// id is the name that Git gives a commit.
func (c *Commit) id() gitops.Commit { return gitops.Commit(named("commit", c.encode()).String()) }
