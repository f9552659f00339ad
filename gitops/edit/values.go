package edit

import (
	"strings"

	"go.yaml.in/yaml/v3"

	expr "github.com/waveguide-dev/waveguide/gitops/edit/path"
	"github.com/waveguide-dev/waveguide/gitops/edit/splice"
)

// values looks among names and values for one that names the repository, and for the tag and digest that belong to it
// by their names: repository and tag, image and imageTag, APP_IMAGE and APP_TAG, image.repository and image.tag.
func (s *search) values(fields []named) {
	var by index
	for i := range fields {
		f := &fields[i]
		if len(f.value.Value) > maxScalar || !strings.HasSuffix(strings.TrimSuffix(f.value.Value, "\n"), s.base) {
			continue
		}
		if by == nil {
			by = indexOf(fields)
		}
		prefix, last := splitName(f.name)
		names := []*yaml.Node{f.value}
		registry := ""
		for _, stem := range stems(last) {
			if r := by.pick(prefix+stem, "registry", "imageregistry"); r != nil && registry == "" {
				registry, names = r.value.Value, append(names, r.value)
			}
		}
		if s.isNamed(f.value.Value, registry) && s.versioned(by, prefix, last, names) {
			return
		}
	}
}

// versioned adds the place of the tag and digest that belong to the repository of a name.
func (s *search) versioned(by index, prefix, last string, names []*yaml.Node) bool {
	for _, stem := range stems(last) {
		tag := by.pick(prefix+stem, "tag", "imagetag")
		if tag == nil && last != "name" && (stem != "" || by.pick(prefix, "name") == nil) {
			tag = by.pick(prefix+stem, "version", "imageversion")
		}
		digest := by.pick(prefix+stem, "digest", "imagedigest", "sha", "sha256")
		if s.valueHit(tag, digest, names) {
			return true
		}
	}
	return false
}

// index finds fields by their plain names.
type index map[string]*named

func indexOf(fields []named) index {
	by := index{}
	for i := range fields {
		prefix, last := splitName(fields[i].name)
		if by[prefix+last] == nil {
			by[prefix+last] = &fields[i]
		}
	}
	return by
}

// pick is the field whose plain name is the stem with the first of the ends that there is.
func (x index) pick(stem string, ends ...string) *named {
	for _, end := range ends {
		if f := x[stem+end]; f != nil {
			return f
		}
	}
	return nil
}

// splitName parts a dotted name before its last word.
func splitName(name string) (prefix, last string) {
	i := strings.LastIndexByte(name, '.')
	return name[:i+1], plainName(name[i+1:])
}

// plainName leaves out what only separates words.
func plainName(s string) string {
	if strings.ContainsAny(s, "_-") {
		s = strings.ReplaceAll(strings.ReplaceAll(s, "_", ""), "-", "")
	}
	return strings.ToLower(s)
}

// stems are the beginnings that the names of tag and digest may share with that of the repository.
func stems(last string) []string {
	for _, end := range []string{"imagerepository", "imagerepo", "imagename", "repository", "repo", "image"} {
		if rest, ok := strings.CutSuffix(last, end); ok {
			if strings.HasPrefix(end, "image") {
				return []string{rest + "image", rest}
			}
			return []string{rest}
		}
	}
	if last == "name" {
		return []string{""}
	}
	return []string{last}
}

// isNamed says whether a repository field, with the registry beside it or that of all images, is the one wanted.
func (s *search) isNamed(repo, registry string) bool {
	repo = strings.TrimSuffix(repo, "\n")
	if registry != "" {
		return s.want.is(parseRepository(strings.TrimSuffix(registry, "/") + "/" + repo))
	}
	if s.want.is(parseRepository(repo)) {
		return true
	}
	for _, g := range s.global {
		if s.want.is(parseRepository(g + "/" + repo)) {
			return true
		}
	}
	return false
}

// valueHit adds the place of a tag and digest that belong together.
func (s *search) valueHit(tag, digest *named, names []*yaml.Node) bool {
	t, err := s.namedPart(tag)
	d, err2 := s.namedPart(digest)
	if err == nil {
		err = err2
	}
	h, at := s.fieldsAt(FormValues, t, d, err)
	if at == nil {
		if h.fault == nil {
			return false
		}
		first := s.target(names[0])
		at = &first
	}
	if tag != nil {
		h.pathOfDigest = s.pathBeside(tag, "digest")
	}
	s.addFields(h, *at, names...)
	return true
}

// namedPart is the target of a named value.
func (s *search) namedPart(f *named) (*Target, error) {
	if f == nil {
		return nil, nil
	}
	if f.fault != nil {
		return nil, f.fault
	}
	n := len(s.way)
	s.way = append(s.way, f.way...)
	t, err := s.part(f.parent, f.key)
	s.way = s.way[:n]
	if t != nil && (len(f.way) > 0 || f.key != "tag" && f.key != "version") {
		t.Lone = true
	}
	return t, err
}

// pathBeside is the path of a key in the mapping of a named value.
func (s *search) pathBeside(f *named, key string) string {
	n := len(s.way)
	s.way = append(s.way, f.way...)
	p := s.path(expr.Step{Kind: expr.Key, Key: key})
	s.way = s.way[:n]
	return p
}

// pairs looks at a sequence of name and value: Helm parameters of Argo CD, environment variables, set blocks.
func (s *search) pairs(n *yaml.Node) {
	var fields []named
	for i, c := range n.Content {
		if c = splice.Resolved(c); c.Kind != yaml.MappingNode {
			return
		}
		name, _ := s.field(c, "name")
		if _, v := s.field(c, "value"); v != nil && name != "" {
			fields = append(fields, named{name: name, key: "value", value: v, parent: c, way: []frame{{tree: s.look.Tree, node: n, index: i}}})
		}
	}
	if s.anyNames(fields) {
		s.values(fields)
	}
}

// defaults looks at the variables of Terraform: a mapping of mappings with a default.
func (s *search) defaults(n *yaml.Node) {
	if s.look.Tree.Format != splice.HCL {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if v := n.Content[i+1]; n.Content[i].Value == "variable" && v.Kind == yaml.MappingNode {
			s.variables(n, i, v)
		}
	}
}

func (s *search) variables(n *yaml.Node, at int, v *yaml.Node) {
	var fields []named
	for i := 0; i+1 < len(v.Content); i += 2 {
		c := v.Content[i+1]
		if _, d := s.field(c, "default"); d != nil {
			way := []frame{{tree: s.look.Tree, node: n, index: at}, {tree: s.look.Tree, node: v, index: i}}
			fields = append(fields, named{name: v.Content[i].Value, key: "default", value: d, parent: c, way: way})
		}
	}
	if s.anyNames(fields) {
		s.values(fields)
	}
}
