package edit

import (
	"strings"

	"go.yaml.in/yaml/v3"

	expr "github.com/waveguide-dev/waveguide/gitops/edit/path"
	"github.com/waveguide-dev/waveguide/gitops/edit/splice"
)

// named is a name with its value, wherever the format keeps the two.
type named struct {
	name   string
	value  *yaml.Node // a scalar; what an alias stands for
	parent *yaml.Node // the mapping that holds the value
	way    []frame    // from the end of the search's way to the parent
	key    string     // of the value in the parent
	fault  error      // why it cannot be written
}

// entry looks at a mapping that may name a repository and its version in fields of its own.
func (s *search) entry(n *yaml.Node) {
	s.defaults(n)
	if !s.mayName(n) {
		return
	}
	fields := s.fields(n)
	if !s.anyNames(fields) {
		return
	}
	has := map[string]bool{}
	for _, f := range fields {
		has[f.name] = true
	}
	switch {
	case s.inImages() && has["name"] && !has["repository"] && (has["newName"] || has["newTag"] || has["digest"] && !has["tag"]):
		s.kustomization(n)
	case s.chart(n, has), s.located(n, has):
	default:
		s.values(fields)
	}
}

// mayName is a quick check before anything is collected.
func (s *search) mayName(n *yaml.Node) bool {
	for i := 0; i+1 < len(n.Content); i += 2 {
		v := splice.Resolved(n.Content[i+1])
		if v.Kind == yaml.ScalarNode && strings.Contains(v.Value, s.base) || n.Content[i].Tag == "!!merge" {
			return true
		}
	}
	return false
}

// fields are the scalars of a mapping, and those that well-known keys get by a merge key.
func (s *search) fields(n *yaml.Node) (out []named) {
	merges := false
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		merges = merges || k.Tag == "!!merge"
		v := splice.Resolved(n.Content[i+1])
		if k.Kind != yaml.ScalarNode || v == nil || v.Kind != yaml.ScalarNode {
			continue
		}
		out = append(out, named{name: k.Value, key: k.Value, value: v, parent: n})
		seen[k.Value] = true
	}
	if merges {
		for _, key := range []string{"name", "repository", "image", "registry", "tag", "digest", "newName", "newTag", "version"} {
			if _, v := s.field(n, key); v != nil && !seen[key] {
				out = append(out, named{name: key, key: key, value: v, parent: n})
			}
		}
	}
	return out
}

// anyNames says whether one of the values can name the repository or a part of it.
func (s *search) anyNames(fields []named) bool {
	for _, f := range fields {
		if len(f.value.Value) <= maxScalar && strings.Contains(f.value.Value, s.base) {
			return true
		}
	}
	return false
}

// inImages says whether the node at the end of the way is an item of a sequence under the key images.
func (s *search) inImages() bool {
	if len(s.way) < 2 {
		return false
	}
	seq, key := s.way[len(s.way)-1], s.way[len(s.way)-2]
	return seq.node.Kind == yaml.SequenceNode && key.node.Kind == yaml.MappingNode && key.node.Content[key.index].Value == "images"
}

// field reads a scalar of a mapping, through aliases and merge keys. Empty when it is not there.
func (s *search) field(n *yaml.Node, key string) (string, *yaml.Node) {
	v, _, err := s.look.Child(n, key)
	if v = splice.Resolved(v); err != nil || v == nil || v.Kind != yaml.ScalarNode {
		return "", nil
	}
	return v.Value, v
}

// part is the target of a field that is to be written; its fault is of the place.
func (s *search) part(n *yaml.Node, key string) (*Target, error) {
	v, via, err := s.look.Child(n, key)
	switch {
	case err != nil || v == nil:
		return nil, err
	case v.Kind == yaml.AliasNode:
		return nil, splice.Aliased(s.look.Tree, v)
	case via:
		return nil, refuse(ErrAlias, s.look.Tree.Line(v), "%q comes by a merge key from line %d", key, s.look.Tree.Line(v))
	case v.Kind != yaml.ScalarNode:
		return nil, refuse(ErrNotScalar, s.look.Tree.Line(v), "%s stands there", splice.Describe(v))
	case s.look.Tree.Closed(v) != "":
		return nil, refuse(ErrTemplate, s.look.Tree.Line(v), "%.80q: %s", v.Value, s.look.Tree.Closed(v))
	}
	t := s.target(v, expr.Step{Kind: expr.Key, Key: key})
	t.Parent = n
	return &t, nil
}

// kustomization looks at an entry of images. What kustomize runs is newName where it stands, else name.
func (s *search) kustomization(n *yaml.Node) {
	name, nameNode := s.field(n, "name")
	newName, newNode := s.field(n, "newName")
	byName, byNew := s.want.is(parseRepository(name)), s.want.is(parseRepository(newName))
	switch {
	case newName != "" && !byNew && (!byName || !s.want.mirrors(parseRepository(newName))):
		return
	case newName == "" && !byName:
		return
	}
	s.fieldHit(n, FormKustomization, "newTag", "digest", nameNode, newNode)
}

// fieldHit adds the place of a mapping whose tag and digest are fields; names are the scalars that name the repository.
func (s *search) fieldHit(n *yaml.Node, form Form, tagKey, digestKey string, names ...*yaml.Node) bool {
	h, at := s.fieldsOf(n, form, tagKey, digestKey)
	if at == nil {
		if h.fault == nil {
			return false
		}
		t := s.target(names[0], expr.Step{Kind: expr.Key, Key: tagKey})
		at = &t
	}
	s.addFields(h, *at, names...)
	return true
}

func (s *search) addFields(h Hit, at Target, names ...*yaml.Node) {
	for _, m := range names {
		if m != nil {
			s.named[s.look.Tree.Line(m)] = true
		}
	}
	for _, p := range []*Target{h.tag, h.digest} {
		if p != nil {
			s.named[p.Line] = true
		}
	}
	s.add(h, at)
}

// fieldsOf reads tag and digest of a mapping; at is the part that names the version, nil when nothing does.
func (s *search) fieldsOf(n *yaml.Node, form Form, tagKey, digestKey string) (Hit, *Target) {
	tag, err := s.part(n, tagKey)
	var digest *Target
	if err == nil && digestKey != "" {
		digest, err = s.part(n, digestKey)
	}
	h, at := s.fieldsAt(form, tag, digest, err)
	if h.pathOfDigest == "" && tag != nil {
		h.pathOfDigest = s.path(expr.Step{Kind: expr.Key, Key: "digest"})
	}
	return h, at
}

// fieldsAt reads what stands in the fields of tag and digest.
func (s *search) fieldsAt(form Form, tag, digest *Target, fault error) (h Hit, at *Target) {
	h = Hit{Form: form, tag: tag, digest: digest, fault: fault}
	if h.tag != nil {
		h.Tag, h.Digest, _ = strings.Cut(strings.TrimRight(h.tag.Value, "\n"), "@")
		at = h.tag
	}
	if h.digest != nil && h.digest.Value != "" {
		h.Digest = strings.TrimRight(h.digest.Value, "\n")
		if h.bare = len(h.Digest) == 64 && isCommit(h.Digest) && form == FormValues; h.bare {
			h.Digest = "sha256:" + h.Digest
		}
		if h.Tag == "" {
			at = h.digest
		}
	}
	if h.Tag == "" && h.Digest == "" {
		return h, nil
	}
	if h.fault == nil {
		h.fault = form.fault(at.Line, h.Tag, h.Digest)
	}
	return h, at
}

// fault says why a tag or digest that stands there is no version of its form.
func (f Form) fault(line int, tag, digest string) error {
	if tag != "" && (strings.Contains(tag, "{{") || strings.Contains(tag, "${") || strings.Contains(tag, "$(")) {
		return refuse(ErrTemplate, line, "%.80q is filled in by another program", tag)
	}
	switch {
	case f == FormChart:
		if tag != "" && !reSemver.MatchString(tag) {
			return notOne(line, tag)
		}
	case f == FormRevision, f == FormRef:
		switch {
		case tag == "" || isDigest(tag) || isCommit(tag):
		case !reRef.MatchString(tag):
			return notOne(line, tag)
		case !strings.ContainsAny(tag, "0123456789"):
			return moving(line, tag)
		}
	case tag != "" && !reTag.MatchString(tag) && !isDigest(tag):
		return refuse(ErrTemplate, line, "%.80q is neither a tag nor a digest", tag)
	}
	if digest != "" && !isDigest(digest) && (f != FormRevision && f != FormRef || !isCommit(digest)) {
		return refuse(ErrTemplate, line, "%.80q is neither a tag nor a digest", digest)
	}
	return nil
}

func notOne(line int, text string) error {
	return refuse(ErrRange, line, "%.80q is not one version", text)
}

func moving(line int, text string) error {
	return refuse(ErrRange, line, "%.80q is a name that moves by itself", text)
}
