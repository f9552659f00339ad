package mirror

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/waveguide-dev/waveguide/gitops"
)

// ErrUnchanged says that a draft would make a commit without a change.
var ErrUnchanged = errors.New("nothing changes")

// Draft is a commit to be made: files of the base replaced or added.
type Draft struct {
	Base    gitops.Commit
	Files   map[string][]byte
	Message string
	Time    time.Time // from the promotion's record, never the clock: the same draft is the same commit
	Author  Identity  // the mirror's identity when empty
}

// Composed is a commit that exists only in memory until it is pushed.
type Composed struct {
	ID      gitops.Commit
	Tree    ID
	Base    gitops.Commit
	objects []draftObject
}

// Compose makes a commit from a draft. The same draft on the same base is
// the same commit, unless it is signed with a key whose signatures vary. It
// refuses paths that leave the repository and places that do not hold a file.
func (m *Mirror) Compose(d Draft) (Composed, error) {
	st, base, err := m.at(d.Base)
	if errors.Is(err, ErrUnknownCommit) {
		err = errors.Join(err, gitops.ErrMoved)
	}
	if err != nil {
		return Composed{}, fmt.Errorf("compose on %s: %w", d.Base.Short(), err)
	}
	root, err := plant(d.Files)
	if err != nil {
		return Composed{}, fmt.Errorf("compose on %s: %w", d.Base.Short(), err)
	}
	w := composer{st: st, limit: m.o.Limits.File}
	tree, err := w.directory(root, base.Tree, "")
	if err == nil && tree == base.Tree {
		err = ErrUnchanged
	}
	if err != nil {
		return Composed{}, fmt.Errorf("compose on %s: %w", d.Base.Short(), err)
	}
	raw, err := m.commitBytes(d, tree)
	if err != nil {
		return Composed{}, fmt.Errorf("compose on %s: %w", d.Base.Short(), err)
	}
	id := hashObject("commit", raw)
	commit := draftObject{id: id, kind: typeCommit, data: raw}
	return Composed{
		ID: gitops.Commit(id.String()), Tree: tree, Base: d.Base,
		objects: append([]draftObject{commit}, w.objects...),
	}, nil
}

func (m *Mirror) commitBytes(d Draft, tree ID) ([]byte, error) {
	message := strings.TrimSpace(strings.ReplaceAll(d.Message, "\x00", "")) + "\n"
	if message == "\n" {
		return nil, errors.New("the commit message is empty")
	}
	if d.Time.Unix() < 0 {
		return nil, fmt.Errorf("the commit's time %s is before 1970", d.Time)
	}
	author, committer := d.Author.tidy(), m.o.Identity
	if author.Name == "" {
		author = committer
	}
	parent, err := parseID(string(d.Base))
	if err != nil {
		return nil, err
	}
	raw := encodeCommit(tree, parent, Stamp{author, d.Time}, Stamp{committer, d.Time}, message)
	if m.o.Signer == nil {
		return raw, nil
	}
	sig, err := m.o.Signer.sign(raw)
	if err != nil {
		return nil, err
	}
	return addSignature(raw, sig), nil
}

// plot is a directory of a draft.
type plot struct {
	dirs  map[string]*plot
	files map[string][]byte
}

func newPlot() *plot { return &plot{map[string]*plot{}, map[string][]byte{}} }

// plant sorts the draft's files into directories.
func plant(files map[string][]byte) (*plot, error) {
	if len(files) == 0 {
		return nil, ErrUnchanged
	}
	root := newPlot()
	for path, data := range files {
		if err := checkPath(path); err != nil {
			return nil, err
		}
		at := root
		parts := strings.Split(path, "/")
		for _, dir := range parts[:len(parts)-1] {
			if at.dirs[dir] == nil {
				at.dirs[dir] = newPlot()
			}
			at = at.dirs[dir]
		}
		at.files[parts[len(parts)-1]] = data
	}
	return root, nil
}

// names returns the names in order, so that packs are deterministic too.
func (p *plot) names() ([]string, error) {
	names := slices.AppendSeq(slices.Collect(maps.Keys(p.files)), maps.Keys(p.dirs))
	slices.Sort(names)
	for i := 1; i < len(names); i++ {
		if names[i] == names[i-1] {
			return nil, fmt.Errorf("%q is both a file and a directory of the draft", names[i])
		}
	}
	return names, nil
}

type composer struct {
	st      *store
	limit   int
	objects []draftObject
}

// directory writes one directory; a zero id is one that does not exist yet.
func (w *composer) directory(p *plot, id ID, path string) (ID, error) {
	var raw []byte
	if !id.IsZero() {
		var err error
		if raw, err = w.st.tree(id); err != nil {
			return ID{}, err
		}
	}
	names, err := p.names()
	if err != nil {
		return ID{}, err
	}
	old, err := p.existing(raw)
	if err != nil {
		return ID{}, fmt.Errorf("%s: %w", path, err)
	}
	slot := len(w.objects)
	w.objects = append(w.objects, draftObject{}) // parents before children, as Git packs them
	var edits []splice
	for _, name := range names {
		e, found := old[name]
		edit, err := w.child(p, name, path+name, raw, e, found)
		if err != nil {
			return ID{}, err
		}
		edits = append(edits, edit)
	}
	slices.SortStableFunc(edits, func(a, b splice) int { return a.at - b.at })
	o := draftObject{id: hashSpliced("tree", raw, edits), kind: typeTree}
	switch {
	case o.id == id: // nothing below changed; a delta against itself would confuse the remote
		w.objects = w.objects[:slot]
		return id, nil
	case id.IsZero():
		o.data = applySplices(nil, edits)
	default:
		o.base, o.whole, o.edits = id, raw, edits
	}
	w.objects[slot] = o
	return o.id, nil
}

// existing finds the draft's names in a raw tree, in one pass.
func (p *plot) existing(raw []byte) (map[string]entry, error) {
	old := map[string]entry{}
	err := eachEntry(raw, func(e entry) error {
		_, file := p.files[string(e.name)]
		if _, dir := p.dirs[string(e.name)]; !file && !dir {
			return nil
		}
		if _, twice := old[string(e.name)]; twice {
			return fmt.Errorf("%w: %q is there twice", errMalformedTree, clean(string(e.name), 80))
		}
		old[string(e.name)] = e
		return nil
	})
	return old, err
}

// child writes one file or subdirectory and returns the edit of its directory.
func (w *composer) child(p *plot, name, path string, raw []byte, e entry, found bool) (splice, error) {
	data, isFile := p.files[name]
	var old ID
	if found {
		old = e.id(raw)
	}
	var id ID
	var err error
	mode := Directory
	switch {
	case isFile && found && !e.mode.IsFile():
		err = fmt.Errorf("%s %w", path, kindError(e.mode))
	case isFile:
		mode = Regular
		id, err = w.file(path, old, data)
	case found && e.mode.IsFile():
		err = fmt.Errorf("%s %w", path, ErrNotDirectory)
	case found && e.mode != Directory:
		err = fmt.Errorf("%s %w", path, kindError(e.mode))
	default:
		id, err = w.directory(p.dirs[name], old, path+"/")
	}
	if err != nil {
		return splice{}, err
	}
	if found {
		return splice{at: e.idAt, cut: 20, put: id[:]}, nil
	}
	at, err := insertAt(raw, name, mode == Directory)
	record := fmt.Appendf(nil, "%o %s\x00%s", uint32(mode), name, id[:])
	return splice{at: at, put: record}, err
}

// file adds a blob, as an edit of the old one where there is one.
func (w *composer) file(path string, old ID, data []byte) (ID, error) {
	if len(data) > w.limit {
		return ID{}, fmt.Errorf("%s %w: %d bytes, the limit is %d", path, ErrTooLarge, len(data), w.limit)
	}
	id := hashObject("blob", data)
	if id == old {
		return id, nil
	}
	o := draftObject{id: id, kind: typeBlob, data: data}
	if !old.IsZero() {
		was, err := w.st.get(old, typeBlob, w.limit)
		if err != nil {
			return ID{}, fmt.Errorf("%s: %w", path, err)
		}
		if isLFS(was.data) {
			return ID{}, fmt.Errorf("%s %w", path, ErrLFS)
		}
		o.base, o.whole, o.edits = old, was.data, []splice{commonSplice(was.data, data)}
	}
	w.objects = append(w.objects, o)
	return id, nil
}

// insertAt is the offset where Git's order wants a new name.
func insertAt(raw []byte, name string, dir bool) (int, error) {
	for i := 0; i < len(raw); {
		e, next, err := nextEntry(raw, i)
		if err != nil {
			return 0, err
		}
		if compareNames(e.name, e.mode == Directory, []byte(name), dir) > 0 {
			return i, nil
		}
		i = next
	}
	return len(raw), nil
}
