package edit

import (
	"go.yaml.in/yaml/v3"

	"github.com/waveguide-dev/waveguide/gitops/edit/splice"
)

// Scalars lists every scalar value of the file.
func (f *File) Scalars() (out []Target) {
	s := &search{file: f}
	for i, d := range f.Tree.Docs {
		if n := splice.Root(d); n != nil {
			s.doc, s.look = i+1, splice.Lookup{Tree: f.Tree}
			s.visit(n, func(n *yaml.Node) { out = append(out, s.target(n)) })
		}
	}
	return out
}
