package splice

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/waveguide-dev/waveguide/gitops/edit/path"
)

const (
	maxMerge = 16        // merge keys nested in one another; a self-reference has no end
	maxKeys  = 1_000_000 // keys looked at behind merge keys, for one path or one document
)

// Target is one scalar of a file.
type Target struct {
	Document int    // 1-based
	Line     int    // 1-based
	Path     string // leads to this scalar, within its document
	Value    string // what it reads

	Tree   *Tree
	Node   *yaml.Node
	Parent *yaml.Node // the mapping or sequence it stands in; nil for a document's own scalar
	Lone   bool       // parent has no known key for a digest beside it
}

// Lookup looks things up in one tree, with a bound on the work that merge keys can cause.
type Lookup struct {
	Tree *Tree
	keys int
}

// Child is the value under key, with what led through an alias or merge key told by via.
func (l *Lookup) Child(n *yaml.Node, key string) (v *yaml.Node, via bool, err error) {
	return l.childAt(n, key, 0)
}

func (l *Lookup) childAt(n *yaml.Node, key string, depth int) (v *yaml.Node, via bool, err error) {
	if n != nil && n.Kind == yaml.AliasNode {
		n, via = n.Alias, true
	}
	if depth > 0 {
		l.keys += 1 + len(n.Content)/2
	}
	if depth > maxMerge || l.keys > maxKeys {
		return nil, false, Refuse(ErrTooLarge, l.Tree.Line(n), "merge keys nest too deep or too wide")
	}
	if n == nil || n.Kind != yaml.MappingNode {
		return nil, false, nil
	}
	merges := false
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		merges = merges || k.Tag == "!!merge"
		if k.Kind != yaml.ScalarNode || k.Value != key {
			continue
		}
		if v != nil {
			return nil, false, Refuse(ErrDuplicate, l.Tree.Line(k), "%q stands at lines %d and %d", key, l.Tree.Line(v), l.Tree.Line(k))
		}
		v = n.Content[i+1]
	}
	if v != nil || !merges {
		return v, via, nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Tag != "!!merge" {
			continue
		}
		from := []*yaml.Node{n.Content[i+1]}
		if from[0].Kind == yaml.SequenceNode {
			from = from[0].Content
		}
		for _, m := range from {
			if v, _, err := l.childAt(m, key, depth+1); v != nil || err != nil {
				return v, true, err
			}
		}
	}
	return nil, false, nil
}

// matches says whether n fulfils all conditions; aliases may be read, only not written.
func (l *Lookup) matches(n *yaml.Node, where []path.Condition) (bool, error) {
	for _, c := range where {
		m := n
		for _, k := range c.Keys {
			var err error
			if m, _, err = l.Child(m, k); m == nil || err != nil {
				return false, err
			}
		}
		if m = Resolved(m); m.Kind != yaml.ScalarNode || m.Value != c.Value {
			return false, nil
		}
	}
	return true, nil
}

// At finds the one scalar that the path leads to. Document counts from 1; 0 searches all documents.
func (f *File) At(expr string, document int) (Target, error) {
	steps, err := path.Parse(expr)
	if err != nil {
		return Target{}, f.In(Refuse(ErrPath, 0, "%v", err), expr)
	}
	if document < 0 || document > len(f.Tree.Docs) {
		return Target{}, f.In(Refuse(ErrNoMatch, 0, "it has only %d documents", len(f.Tree.Docs)), expr)
	}
	var found []Target
	var missing error
	for i, d := range f.Tree.Docs {
		n := Root(d)
		if document != 0 && document != i+1 || n == nil {
			continue
		}
		t, err := resolve(f.Tree, n, steps)
		if errors.Is(err, ErrNoMatch) {
			missing = err
			continue
		}
		if err != nil {
			return Target{}, f.In(err, expr)
		}
		t.Document, t.Path = i+1, expr
		found = append(found, t)
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		lines := make([]int, len(found))
		for i, t := range found {
			lines[i] = t.Line
		}
		return Target{}, f.In(Refuse(ErrAmbiguous, found[1].Line, "%d documents have it, at %s", len(found), lineList(lines)), expr)
	case missing == nil || document == 0 && len(f.Tree.Docs) > 1:
		missing = Refuse(ErrNoMatch, 0, "none of %d documents has it", len(f.Tree.Docs))
	}
	return Target{}, f.In(missing, expr)
}

func lineList(lines []int) string {
	word := "lines"
	if len(lines) == 1 {
		word = "line"
	}
	parts := make([]string, 0, len(lines))
	for i, l := range lines {
		if i == 10 {
			parts = append(parts, "...")
			break
		}
		parts = append(parts, strconv.Itoa(l))
	}
	return word + " " + strings.Join(parts, ", ")
}

func resolve(t *Tree, n *yaml.Node, steps []path.Step) (Target, error) {
	l := &Lookup{Tree: t}
	var parent *yaml.Node
	for i := 0; i < len(steps); i++ {
		s := steps[i]
		if n.Kind == yaml.AliasNode {
			return Target{}, Aliased(l.Tree, n)
		}
		if i == 0 || steps[i-1].Kind == path.Embed { // a selector here picks the document
			if s.Kind == path.Select && n.Kind == yaml.MappingNode {
				ok, err := l.matches(n, s.Where)
				if err != nil {
					return Target{}, err
				}
				if !ok {
					return Target{}, Refuse(ErrNoMatch, l.Tree.Line(n), "the document is not %s", s)
				}
				continue
			}
		}
		if s.Kind == path.Embed {
			in, err := l.Tree.Embedded(n)
			if err != nil {
				return Target{}, err
			}
			r := RootOf(in)
			if r == nil {
				return Target{}, Refuse(ErrNoMatch, l.Tree.Line(n), "the embedded text is empty or has several documents")
			}
			l.Tree, n, parent = in, r, nil
			continue
		}
		next, err := l.step(n, s)
		if errors.Is(err, ErrNoMatch) {
			if v, more := l.dotted(n, steps[i:]); v != nil {
				next, err, i = v, nil, i+more
			}
		}
		if err != nil {
			return Target{}, err
		}
		n, parent = next, n
	}
	if n.Kind == yaml.AliasNode {
		return Target{}, Aliased(l.Tree, n)
	}
	if n.Kind != yaml.ScalarNode {
		return Target{}, Refuse(ErrNotScalar, l.Tree.Line(n), "%s stands there%s", Describe(n), keysOf(n))
	}
	return Target{Line: l.Tree.Line(n), Value: n.Value, Tree: l.Tree, Node: n, Parent: parent}, nil
}

// dotted finds a key that holds full stops itself where the path writes them as steps, as the paths of Argo CD Image
// Updater do. It gives how many more steps the key takes.
func (l *Lookup) dotted(n *yaml.Node, steps []path.Step) (*yaml.Node, int) {
	if n.Kind != yaml.MappingNode {
		return nil, 0
	}
	key := ""
	for i, s := range steps {
		if s.Kind != path.Key {
			break
		}
		if key += s.Key; i > 0 {
			if v, via, err := l.Child(n, key); v != nil && !via && err == nil {
				return v, i
			}
		}
		key += "."
	}
	return nil, 0
}

// RootOf is the content of a text with just one document.
func RootOf(t *Tree) *yaml.Node {
	if len(t.Docs) != 1 {
		return nil
	}
	return Root(t.Docs[0])
}

// Aliased refuses an alias.
func Aliased(t *Tree, n *yaml.Node) error {
	return Refuse(ErrAlias, t.Line(n), "*%s stands for the text at line %d", n.Value, t.Line(n.Alias))
}

// step goes from n to the node that s names.
func (l *Lookup) step(n *yaml.Node, s path.Step) (*yaml.Node, error) {
	line := l.Tree.Line(n)
	switch {
	case s.Kind == path.Select:
		return l.selected(n, s)
	case n.Kind == yaml.SequenceNode:
		i := s.Index
		if s.Kind == path.Key {
			var err error
			if i, err = strconv.Atoi(s.Key); err != nil || strconv.Itoa(i) != s.Key {
				return nil, Refuse(ErrNoMatch, line, "a sequence stands there; %q is no index, write [name=...] to select", s.Key)
			}
		}
		if i < 0 || i >= len(n.Content) {
			return nil, Refuse(ErrNoMatch, line, "index %d of a sequence of %d", i, len(n.Content))
		}
		return n.Content[i], nil
	case s.Kind == path.Index:
		return nil, Refuse(ErrNoMatch, line, "%s stands there, not a sequence", Describe(n))
	}
	v, via, err := l.Child(n, s.Key)
	switch {
	case err != nil:
		return nil, err
	case v == nil:
		return nil, Refuse(ErrNoMatch, line, "no key %q%s", s.Key, keysOf(n))
	case via:
		return nil, Refuse(ErrAlias, l.Tree.Line(v), "%q comes by a merge key from line %d", s.Key, l.Tree.Line(v))
	}
	return v, nil
}

// selected is the one item of a sequence that fulfils a selector.
func (l *Lookup) selected(n *yaml.Node, s path.Step) (*yaml.Node, error) {
	if n.Kind != yaml.SequenceNode {
		return nil, Refuse(ErrNoMatch, l.Tree.Line(n), "%s selects in a sequence, but %s stands there", s, Describe(n))
	}
	var hit *yaml.Node
	var lines []int
	for _, m := range n.Content {
		ok, err := l.matches(m, s.Where)
		if err != nil {
			return nil, err
		}
		if ok {
			hit, lines = m, append(lines, l.Tree.Line(m))
		}
	}
	switch len(lines) {
	case 0:
		return nil, Refuse(ErrNoMatch, l.Tree.Line(n), "none of %d items is %s", len(n.Content), s)
	case 1:
		return hit, nil
	}
	return nil, Refuse(ErrAmbiguous, lines[1], "%d items are %s, at %s", len(lines), s, lineList(lines))
}

// keysOf lists some keys of a mapping, for the text of a refusal.
func keysOf(n *yaml.Node) string {
	if n.Kind != yaml.MappingNode || len(n.Content) == 0 {
		return ""
	}
	var keys []string
	for i := 0; i+1 < len(n.Content); i += 2 {
		if len(keys) == 8 {
			keys = append(keys, "...")
			break
		}
		keys = append(keys, fmt.Sprintf("%.40s", n.Content[i].Value))
	}
	return "; there are " + strings.Join(keys, ", ")
}
