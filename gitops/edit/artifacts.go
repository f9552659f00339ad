package edit

import (
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/waveguide-dev/waveguide/gitops/edit/splice"
)

const (
	maxArtifacts = 500       // different names that one file is asked for
	maxCensus    = 256 << 20 // bytes of the file times names
)

// Named is an artifact that a file names, with a place of it.
type Named struct {
	Repository string // with its registry or host
	Hit
}

// Artifacts is [File.Find] the other way round: what the file names, for a first look at a repository, for drift and for
// pages. A name counts when it comes with a version. Charts are known by the sources that other files define. A file with too
// many names for its size is refused.
func (f *File) Artifacts(sources map[string]string) (out []Named, err error) {
	c := &census{seen: map[repository]bool{}}
	s := &search{file: f, named: map[int]bool{}, sources: sources}
	for i, d := range f.Tree.Docs {
		if n := splice.Root(d); n != nil {
			s.doc = i + 1
			s.enter(f.Tree, n)
			c.search = s
			c.walk(n, "")
		}
	}
	if len(c.names) > maxArtifacts || len(c.names)*len(f.Tree.Text) > maxCensus {
		return nil, f.In(refuse(ErrTooLarge, 0, "%d names in %d bytes", len(c.names), len(f.Tree.Text)), "")
	}
	for _, name := range c.names {
		hits, _ := f.find(name, sources)
		for _, h := range hits {
			if h.doubt == nil && !overlapsAny(out, h) {
				out = append(out, Named{Repository: name, Hit: h})
			}
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].Line < out[j].Line })
	return out, nil
}

func overlapsAny(out []Named, h Hit) bool {
	for i := range out {
		if out[i].overlaps(h) {
			return true
		}
	}
	return false
}

// census collects the texts that may name a repository.
type census struct {
	*search
	seen  map[repository]bool
	names []string
}

func (c *census) add(text string) {
	text = strings.TrimSuffix(text, "\n")
	if text == "" || len(text) > maxScalar || len(c.names) > maxArtifacts {
		return
	}
	r := parseRepository(text)
	name := r.registry + "/" + r.path
	if r.sub != "" {
		name += "//" + r.sub
	}
	if c.seen[r] || !reRepository.MatchString(r.registry+"/"+r.path) {
		return
	}
	c.seen[r] = true
	c.names = append(c.names, name)
}

// walk visits a node under a key.
func (c *census) walk(n *yaml.Node, key string) {
	switch n.Kind {
	case yaml.MappingNode:
		c.mapping(n)
		for i := 0; i+1 < len(n.Content); i += 2 {
			c.walk(n.Content[i+1], n.Content[i].Value)
		}
	case yaml.SequenceNode:
		for _, m := range n.Content {
			c.walk(m, key)
		}
	case yaml.ScalarNode:
		c.scalar(n, key)
	case yaml.DocumentNode, yaml.AliasNode:
	}
}

// scalar takes what is a reference beyond doubt, and what stands where images and addresses stand.
func (c *census) scalar(n *yaml.Node, key string) {
	if n.Style&yaml.LiteralStyle != 0 {
		if in, err := c.look.Tree.Embedded(n); err == nil && splice.RootOf(in) != nil {
			look := c.look
			c.look = splice.Lookup{Tree: in}
			c.walk(splice.RootOf(in), "")
			c.look = look
		}
		return
	}
	if len(n.Value) > maxScalar || strings.ContainsAny(n.Value, " \t") {
		return
	}
	if _, ok := parseSource(n.Value); ok {
		c.add(n.Value)
		return
	}
	r := parseReference(strings.TrimSuffix(n.Value, "\n"))
	host, _, deep := strings.Cut(r.repository, "/")
	image := strings.HasSuffix(plainName(key), "image")
	if r.written() && (image || r.digest != "" || deep && strings.ContainsAny(host, ".:")) {
		c.add(r.repository)
	}
}

// mapping takes names that are put together from several fields.
func (c *census) mapping(n *yaml.Node) {
	fields := c.fields(n)
	value := map[string]string{}
	for _, f := range fields {
		value[plainName(f.name)] = f.value.Value
	}
	for _, f := range fields {
		switch last := plainName(f.name); {
		case last == "url" || last == "repourl" || last == "source" || last == "newname" || strings.HasSuffix(last, "image"), last == "value" && value["name"] != "", last == "default":
			c.add(f.value.Value)
		case last == "name" && c.inList(value):
			c.add(f.value.Value)
		case strings.HasSuffix(last, "repository") || strings.HasSuffix(last, "repo"):
			c.repository(f.value.Value, last, value)
		}
	}
	if value["chart"] != "" {
		for _, at := range []string{value["repourl"], value["repository"], value["url"]} {
			if at != "" {
				c.add(strings.TrimSuffix(at, "/") + "/" + value["chart"])
			}
		}
		if ref, _, err := c.look.Child(n, "sourceRef"); err == nil && ref != nil {
			if at, _, _ := c.source(ref); at != "" {
				c.add(strings.TrimSuffix(at, "/") + "/" + value["chart"])
			}
		}
		if strings.Contains(value["chart"], "://") {
			c.add(value["chart"])
		}
	}
}

// inList says whether a mapping is an entry of a kustomization's images.
func (c *census) inList(value map[string]string) bool {
	return value["newtag"] != "" || value["digest"] != ""
}

// repository takes a repository with the registry that stands beside it or is shared, and that of a chart.
func (c *census) repository(repo, last string, value map[string]string) {
	for _, stem := range stems(last) {
		for _, end := range []string{"registry", "imageregistry"} {
			if r := value[stem+end]; r != "" {
				c.add(strings.TrimSuffix(r, "/") + "/" + repo)
				return
			}
		}
	}
	if value["name"] != "" && value["version"] != "" {
		c.add(strings.TrimSuffix(repo, "/") + "/" + value["name"])
		return
	}
	for _, g := range c.global {
		c.add(g + "/" + repo)
	}
	c.add(repo)
}
