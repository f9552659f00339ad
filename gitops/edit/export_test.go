package edit

import (
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/waveguide-dev/waveguide/gitops/edit/splice"
)

// Scalars lists every scalar value of the file. Only the one that is picked, by its number around and around, gets its
// path; around are the blocks of text that it stands in.
func (f *File) Scalars(pick uint) (all []Target, picked int, around []*yaml.Node) {
	s := &search{file: f}
	var ways [][]frame
	for i, d := range f.Tree.Docs {
		if n := splice.Root(d); n != nil {
			s.look = splice.Lookup{Tree: f.Tree}
			s.visit(n, func(n *yaml.Node) {
				t := Target{Document: i + 1, Line: s.look.Tree.Line(n), Value: n.Value, Tree: s.look.Tree, Node: n}
				if len(s.way) > 0 && !s.way[len(s.way)-1].embed {
					t.Parent = s.way[len(s.way)-1].node
				}
				all, ways = append(all, t), append(ways, slices.Clone(s.way))
			})
		}
	}
	if len(all) == 0 {
		return nil, 0, nil
	}
	picked = int(pick % uint(len(all)))
	s.way = ways[picked]
	all[picked].Path = s.path()
	for _, w := range s.way {
		if w.embed {
			around = append(around, w.node)
		}
	}
	return all, picked, around
}
