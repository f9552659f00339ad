package edit

import (
	"bytes"
	"strings"

	"go.yaml.in/yaml/v3"

	expr "github.com/waveguide-dev/waveguide/gitops/edit/path"
	"github.com/waveguide-dev/waveguide/gitops/edit/splice"
)

// Sources reads the addresses of Flux sources, by kind and name such as HelmRepository/shop. A HelmRelease names its chart's
// repository only by them; give those of other files in [Request].
func (f *File) Sources() map[string]string {
	out := map[string]string{}
	l := splice.Lookup{Tree: f.Tree}
	read := func(n *yaml.Node, keys ...string) string {
		for _, k := range keys {
			v, _, err := l.Child(n, k)
			if err != nil || v == nil {
				return ""
			}
			n = v
		}
		if n = splice.Resolved(n); n.Kind != yaml.ScalarNode {
			return ""
		}
		return n.Value
	}
	for _, d := range f.Tree.Docs {
		n := splice.Root(d)
		if n == nil || n.Kind != yaml.MappingNode {
			continue
		}
		kind, name, url := read(n, "kind"), read(n, "metadata", "name"), read(n, "spec", "url")
		if url != "" && strings.HasSuffix(kind, "Repository") {
			out[kind+"/"+name] = url
		}
	}
	return out
}

// DefinesSources is the fast check for [File.Sources] before any parsing.
func DefinesSources(src []byte) bool {
	before, _, found := bytes.Cut(src, []byte("Repository"))
	return found && bytes.Contains(before, []byte("kind")) && bytes.Contains(src, []byte("url"))
}

// AddSources adds the sources that a file defines to those of others. One that two files define differently is nobody's.
func AddSources(all map[string]string, name string, src []byte) {
	if !Known(name) || !DefinesSources(src) {
		return
	}
	f, err := Open(name, src)
	if err != nil {
		return
	}
	for key, url := range f.Sources() {
		if old, again := all[key]; again && old != url {
			url = ""
		}
		all[key] = url
	}
}

// chart looks at a mapping that names a chart or module apart from where it comes from: Chart.yaml dependencies,
// helmCharts, HelmRelease, HelmChart, Application, helm_release, modules of a Terraform registry.
func (s *search) chart(n *yaml.Node, has map[string]bool) bool {
	nameKey, versionKey := "chart", "version"
	switch {
	case has["source"] && has["version"]:
		return s.module(n)
	case has["chart"] && has["targetRevision"]:
		versionKey = "targetRevision"
	case has["chart"] && has["version"]:
	case has["name"] && has["version"] && (has["repository"] || has["repo"]) && !has["tag"] && !has["digest"]:
		nameKey = "name"
	default:
		return false
	}
	name, nameNode := s.field(n, nameKey)
	names := []*yaml.Node{nameNode}
	var doubt error
	at, found := "", false
	for _, key := range []string{"repoURL", "repository", "repo", "url"} {
		if v, node := s.field(n, key); v != "" && !found {
			at, found, names = v, true, append(names, node)
		}
	}
	ref, _, err := s.look.Child(n, "sourceRef")
	switch {
	case found:
		found = s.want.is(parseRepository(strings.TrimSuffix(at, "/") + "/" + name))
	case strings.Contains(name, "://"):
		found = s.want.is(parseRepository(name))
	case err == nil && ref != nil && name == s.base:
		found, doubt = s.sourced(ref, name)
	}
	if !found {
		return false
	}
	h, target := s.fieldsOf(n, FormChart, versionKey, "")
	if target == nil {
		return false
	}
	h.doubt = doubt
	s.addFields(h, *target, names...)
	return true
}

// sourced says whether the chart of a Flux source is the one wanted. Where nobody says what the source is, it may be.
func (s *search) sourced(ref *yaml.Node, name string) (bool, error) {
	url, key, node := s.source(ref)
	if url == "" && node != nil {
		r := refuse(ErrAmbiguous, s.look.Tree.Line(node), "the chart %s comes from %s, which this file does not define", name, key)
		r.Hint = "give the file that defines " + key + " as well, or the path of the version"
		return true, r
	}
	return s.want.is(parseRepository(strings.TrimSuffix(url, "/") + "/" + name)), nil
}

// source is the address of the Flux source that a reference names, as far as this file and the others say.
func (s *search) source(ref *yaml.Node) (url, key string, name *yaml.Node) {
	kind, _ := s.field(ref, "kind")
	source, name := s.field(ref, "name")
	key = kind + "/" + source
	if url = s.sources[key]; url == "" {
		url = s.file.Sources()[key]
	}
	return url, key, name
}

// module looks at a module of a registry of Terraform or OpenTofu.
func (s *search) module(n *yaml.Node) bool {
	from, node := s.field(n, "source")
	r := parseRepository(from)
	public := s.want.registry == terraformRegistry && r.registry == "docker.io" && r.path == s.want.path
	if !public && !s.want.is(r) {
		return false
	}
	return s.fieldHit(n, FormChart, "version", "", node)
}

// located looks at a mapping with an address and a revision: Application, OCIRepository, GitRepository.
func (s *search) located(n *yaml.Node, has map[string]bool) bool {
	if has["repoURL"] && has["targetRevision"] && !has["chart"] {
		at, node := s.field(n, "repoURL")
		return s.want.is(parseRepository(at)) && s.revision(n, "targetRevision", node)
	}
	if !has["url"] {
		return false
	}
	at, node := s.field(n, "url")
	if !s.want.is(parseRepository(at)) {
		return false
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if ref := n.Content[i+1]; n.Content[i].Value == "ref" && ref.Kind == yaml.MappingNode {
			s.way = append(s.way, frame{tree: s.look.Tree, node: n, index: i})
			found := s.ref(ref, node)
			s.way = s.way[:len(s.way)-1]
			return found
		}
	}
	return false
}

// revision is a single field that holds a tag, a digest or a commit.
func (s *search) revision(n *yaml.Node, key string, named *yaml.Node) bool {
	t, err := s.part(n, key)
	if t == nil && err == nil {
		return false
	}
	if t == nil {
		first := s.target(named, expr.Step{Kind: expr.Key, Key: key})
		s.addFields(Hit{Form: FormRevision, fault: err}, first, named)
		return true
	}
	h := Hit{Form: FormRevision, whole: t}
	if isDigest(t.Value) || isCommit(t.Value) {
		h.Digest = t.Value
	} else {
		h.Tag = t.Value
	}
	h.fault = FormRevision.fault(t.Line, h.Tag, "")
	h.oci = strings.HasPrefix(named.Value, "oci://")
	s.addFields(h, *t, named)
	return true
}

// ref is the revision of a Flux source: digest or commit is in force before tag, semver and branch.
func (s *search) ref(n, named *yaml.Node) bool {
	digestKey := "digest"
	if _, v := s.field(n, "commit"); v != nil {
		digestKey = "commit"
	}
	if s.fieldHit(n, FormRef, "tag", digestKey, named) {
		s.hits[len(s.hits)-1].oci = strings.HasPrefix(named.Value, "oci://")
		return true
	}
	for _, key := range []string{"semver", "name", "branch"} {
		if t, err := s.part(n, key); t != nil && err == nil {
			h := Hit{Form: FormRef, Tag: t.Value, fault: notOne(t.Line, t.Value)}
			s.addFields(h, *t, named)
			return true
		}
	}
	return false
}
